//! What a power cut can leave: every state that POSIX allows, made into a folder and checked.
//!
//! Contents are durable after a sync of the file. What was written since has reached the disk
//! wholly, not at all, its earlier half, its later half, or as zeros (the length was written and
//! the data was not). Names are durable after a sync of their folder; of the changes since, any
//! subset has reached the disk, in the order in which they were made. A rename is one change.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::rc::Rc;

use tempfile::TempDir;

use super::contents::{Contents, variants};
use super::recording::{Id, Log, NameChange, Op, ROOT};
use crate::Random;

/// Above this many combinations at one cut, as many are drawn at random. 12 undecided changes.
const COMBINATIONS_MAX: u64 = 1 << 12;
const VIOLATIONS_KEPT: usize = 20;

/// A state after a power cut that broke the promise.
#[derive(Debug, Clone)]
pub struct Violation {
    /// The last thing the program did before the cut.
    pub after: String,
    /// The files that the cut left, with their lengths.
    pub files: Vec<String>,
    /// What had been reported as done.
    pub acknowledged: Vec<String>,
    /// What the check said.
    pub problem: String,
}

/// The outcome of [`crash_images`].
#[derive(Debug, Default)]
pub struct CrashReport {
    /// Different states that were checked.
    pub images: u64,
    /// States that broke the promise.
    pub violated: u64,
    /// The first of them.
    pub violations: Vec<Violation>,
    /// The seed, if some states were drawn at random because there were too many.
    pub random_seed: Option<u64>,
}

impl CrashReport {
    /// Stops the test, naming the first broken states, if there are any.
    pub fn assert_clean(&self) {
        assert!(
            self.violated == 0,
            "{} of {} power cuts broke the promise (random seed {:?}): {:#?}",
            self.violated,
            self.images,
            self.random_seed,
            self.violations
        );
    }
}

/// Checks every state that a power cut during `log` can leave. `check` gets a fresh folder that
/// holds the state, and what had been acknowledged; it may change the folder (a recovery should
/// run in it). The same state with the same acknowledgements is checked once.
pub fn crash_images(
    log: &Log,
    check: impl FnMut(&Path, &[String]) -> Result<(), String>,
) -> CrashReport {
    crash_images_with(log, 1, check)
}

/// As [`crash_images`], with the seed of a failure that is to be repeated.
pub fn crash_images_with(
    log: &Log,
    seed: u64,
    mut check: impl FnMut(&Path, &[String]) -> Result<(), String>,
) -> CrashReport {
    let mut report = CrashReport::default();
    let mut random = Random::new(seed);
    let mut checked = HashSet::new();
    for cut in cuts(log) {
        let state = Undecided::at(log, cut);
        let total = state.combinations();
        if total.is_none_or(|n| n > COMBINATIONS_MAX) && report.random_seed.is_none() {
            report.random_seed = Some(seed);
            eprintln_seed(seed);
        }
        for choice in choices(&state, total, &mut random) {
            let image = state.image(&choice);
            if checked.insert(image.key(&state.acknowledged)) {
                report.images += 1;
                try_image(&image, &state, &mut check, &mut report);
            }
        }
    }
    report
}

#[expect(
    clippy::print_stderr,
    reason = "the seed of a random test belongs in its output"
)]
fn eprintln_seed(seed: u64) {
    eprintln!("crash_images: too many states for all of them; drawing with seed {seed}");
}

/// Positions in the log at which the power may fail. A run of writes is one position: what lies
/// in its middle is among the states of its end.
fn cuts(log: &Log) -> impl Iterator<Item = usize> {
    let is_write = |i: usize| matches!(log.ops.get(i), Some(Op::Write { .. } | Op::SetLen { .. }));
    (0..=log.ops.len()).filter(move |&cut| cut == 0 || !(is_write(cut - 1) && is_write(cut)))
}

fn try_image(
    image: &Image,
    state: &Undecided,
    check: &mut impl FnMut(&Path, &[String]) -> Result<(), String>,
    report: &mut CrashReport,
) {
    let dir = scratch();
    image.write_to(dir.path());
    if let Err(problem) = check(dir.path(), &state.acknowledged) {
        report.violated += 1;
        if report.violations.len() < VIOLATIONS_KEPT {
            report.violations.push(Violation {
                after: state.after.clone(),
                files: image.listing(),
                acknowledged: state.acknowledged.clone(),
                problem,
            });
        }
    }
}

/// Thousands of small folders are made and removed: in memory where the system offers that.
fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a folder for a state")
}

/// What is durable at a cut, and what is open.
struct Undecided {
    names: BTreeMap<(Id, String), Id>,
    changes: Vec<NameChange>,
    /// For each file the contents that are possible; one element if that is decided.
    variants: Vec<Option<Vec<Contents>>>,
    acknowledged: Vec<String>,
    after: String,
}

impl Undecided {
    fn at(log: &Log, cut: usize) -> Self {
        let ops = &log.ops[..cut];
        let (names, changes) = durable_names(log, ops);
        let acknowledged = ops.iter().filter_map(|op| match op {
            Op::Acknowledge(what) => Some(what.clone()),
            _ => None,
        });
        Undecided {
            names,
            changes,
            variants: (0..log.nodes.len())
                .map(|id| variants(log, ops, id))
                .collect(),
            acknowledged: acknowledged.collect(),
            after: ops.last().map_or("the start".to_owned(), describe),
        }
    }

