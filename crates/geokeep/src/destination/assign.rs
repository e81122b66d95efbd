//! Which line the backups of a source go to: the one that is known as its own, else a new one.
//!
//! What a line is known by is the origin of its newest backup, unless somebody has said since that
//! it goes on with another source (`owner.rs`).

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::archive_folder::{Reserved, owner_tag};
use super::line::{Likely, legal_name, names_for};
use super::owner::Adopted;
use super::{Destination, DestinationError, Machine, Origin, Stored};
use crate::source::{Another, Evidence, ProjectFormat, Source, another, stamp_of};
use crate::words::{composed, folded};

/// This many names are tried before the archives of all lines are opened.
const USUAL_NAMES: usize = 8;

/// What is known of a line.
#[derive(Debug, Clone)]
struct Known {
    newest: Arc<Stored>,
    /// Whose its next backup is, if that is not the owner of the newest one.
    adopted: Option<Origin>,
}

impl Known {
    /// The line's name.
    fn line(&self) -> &str {
        self.newest.id.line()
    }

    /// Whose its next backup is.
    fn owner(&self) -> &Origin {
        let newest = &self.newest.manifest.source;
        self.adopted.as_ref().unwrap_or(newest)
    }

    /// What the owner's file looked like.
    fn evidence(&self) -> Option<&Evidence> {
        let evidence = &self.newest.manifest.evidence;
        self.adopted.is_none().then_some(evidence)
    }

    fn instant(&self) -> Timestamp {
        self.newest.manifest.instant
    }
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

/// The lines of a destination as they were when they were listed, once for all sources of a run.
/// Nothing is looked for line by line: a run may have thousands of sources.
#[derive(Debug)]
pub struct Lines<'a> {
    destination: &'a Destination,
    machine: &'a Machine,
    lines: Vec<Line>,
    /// Where each is, by its folded name.
    places: HashMap<String, usize>,
    /// Other names that are in use there, folded.
    occupied: HashSet<String>,
    reserved: Reserved,
    adopted: Vec<(usize, Adopted)>,
    /// Where those are that are known by a path.
    by_path: OnceCell<HashMap<String, Vec<usize>>>,
    /// Where those are whose files are not on this machine, or no longer exist.
    elsewhere: OnceCell<Vec<usize>>,
    contents: OnceCell<Arc<HashMap<String, String>>>,
    /// Given to sources of this run, folded.
    taken: HashSet<String>,
}

#[derive(Debug)]
struct Line {
    name: String,
    known: OnceCell<Option<Known>>,
}

impl Destination {
    /// The lines, and what `machine` knows of them.
    ///
    /// # Errors
    /// [`DestinationError::Unlistable`].
    pub fn known_lines<'a>(&'a self, machine: &'a Machine) -> Result<Lines<'a>, DestinationError> {
        let root = self.root()?;
        let adopted = root.lines.iter().enumerate().filter_map(|(place, line)| {
            let adopted = self.adopted(line).ok()??;
            Some((place, adopted))
        });
        let adopted = adopted.collect();
        let mut places = HashMap::new();
        for (place, name) in root.lines.iter().enumerate() {
            places.entry(folded(name)).or_insert(place);
        }
        let others = root.links.iter().chain(&root.others);
        let line = |name: &String| Line {
            name: name.clone(),
            known: OnceCell::new(),
        };
        Ok(Lines {
            destination: self,
            machine,
            occupied: others.map(|name| folded(name)).collect(),
            reserved: self.folder.reserved(),
            adopted,
            places,
            by_path: OnceCell::new(),
            elsewhere: OnceCell::new(),
            contents: OnceCell::new(),
            taken: HashSet::new(),
            lines: root.lines.iter().map(line).collect(),
        })
    }

    fn known(&self, line: &str) -> Option<Known> {
        // Where nobody can say whose the line is, it is left alone.
        let adopted = self.adopted(line).ok()?;
        let newest = self.newest(line)?;
        Some(Known {
            adopted: adopted.and_then(|adopted| adopted.instead_of(&newest.manifest)),
            newest,
        })
    }

    /// Whose the next backup of a line is expected to be.
    ///
    /// # Errors
    /// [`DestinationError::BadArchive`] if nobody can say.
    pub fn owner(&self, line: &str) -> Result<Option<Origin>, DestinationError> {
        self.adopted(line)?;
        Ok(self.known(line).map(|known| known.owner().clone()))
    }

    /// Whether nothing lies in a line but marks whose archives somebody removed: now.
    pub(super) fn is_empty(&self, line: &str) -> bool {
        self.look_again(line);
        self.shelf(line).is_ok_and(|shelf| shelf.is_empty)
    }
}

