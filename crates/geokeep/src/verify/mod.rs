//! Proof that what is stored is what was read, and that it is a sound GeoPackage.
//!
//! Two questions, asked side by side because each is worthless alone: SQLite's check sees 8 of 100
//! changed bytes, and a digest says nothing of a database that was broken before it was copied.

mod budget;
mod check_constraints;
mod digest;
mod foreign_keys;
mod found;
mod integrity;
mod layers;
mod losses;
mod others;
mod project;
mod rules;
mod schema;
mod scratch;
mod spatial_index;
mod survey;
mod things;
mod thread_time;

use std::sync::Arc;

use rusqlite::Connection;

use crate::destination::{
    ContentKind, Damaged, DestinationError, Layer, Manifest, Opened, StoredBytes, Thing, Verdict,
};
use crate::finding::Finding;
pub use crate::finding::LOSS;
use crate::kind::Kind;
use crate::monitor::Interrupted;
use crate::stored::{Bytes, Database, Twin};
use crate::{Monitor, sqlite};
use budget::{Budget, Patience};
pub(crate) use digest::compare;
pub(crate) use layers::{has_contents_table, uncounted as uncounted_layers};
pub(crate) use losses::{Lost, losses};
use others::Others;
pub(crate) use project::{check as check_project, check_part, digests_of};
pub(crate) use schema::Schema;
use scratch::Kept;
pub use scratch::Scratch;
use survey::Survey;

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
    Archive(#[from] Damaged),
    /// SQLite's checks now find what they did not find when the backup was made.
    #[error("the checks say otherwise than when it was made: {0}")]
    Differs(String),
    /// A check could not be carried out.
    #[error("it could not be checked: {}", sqlite::why(.0))]
    Sqlite(#[from] rusqlite::Error),
    /// The archive could not be read.
    #[error(transparent)]
    Destination(#[from] DestinationError),
    /// Stopped on request.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// A checking thread stopped.
    #[error("a check stopped unexpectedly")]
    Panicked,
}

impl VerifyError {
    /// What scripts decide by.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Destination(e) => e.kind(),
            Self::Interrupted(_) => Kind::Interrupted,
            _ => Kind::VerificationFailed,
        }
    }
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
    /// Layers beyond those that are listed.
    pub(crate) more_layers: u64,
    /// What there is besides layers, if that is known.
    pub(crate) things: Option<Vec<Thing>>,
}

/// What the stored bytes must hash to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Digests<'a> {
    pub(crate) content: &'a str,
    pub(crate) stored: &'a str,
}

impl<'a> Digests<'a> {
    pub(crate) fn of(manifest: &'a Manifest) -> Self {
        Self {
            content: &manifest.digest,
            stored: &manifest.stored_digest,
        }
    }
}

/// Bytes of decoded chunks that all checks of one backup share. They serve pages that are looked up
/// again and again (of an index whose order is not that of its table) better than SQLite's own cache
/// would, which is left as small as it is: a tenth of a second in two, and none of what is there twice.
const CACHE: usize = 44 << 20;

/// Verifies a stored backup against its own manifest, and returns that: with what the checks find
/// now, if they were asked. `scratch` spares them the decoding of what they look at again.
///
/// # Errors
/// [`VerifyError`] and [`DestinationError`] say what is wrong with it.
pub fn verify(
    backup: &Opened,
    level: Level,
    scratch: Option<Scratch<'_>>,
    monitor: &Monitor,
) -> Result<Manifest, VerifyError> {
    backup.check_frame()?;
    let mut manifest = backup.manifest.clone();
    let digests = Digests::of(&backup.manifest);
    let bytes = backup.bytes()?;
    if manifest.content == ContentKind::Project {
        project::verify(backup, &bytes, monitor)?;
        return Ok(manifest);
    }
    if level == Level::Digest {
        compare(&bytes, digests, 2, |plain| {
            Ok::<_, VerifyError>(monitor.go_on(plain.len())?)
        })?;
        return Ok(manifest);
    }
    let geopackage = is_geopackage(&manifest.layers);
    let known = compare_first(&bytes, digests, scratch, monitor)?;
    let checked = check(&bytes, digests, geopackage, known, monitor)?;
    same_as_recorded(&manifest, &checked)?;
    let new = checked.findings.into_iter();
    let new: Vec<_> = new.filter(|f| !manifest.findings.contains(f)).collect();
    manifest.findings.extend(new);
    Ok(manifest)
}

