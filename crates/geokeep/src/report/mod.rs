//! What a destination holds, told to people who look after files and not after backups: the
//! judgement of each source, and one HTML page that needs nothing else.

mod backups;
mod badge;
mod contents;
mod drawing;
mod gather;
mod give_back;
pub mod offer;
mod overview;
mod page;
mod parts;
mod plot;
mod section;
mod shell;
mod spark;
mod standing;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

pub use drawing::Drawing;
pub use shell::quoted;
pub use standing::{Statement, Trouble, rows};

use crate::destination::{GUIDE_MARK, Stored};
use crate::durable::{Disk, Temporary, folder_of};
use crate::error::Error;
use crate::kind::Kind;
use crate::words::is_unseen;
use crate::words::why;

/// Everything that is told.
#[derive(Debug)]
pub struct Report {
    /// The destination, absolute, so that its commands work anywhere.
    pub destination: PathBuf,
    /// The moment at which all was judged.
    pub made: Timestamp,
    /// When a newer report is there at the latest, if backups still run.
    pub next_by: Timestamp,
    /// In which times are told.
    pub zone: TimeZone,
    /// One for each line.
    pub sources: Vec<SourceReport>,
}

/// One source.
#[derive(Debug, Default)]
pub struct SourceReport {
    /// The line.
    pub name: String,
    /// The path of the source, if any backup or the caller tells.
    pub path: Option<String>,
    /// Its backups, oldest first.
    pub backups: Vec<Stored>,
    /// Files that should be backups of it and cannot be read, and why.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Why the run at hand made no backup of it.
    pub failure: Option<RunFailure>,
    /// How old its newest sound backup may be, if that was promised.
    pub max_age: Option<SignedDuration>,
    /// The source certainly holds what its newest sound backup holds, however old that is.
    pub unchanged: bool,
    /// How its newest backup looks.
    pub drawing: Option<Drawing>,
}

/// A failure in the words of the command.
#[derive(Debug, Clone)]
pub struct RunFailure {
    /// What could not be done.
    pub message: String,
    /// Why.
    pub cause: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

/// Why a report was not written. An earlier one is there as it was, or the new one in full.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file is there that is not an earlier report.
    #[error("'{}' is there and is not a report of geokeep", .0.display())]
    NotAReport(PathBuf),
    /// What it should tell of could not be gathered.
    #[error(transparent)]
    Path(#[from] Error),
    /// Writing failed.
    #[error("writing to '{}' failed: {}", path.display(), why(error))]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl ReportError {
    /// What scripts decide by.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::NotAReport(_) => Kind::TargetExists,
            Self::Path(e) => e.kind(),
            Self::Write { .. } => Kind::TargetUnwritable,
        }
    }
}

/// Near the beginning of each page, by which a later run knows that it may replace the file.
const MARK: &str = r#"<meta name="generator" content="geokeep report">"#;
const MARK_WITHIN: u64 = 500;

impl Report {
    /// The page. The same report always gives the same text.
    #[must_use]
    pub fn html(&self) -> String {
        all_seen(&page::page(self).into_string())
    }

    /// Whether everybody may read every backup that it tells of: then it is no secret either.
    #[must_use]
    pub fn is_public(&self) -> bool {
        let mut backups = self.sources.iter().flat_map(|source| &source.backups);
        backups.all(Stored::is_public)
    }
}

/// Whatever a name brought with it, and wherever on the page it stands.
fn all_seen(html: &str) -> String {
    let lines = html.split('\n').map(|line| match line.contains(is_unseen) {
        false => line.to_owned(),
        true => line.chars().map(seen).collect(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn seen(c: char) -> String {
    if is_unseen(c) {
        format!("&lt;U+{:04X}&gt;", u32::from(c))
    } else {
        c.to_string()
    }
}

/// Writes a page durably, in place of an earlier one, whose rights it takes over. A new one can be
/// read by this user alone, unless everybody may read all that it tells of (`public`).
///
/// # Errors
/// [`ReportError::NotAReport`] if another file of that name is there: it is not replaced.
pub fn write(
    html: &str,
    public: bool,
    path: &Path,
    disk: &Arc<dyn Disk>,
) -> Result<(), ReportError> {
    let failed = |error| ReportError::Write {
        path: path.to_owned(),
        error,
    };
    let replaces = path.symlink_metadata().is_ok();
    if replaces && !is_report(path).map_err(failed)? {
        return Err(ReportError::NotAReport(path.to_owned()));
    }
    let mut file = Temporary::create(disk, folder_of(path), "report").map_err(failed)?;
    file.write_all(html.as_bytes()).map_err(failed)?;
    if replaces {
        // What of them cannot be had leaves it closed.
        file.take_rights_of(path);
        file.keep_as(path)
    } else {
        if public {
            file.open_as_usual();
        }
        file.keep_as_new(path)
    }
    .map_err(|e| failed(e.into()))
}

fn is_report(path: &Path) -> io::Result<bool> {
    if !path.is_file() {
        return Ok(false);
    }
    let mut start = Vec::new();
    File::open(path)?
        .take(MARK_WITHIN)
        .read_to_end(&mut start)?;
    let start = String::from_utf8_lossy(&start);
    // What a destination shows of itself makes way for what somebody asked for.
    Ok(start.contains(MARK) || start.contains(GUIDE_MARK))
}
