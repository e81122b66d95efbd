//! `geokeep restore --all`.

use std::path::Path;

use geokeep::destination::{Destination, DestinationError};
use geokeep::report::quoted;
use geokeep::restore::{All, Doubt, Doubtful, Fared, Tally, restore_all};
use geokeep::wire::{RestoreAllObject, RestoreObject};
use geokeep::words::{counted, dates};

use super::{failed, remark_loss, report};
use crate::args::Restore;
use crate::failure::{Exit, Failure, shown};
use crate::render::{self, Measure, Progress, command, human_bytes, human_time};
use crate::settings::Context;

/// Files to look at that are named.
const NAMED_MAX: usize = 20;

pub(super) fn run(
    arguments: &Restore,
    destination: &Destination,
    context: &Context,
) -> Result<Exit, Failure> {
    let of_folder = |e: DestinationError| Failure::of_folder(&e.into(), destination.path());
    // Clap asks for it.
    let folder = arguments.to.as_deref().unwrap_or(Path::new("."));
    let until = arguments.at.as_ref().map(|date| {
        let stretch = dates::stretch(date, &context.asking().now);
        stretch.ok_or_else(|| of_folder(DestinationError::NoDate(date.clone())))
    });
    let all = All {
        destination,
        folder,
        until: until.transpose()?.map(|stretch| stretch.end),
        force: arguments.force,
        dry_run: arguments.dry_run,
        settings: &context.settings(),
        monitor: &context.monitor,
    };
    let lines = destination.lines().map_err(of_folder)?.len();
    let progress = Progress::start(context, lines as u64, Measure::Files);
    let hear = &mut |fared: &Fared<'_>| {
        say(fared, arguments.dry_run, destination.path(), context);
        if matches!(
            fared,
            Fared::Restored(_) | Fared::Kept(..) | Fared::Failed(..)
        ) {
            progress.file_done();
        }
    };
    let tally = restore_all(&all, hear);
    drop(progress);
    let tally = tally.map_err(|error| Failure::of_restore(&error, folder))?;
    if context.json {
        let summary = RestoreAllObject::of(&tally, folder, arguments.dry_run);
        render::json_line(&summary);
    } else {
        sum_up(
            &tally,
            arguments.dry_run,
            folder,
            destination.path(),
            context,
        );
    }
    Ok(Exit::of_restore_all(&tally))
}

fn say(fared: &Fared<'_>, dry_run: bool, from: &Path, context: &Context) {
    match fared {
        Fared::Restored(restored) => report(context, restored, "", dry_run),
        Fared::Kept(path, manifest) if context.json => {
            render::json_line(&RestoreObject::kept(path, manifest));
        }
        Fared::Kept(path, manifest) => {
            let name = &manifest.name;
            render::say(
                context,
                &format!("{name} is there already: {}", shown(path)),
            );
        }
        Fared::Part(path, manifest, file) if context.json => {
            let status = if dry_run { "planned" } else { "restored" };
            render::json_line(&RestoreObject::part(path, manifest, file, status));
        }
        Fared::Part(path, manifest, file) => {
            let name = &manifest.name;
            let verb = if dry_run { "would restore" } else { "restored" };
            let bytes = human_bytes(file.bytes);
            let path = path.display();
            render::say(
                context,
                &format!("{verb} a file of {name} ({bytes}) to {path}"),
            );
        }
        Fared::PartKept(path, manifest, file) if context.json => {
            render::json_line(&RestoreObject::part(path, manifest, file, "kept"));
        }
        Fared::PartKept(path, manifest, _) => {
            let name = &manifest.name;
            render::say(
                context,
                &format!("a file of {name} is there already: {}", shown(path)),
            );
        }
        Fared::Failed(path, error) => {
            failed(context, error, path);
        }
        Fared::PassedOver(archive, error) => {
            let failure = Failure::of_check(error, archive);
            render::warning(&failure.state("an older backup is restored in its place"));
        }
        Fared::OpenLoss(loss) => {
            remark_loss(loss, from);
        }
        Fared::Unreadable(archive, error) => {
            let failure = Failure::of_backup(error, archive);
            if context.json {
                render::json_line(&RestoreObject::failed(archive, &failure));
            }
            render::failure(context, &failure);
        }
        Fared::NotOurs(path) => {
            let path = shown(path);
            render::remark(&format!("{path} is another user's, and not to read"));
        }
        Fared::NoneUpTo(line) => {
            render::remark(&format!(
                "{line} is not restored: all of its backups are later"
            ));
        }
        _ => {}
    }
}

fn sum_up(tally: &Tally, dry_run: bool, folder: &Path, from: &Path, context: &Context) {
    let verb = if dry_run {
        "would be restored"
    } else {
        "restored"
    };
    let files = counted(tally.restored, "file", "files");
    let mut text = format!(
        "{files} {verb} to {} ({}), {} there already, {} failed",
        shown(folder),
        human_bytes(tally.bytes),
        tally.kept,
        tally.failed.len()
    );
    for (number, what) in [
        (tally.doubtful.len(), "to look at"),
        (tally.not_ours, "of other users left alone"),
        (tally.later, "without a backup that old"),
    ] {
        if number > 0 {
            text.push_str(&format!(", {number} {what}"));
        }
    }
    render::say(context, &text);
    look_at(&tally.doubtful, from, context);
    if tally.interrupted {
        render::say(
            context,
            "interrupted: the same command goes on where it was",
        );
    }
}

/// Which files may not be what is wanted, why, and what to do about each.
fn look_at(all: &[Doubtful], from: &Path, context: &Context) {
    if all.is_empty() {
        return;
    }
    render::say(context, "look at:");
    for one in all.iter().take(NAMED_MAX) {
        render::say(context, &format!("  {}", in_words(one, from)));
    }
    if let Some(more) = all.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        render::say(context, &format!("  and {more} more; --json names all"));
    }
}

fn in_words(one: &Doubtful, from: &Path) -> String {
    let (name, of) = (&one.name, human_time(one.instant));
    let path = shown(&one.path);
    match one.doubt {
        Doubt::Loss => {
            let restore = command("restore", &format!("{name}@before-loss"), from);
            let to = quoted(&one.path.to_string_lossy());
            format!(
                "{path}, as of {of}, lacks something of earlier backups; as it was before, in its place: \
                 {restore} --to {to} --force"
            )
        }
        Doubt::Older => format!(
            "{path} is as of {of}: a newer backup is not sound, and what changed since then is missing; see: {}",
            command("list", name, from)
        ),
        Doubt::Damaged => format!(
            "{path}, as of {of}, was damaged when it was backed up, and there is no sound backup of it; see: {}",
            command("list", name, from)
        ),
    }
}
