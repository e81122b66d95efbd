//! Two files at the top of a destination for whoever finds it and knows nothing of it: what this is,
//! and how to get a file back without any program of ours. Nothing depends on them. They name no
//! backup, so that everybody may read them, and so that they rarely change.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::ArchiveFolder;
use crate::destination::{Destination, DestinationError};

/// A guide, and the words at its beginning by which it is known to be ours.
struct Guide {
    name: &'static str,
    text: &'static str,
    mark: &'static str,
}

/// By it the page is told from other pages of that name.
pub(crate) const GUIDE_MARK: &str = r#"<meta name="generator" content="geokeep guide">"#;
/// The mark stands within so many bytes.
const MARK_WITHIN: u64 = 500;

const GUIDES: [Guide; 2] = [
    Guide {
        name: "HOW-TO-RESTORE.txt",
        text: include_str!("how-to-restore.txt"),
        mark: "HOW TO RESTORE A FILE FROM THIS FOLDER",
    },
    Guide {
        name: "index.html",
        text: include_str!("index.html"),
        mark: GUIDE_MARK,
    },
];

impl Destination {
    /// Writes them where they are missing or those of another version. A file of that name that is
    /// not ours stays.
    ///
    /// # Errors
    /// [`DestinationError::Write`]; the backups are not concerned.
    pub(crate) fn write_guides(&self) -> Result<(), DestinationError> {
        for guide in &GUIDES {
            self.folder.write_guide(guide)?;
        }
        Ok(())
    }
}

impl ArchiveFolder {
    fn write_guide(&self, guide: &Guide) -> Result<(), DestinationError> {
        let path = self.path.join(guide.name);
        let there = match fs::symlink_metadata(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Ok(found) if found.is_file() => match beginning(&path, guide.text.len()) {
                Ok(text) => Some(text),
                // Another user's, who keeps it to himself.
                Err(_) => return Ok(()),
            },
            // A folder, or a link: a line may have had that name before.
            _ => return Ok(()),
        };
        if let Some(there) = &there {
            let within = there.get(..there.len().min(MARK_WITHIN as usize));
            let is_ours = String::from_utf8_lossy(within.unwrap_or_default()).contains(guide.mark);
            if !is_ours || there == guide.text.as_bytes() {
                return Ok(());
            }
        }
        match self.write_over(&path, guide.text.as_bytes()) {
            // Another user's of another version tells the same.
            Err(DestinationError::Write { error, .. })
                if there.is_some() && error.kind() == io::ErrorKind::PermissionDenied =>
            {
                Ok(())
            }
            written => written,
        }
    }
}

/// A byte more than is wanted, so that a longer file is not taken for the same.
fn beginning(path: &Path, wanted: usize) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?
        .take(wanted as u64 + 1)
        .read_to_end(&mut text)?;
    Ok(text)
}
