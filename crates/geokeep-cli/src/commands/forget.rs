//! `geokeep forget`: shows what stays and why, then removes the rest.

use std::path::Path;

use geokeep::destination::{Destination, DestinationError, Stored};
use geokeep::retention::{Fate, Forgetting, Planned, Reason, RetentionError, Rules, Tally, forget};
use geokeep::wire::{Exit, ForgetObject};
use jiff::tz::TimeZone;

use super::list::in_a_word;
use super::place::open;
use crate::args::Forget;
use crate::failure::{Failure, shown};
use crate::render::{self, human_bytes, human_time};
use crate::settings::Context;

pub(crate) fn run(arguments: &Forget, context: &Context) -> Result<Exit, Failure> {
    let destination = open(&arguments.from, context)?;
    let policy = arguments.keep.policy();
    if policy.is_empty() {
        return Err(Failure::of_retention(
            &RetentionError::EmptyPolicy,
            destination.path(),
        ));
    }
    let folder_failure = |e: DestinationError| Failure::of_folder(&e.into(), destination.path());
    let lock = (!arguments.dry_run).then(|| destination.lock()).transpose();
    let _lock = lock.map_err(folder_failure)?;
    let lines = lines(&destination, &arguments.names, context).map_err(folder_failure)?;
    let machine = context.machine(arguments.host.as_deref());
    let rules = Rules {
        policy: &policy,
        machine: (!arguments.all_hosts).then_some(&machine),
        now: context.clock.now(),
        zone: &TimeZone::system(),
    };
    let plan = rules.plan(&destination, lines);
    let plan = plan.map_err(|e| Failure::of_retention(&e, destination.path()))?;
    let (dry_run, monitor) = (arguments.dry_run, &context.monitor);
    let hear = &mut |what: Forgetting<'_>| say(&what, context);
    let tally = forget(&destination, &plan, dry_run, monitor, hear);
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
    Ok(Exit::of_forgetting(&tally))
}

/// The lines that were asked for, all of which must be there.
fn lines(
    destination: &Destination,
    names: &[String],
    context: &Context,
) -> Result<Vec<String>, DestinationError> {
    let asking = context.asking();
    let mut lines = destination.lines()?;
    let asked = names
        .iter()
        .map(|name| destination.line_called(name, &asking));
    let asked = asked.collect::<Result<Vec<_>, _>>()?;
    lines.retain(|line| names.is_empty() || asked.contains(line));
    Ok(lines)
}

/// Says what is planned, and then what became of each backup.
fn say(what: &Forgetting<'_>, context: &Context) {
    if let Forgetting::Planned(plan) = what {
        say_plan(plan, context);
    }
    if let Some(failure) = fared(what, context) {
        render::failure(context, &failure);
    }
}

pub(super) fn say_plan(plan: &[Planned], context: &Context) {
    plan.iter().for_each(|planned| show(context, planned));
}

/// What became of one backup: its object in JSON, and what went wrong with it.
pub(super) fn fared(what: &Forgetting<'_>, context: &Context) -> Option<Failure> {
    let (line, failure) = match what {
        Forgetting::Backup(stored, reasons, fate) => {
            fate_of(ForgetObject::of(stored, reasons), &stored.location, *fate)
        }
        Forgetting::NotOurs(line, path) => (ForgetObject::not_ours(line, path), None),
        // Nobody knows what would be lost with it.
        Forgetting::Unreadable(line, path, error) => {
            let failure = Failure::of_backup(error, path);
            let line = ForgetObject::unreadable(line, path, &failure);
            (line, Some(failure))
        }
        _ => return None,
    };
    if context.json {
        render::json_line(&line);
    }
    failure
}

fn fate_of(mut line: ForgetObject, path: &Path, fate: Fate<'_>) -> (ForgetObject, Option<Failure>) {
    match fate {
        Fate::Kept | Fate::Removed => (line, None),
        Fate::Planned => {
            line.status = "planned";
            (line, None)
        }
        Fate::Failed(error) => {
            let failure = Failure::of_forget(error, path);
            line.fail(&failure);
            (line, Some(failure))
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
    let damaged = in_a_word(stored);
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
