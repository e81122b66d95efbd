//! geokeep backs up GeoPackages while other programs have them open, proves that the copy is
//! whole, and gives it back.
//!
//! The folders are the stages, in the order in which the data passes them:
//!
//! ```text
//! source ─▶ snapshot ─▶ destination ─▶ verify ─▶ publish          (backup.rs)
//!                            │
//!                            └─▶ stored ─▶ verify · list · restore · report
//! ```
//!
//! [`jobs`] does all of it without anyone, as a `geokeep.toml` says; [`judgement`] says how well a
//! source is protected; [`wire`] is what programs get to read.
//!
//! The library never prints, never exits, and reads neither environment, home folder nor clock by
//! itself: the caller hands in what it needs ([`Monitor`], [`backup::Settings`]).

// In the order of the data, not of the alphabet.
pub mod source;

pub mod snapshot;

pub mod destination;

pub mod stored;

mod geopackage;

pub mod verify;

pub mod judgement;

pub mod backup;

pub mod diff;

pub mod restore;

pub mod inspect;

pub mod retention;

pub mod schedule;

pub mod report;

pub mod jobs;

pub mod wire;

pub mod durable;

mod error;
mod finding;
mod kind;
mod monitor;
mod sqlite;
pub mod words;

pub use error::Error;
pub use finding::{Finding, Severity};
pub use kind::Kind;
pub use monitor::{InWork, Interrupted, Moment, Monitor, Phase, Waiting, Work};
pub use sqlite::memory::limit_memory;
