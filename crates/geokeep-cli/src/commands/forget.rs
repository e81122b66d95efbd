//! `geokeep forget`: shows what stays and why, then removes the rest.

use std::path::{Path, PathBuf};

use geokeep::Error;
use geokeep::destination::{ArchiveFolder, DestinationError, Stored, Verdict};
use geokeep::retention::{Backup, Policy, Reason, RetentionError, plan};
use jiff::tz::TimeZone;

use super::{open, overall};
use crate::args::Forget;
use crate::failure::{Exit, Failure, shown};
use crate::render::{self, ForgetLine, human_bytes, human_time, one_line};
use crate::settings::Context;

/// One line of backups, oldest first: each with the reasons for which it stays.
struct Planned {
    line: String,
    backups: Vec<(Stored, Vec<Reason>)>,
    unreadable: Vec<(PathBuf, DestinationError)>,
}

/// What has been done.
#[derive(Default)]
struct Tally {
    removed: usize,
    freed: u64,
    kept: usize,
    failures: Vec<Exit>,
}

pub(crate) fn run(arguments: &Forget, context: &Context) -> Result<Exit, Failure> {
    let destination = open(&arguments.from, context)?;
    let policy = arguments.keep.policy();
    if policy.is_empty() {
        return Err(Failure::of_policy(&RetentionError::EmptyPolicy));
    }
    let folder_failure = |e: DestinationError| Failure::of_folder(&e.into(), &arguments.from);
    let lock = (!arguments.dry_run).then(|| destination.lock()).transpose();
    let _lock = lock.map_err(folder_failure)?;
    let lines = lines(&destination, &arguments.names).map_err(folder_failure)?;
    let plans = lines
        .into_iter()
        .map(|line| plan_of(&destination, line, &policy, context));
    let all = plans
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| Failure::of_folder(&e, &arguments.from))?;
    // All of it is shown before anything of it is done.
    for planned in &all {
        show(context, planned);
    }
    let unreadable = all.iter().any(|planned| !planned.unreadable.is_empty());
    let mut tally = Tally::default();
    for planned in all {
        carry_out(
            &destination,
            planned,
            arguments.dry_run,
            context,
            &mut tally,
        );
        if tally.failures.contains(&Exit::Interrupted) {
            break;
        }
    }
    render::say(context, &summary(&tally, arguments.dry_run));
    let otherwise = if unreadable {
        Exit::VerificationFailed
    } else {
        Exit::Done
    };
    let tried = tally.removed + tally.failures.len();
    Ok(overall(&tally.failures, tried, otherwise))
}

/// The lines that were asked for, all of which must be there.
fn lines(destination: &ArchiveFolder, names: &[String]) -> Result<Vec<String>, DestinationError> {
    let mut lines = destination.lines()?;
    if let Some(unknown) = names.iter().find(|name| !lines.contains(name)) {
        return Err(destination.no_such_backup(unknown, &lines));
    }
    lines.retain(|line| names.is_empty() || names.contains(line));
    Ok(lines)
}

fn plan_of(
    destination: &ArchiveFolder,
    line: String,
    policy: &Policy,
    context: &Context,
) -> Result<Planned, Error> {
    let listing = destination.list(&line)?;
    let backups: Vec<Backup> = listing.backups.iter().map(Backup::from).collect();
    let reasons = plan(&backups, policy, context.clock.now(), &TimeZone::system())?;
    Ok(Planned {
        line,
        backups: listing.backups.into_iter().zip(reasons).collect(),
        unreadable: listing.unreadable,
    })
}

fn show(context: &Context, planned: &Planned) {
    let all = planned.backups.len() + planned.unreadable.len();
    if all == 0 {
        // A folder of somebody else's.
        return;
    }
    let go = planned
        .backups
        .iter()
        .filter(|(_, reasons)| reasons.is_empty());
    let stay = all - go.count();
    render::say(context, &format!("{}: {stay} of {all} stay", planned.line));
    for (stored, reasons) in &planned.backups {
        render::say(context, &one_line(&describe(stored, reasons)));
    }
    for (path, _) in &planned.unreadable {
        render::say(
            context,
            &format!("  keep    {} cannot be read", shown(path)),
        );
    }
}

fn describe(stored: &Stored, reasons: &[Reason]) -> String {
    let manifest = &stored.manifest;
    let (time, id) = (human_time(manifest.instant), &manifest.id);
    let damaged = match manifest.verdict {
        Verdict::Damaged => "  DAMAGED",
        Verdict::Sound => "",
    };
    if reasons.is_empty() {
        let bytes = human_bytes(stored.stored_bytes);
        return format!("  remove  {time}  {id}  {bytes}{damaged}");
    }
    let words: Vec<_> = reasons
        .iter()
        .map(|r| r.as_str().replace('_', " "))
        .collect();
    format!("  keep    {time}  {id}  {}{damaged}", words.join(", "))
}

/// Removes what the plan does not keep. One that cannot be removed does not stop the others.
fn carry_out(
    destination: &ArchiveFolder,
    planned: Planned,
    dry_run: bool,
    context: &Context,
    tally: &mut Tally,
) {
    for (stored, reasons) in &planned.backups {
        let mut line = ForgetLine::of(stored, reasons);
        if !reasons.is_empty() {
            tally.kept += 1;
        } else if dry_run {
            line.status = "planned";
            tally.count(stored);
        } else {
            let removed = context.watch.check().map_err(Error::from);
            match removed.and_then(|()| Ok(destination.remove(stored)?)) {
                Ok(()) => tally.count(stored),
                Err(error) => line.fail(tally.failed(context, &error, stored)),
            }
        }
        if context.json {
            render::json_line(&line);
        }
        if tally.failures.contains(&Exit::Interrupted) {
            return;
        }
    }
    for (path, error) in planned.unreadable {
        left_alone(context, &planned.line, &path, error);
    }
}

impl Tally {
    fn count(&mut self, removed: &Stored) {
        self.removed += 1;
        self.freed += removed.stored_bytes;
    }

    fn failed(&mut self, context: &Context, error: &Error, stored: &Stored) -> Failure {
        let failure = Failure::of_forget(error, &stored.path);
        render::failure(context, &failure);
        self.failures.push(failure.exit);
        failure
    }
}

/// An archive that cannot be read: nobody knows what would be lost with it.
fn left_alone(context: &Context, line: &str, path: &Path, error: DestinationError) {
    let failure = Failure::of_backup(&error.into(), path);
    if context.json {
        render::json_line(&ForgetLine::unreadable(line, path, &failure));
    }
    render::failure(context, &failure);
}

fn summary(tally: &Tally, dry_run: bool) -> String {
    let (removed, freed) = (tally.removed, human_bytes(tally.freed));
    let verb = if dry_run {
        format!("{removed} would be removed, which frees {freed}")
    } else {
        format!("{removed} removed, {freed} freed")
    };
    let failed = match tally.failures.len() {
        0 => String::new(),
        n => format!(", {n} failed"),
    };
    format!("{verb}, {} kept{failed}", tally.kept)
}
