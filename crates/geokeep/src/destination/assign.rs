//! Which line the backups of a source go to: the one that is known as its own, else a new one.
//!
//! What a line is known by is the origin of its newest backup, unless somebody has said since that
//! it goes on with another source (`owner.rs`).

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::line::{candidates, legal_name};
use super::owner::Adopted;
use super::reservation::{Reserved, owner_tag};
use super::{ArchiveFolder, DestinationError, Machine, Origin};
use crate::source::{Another, Evidence, Source, another};
use crate::words::same_name;

/// A line and what is known of it.
#[derive(Debug, Clone)]
struct Known {
    line: String,
    /// Whose its next backup is.
    owner: Origin,
    /// Whose its newest backup is.
    newest: Origin,
    /// The same, if the newest backup is of that owner.
    evidence: Option<Evidence>,
    instant: Timestamp,
    digest: String,
}

/// How surely a line is that of a source; the last is the surest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    /// The machine had another name then.
    Renamed,
    /// The same file by another name.
    SameFile,
    SameName,
}

/// The line that a source was given.
#[derive(Debug, Clone)]
pub(crate) struct Assigned {
    pub(crate) line: String,
    pub(crate) origin: Origin,
    /// Whose the line's newest backup is; `None` if the line begins.
    pub(crate) before: Option<Origin>,
    /// What else it may be, if the line begins.
    pub(crate) likely: Option<Likely>,
    /// Lines by what their newest backups hold, if the line begins.
    pub(crate) contents: Arc<HashMap<String, String>>,
}

/// A line that very likely holds the same file under another name or of another machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Likely {
    /// The line.
    pub line: String,
    /// Why, as a clause: "which ...".
    pub why: String,
}

/// The lines of a destination while sources are given theirs.
pub(crate) struct Lines<'a> {
    folder: &'a ArchiveFolder,
    machine: &'a Machine,
    names: Vec<String>,
    /// Other names that are in use there.
    occupied: Vec<String>,
    reserved: Reserved,
    adopted: Vec<(String, Adopted)>,
    all: OnceCell<Vec<Known>>,
    contents: OnceCell<Arc<HashMap<String, String>>>,
    taken: Vec<String>,
}

impl ArchiveFolder {
    pub(crate) fn assigning<'a>(
        &'a self,
        machine: &'a Machine,
    ) -> Result<Lines<'a>, DestinationError> {
        let names = self.lines()?;
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let occupied = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let occupied = occupied.filter(|name| !names.contains(name));
        let adopted = names.iter().filter_map(|line| {
            let adopted = self.adopted(line).ok()??;
            Some((line.clone(), adopted))
        });
        Ok(Lines {
            folder: self,
            machine,
            occupied: occupied.collect(),
            reserved: self.reserved(),
            adopted: adopted.collect(),
            all: OnceCell::new(),
            contents: OnceCell::new(),
            taken: Vec::new(),
            names,
        })
    }

    fn known(&self, line: &str) -> Option<Known> {
        // Where nobody can say whose the line is, it is left alone.
        let adopted = self.adopted(line).ok()?;
        let newest = self.newest(line)?;
        let manifest = newest.manifest;
        let owner = adopted.and_then(|adopted| adopted.instead_of(&manifest));
        Some(Known {
            line: line.to_owned(),
            evidence: owner.is_none().then_some(manifest.evidence),
            owner: owner.unwrap_or_else(|| manifest.source.clone()),
            newest: manifest.source,
            instant: manifest.instant,
            digest: manifest.digest,
        })
    }

    /// Whose the next backup of a line is expected to be.
    ///
    /// # Errors
    /// [`DestinationError::BadArchive`] if nobody can say.
    pub fn owner(&self, line: &str) -> Result<Option<Origin>, DestinationError> {
        self.adopted(line)?;
        Ok(self.known(line).map(|known| known.owner))
    }
}