/// Asks the same of a file that was restored, through SQLite's own way of reading files.
pub(crate) fn check_restored(
    connection: &Connection,
    manifest: &Manifest,
    monitor: &Monitor,
) -> Result<(), VerifyError> {
    let patience = Patience::new(monitor, manifest.bytes);
    let geopackage = is_geopackage(&manifest.layers);
    let checked = patience.guarded(|| {
        let budget = patience.budget();
        budget.install(connection).map_err(VerifyError::from)?;
        let mut found = integrity::check(connection, &budget)?;
        let verdict = integrity::verdict(&found);
        let budget = patience.budget();
        budget.install(connection).map_err(VerifyError::from)?;
        let schema = budget
            .spend(|| Schema::read(connection))
            .unwrap_or_default();
        // Views hardly: what they sort would go to temporary files here.
        let listed = layers::list(
            connection, &schema, geopackage, 0, None, &budget, &mut found,
        )?;
        Ok::<_, VerifyError>(Checked {
            verdict,
            findings: found.into_findings(),
            layers: listed.layers,
            more_layers: listed.more,
            things: None,
        })
    })?;
    same_as_recorded(manifest, &checked)
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
    let number = |layers: &[Layer], more: u64| layers.len() as u64 + more;
    let recorded = number(&manifest.layers, manifest.more_layers);
    // Older manifests do not say how many layers they leave out.
    let is_unknown = recorded == u64::from(layers::LAYERS_MAX);
    let same_layers = (is_unknown || recorded == number(&checked.layers, checked.more_layers))
        && std::iter::zip(&manifest.layers, &checked.layers)
            .all(|(recorded, found)| recorded.matches(found));
    if !same_layers {
        return Err(VerifyError::Differs(
            "its layers or row counts differ".to_owned(),
        ));
    }
    Ok(())
}

/// Compares the digests of a database that does not fit into the cache, and keeps what it decodes,
/// if there is a place for that.
fn compare_first(
    stored: &StoredBytes,
    digests: Digests<'_>,
    scratch: Option<Scratch<'_>>,
    monitor: &Monitor,
) -> Result<Known, VerifyError> {
    let scratch = scratch.filter(|_| stored.size() > CACHE as u64);
    let Some(mut kept) = scratch.and_then(|scratch| Kept::begin(scratch, stored.chunk_size()))
    else {
        return Ok(Known::Nothing);
    };
    compare(stored, digests, 2, |plain| {
        kept.take(plain);
        Ok::<_, VerifyError>(monitor.go_on(plain.len())?)
    })?;
    Ok(Known::Compared(kept.finish()))
}

/// What is known of stored bytes before they are checked.
pub(crate) enum Known {
    Nothing,
    /// This process has written them, after decoding each chunk and comparing it with what was read
    /// from this source: then the stream is compared, and SQLite may be given the source's bytes
    /// where they are the same.
    Written(Twin),
    /// All were decoded and compared just now, and kept here.
    Compared(Twin),
}

