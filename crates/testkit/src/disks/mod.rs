//! Disks that geokeep's own writing is tested on: one that fails, one that loses power.

mod contents;
mod crash;
mod failing;
mod recording;

pub use crash::{CrashReport, Violation, crash_images, crash_images_with};
pub use failing::{Call, DiskFault, FailingDisk, Failure};
pub use recording::{Log, RecordingDisk};
