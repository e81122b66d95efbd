//! One layer, or some of its features, into a live file; and that taken back.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use geokeep::destination::{Destination, Opened};
use geokeep::diff::Cell;
use geokeep::restore::features::{LayerError, LayerRestore, Outcome, Preview, Undo, Wanted};
use geokeep::restore::place_of;
use geokeep::source::Source;
use geokeep::wire::LayerRestoreObject;
use geokeep::words::dates;
use jiff::Timestamp;

use super::{as_owned, settings_for};
use crate::args::Restore;
use crate::failure::{Exit, Failure, shown};
use crate::render::{self, human_bytes, human_count, human_time};
use crate::settings::Context;

/// Things of one kind that are named.
const NAMED_MAX: usize = 5;

/// What was asked for.
pub(super) enum Asked {
    Layer(Wanted),
    /// What was put back after `before` was made is taken back.
    Undo {
        undo: Undo,
        before: Box<Opened>,
    },
}

impl Asked {
    /// Something of a layer is put back, from backups made before `until`.
    pub(super) fn layer(
        arguments: &Restore,
        layer: &str,
        until: Option<Timestamp>,
        context: &Context,
    ) -> Result<Self, Failure> {
        let since = arguments.layer.deleted_since.as_ref().map(|date| {
            let stretch = dates::stretch(date, &context.asking().now);
            stretch.ok_or_else(|| Failure::of_date(date))
        });
        let since = since.transpose()?.map(|stretch| stretch.start);
        let options = &arguments.layer;
        Ok(Self::Layer(options.wanted(
            layer,
            arguments.dry_run,
            [since, until],
        )))
    }

    fn wanted(&self) -> &Wanted {
        match self {
            Self::Layer(wanted) => wanted,
            Self::Undo { undo, .. } => &undo.wanted,
        }
    }
}

/// Takes back what was put back after `before` was made. `find` finds a backup by its id.
pub(super) fn undo(
    arguments: &Restore,
    before: Opened,
    destination: &Destination,
    context: &Context,
    find: impl FnOnce(&str) -> Result<Opened, Failure>,
) -> Result<Exit, Failure> {
    let Some(undo) = Undo::of(destination, &before.id) else {
        return Err(Failure::usage(
            format!("there is nothing to undo after {}", before.manifest.id),
            "no layer was put back into its file after that backup was made",
            "geokeep restore with --force puts the whole file back",
        ));
    };
    let backup = find(&undo.from)?;
    let before = Box::new(before);
    run(
        arguments,
        &Asked::Undo { undo, before },
        &backup,
        destination,
        context,
    )
}

/// Does what was asked for.
pub(super) fn run(
    arguments: &Restore,
    asked: &Asked,
    backup: &Opened,
    destination: &Destination,
    context: &Context,
) -> Result<Exit, Failure> {
    let origin = match asked {
        Asked::Layer(_) => backup,
        Asked::Undo { before, .. } => before,
    };
    let owned = as_owned(origin, destination);
    let settings = settings_for(&owned.source, arguments, destination, context);
    let path = match &arguments.layer.into {
        Some(path) => path.clone(),
        None => place_of(&owned, &settings.machine)
            .map_err(|e| Failure::of_restore(&e, Path::new(&origin.manifest.source.path)))?,
    };
    let source = Source::new(&path).map_err(|e| Failure::of_restore(&e.into(), &path))?;
    let restore = LayerRestore {
        backup,
        into: &source,
        destination,
        settings: &settings,
        monitor: &context.monitor,
    };
    let question = Question::new(arguments, asked, backup, &path, context)?;
    let mut agree = |preview: &Preview| question.ask(preview);
    let done = match asked {
        Asked::Layer(wanted) => restore.put_back(wanted, &mut agree),
        Asked::Undo { undo, before } => restore.undo(undo, before, arguments.dry_run, &mut agree),
    };
    match done {
        Ok(outcome) => Ok(told(&outcome, arguments, destination, &path, context)),
        Err(error) => Ok(failed(&error, asked, &path, context)),
    }
}

