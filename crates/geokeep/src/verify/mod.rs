//! Proof that what is stored is what was read, and that it is a sound GeoPackage.
//!
//! Two questions, asked side by side because each is worthless alone: SQLite's check sees 8 of 100
//! changed bytes, and a digest says nothing of a database that was broken before it was copied.

mod digest;
mod integrity;
mod layers;
mod losses;
mod patience;
mod rules;

use std::sync::Arc;

use rusqlite::Connection;
use sozip::{Chunks, ReadAt};

use crate::destination::{Layer, Manifest, StoredArchive, Verdict};
use crate::error::{Error, Interrupted};
use crate::finding::{Finding, Severity};
use crate::stored::{Bytes, Database, Twin};
use crate::{Watch, sqlite};
pub(crate) use digest::compare;
pub(crate) use layers::{has_contents_table, uncounted as uncounted_layers};
pub use losses::LOSS;
pub(crate) use losses::losses;
use patience::Patience;

/// Why stored bytes do not prove to be a backup.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The database that comes out is not the one that went in.
    #[error("its {what} does not match the recorded one")]
    Digest {
        /// `content` or `compressed stream`.
        what: &'static str,
    },
    /// The archive is damaged.
    #[error("the archive is damaged: {0}")]
    Archive(#[from] sozip::ReadError),
    /// SQLite's checks now find what they did not find when the backup was made.
    #[error("the checks say otherwise than when it was made: {0}")]
    Differs(String),
    /// A check could not be carried out.
    #[error("it could not be checked: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A checking thread stopped.
    #[error("a check stopped unexpectedly")]
    Panicked,
}

/// How thoroughly to verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Every byte against the recorded digests.
    Digest,
    /// The digests, and SQLite's and GeoPackage's rules.
    Full,
}

/// What the checks found in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) verdict: Verdict,
    pub(crate) findings: Vec<Finding>,
    pub(crate) layers: Vec<Layer>,
}

/// What the stored bytes must hash to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Digests<'a> {
    pub(crate) content: &'a str,
    pub(crate) stored: &'a str,
}

/// Bytes of decoded chunks that all checks of one backup share. Index pages, which are wanted again
/// and again, are kept by SQLite itself.
const CACHE: usize = 24 << 20;
/// A manifest lists no more findings than this; the last one says how many there were.
const FINDINGS_MAX: usize = 200;

/// Verifies a finished archive against its own manifest.
///
/// # Errors
/// [`VerifyError`] and [`DestinationError`] say what is wrong with it.
pub fn verify(archive: StoredArchive, level: Level, watch: &Watch) -> Result<Manifest, Error> {
    archive
        .archive()
        .check_canonical()
        .map_err(VerifyError::from)?;
    let manifest = archive.manifest.clone();
    let digests = Digests {
        content: &manifest.digest,
        stored: &manifest.stored_digest,
    };
    let geopackage = is_geopackage(&manifest.layers);
    let chunks = Arc::new(archive.into_chunks()?);
    if level == Level::Digest {
        compare(&chunks, digests, 2, |_| Ok(watch.check()?))?;
        return Ok(manifest);
    }
    let checked = check(&chunks, digests, geopackage, None, watch)?;
    same_as_recorded(&manifest, &checked)?;
    Ok(manifest)
}

/// Asks the same of a file that was restored, through SQLite's own way of reading files.
pub(crate) fn check_restored(
    connection: &Connection,
    manifest: &Manifest,
    watch: &Watch,
) -> Result<(), Error> {
    let patience = Patience::new(watch, manifest.bytes);
    patience.install(connection).map_err(VerifyError::from)?;
    let (verdict, mut findings) = integrity::check(connection)?;
    let geopackage = is_geopackage(&manifest.layers);
    patience
        .install_limited(connection)
        .map_err(VerifyError::from)?;
    let layers = layers::of(connection, geopackage, &patience, &mut findings)?;
    let checked = Checked {
        verdict,
        findings,
        layers,
    };
    Ok(same_as_recorded(manifest, &checked)?)
}

/// A database that is no GeoPackage has its tables listed as layers of type `table`.
fn is_geopackage(layers: &[Layer]) -> bool {
    layers.is_empty() || layers.iter().any(|layer| layer.kind != layers::PLAIN_TABLE)
}

fn same_as_recorded(manifest: &Manifest, checked: &Checked) -> Result<(), VerifyError> {
    // What a snapshot could not take with it, no check of the copy can find.
    let incomplete = manifest.findings.iter().any(Finding::leaves_a_gap);
    if manifest.verdict != checked.verdict && !incomplete {
        let worst = checked
            .findings
            .first()
            .map_or("", |finding| &finding.message);
        return Err(VerifyError::Differs(format!(
            "{} now; {worst}",
            checked.verdict.as_str()
        )));
    }
    let same_layers = manifest.layers.len() == checked.layers.len()
        && std::iter::zip(&manifest.layers, &checked.layers)
            .all(|(recorded, found)| recorded.matches(found));
    if !same_layers {
        return Err(VerifyError::Differs(
            "its layers or row counts differ".to_owned(),
        ));
    }
    Ok(())
}