    /// How many states are possible; `None` for too many to count.
    fn combinations(&self) -> Option<u64> {
        let names = 1u64.checked_shl(u32::try_from(self.changes.len()).ok()?)?;
        self.variants
            .iter()
            .flatten()
            .try_fold(names, |product, variants| {
                product.checked_mul(variants.len() as u64)
            })
    }

    fn image(&self, choice: &Choice) -> Image {
        let mut names = self.names.clone();
        for (change, _) in self
            .changes
            .iter()
            .zip(&choice.kept)
            .filter(|(_, kept)| **kept)
        {
            match &change.to {
                // There are no hard links here: whatever name the file bore, it moves from it.
                Some(to) => {
                    names.retain(|_, id| *id != change.id);
                    names.insert(to.clone(), change.id);
                }
                None => {
                    let from = change.from.as_ref().expect("a removal has a name");
                    if names.get(from) == Some(&change.id) {
                        names.remove(from);
                    }
                }
            }
        }
        let mut image = Image::default();
        self.collect(&names, choice, ROOT, "", &mut image);
        image
    }

    fn collect(
        &self,
        names: &BTreeMap<(Id, String), Id>,
        choice: &Choice,
        dir: Id,
        prefix: &str,
        image: &mut Image,
    ) {
        for ((_, name), &id) in names.range((dir, String::new())..(dir + 1, String::new())) {
            let path = format!("{prefix}{name}");
            match &self.variants[id] {
                None => {
                    self.collect(names, choice, id, &format!("{path}/"), image);
                    image.0.insert(path, None);
                }
                Some(variants) => {
                    let one = &variants[choice.variant[id] % variants.len()];
                    image.0.insert(path, Some(Rc::clone(one)));
                }
            }
        }
    }
}

/// Names that are certainly on the disk, and the changes that may be. A change is certain once
/// every folder that it touches was synced after it.
fn durable_names(log: &Log, ops: &[Op]) -> (BTreeMap<(Id, String), Id>, Vec<NameChange>) {
    let mut names = log.names.clone();
    let mut open = Vec::new();
    for (i, op) in ops.iter().enumerate() {
        let Op::Name { change, .. } = op else {
            continue;
        };
        let synced = |dir: Id| {
            ops[i..]
                .iter()
                .any(|later| matches!(later, Op::SyncDir { id, .. } if *id == dir))
        };
        let places = [&change.from, &change.to];
        if places.into_iter().flatten().all(|(dir, _)| synced(*dir)) {
            // A change that is certain decides open ones that went before: a file cannot move on
            // from where it never was, and a name that was replaced later does not come back.
            open.retain(|earlier: &NameChange| {
                earlier.id != change.id && (earlier.to.is_none() || earlier.to != change.to)
            });
            names.retain(|_, id| *id != change.id);
            if let Some(to) = &change.to {
                names.insert(to.clone(), change.id);
            }
        } else {
            open.push(change.clone());
        }
    }
    (names, open)
}

struct Choice {
    kept: Vec<bool>,
    variant: Vec<usize>,
}

/// All combinations, or as many random ones (nothing and everything among them).
fn choices<'a>(
    state: &'a Undecided,
    total: Option<u64>,
    random: &'a mut Random,
) -> impl Iterator<Item = Choice> + 'a {
    let all = total.filter(|n| *n <= COMBINATIONS_MAX);
    (0..all.unwrap_or(COMBINATIONS_MAX)).map(move |number| {
        let mut rest = number;
        let mut digit = |base: usize| {
            let base = base as u64;
            let value = match (all, number) {
                (Some(_), _) => {
                    let value = rest % base;
                    rest /= base;
                    value
                }
                // Variant 0 is what is durable, 1 is everything; so it is for names.
                (None, 0) => 0,
                (None, 1) => 1 % base,
                (None, _) => random.below(base),
            };
            usize::try_from(value).expect("a small number")
        };
        let kept = state.changes.iter().map(|_| digit(2) == 1).collect();
        let variant = state
            .variants
            .iter()
            .map(|v| v.as_ref().map_or(0, |v| digit(v.len())));
        Choice {
            kept,
            variant: variant.collect(),
        }
    })
}

/// Files by path; `None` for a folder.
#[derive(Default)]
struct Image(BTreeMap<String, Option<Contents>>);

impl Image {
    fn key(&self, acknowledged: &[String]) -> u64 {
        let mut hasher = DefaultHasher::new();
        acknowledged.hash(&mut hasher);
        for (path, contents) in &self.0 {
            (path, contents.as_ref().map(|c| (c.0.len(), c.1))).hash(&mut hasher);
        }
        hasher.finish()
    }

    fn write_to(&self, dir: &Path) {
        // In order of the paths, so that a folder comes before what is in it.
        for (path, contents) in &self.0 {
            let path = dir.join(path);
            match contents {
                None => fs::create_dir_all(path).expect("a folder of the state"),
                Some(contents) => fs::write(path, &contents.0).expect("a file of the state"),
            }
        }
    }

    fn listing(&self) -> Vec<String> {
        let line = |(path, contents): (&String, &Option<Contents>)| match contents {
            None => format!("{path}/"),
            Some(contents) => format!("{path} ({} bytes)", contents.0.len()),
        };
        self.0.iter().map(line).collect()
    }
}

fn describe(op: &Op) -> String {
    match op {
        Op::Write { data, offset, .. } => format!("write {} bytes at {offset}", data.len()),
        Op::SetLen { len, .. } => format!("set length {len}"),
        Op::SyncFile { .. } => "sync file".to_owned(),
        Op::Name { text, .. } | Op::SyncDir { text, .. } => text.clone(),
        Op::Acknowledge(what) => format!("acknowledge {what}"),
    }
}
