//! What geokeep is tested with: files to back up, programs that write to them meanwhile, and
//! everything that can go wrong on the way.
//!
//! * [`gpkg`] makes GeoPackages that carry an equation which every commit keeps.
//! * [`live_writer`] keeps changing such a file from another process.
//! * [`fault_vfs`] fails SQLite's N-th call to the system.
//! * [`disks`] fails geokeep's own N-th call, or cuts the power at every point of a run.
//! * [`fingerprint()`] shows that a folder was left as it was.
//!
//! Use it from integration tests (`crates/*/tests`) only: a unit test inside `geokeep` sees a
//! second copy of that crate, whose `Disk` is another trait than the one implemented here.
#![allow(
    clippy::unwrap_used,
    reason = "test support: a broken precondition should stop the test"
)]

pub mod disks;
pub mod fault_vfs;
mod fingerprint;
pub mod gpkg;
pub mod live_writer;
mod random;
mod skipped;

pub use fingerprint::{Fingerprint, Print, fingerprint};
pub use random::Random;
pub use skipped::{skipped, untried};
