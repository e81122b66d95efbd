//! What of a source the system holds in memory.

use std::io;
use std::sync::Arc;

use sozip::ReadAt;

use super::{Gate, sys};

/// The bytes of a source, as far as they can be had without reading from a disk or a network:
/// whatever else is wanted is an error, and everything is on systems that cannot tell what they hold.
/// No lock is taken, so they may be of any state, or of two.
///
/// Keeps the gate for as long as it lives.
#[derive(Debug)]
pub(crate) struct Resident(pub(crate) Arc<Gate>);

impl ReadAt for Resident {
    fn size(&self) -> io::Result<u64> {
        self.0.file().size()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        sys::read_resident(self.0.file(), buf, offset)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;
    use crate::source::Source;

    #[test]
    fn what_was_just_written_is_there_and_what_lies_behind_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gpkg");
        std::fs::write(&path, [7; 5000]).unwrap();
        let gate = Arc::new(Gate::enter(&Source::new(&path).unwrap()).unwrap());
        let resident = Resident(gate);
        let mut bytes = [0; 1000];
        let there = resident.read_exact_at(&mut bytes, 4000);
        let behind = resident.read_exact_at(&mut [0; 1000], 4001).unwrap_err();
        match there {
            Ok(()) => {
                assert_eq!(bytes, [7; 1000]);
                assert_eq!(behind.kind(), io::ErrorKind::WouldBlock);
            }
            Err(e) if e.kind() == io::ErrorKind::Unsupported => {
                assert_eq!(behind.kind(), io::ErrorKind::Unsupported);
                // Of Linux it is known which of its file systems tell.
                if cfg!(target_os = "linux") {
                    testkit::skipped(
                        "the file system for temporary files does not tell what it holds in memory",
                    );
                }
            }
            Err(e) => panic!("{e}"),
        }
    }
}
