//! What is known of the GeoPackage format (OGC 12-128r19) beyond SQLite's own: which tables a file
//! has and what identifies their rows, geometries, styles.

mod difference;
mod geometry;
mod shape;
mod styles;
mod tables;
mod text;

pub use difference::Difference;
pub(crate) use geometry::{CIRCULAR, LINE, POINT, POLYGON, TRIANGLE};
pub(crate) use geometry::{Token, Tokens, body, same as same_geometry};
pub(crate) use shape::{Role, Shape};
pub(crate) use styles::canonical as canonical_xml;
pub(crate) use tables::{Column, Layer, Rowid, Table, Tables, columns_named, is_trigger_of_format};
pub(crate) use text::{geojson, wkt};