/// Reads everything and checks everything, with two threads: one compares the digests and then
/// asks GeoPackage's rules, the other has SQLite check the whole file.
///
/// `just_written` says that this process has written the bytes, after decoding each chunk and
/// comparing it with what was read, and from where: then the stream is compared, and SQLite may be
/// given the source's bytes where they are the same.
pub(crate) fn check<R: ReadAt + 'static>(
    chunks: &Arc<Chunks<R>>,
    digests: Digests<'_>,
    geopackage: bool,
    just_written: Option<Twin>,
    watch: &Watch,
) -> Result<Checked, Error> {
    let patience = Patience::new(watch, chunks.size());
    let hashes = just_written.as_ref().map(|twin| Arc::clone(&twin.hashes));
    let bytes = Bytes::with_twin(Arc::clone(chunks), CACHE, just_written);
    let (integrity, others) = std::thread::scope(|scope| {
        let integrity = scope.spawn(|| {
            let database = open(&bytes, &patience)?;
            integrity::check(database.connection())
        });
        let compared = match &hashes {
            Some(hashes) => digest::compare_stored(chunks, digests.stored, hashes, watch),
            None => compare(chunks, digests, 1, |_| Ok(watch.check()?)),
        };
        let others = compared.and_then(|()| {
            let mut found = rules::check(&bytes, geopackage, &patience)?;
            found.layers = layers::list(&bytes, geopackage, &patience, &mut found.findings)?;
            Ok(found)
        });
        if others.is_err() {
            patience.lose();
        }
        (
            integrity
                .join()
                .unwrap_or(Err(VerifyError::Panicked.into())),
            others,
        )
    });
    watch.check()?;
    // A wrong digest explains whatever else went wrong.
    let mut checked = others?;
    let (verdict, faults) = integrity?;
    checked.verdict = verdict;
    checked.findings.extend(faults);
    tidy(&mut checked.findings);
    Ok(checked)
}

/// Whether the stored database has the table that makes a GeoPackage.
pub(crate) fn is_stored_geopackage<R: ReadAt + 'static>(
    chunks: &Arc<Chunks<R>>,
    watch: &Watch,
) -> Result<bool, Error> {
    let database = Database::open(&Bytes::new(Arc::clone(chunks), 0), watch);
    let database = database.map_err(VerifyError::from)?;
    let connection = database.connection();
    let found = match sqlite::schema_is_short(connection, watch) {
        Ok(true) => has_contents_table(connection).unwrap_or(true),
        // A schema that cannot be read does not say that it is none.
        _ => true,
    };
    watch.check()?;
    Ok(found)
}

fn open(bytes: &Bytes, patience: &Patience) -> Result<Database, Error> {
    let database = Database::open(bytes, &patience.watch).map_err(VerifyError::from)?;
    patience
        .install(database.connection())
        .map_err(VerifyError::from)?;
    Ok(database)
}

/// The most serious first, always in the same order, and not too many.
fn tidy(findings: &mut Vec<Finding>) {
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.cmp(b)));
    findings.dedup();
    if findings.len() > FINDINGS_MAX {
        let more = findings.len() - FINDINGS_MAX;
        findings.truncate(FINDINGS_MAX);
        findings.push(finding(
            Severity::Advisory,
            "more",
            None,
            format!("{more} more findings"),
        ));
    }
}

/// Longest message of a finding in characters: a hostile file may put a whole book into a name.
const MESSAGE_CHARS_MAX: usize = 500;

fn finding(severity: Severity, code: &str, table: Option<&str>, message: String) -> Finding {
    let short = |text: &str| text.chars().take(MESSAGE_CHARS_MAX).collect::<String>();
    Finding {
        severity,
        code: code.to_owned(),
        table: table.map(short),
        message: short(&message),
    }
}

/// Whether SQLite says that the stored bytes could not be read: that is the archive's fault, not
/// the database's.
fn is_io(error: &rusqlite::Error) -> bool {
    matches!(
        crate::sqlite::code(error),
        Some(rusqlite::ErrorCode::SystemIoFailure | rusqlite::ErrorCode::CannotOpen)
    )
}

/// Gives the error back if it only means that this check found nothing out; else the run is over.
fn not_fatal(error: rusqlite::Error, patience: &Patience) -> Result<rusqlite::Error, Error> {
    if patience.interrupted() {
        return Err(Interrupted.into());
    }
    if is_io(&error) {
        Err(VerifyError::Sqlite(error).into())
    } else {
        Ok(error)
    }
}
