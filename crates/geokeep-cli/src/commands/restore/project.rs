//! `geokeep restore` of a whole project: what is said of it.

use std::path::Path;

use geokeep::restore::RestoredProject;
use geokeep::wire::RestoreObject;
use geokeep::words::counted;

use super::{remark_loss, say_what_is_missing};
use crate::failure::shown;
use crate::render::{self, human_bytes, human_time};
use crate::settings::Context;

/// So many are named; all of them are in JSON.
const NAMED_MAX: usize = 10;

pub(super) fn report(context: &Context, restored: &RestoredProject, dry_run: bool, from: &Path) {
    for loss in &restored.open_losses {
        remark_loss(loss, from);
    }
    if context.json {
        render::json_line(&RestoreObject::of_project(restored, dry_run));
        return;
    }
    let manifest = &restored.manifest;
    let verb = if dry_run { "would restore" } else { "restored" };
    let line = format!(
        "{verb} {} of {} ({} with {} and {}) to {}",
        manifest.name,
        human_time(manifest.instant),
        human_bytes(restored.bytes),
        counted(restored.files.len(), "file", "files"),
        counted(restored.databases.len(), "database", "databases"),
        restored.path.display()
    );
    render::say(context, &line);
    for (path, stored) in &restored.databases {
        let sound = if stored.is_sound() {
            ""
        } else {
            ", which is NOT sound"
        };
        let of = human_time(stored.manifest.instant);
        let id = &stored.manifest.id;
        render::say(
            context,
            &format!("  {} of {of} ({id}){sound}", path.display()),
        );
    }
    notes(context, restored);
    say_what_is_missing(context, &restored.not_restored);
}

fn notes(context: &Context, restored: &RestoredProject) {
    let note = |what: &str, names: Vec<String>| {
        if !names.is_empty() {
            let more = names.len().saturating_sub(NAMED_MAX);
            let mut shown: Vec<_> = names.into_iter().take(NAMED_MAX).collect();
            if more > 0 {
                shown.push(format!("and {more} more"));
            }
            render::say(context, &format!("note: {what}: {}", shown.join(", ")));
        }
    };
    if restored.repointed {
        let what = "note: the project named files by absolute paths; in the restored one these lead to the \
                    restored files, so it is not byte for byte as it was: for that, restore it --to a file";
        render::say(context, what);
    }
    if restored.manifest.take.is_none() {
        let what = "note: an earlier geokeep made this backup: it holds the project file alone, and does not say \
                    which databases belong to it";
        render::say(context, what);
    }
    let without = restored.without_backup.iter();
    note(
        "it names databases that have no backup from then",
        without.map(|one| format!("'{}'", one.source)).collect(),
    );
    let left_out = restored.manifest.left_out.iter();
    note(
        "its backup does not hold",
        left_out
            .map(|one| format!("'{}' ({})", one.name, one.reason.describe()))
            .collect(),
    );
    let elsewhere = restored.leads_elsewhere.iter();
    note(
        "it still leads out of that folder, to",
        elsewhere.map(|path| shown(path)).collect(),
    );
}