fn failed(error: &LayerError, asked: &Asked, path: &Path, context: &Context) -> Exit {
    let layer = asked.wanted().layer.as_str();
    let failure = Failure::of_layer(error, layer, path);
    if context.json {
        render::json_line(&LayerRestoreObject::failed(layer, path, &failure));
    }
    render::failure(context, &failure);
    failure.exit
}

/// Whoever is asked before anything is written.
struct Question<'a> {
    path: &'a PathBuf,
    from: String,
    ask: bool,
    context: &'a Context,
}

impl<'a> Question<'a> {
    fn new(
        arguments: &Restore,
        asked: &Asked,
        backup: &Opened,
        path: &'a PathBuf,
        context: &'a Context,
    ) -> Result<Self, Failure> {
        let ask = !arguments.dry_run && !arguments.layer.yes;
        if ask && !std::io::stdin().is_terminal() {
            return Err(Failure::usage(
                format!("nothing was written to {}", shown(path)),
                "nobody can be asked whether it is right: standard input is no terminal",
                "look first with --dry-run, then say --yes",
            ));
        }
        let manifest = &backup.manifest;
        let from = match asked.wanted().deleted_since {
            Some(since) => format!(
                "the backups of {} since {}",
                manifest.name,
                human_time(since)
            ),
            None => format!("{} of {}", manifest.name, human_time(manifest.instant)),
        };
        Ok(Self {
            path,
            from,
            ask,
            context,
        })
    }

    /// Shows what would be done, and asks whether it is right.
    fn ask(&self, preview: &Preview) -> bool {
        for line in lines(preview, &self.from, self.path) {
            render::announce(&line);
        }
        if !self.ask {
            return true;
        }
        render::ask("Go on? [y/N] ") && self.context.monitor.check().is_ok()
    }
}

/// What would be done.
fn lines(preview: &Preview, from: &str, path: &Path) -> Vec<String> {
    let mut lines = vec![format!(
        "{}: from {from} into {}",
        preview.layer,
        shown(path)
    )];
    let mut line = |text: String| lines.push(format!("  {text}"));
    if preview.taken_out {
        line(format!(
            "the layer that came back is taken out again, with {} features",
            human_count(preview.deleted)
        ));
    } else if preview.whole_layer {
        line(format!(
            "the whole layer comes back, with {} features",
            human_count(preview.inserted)
        ));
    } else {
        let counts = [
            (
                preview.inserted,
                "lost feature is put back",
                "lost features are put back",
            ),
            (
                preview.updated,
                "changed feature gets the values of the backup",
                "changed features get the values of the backup",
            ),
            (
                preview.deleted,
                "feature that the backup does not have is deleted",
                "features that the backup does not have are deleted",
            ),
        ];
        for (count, one, many) in counts.into_iter().filter(|(count, ..)| *count > 0) {
            line(some(count, one, many));
        }
    }
    if !preview.first.is_empty() {
        let first = preview
            .first
            .iter()
            .map(|key| key.iter().map(cell).collect::<Vec<_>>().join("/"));
        let more = if preview.inserted + preview.updated > preview.first.len() as u64 {
            ", …"
        } else {
            ""
        };
        line(format!(
            "numbers: {}{more}",
            first.collect::<Vec<_>>().join(", ")
        ));
    }
    if !preview.from.is_empty() {
        let from = preview.from.iter();
        let from = from.map(|from| match &from.layer {
            None => format!("{} ({})", human_time(from.instant), from.rows),
            Some(layer) => {
                let (instant, rows) = (human_time(from.instant), from.rows);
                format!("{instant} ({rows}, when it was called {layer})")
            }
        });
        line(format!(
            "from backups of: {}",
            named(&from.collect::<Vec<_>>())
        ));
    }
    let [changed, added] = preview.left;
    if changed > 0 {
        line(some(
            changed,
            "changed feature stays as it is (--changed puts it back, too)",
            "changed features stay as they are (--changed puts them back, too)",
        ));
    }
    if added > 0 {
        line(some(
            added,
            "feature that was added since stays",
            "features that were added since stay",
        ));
    }
    if preview.conflicts > 0 {
        line(some(
            preview.conflicts,
            "lost feature has a number that another feature bears now",
            "lost features have a number that another feature bears now",
        ));
    }
    if !preview.relations.is_empty() {
        let does = if preview.taken_out { "go" } else { "come back" };
        line(format!(
            "with its relations, whose pairs stand in: {} ({does} with it)",
            named(&preview.relations)
        ));
    }
    if !preview.related.is_empty() {
        let related = preview.related.iter();
        let related = related.map(|r| format!("{} {}", r.table, human_count(r.rows)));
        line(format!(
            "rows that refer to them are missing, too, and are not put back: {} (do the same with --layer)",
            named(&related.collect::<Vec<_>>())
        ));
    }
    if !preview.silent_triggers.is_empty() {
        line(format!(
            "triggers of the file that this does not set off: {}",
            named(&preview.silent_triggers)
        ));
    }
    if !preview.left_out.is_empty() {
        line(format!("not put back: {}", named(&preview.left_out)));
    }
    lines
}

