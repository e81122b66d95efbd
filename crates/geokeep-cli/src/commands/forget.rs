//! `geokeep forget`: shows what stays and why, then removes the rest.

use std::path::{Path, PathBuf};

use geokeep::Error;
use geokeep::destination::{Adopted, Destination, DestinationError, Machine, Stored, Verdict};
use geokeep::retention::{Backup, Policy, Reason, RetentionError, plan};
use jiff::tz::TimeZone;

use super::{open, overall};
use crate::args::Forget;
use crate::failure::{Exit, Failure, shown};
use crate::render::{self, ForgetLine, human_bytes, human_time};
use crate::settings::Context;

/// One line of backups, oldest first: each with the reasons for which it stays.
struct Planned {
    line: String,
    backups: Vec<(Stored, Vec<Reason>)>,
    unreadable: Vec<(PathBuf, DestinationError)>,
    /// Of another user, who does not let us read them.
    not_ours: Vec<PathBuf>,
}

/// What has been done.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) removed: usize,
    freed: u64,
    kept: usize,
    /// Backups of other machines.
    others: usize,
    unreadable: usize,
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
    let machine = context.machine(arguments.host.as_deref());
    let machine = (!arguments.all_hosts).then_some(&machine);
    let dry_run = arguments.dry_run;
    let tally = apply(&destination, lines, &policy, machine, dry_run, context)?;
    render::say(context, &summary(&tally, dry_run));
    if tally.others > 0 {
        render::say(
            context,
            &format!(
                "{} of other machines were left alone; name one with --host, or all with --all-hosts",
                tally.others
            ),
        );
    }
    Ok(tally.exit())
}

/// Plans for some lines, shows all of it, and then removes what no rule keeps of the backups of
/// `machine`, or of every one. The destination is locked by the caller.
pub(super) fn apply(
    destination: &Destination,
    lines: Vec<String>,
    policy: &Policy,
    machine: Option<&Machine>,
    dry_run: bool,
    context: &Context,
) -> Result<Tally, Failure> {
    let mut all = Vec::new();
    for line in lines {
        all.push(
            plan_of(destination, line, policy, machine, context).map_err(|e| match &e {
                Error::Retention(e) => Failure::of_policy(e),
                _ => Failure::of_folder(&e, destination.path()),
            })?,
        );
    }
    for planned in &all {
        show(context, planned);
    }
    let mut tally = Tally::default();
    for planned in all {
        carry_out(destination, &planned, dry_run, context, &mut tally);
        tally.unreadable += planned.unreadable.len();
        for path in planned.not_ours.iter().filter(|_| context.json) {
            render::json_line(&ForgetLine::not_ours(&planned.line, path));
        }
        for (path, error) in planned.unreadable {
            left_alone(context, &planned.line, path, error);
        }
        if tally.failures.contains(&Exit::Interrupted) {
            break;
        }
    }
    Ok(tally)
}

/// The lines that were asked for, all of which must be there.
fn lines(destination: &Destination, names: &[String]) -> Result<Vec<String>, DestinationError> {
    let mut lines = destination.lines()?;
    let asked = names.iter().map(|name| destination.line_called(name));
    let asked = asked.collect::<Result<Vec<_>, _>>()?;
    lines.retain(|line| names.is_empty() || asked.contains(line));
    Ok(lines)
}

fn plan_of(
    destination: &Destination,
    line: String,
    policy: &Policy,
    machine: Option<&Machine>,
    context: &Context,
) -> Result<Planned, Error> {
    let mut listing = destination.list(&line)?;
    let (now, zone) = (context.clock.now(), TimeZone::system());
    let ours = Ours::of(destination, &line, &listing.backups, machine).unwrap_or_else(|error| {
        match error {
            DestinationError::NotOurs(path) => listing.not_ours.push(path),
            error => {
                let path = destination.location_of_line(&line);
                listing.unreadable.push((path, error));
            }
        }
        Ours::None
    });
    Ok(Planned {
        line,
        backups: planned(listing.backups, &ours, &|backups| {
            plan(backups, policy, now, &zone)
        })?,
        unreadable: listing.unreadable,
        not_ours: listing.not_ours,
    })
}

type Planner<'a> = dyn Fn(&[Backup]) -> Result<Vec<Vec<Reason>>, RetentionError> + 'a;

/// Applies the rules to what is of this machine. The rest stays, and counts for nothing.
fn planned(
    all: Vec<Stored>,
    ours: &Ours<'_>,
    plan: &Planner<'_>,
) -> Result<Vec<(Stored, Vec<Reason>)>, RetentionError> {
    let ours: Vec<_> = all.iter().map(|stored| ours.holds(stored)).collect();
    let counted = all.iter().zip(&ours).filter(|(_, ours)| **ours);
    let counted: Vec<_> = counted.map(|(one, _)| Backup::from(one)).collect();
    let mut reasons = plan(&counted)?.into_iter();
    let reasons = ours.into_iter().map(|ours| {
        let planned = ours.then(|| reasons.next()).flatten();
        planned.unwrap_or_else(|| vec![Reason::OtherMachine])
    });
    Ok(all.into_iter().zip(reasons.collect::<Vec<_>>()).collect())
}

