//! `geokeep list`.

use std::path::Path;

use geokeep::destination::{
    Destination, DestinationError, LineOf, Listing, Machine, Origin, Said, Stored,
};
use geokeep::judgement::Flaw;
use geokeep::wire::BackupObject;
use geokeep::words::{composed, counted, dates};

use super::asked::whose;
use super::place::{self, Place};
use crate::args::List;
use crate::failure::{Exit, Failure, shown};
use crate::render::{self, Table, human_bytes, human_time, layers_in_short};
use crate::settings::Context;

const HEADER: [&str; 8] = [
    "ID", "MADE", "NAME", "SIZE", "STORED", "CONTENT", "SOURCE", "NOTES",
];
const RIGHT: [bool; 8] = [false, false, false, true, true, false, false, false];

/// More sources than that are not named in a message.
const SHOWN_MAX: usize = 5;

pub(crate) fn run(arguments: &List, context: &Context) -> Result<Exit, Failure> {
    let place = place::find(&arguments.from, context)?;
    let wanted = Wanted::new(arguments, &place, context)?;
    let mut shown = Shown {
        wanted: &wanted,
        destination: &place.destination,
        context,
        machine: context.machine(None),
        table: Table::new(HEADER, RIGHT),
        details: Vec::new(),
        found: 0,
        listed: 0,
        older: 0,
        exit: Exit::Done,
    };
    for line in &wanted.lines {
        shown.line(line);
    }
    shown.end()
}

/// What is to be listed.
struct Wanted {
    lines: Vec<String>,
    /// One name was asked for: more is said of each backup.
    one: bool,
    /// Of each line only the newest.
    newest: bool,
    last: usize,
    since: Option<jiff::Timestamp>,
    source: Option<String>,
}

impl Wanted {
    fn new(arguments: &List, place: &Place, context: &Context) -> Result<Self, Failure> {
        let destination = &place.destination;
        let failed = |e: DestinationError| Failure::of_folder(&e.into(), destination.path());
        let lines = match (&arguments.name, &place.line) {
            (Some(name), _) => vec![
                destination
                    .line_called(name, &context.asking())
                    .map_err(failed)?,
            ],
            (None, Some(line)) => vec![line.clone()],
            (None, None) => destination.lines().map_err(failed)?,
        };
        let since = arguments.since.as_ref().map(|date| {
            let stretch = dates::stretch(date, &context.asking().now);
            stretch.ok_or_else(|| failed(DestinationError::NoDate(date.clone())))
        });
        let one = arguments.name.is_some() || place.line.is_some();
        let some = arguments.last.is_some() || since.is_some();
        Ok(Self {
            lines,
            one: arguments.name.is_some(),
            newest: !(arguments.all || one || some || context.json),
            last: arguments.last.map_or(usize::MAX, |last| last as usize),
            since: since.transpose()?.map(|stretch| stretch.start),
            source: arguments.source.clone(),
        })
    }

    /// The backups of a listing that are wanted.
    fn retain(&self, backups: &mut Vec<Stored>) {
        let part = self.source.as_deref().map(composed);
        let is_of = |path: &str| {
            part.as_ref()
                .is_none_or(|part| composed(path).contains(&**part))
        };
        backups.retain(|stored| {
            let source = &stored.manifest.source;
            let is_new = self
                .since
                .is_none_or(|since| stored.manifest.instant >= since);
            is_new && (is_of(source.name()) || is_of(&source.path))
        });
        backups.drain(..backups.len().saturating_sub(self.last));
    }
}

struct Shown<'a> {
    wanted: &'a Wanted,
    destination: &'a Destination,
    context: &'a Context,
    machine: Machine,
    table: Table<8>,
    /// Where it came from and what the checks found, for those who ask for one name.
    details: Vec<String>,
    /// Whatever lies there.
    found: usize,
    listed: usize,
    older: usize,
    exit: Exit,
}