/// Reads everything and checks everything, with two threads: one compares the digests and asks GeoPackage's
/// rules, the other has SQLite check the whole file. The R-trees come last: most of what they need to be checked has
/// passed by then.
pub(crate) fn check(
    stored: &StoredBytes,
    digests: Digests<'_>,
    geopackage: bool,
    known: Known,
    monitor: &Monitor,
) -> Result<Checked, VerifyError> {
    let patience = Patience::new(monitor, stored.size());
    let whole = !matches!(known, Known::Written(_));
    let noted = match &known {
        Known::Written(twin) => Some(Arc::clone(&twin.hashes)),
        _ => None,
    };
    let compared = matches!(known, Known::Compared(_));
    let twin = match known {
        Known::Nothing => None,
        Known::Written(twin) | Known::Compared(twin) => Some(twin),
    };
    let bytes = Bytes::with_twin(stored, CACHE, twin);
    let survey = Arc::new(Survey::default());
    let others = patience.guarded(|| {
        std::thread::scope(|scope| {
            let integrity = scope.spawn(|| {
                let _surveyed = survey.until_dropped();
                let looked_at = {
                    let survey = Arc::clone(&survey);
                    bytes.shown_to(move |offset, bytes| survey.read(offset, bytes))
                };
                let (database, budget) = open(&looked_at, &patience)?;
                begin_survey(&survey, &database, &bytes, &budget)?;
                integrity::check_without_trees(database.connection(), &budget)
            });
            let compared = match &noted {
                Some(hashes) => digest::compare_stored(stored, digests.stored, hashes, monitor),
                None if compared => Ok(()),
                None => compare(stored, digests, 1, |plain| Ok(monitor.go_on(plain.len())?)),
            };
            let others = compared
                .and_then(|()| others::check(&bytes, geopackage, whole, &survey, &patience));
            if others.is_err() {
                patience.lose();
            }
            let integrity = integrity.join();
            let integrity = integrity.unwrap_or(Err(VerifyError::Panicked));
            // A wrong digest explains whatever else went wrong.
            let mut others = others?;
            let integrity = integrity?;
            if !integrity.is_empty() {
                others.count_anew()?;
            }
            others.found.append(integrity);
            others.check_trees(&survey)?;
            Ok::<_, VerifyError>(others)
        })
    });
    monitor.check()?;
    let Others {
        found,
        mut listed,
        things,
        ..
    } = others?;
    survey.finish(&mut listed.layers);
    let verdict = integrity::verdict(&found);
    Ok(Checked {
        verdict,
        findings: found.into_findings(),
        layers: listed.layers,
        more_layers: listed.more,
        things,
    })
}

/// From now on SQLite's check of the whole file is looked over the shoulder. Where that cannot be,
/// layers have no summary.
fn begin_survey(
    survey: &Survey,
    database: &Database,
    bytes: &Bytes,
    budget: &Budget,
) -> Result<(), VerifyError> {
    let mut head = [0; 100];
    if bytes.reader().read_exact_at(&mut head, 0).is_ok()
        && let Err(e) = budget.spend(|| survey.begin(database.connection(), &head))
    {
        not_fatal(e, budget)?;
    }
    Ok(())
}

/// Whether the stored database has the table that makes a GeoPackage.
pub(crate) fn is_stored_geopackage(
    stored: &StoredBytes,
    monitor: &Monitor,
) -> Result<bool, VerifyError> {
    let patience = Patience::new(monitor, stored.size());
    let (database, budget) = open(&Bytes::new(stored, 0), &patience)?;
    let connection = database.connection();
    let has = budget.spend(|| {
        let short = sqlite::schema_is_short(connection, monitor)?;
        budget.install(connection)?;
        if short {
            has_contents_table(connection)
        } else {
            Ok(true)
        }
    });
    monitor.check()?;
    // A schema that cannot be read does not say that it is none.
    Ok(has.unwrap_or(true))
}

/// A connection, and a new budget for the statements on it.
fn open(bytes: &Bytes, patience: &Patience) -> Result<(Database, Budget), VerifyError> {
    let database = Database::open(bytes, patience.monitor()).map_err(VerifyError::from)?;
    let budget = patience.budget();
    let installed = budget.install(database.connection());
    installed.map_err(VerifyError::from)?;
    Ok((database, budget))
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
fn not_fatal(error: rusqlite::Error, budget: &Budget) -> Result<rusqlite::Error, VerifyError> {
    if budget.interrupted() {
        return Err(Interrupted.into());
    }
    if is_io(&error) {
        Err(VerifyError::Sqlite(error))
    } else {
        Ok(error)
    }
}