/// Which backups of a line the rules are about: none of a line that is another machine's; of ours
/// all that we made, and all that were in it when somebody gave it to us.
enum Ours<'a> {
    All,
    None,
    Of(&'a Machine, Option<Adopted>),
}

impl<'a> Ours<'a> {
    fn of(
        destination: &Destination,
        line: &str,
        backups: &[Stored],
        machine: Option<&'a Machine>,
    ) -> Result<Self, DestinationError> {
        let (Some(machine), Some(newest)) = (machine, backups.last()) else {
            return Ok(Self::All);
        };
        let adopted = destination.adopted(line)?;
        let owner = match &adopted {
            Some(adopted) if adopted.holds(&newest.manifest) => &adopted.source,
            _ => &newest.manifest.source,
        };
        Ok(if machine.owns(owner) {
            Self::Of(machine, adopted)
        } else {
            Self::None
        })
    }

    fn holds(&self, stored: &Stored) -> bool {
        let manifest = &stored.manifest;
        match self {
            Self::All => true,
            Self::None => false,
            Self::Of(machine, adopted) => {
                let given = adopted.as_ref().is_some_and(|adopted| {
                    machine.owns(&adopted.source) && adopted.holds(manifest)
                });
                given || machine.owns(&manifest.source)
            }
        }
    }
}

fn show(context: &Context, planned: &Planned) {
    let closed = planned.unreadable.len() + planned.not_ours.len();
    let all = planned.backups.len() + closed;
    if all == 0 {
        // A folder of somebody else's.
        return;
    }
    let reasons = planned.backups.iter().map(|(_, reasons)| reasons);
    let stay = all - reasons.filter(|reasons| reasons.is_empty()).count();
    render::say(context, &format!("{}: {stay} of {all} stay", planned.line));
    for (stored, reasons) in &planned.backups {
        render::say(context, &describe(stored, reasons));
    }
    for (path, _) in &planned.unreadable {
        let text = format!("  keep    {} cannot be read", shown(path));
        render::say(context, &text);
    }
    for path in &planned.not_ours {
        let text = format!("  keep    {} is another user's", shown(path));
        render::say(context, &text);
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
    format!("  keep    {time}  {id}  {}{damaged}", in_words(reasons))
}

fn in_words(reasons: &[Reason]) -> String {
    let words: Vec<_> = reasons
        .iter()
        .map(|r| r.as_str().replace('_', " "))
        .collect();
    words.join(", ")
}

/// Removes what the plan does not keep. One that cannot be removed does not stop the others.
fn carry_out(
    destination: &Destination,
    planned: &Planned,
    dry_run: bool,
    context: &Context,
    tally: &mut Tally,
) {
    for (stored, reasons) in &planned.backups {
        let mut line = ForgetLine::of(stored, reasons);
        let bytes = line.stored_bytes.unwrap_or(0);
        if line.action == "keep" {
            tally.kept += 1;
            tally.others += usize::from(line.reasons == [Reason::OtherMachine.as_str()]);
        } else if dry_run {
            line.status = "planned";
            tally.count(bytes);
        } else {
            let removed = context.watch.check().map_err(Error::from);
            match removed.and_then(|()| Ok(destination.remove(&stored.id)?)) {
                Ok(()) => tally.count(bytes),
                Err(error) => line.fail(tally.failed(context, &error, &stored.location)),
            }
        }
        if context.json {
            render::json_line(&line);
        }
        if tally.failures.contains(&Exit::Interrupted) {
            return;
        }
    }
}

impl Tally {
    pub(super) fn exit(&self) -> Exit {
        let otherwise = if self.unreadable > 0 {
            Exit::VerificationFailed
        } else {
            Exit::Done
        };
        overall(
            &self.failures,
            self.removed + self.failures.len(),
            otherwise,
        )
    }

    fn count(&mut self, bytes: u64) {
        self.removed += 1;
        self.freed += bytes;
    }

    fn failed(&mut self, context: &Context, error: &Error, path: &Path) -> Failure {
        let failure = Failure::of_forget(error, path);
        render::failure(context, &failure);
        self.failures.push(failure.exit);
        failure
    }
}

/// An archive that cannot be read: nobody knows what would be lost with it.
fn left_alone(context: &Context, line: &str, path: PathBuf, error: DestinationError) {
    let failure = Failure::of_backup(&error.into(), &path);
    if context.json {
        render::json_line(&ForgetLine::unreadable(line, &path, &failure));
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
