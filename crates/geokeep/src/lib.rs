//! geokeep.

pub mod durable;
