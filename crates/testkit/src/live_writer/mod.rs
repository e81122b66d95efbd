//! A program that keeps editing a GeoPackage, in a process of its own, as QGIS would.
//!
//! SQLite's locks belong to a process, so a writer inside the test's process would prove little.
//! Cargo builds no binary of `testkit` for the tests of another crate; therefore
//! [`LiveWriter::start`] runs *the current test program* once more, asks it for the one test that
//! [`live_writer_process!`](crate::live_writer_process) defines, and that test becomes the writer.
//! This works under `cargo test` and `cargo nextest` alike, on every platform. In an integration
//! test:
//!
//! ```no_run
//! use testkit::live_writer::{LiveWriter, Options};
//! # mod hidden {
//! testkit::live_writer_process!(); // once in the file, outside of any function
//! # }
//!
//! # let path = std::path::Path::new("a.gpkg");
//! let writer = LiveWriter::start(path, &Options::default()); // returns after its first commit
//! // … back up `path` meanwhile …
//! let report = writer.stop();
//! assert_eq!(report.errors, 0, "{report:?}");
//! ```
//!
//! People and benchmarks run the binary `live-writer`, which takes the same options as arguments.

mod options;
mod process;
mod work;

pub use options::{Hold, JournalMode, Options, Profile};
pub use process::{LiveWriter, serve_if_asked};
pub use work::{Report, run};

/// Defines the test as which [`LiveWriter::start`] runs the test program again. On an ordinary
/// run it does nothing.
#[macro_export]
macro_rules! live_writer_process {
    () => {
        #[test]
        fn live_writer_process() {
            $crate::live_writer::serve_if_asked();
        }
    };
}
