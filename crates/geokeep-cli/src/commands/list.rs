//! `geokeep list`.

use std::path::Path;

use geokeep::Error;
use geokeep::destination::{Listing, Said, Stored};
use geokeep::judgement::Flaw;
use geokeep::wire::BackupObject;
use geokeep::words::counted;

use super::open;
use crate::args::List;
use crate::failure::{Exit, Failure, shown};
use crate::render::{self, human_bytes, human_time, layers_in_short};
use crate::settings::Context;

pub(crate) fn run(arguments: &List, context: &Context) -> Result<Exit, Failure> {
    let destination = open(&arguments.from, context)?;
    let folder_failure = |e: Error| Failure::of_folder(&e, &arguments.from);
    let lines = destination.lines().map_err(|e| folder_failure(e.into()))?;
    let mut exit = Exit::Done;
    let (mut listed, mut older) = (0, 0);
    let asked = arguments.name.as_deref();
    let named = asked.and_then(|name| destination.line_called(name).ok());
    for line in lines
        .iter()
        .filter(|line| asked.is_none() || named.as_ref() == Some(line))
    {
        let listing = if arguments.all || asked.is_some() || context.json {
            destination.list(line)
        } else {
            destination.list_newest(line)
        };
        let listing = listing.unwrap_or_else(|error| Listing {
            unreadable: vec![(destination.location_of_line(line), error)],
            ..Listing::default()
        });
        for stored in &listing.backups {
            if context.json {
                render::json_line(&BackupObject::of("list", stored));
            } else {
                let line = format!("{}{}", describe(stored), older_in_words(listing.older));
                render::say(context, &line);
                if arguments.name.is_some() {
                    details(context, stored);
                }
            }
        }
        older += listing.older;
        listed += listing.backups.len() + listing.unreadable.len();
        listed += listing.not_ours.len();
        for path in &listing.not_ours {
            if context.json {
                render::json_line(&BackupObject::not_ours("list", line, path));
            } else {
                let path = shown(path);
                render::say(
                    context,
                    &format!("{path} is another user's, and not to read"),
                );
            }
        }
        for (path, error) in listing.unreadable {
            let failure = Failure::of_backup(&error.into(), &path);
            exit = Exit::VerificationFailed;
            if context.json {
                let mut line_out = BackupObject::failed("list", &failure);
                line_out.name = Some(line.clone());
                line_out.path = Some(path.to_string_lossy().into_owned());
                line_out.verdict = Some("unreadable");
                render::json_line(&line_out);
            }
            render::failure(context, &failure);
        }
    }
    if older > 0 {
        let older = counted(older, "older backup is", "older backups are");
        render::say(
            context,
            &format!("{older} not listed; name one line to see its backups, or all with --all"),
        );
    }
    match &arguments.name {
        Some(name) if listed == 0 => {
            let error = destination.no_such_backup(name);
            Err(folder_failure(error.into()))
        }
        None if listed == 0 && !context.json => {
            render::say(context, "no backups yet");
            Ok(exit)
        }
        _ => Ok(exit),
    }
}

/// Where it came from and what the checks found, for those who ask for one name.
fn details(context: &Context, stored: &Stored) {
    let manifest = &stored.manifest;
    let source = shown(Path::new(&manifest.source.path));
    let link = manifest.source.link.as_ref();
    let link = link.map_or_else(String::new, |link| {
        format!(" as {}", shown(Path::new(link)))
    });
    let line = format!(
        "    {source}{link} on {}, by {}",
        manifest.source.host, manifest.method
    );
    render::say(context, &line);
    for finding in &manifest.findings {
        let table = finding
            .table
            .as_ref()
            .map_or_else(String::new, |t| format!(" \"{t}\""));
        let line = format!(
            "    {}{table}: {}",
            finding.severity.as_str(),
            finding.message
        );
        render::say(context, &line);
    }
}

fn describe(stored: &Stored) -> String {
    let manifest = &stored.manifest;
    let label = manifest
        .label
        .as_ref()
        .map_or_else(String::new, |label| format!("  \"{label}\""));
    let flaw = in_a_word(stored);
    let loss = loss_in_words(stored);
    let pinned = pin_in_words(stored.pinned.as_deref());
    format!(
        "{}  {}  {}  {:>10} in {:>10}  {}{flaw}{loss}{label}{pinned}",
        manifest.id,
        human_time(manifest.instant),
        manifest.name,
        human_bytes(manifest.bytes),
        human_bytes(stored.stored_bytes),
        layers_in_short(manifest),
    )
}

fn older_in_words(older: usize) -> String {
    match older {
        0 => String::new(),
        older => format!("  ({older} older)"),
    }
}

/// What is wrong with a backup, if anything is.
pub(super) fn in_a_word(stored: &Stored) -> &'static str {
    match Flaw::of(stored) {
        None => "",
        Some(Flaw::Damaged) => "  DAMAGED",
        Some(Flaw::Failed(_)) => "  DID NOT PASS its last verification",
    }
}

/// That a backup lacks something of earlier ones, or that somebody has said that it is right so; and
/// that its source no longer exists on purpose.
fn loss_in_words(stored: &Stored) -> String {
    let said = |word: &str, said: &Said| match &*said.reason {
        "" => format!("  {word}"),
        reason => format!("  {word}: {reason}"),
    };
    let mut text = String::new();
    if stored.shows_loss() {
        text = format!("  LOSS since {}", human_time(stored.loss_since()));
    }
    text.extend(stored.accepted.as_ref().map(|one| said("accepted", one)));
    text.extend(stored.retired.as_ref().map(|one| said("retired", one)));
    text
}

fn pin_in_words(reason: Option<&str>) -> String {
    match reason {
        None => String::new(),
        Some("") => "  pinned".to_owned(),
        Some(reason) => format!("  pinned: {reason}"),
    }
}