impl Lines<'_> {
    /// The line for backups of `source`, which is then taken: by the name that the user gave it, by
    /// what is known, or a new one.
    pub(crate) fn assign(
        &mut self,
        source: &Source,
        given: Option<&str>,
    ) -> Result<Assigned, DestinationError> {
        let mut origin = Origin::new(source, self.machine);
        let assigned = if let Some(name) = given {
            origin.line_given = true;
            self.named(origin, name)?
        } else if let Some(known) = self.find(&origin, source) {
            self.continued(origin, known)
        } else {
            self.begun(origin, source)?
        };
        self.taken.push(assigned.line.clone());
        Ok(assigned)
    }

    fn continued(&self, mut origin: Origin, known: Known) -> Assigned {
        if origin.link.is_none() && origin.same_file(&known.owner) {
            // Reached by itself this time; it keeps the name that it was given.
            origin.link = known.owner.link.clone();
        }
        Assigned {
            line: known.line,
            origin,
            before: Some(known.newest),
            likely: None,
            contents: Arc::default(),
        }
    }

    /// The line that the user named.
    fn named(&self, origin: Origin, name: &str) -> Result<Assigned, DestinationError> {
        let legal = legal_name(name);
        let here = self.names.iter().find(|line| same_name(line, &legal));
        let line = here.cloned().unwrap_or(legal);
        let taken = |path: String, host: String| DestinationError::NotItsLine {
            line: line.clone(),
            path,
            host,
        };
        if let Some(known) = self.folder.known(&line) {
            let owner = &known.owner;
            let is_its = owner.line_given || owner.same_name(&origin) || origin.same_file(owner);
            // A name that was given, or a machine of which nothing lasting is known.
            let nobodys = owner.lasts_not() && !self.machine.lasts();
            let ours = self.machine.owns(owner) || nobodys;
            if is_its && ours && !self.is_taken(&line) {
                return Ok(self.continued(origin, known));
            }
            return Err(taken(owner.name().to_owned(), owner.host.clone()));
        }
        let free = here.is_none() || self.folder.is_empty(&line);
        let reserved = self.reserved.owner(&line);
        let free = free && reserved.is_none_or(|owner| owner == owner_tag(&origin));
        if !free || self.is_taken(&line) || self.is_occupied(&line) {
            return Err(taken("something else".to_owned(), String::new()));
        }
        Ok(Assigned {
            line,
            origin,
            before: None,
            likely: None,
            contents: Arc::default(),
        })
    }

    fn is_taken(&self, line: &str) -> bool {
        self.taken.iter().any(|taken| same_name(taken, line))
    }

    fn is_occupied(&self, line: &str) -> bool {
        self.occupied.iter().any(|name| same_name(name, line))
    }

    /// The line that is known as that of the source.
    fn find(&self, origin: &Origin, source: &Source) -> Option<Known> {
        // What somebody has said comes first.
        let said = self.adopted.iter().filter_map(|(line, adopted)| {
            let claim = self.claim(origin, &adopted.source)?;
            Some((claim, self.free(line)?))
        });
        if let Some((_, known)) = said.max_by_key(|(claim, known)| (*claim, known.instant)) {
            return Some(known);
        }
        self.by_usual_name(origin, source)
            .or_else(|| self.by_any_name(origin, source))
    }

    fn free(&self, line: &str) -> Option<Known> {
        (!self.is_taken(line)).then(|| self.folder.known(line))?
    }

    /// Nearly always a line has the name of its source: then no other archive is opened.
    fn by_usual_name(&self, origin: &Origin, source: &Source) -> Option<Known> {
        for name in self.names_until_gap(origin, source) {
            let Some(line) = self.names.iter().find(|line| same_name(line, &name)) else {
                continue;
            };
            if let Some(known) = self.free(line)
                && known.owner.host == origin.host
                && self.claim(origin, &known.owner) == Some(Claim::SameName)
            {
                return Some(known);
            }
        }
        None
    }

    fn by_any_name(&self, origin: &Origin, source: &Source) -> Option<Known> {
        let claims = self.all().iter().filter_map(|known| {
            let claim = self.claim(origin, &known.owner)?;
            // A copy of a whole machine has its id as well, and files of its own.
            let evidence = known.evidence.as_ref();
            let is_another = claim == Claim::Renamed
                && evidence
                    .is_some_and(|then| another(&source.real, then, then.looked_ns) != Another::No);
            (!is_another && !self.is_taken(&known.line)).then_some((claim, known))
        });
        let best = claims.max_by_key(|(claim, known)| (*claim, known.instant));
        best.map(|(_, known)| known.clone())
    }

    fn claim(&self, origin: &Origin, owner: &Origin) -> Option<Claim> {
        if !self.machine.owns(owner) {
            return None;
        }
        let (same_name, same_file) = (origin.same_name(owner), origin.same_file(owner));
        match () {
            () if !same_name && !same_file => None,
            () if origin.host != owner.host => Some(Claim::Renamed),
            () if same_name => Some(Claim::SameName),
            () => Some(Claim::SameFile),
        }
    }

    fn all(&self) -> &[Known] {
        self.all.get_or_init(|| {
            let known = self.names.iter().filter_map(|line| self.folder.known(line));
            known.collect()
        })
    }

    /// Names to look at. Lines may have been removed by hand: a little further than the first gap.
    fn names_until_gap(&self, origin: &Origin, source: &Source) -> Vec<String> {
        let mut names = Vec::new();
        let mut missed = 0;
        for name in candidates(&source.stem(), parent(origin).as_deref()) {
            let known = self.names.iter().any(|line| same_name(line, &name));
            let reserved = self.reserved.owner(&name).is_some();
            let there = known || reserved || self.is_taken(&name) || self.is_occupied(&name);
            missed = if there { 0 } else { missed + 1 };
            names.push(name);
            if missed >= 8 {
                break;
            }
        }
        names
    }

    /// A new line by the first name that is free.
    fn begun(&self, origin: Origin, source: &Source) -> Result<Assigned, DestinationError> {
        let tag = owner_tag(&origin);
        let usable = |name: &String| {
            let here = self.names.iter().find(|line| same_name(line, name));
            let line = here.unwrap_or(name);
            let free = match self.reserved.owner(name) {
                // A run of the same source that has just begun.
                Some(owner) => owner == tag,
                None => here.is_none_or(|line| self.folder.is_empty(line)) && !self.is_taken(name),
            };
            (free && !self.is_occupied(name)).then(|| line.clone())
        };
        let names = self.names_until_gap(&origin, source);
        let line = names.iter().find_map(usable).ok_or_else(|| {
            let why = io::Error::other("no free name was found");
            DestinationError::read(&self.folder.path, why)
        })?;
        let likely = self.likely(&origin, source);
        let contents = self.contents.get_or_init(|| {
            let others = self.all().iter();
            let others = others.filter(|known| !is_here(self.machine, &known.owner));
            let pairs = others.map(|known| (known.digest.clone(), known.line.clone()));
            Arc::new(pairs.collect())
        });
        Ok(Assigned {
            line,
            origin,
            before: None,
            likely,
            contents: Arc::clone(contents),
        })
    }

    /// A line of a file that is most likely this one: moved, or of a machine that this one replaces.
    fn likely(&self, origin: &Origin, source: &Source) -> Option<Likely> {
        let stamp = crate::source::stamp_of(&source.real).ok()?;
        let file_name =
            |origin: &Origin| Path::new(origin.name()).file_name().map(ToOwned::to_owned);
        let others = self.all().iter().filter_map(|known| {
            let owner = &known.owner;
            if self.is_taken(&known.line) || is_here(self.machine, owner) {
                return None;
            }
            let then = known.evidence.as_ref().map(|then| &then.file);
            let same_inode = then.is_some_and(|then| {
                then.inode != 0 && (then.device, then.inode) == (stamp.device, stamp.inode)
            });
            let why = if !self.machine.owns(owner) {
                let same_path = origin.same_name(owner) || owner.path == origin.path;
                same_path.then(|| format!("which holds the file of this path of {}", owner.host))
            } else if same_inode {
                Some(format!("which holds this file as {}", owner.name()))
            } else {
                (file_name(owner) == file_name(origin))
                    .then(|| format!("whose file {} is not there any more", owner.name()))
            };
            Some((known.instant, known.line.clone(), why?))
        });
        let newest = others.max_by_key(|(instant, ..)| *instant);
        newest.map(|(_, line, why)| Likely { line, why })
    }
}

/// Whether the file of a line is on this machine, and still there: another one is not it.
fn is_here(machine: &Machine, owner: &Origin) -> bool {
    machine.owns(owner) && Path::new(owner.name()).exists()
}

fn parent(origin: &Origin) -> Option<String> {
    let parent = Path::new(origin.name()).parent().and_then(Path::file_name);
    parent.map(|name| name.to_string_lossy().into_owned())
}
