//! What is refused before anything is written.

use std::sync::Arc;

use super::Planned;
use crate::destination::{Destination, DestinationError, Stored};
use crate::error::Error;
use crate::source::{Header, Instead, Look, SourceError};

pub(super) fn refuse_other_files(planned: &Planned, look: &Look) -> Result<(), Error> {
    if planned.project.is_some() {
        // It was found to be one when it was read.
        return Ok(());
    }
    Instead::of(look).map_or(Ok(()), |what| Err(SourceError::from(what).into()))
}

/// Refuses before anything is written where the backup cannot possibly fit. Data can compress to a
/// small part; less than a sixteenth has not been seen but for empty pages, which are not counted.
pub(super) fn enough_room(
    destination: &Destination,
    look: &Look,
    previous: Option<&Arc<Stored>>,
) -> Result<(), Error> {
    let Some(free) = destination.free_space() else {
        return Ok(());
    };
    let free_pages = look.header().map_or(0, |h| u64::from(h.freelist_count()));
    let page_size = look
        .header()
        .and_then(Header::page_size)
        .map_or(0, u64::from);
    let used = look
        .stamp
        .size
        .saturating_sub(free_pages.saturating_mul(page_size));
    let needed = match previous {
        // Half of last time: the file may have shrunk.
        Some(previous) if previous.manifest.bytes <= look.stamp.size => {
            previous.manifest.compressed_bytes / 2
        }
        _ => used / 16,
    };
    if needed > free {
        return Err(DestinationError::TooSmall { needed, free }.into());
    }
    Ok(())
}