impl Shown<'_> {
    fn line(&mut self, line: &str) {
        let (destination, context) = (self.destination, self.context);
        let listing = if self.wanted.newest {
            destination.list_newest(line)
        } else {
            destination.list(line)
        };
        let mut listing = listing.unwrap_or_else(|error| Listing {
            unreadable: vec![(destination.location_of_line(line), error)],
            ..Listing::default()
        });
        self.found += listing.backups.len() + listing.older;
        self.found += listing.unreadable.len() + listing.not_ours.len();
        let is_listed = !listing.backups.is_empty();
        self.wanted.retain(&mut listing.backups);
        if is_listed && listing.backups.is_empty() {
            listing.older = 0;
        }
        for stored in &listing.backups {
            self.listed += 1;
            if context.json {
                render::json_line(&BackupObject::of("list", stored));
            } else {
                self.row(stored, listing.older);
            }
        }
        self.older += listing.older;
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
            self.unreadable(line, &path, error);
        }
    }

    fn unreadable(&mut self, line: &str, path: &Path, error: DestinationError) {
        let failure = Failure::of_backup(&error.into(), path);
        self.exit = Exit::VerificationFailed;
        if self.context.json {
            let mut object = BackupObject::failed("list", &failure);
            object.name = Some(line.to_owned());
            object.path = Some(path.to_string_lossy().into_owned());
            object.verdict = Some("unreadable");
            render::json_line(&object);
        }
        render::failure(self.context, &failure);
    }

    fn row(&mut self, stored: &Stored, older: usize) {
        let manifest = &stored.manifest;
        self.table.add([
            manifest.id.clone(),
            human_time(manifest.instant),
            manifest.name.clone(),
            human_bytes(manifest.bytes),
            human_bytes(stored.stored_bytes),
            layers_in_short(manifest),
            self.source(&manifest.source),
            notes(stored, older),
        ]);
        if self.wanted.one {
            self.details.extend(details(stored));
        }
    }

    /// The path; and the machine, if it is another one.
    fn source(&self, source: &Origin) -> String {
        let path = source.name();
        match self.machine.owns(source) {
            true => path.to_owned(),
            false => format!("{path} on {}", source.host),
        }
    }

    fn end(self) -> Result<Exit, Failure> {
        let context = self.context;
        if !self.table.is_empty() {
            self.table
                .lines()
                .for_each(|line| render::say(context, &line));
        }
        self.details
            .iter()
            .for_each(|line| render::say(context, line));
        if self.older > 0 {
            let older = counted(self.older, "older backup is", "older backups are");
            render::say(
                context,
                &format!("{older} not listed; name one file to see its backups, or all with --all"),
            );
        }
        if context.json {
            return Ok(self.exit);
        }
        if self.found == 0 {
            render::say(context, "no backups yet");
        } else if self.listed == 0 && self.exit == Exit::Done {
            render::say(
                context,
                &format!("none of {} is of these", self.all_in_words()),
            );
        }
        Ok(self.exit)
    }

    /// What there is to choose from, where nothing of it was wanted.
    fn all_in_words(&self) -> String {
        let found = counted(self.found, "backup", "backups");
        let mut lines = self.wanted.lines.iter();
        let of = |line: &String| {
            let source = self.destination.owner(line).ok().flatten()?;
            let line = line.clone();
            Some(LineOf { line, source })
        };
        let sources: Vec<_> = (lines.by_ref().filter_map(of))
            .take(SHOWN_MAX)
            .map(|one| whose(&one.source, &self.machine))
            .collect();
        let more = if lines.next().is_some() { ", …" } else { "" };
        format!("{found} of {}{more}", sources.join(", "))
    }
}

/// By which method a backup was made, and what the checks found.
fn details(stored: &Stored) -> Vec<String> {
    let manifest = &stored.manifest;
    let mut lines = Vec::new();
    if let Some(link) = &manifest.source.link {
        let (file, link) = (
            shown(Path::new(&manifest.source.path)),
            shown(Path::new(link)),
        );
        lines.push(format!("    {}: {link} is a link to {file}", manifest.id));
    }
    for finding in &manifest.findings {
        let table = finding
            .table
            .as_ref()
            .map_or_else(String::new, |t| format!(" \"{t}\""));
        lines.push(format!(
            "    {}: {}{table}: {}",
            manifest.id,
            finding.severity.as_str(),
            finding.message
        ));
    }
    lines
}

fn notes(stored: &Stored, older: usize) -> String {
    let mut notes = Vec::new();
    match in_a_word(stored).trim() {
        "" => {}
        flaw => notes.push(flaw.to_owned()),
    }
    notes.extend(loss_in_words(stored));
    if let Some(label) = &stored.manifest.label {
        notes.push(format!("\"{label}\""));
    }
    match stored.pinned.as_deref() {
        None => {}
        Some("") => notes.push("pinned".to_owned()),
        Some(reason) => notes.push(format!("pinned: {reason}")),
    }
    if older > 0 {
        notes.push(format!("({older} older)"));
    }
    notes.join("  ")
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
fn loss_in_words(stored: &Stored) -> Vec<String> {
    let said = |word: &str, said: &Said| match &*said.reason {
        "" => word.to_owned(),
        reason => format!("{word}: {reason}"),
    };
    let mut notes = Vec::new();
    if stored.shows_loss() {
        notes.push(format!("LOSS since {}", human_time(stored.loss_since())));
    }
    notes.extend(stored.accepted.as_ref().map(|one| said("accepted", one)));
    notes.extend(stored.retired.as_ref().map(|one| said("retired", one)));
    notes
}