impl Lines<'_> {
    /// The newest backup of a source that was found sound.
    #[must_use]
    pub fn newest_sound_of(&self, source: &Source) -> Option<Stored> {
        let format = ProjectFormat::of(&source.given);
        let known = self.find(&Origin::new(source, self.machine), source, format)?;
        self.destination.newest_sound(known.line())
    }

    /// The line for backups of `source`, which is then taken: by the name that the user gave it, by
    /// what is known, or a new one. That of a project bears the ending of its `format`.
    pub(crate) fn assign(
        &mut self,
        source: &Source,
        format: Option<ProjectFormat>,
        given: Option<&str>,
    ) -> Result<Assigned, DestinationError> {
        let mut origin = Origin::new(source, self.machine);
        let assigned = if let Some(name) = given {
            origin.line_given = true;
            self.named(origin, name)?
        } else if let Some(known) = self.find(&origin, source, format) {
            continued(origin, known)
        } else {
            self.begun(origin, source, format)?
        };
        self.taken.insert(folded(&assigned.line));
        Ok(assigned)
    }

    /// The line that the user named.
    fn named(&self, origin: Origin, name: &str) -> Result<Assigned, DestinationError> {
        let legal = legal_name(name);
        let here = self.called(&legal);
        let line = here.map_or(legal, |here| self.lines[here].name.clone());
        let taken = |path: String, host: String| DestinationError::NotItsLine {
            line: line.clone(),
            path,
            host,
        };
        if let Some(known) = here.and_then(|here| self.known(here)) {
            let owner = known.owner();
            let is_its = owner.line_given || owner.same_name(&origin) || origin.same_file(owner);
            // A name that was given, or a machine of which nothing lasting is known.
            let nobodys = owner.lasts_not() && !self.machine.lasts();
            let ours = self.machine.owns(owner) || nobodys;
            if is_its && ours && !self.is_taken(&line) {
                return Ok(continued(origin, known));
            }
            return Err(taken(owner.name().to_owned(), owner.host.clone()));
        }
        if !self.may_begin(&line, &origin) {
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
        self.taken.contains(&folded(line))
    }

    /// Where the line is that is called so: on some systems in another spelling, too.
    fn called(&self, name: &str) -> Option<usize> {
        let exact = self.lines.binary_search_by(|line| (*line.name).cmp(name));
        exact
            .ok()
            .or_else(|| self.places.get(&folded(name)).copied())
    }

    /// What is known of the line at a place.
    fn known(&self, place: usize) -> Option<&Known> {
        let line = &self.lines[place];
        let known = line.known.get_or_init(|| {
            self.destination.known(&line.name).or_else(|| {
                // Another run may just have made its first backup.
                self.destination.look_again(&line.name);
                self.destination.known(&line.name)
            })
        });
        known.as_ref()
    }

    /// The same, unless it was given to a source.
    fn free(&self, place: usize) -> Option<&Known> {
        (!self.is_taken(&self.lines[place].name)).then(|| self.known(place))?
    }

    /// Whether a line of this name, which holds no backups, may begin with those of `origin`.
    fn may_begin(&self, name: &str, origin: &Origin) -> bool {
        let key = folded(name);
        if self.taken.contains(&key) || self.occupied.contains(&key) {
            return false;
        }
        match self.reserved.owner(name) {
            // A run of the same source may just have begun.
            Some(owner) => owner == owner_tag(origin),
            None => {
                let here = self.called(name);
                here.is_none_or(|here| self.destination.is_empty(&self.lines[here].name))
            }
        }
    }

    /// The line that is known as that of the source.
    fn find(
        &self,
        origin: &Origin,
        source: &Source,
        format: Option<ProjectFormat>,
    ) -> Option<&Known> {
        // What somebody has said comes first.
        let said = self.adopted.iter().filter_map(|(place, adopted)| {
            let claim = self.claim(origin, &adopted.source)?;
            Some((claim, self.free(*place)?))
        });
        let said = said.max_by_key(|(claim, known)| (*claim, known.instant()));
        said.map(|(_, known)| known)
            .or_else(|| self.by_usual_name(origin, names_for(source, origin, format)))
            .or_else(|| self.by_any_name(origin, source))
    }

    /// Nearly always a line has the name of its source: then no other archive is opened.
    fn by_usual_name(
        &self,
        origin: &Origin,
        names: impl Iterator<Item = String>,
    ) -> Option<&Known> {
        let known = names.take(USUAL_NAMES).filter_map(|name| {
            let place = self.called(&name)?;
            self.free(place)
        });
        let mut known = known.filter(|known| {
            known.owner().host == origin.host
                && self.claim(origin, known.owner()) == Some(Claim::SameName)
        });
        known.next()
    }

    fn by_any_name(&self, origin: &Origin, source: &Source) -> Option<&Known> {
        let paths = [origin.name(), &origin.path];
        let by_path = self.by_path();
        let places = paths
            .iter()
            .filter_map(|path| by_path.get(&*composed(path)));
        let claims = places.flatten().filter_map(|place| {
            let known = self.free(*place)?;
            let claim = self.claim(origin, known.owner())?;
            // A copy of a whole machine has its id as well, and files of its own.
            let evidence = known.evidence();
            let is_another = claim == Claim::Renamed
                && evidence
                    .is_some_and(|then| another(&source.real, then, then.looked_ns) != Another::No);
            (!is_another).then_some((claim, known))
        });
        let best = claims.max_by_key(|(claim, known)| (*claim, known.instant()));
        best.map(|(_, known)| known)
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

    fn by_path(&self) -> &HashMap<String, Vec<usize>> {
        self.by_path.get_or_init(|| {
            let mut by_path: HashMap<String, Vec<usize>> = HashMap::new();
            for place in 0..self.lines.len() {
                if let Some(owner) = self.known(place).map(Known::owner) {
                    let paths = HashSet::from([composed(owner.name()), composed(&owner.path)]);
                    for path in paths {
                        by_path.entry(path.into_owned()).or_default().push(place);
                    }
                }
            }
            by_path
        })
    }

    fn elsewhere(&self) -> impl Iterator<Item = &Known> {
        let elsewhere = self.elsewhere.get_or_init(|| {
            let is_here =
                |owner: &Origin| self.machine.owns(owner) && Path::new(owner.name()).exists();
            let all = 0..self.lines.len();
            all.filter(|place| self.known(*place).is_some_and(|k| !is_here(k.owner())))
                .collect()
        });
        elsewhere.iter().filter_map(|place| self.known(*place))
    }

    /// A new line by the first name that is free.
    fn begun(
        &self,
        origin: Origin,
        source: &Source,
        format: Option<ProjectFormat>,
    ) -> Result<Assigned, DestinationError> {
        let mut names = names_for(source, &origin, format);
        let name = names.find(|name| self.may_begin(name, &origin));
        let name = name.ok_or_else(|| {
            let why = io::Error::other("no free name was found");
            DestinationError::read(self.destination.path(), why)
        })?;
        let here = self.called(&name);
        let likely = self.likely(&origin, source);
        let contents = self.contents.get_or_init(|| {
            let digest = |known: &Known| known.newest.manifest.digest.clone();
            let pairs = self.elsewhere();
            let pairs = pairs.map(|known| (digest(known), known.line().to_owned()));
            Arc::new(pairs.collect())
        });
        Ok(Assigned {
            line: here.map_or(name, |here| self.lines[here].name.clone()),
            origin,
            before: None,
            likely,
            contents: Arc::clone(contents),
        })
    }

    /// A line of a file that is most likely this one: moved, or of a machine that this one replaces.
    fn likely(&self, origin: &Origin, source: &Source) -> Option<Likely> {
        let stamp = stamp_of(&source.real).ok()?;
        let others = self.elsewhere().filter_map(|known| {
            let owner = known.owner();
            let then = known.evidence().map(|then| &then.file);
            let same_inode = then.is_some_and(|then| {
                then.inode != 0 && (then.device, then.inode) == (stamp.device, stamp.inode)
            });
            let why = if !self.machine.owns(owner) {
                let same_path = owner.same_name(origin) || owner.path == origin.path;
                same_path.then(|| format!("which holds the file of this path of {}", owner.host))
            } else if same_inode {
                Some(format!("which holds this file as {}", owner.name()))
            } else {
                let (then, now) = (Path::new(owner.name()), Path::new(origin.name()));
                (then.file_name() == now.file_name())
                    .then(|| format!("whose file {} no longer exists", owner.name()))
            };
            Some((known, why?)).filter(|(known, _)| !self.is_taken(known.line()))
        });
        let (known, why) = others.max_by_key(|(known, _)| known.instant())?;
        Some(Likely {
            line: known.line().to_owned(),
            why,
            is_of_other_machine: !self.machine.owns(known.owner()),
        })
    }
}

fn continued(mut origin: Origin, known: &Known) -> Assigned {
    if origin.link.is_none() && origin.same_file(known.owner()) {
        // Reached by itself this time; it keeps the name that it was given.
        origin.link.clone_from(&known.owner().link);
    }
    Assigned {
        line: known.line().to_owned(),
        origin,
        before: Some(known.newest.manifest.source.clone()),
        likely: None,
        contents: Arc::default(),
    }
}