/// `1 feature stays`, `1,204 features stay`.
fn some(count: u64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        human_count(count),
        if count == 1 { one } else { many }
    )
}

fn named(names: &[String]) -> String {
    let mut text = names
        .iter()
        .take(NAMED_MAX)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > NAMED_MAX {
        text.push_str(&format!(" and {} more", names.len() - NAMED_MAX));
    }
    text
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Null => "NULL".to_owned(),
        Cell::Integer(number) => number.to_string(),
        Cell::Real(number) => number.to_string(),
        Cell::Text(text) => geokeep::words::shortened(text, 40),
        Cell::Blob(bytes) => human_bytes(bytes.len() as u64),
        Cell::Long(bytes) => human_bytes(*bytes as u64),
    }
}

/// What was done, and how to undo it.
fn told(
    outcome: &Outcome,
    arguments: &Restore,
    destination: &Destination,
    path: &Path,
    context: &Context,
) -> Exit {
    let preview = &outcome.preview;
    if context.json {
        render::json_line(&LayerRestoreObject::of(outcome, path, arguments.dry_run));
    }
    let counts = || {
        let counts = [
            (preview.inserted, "put back"),
            (preview.updated, "changed back"),
            (preview.deleted, "deleted"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        counts
            .map(|(count, what)| format!("{} {what}", human_count(count)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let line = match (outcome.done, preview.is_empty(), arguments.dry_run) {
        (true, ..) => format!("{} in {}: {}", preview.layer, shown(path), counts()),
        (_, true, _) => {
            let what = match arguments.layer.undo {
                Some(_) => "undo",
                None => "put back",
            };
            format!(
                "{}: there is nothing to {what}; nothing was written",
                preview.layer
            )
        }
        (_, _, true) => format!(
            "would do in {}: {}; nothing was written",
            shown(path),
            counts()
        ),
        _ => "nothing was written".to_owned(),
    };
    render::say(context, &line);
    if outcome.skipped > 0 {
        render::say(
            context,
            &format!(
                "note: {} features were left out, since another feature bears their number",
                human_count(outcome.skipped)
            ),
        );
    }
    if outcome.changed_since > 0 {
        render::say(
            context,
            &format!(
                "note: {} features were changed again just after, by another program",
                human_count(outcome.changed_since)
            ),
        );
    }
    if !outcome.done {
        return Exit::Done;
    }
    render::say(
        context,
        "note: QGIS shows it after F5; a table that is open must be opened again",
    );
    if let Some(before) = &outcome.backup_before {
        let id = &before.manifest.id;
        let how = match outcome.can_undo {
            true => format!(
                "geokeep restore --undo {id} --from {}",
                geokeep::report::quoted(&destination.path().to_string_lossy())
            ),
            false => render::command("restore", id, destination.path()) + " --force",
        };
        render::say(
            context,
            &format!("what was there is backup {id}; to undo: {how}"),
        );
    }
    Exit::Done
}
