//! Which line a name stands for: its own, that of the file whose backups it holds, or a path of that
//! file, which need not be there any more.

use std::path::{Component, Path, PathBuf};

use jiff::Zoned;

use super::line::{LineOf, legal_name};
use super::{Destination, DestinationError, Machine, Origin};
use crate::source::{ProjectFormat, is_database_name, once_real};
use crate::words::{composed, file_name, folded};

/// Who asks, where and when: what a name is seen from.
#[derive(Debug, Clone)]
pub struct Asking {
    /// From which relative paths are meant.
    pub folder: PathBuf,
    /// Its files are meant first.
    pub machine: Machine,
    /// `yesterday` is the day before.
    pub now: Zoned,
}

impl Destination {
    /// The line that a name stands for.
    ///
    /// # Errors
    /// [`DestinationError::NoSuchBackup`], and [`DestinationError::SeveralLines`] if it may stand for
    /// more than one.
    pub fn line_called(&self, name: &str, asking: &Asking) -> Result<String, DestinationError> {
        let line = self.line_named(name, asking)?;
        line.ok_or_else(|| self.no_such_backup(name))
    }

    /// The same; `None` if there is none.
    pub(super) fn line_named(
        &self,
        name: &str,
        asking: &Asking,
    ) -> Result<Option<String>, DestinationError> {
        let root = self.root()?;
        if let Some(line) = line_called_so(name, &root.lines) {
            return Ok(Some(line.to_owned()));
        }
        let search = Search::new(self, name, asking, &root.lines);
        let found = search.first_found();
        match &self.meant(found, asking)[..] {
            [] => Ok(None),
            [one] => Ok(Some(one.line.clone())),
            several => Err(DestinationError::SeveralLines {
                asked: name.to_owned(),
                lines: several.to_vec(),
            }),
        }
    }

    /// Other lines of files that are called as that of this line, when people name it by that.
    #[must_use]
    pub fn namesakes(&self, line: &str) -> Vec<LineOf> {
        let (Ok(root), Some(source)) = (self.root(), self.source_of(line)) else {
            return Vec::new();
        };
        // The lines of such files are named alike (`line.rs`): no other archive is opened.
        let alike = folded(&legal_name(file_stem(source.name())));
        let others = root.lines.iter();
        let others = others.filter(|other| *other != line && folded(other).starts_with(&alike));
        let same = |other: &LineOf| {
            folded(file_name(other.source.name())) == folded(file_name(source.name()))
        };
        let others = others.filter_map(|other| self.line_of(other));
        others.filter(same).collect()
    }

    fn line_of(&self, line: &str) -> Option<LineOf> {
        let source = self.source_of(line)?;
        let line = line.to_owned();
        Some(LineOf { line, source })
    }

    fn source_of(&self, line: &str) -> Option<Origin> {
        let owner = self.owner(line).ok().flatten();
        owner.or_else(|| self.source_of_newest(line))
    }

    /// Of lines that are found in the same way those of this machine; of several that were the same
    /// file's, one after the other, the last.
    fn meant(&self, mut found: Vec<LineOf>, asking: &Asking) -> Vec<LineOf> {
        let is_ours = |one: &LineOf| asking.machine.owns(&one.source);
        if found.iter().any(is_ours) {
            found.retain(is_ours);
        }
        let one_file = (found.windows(2)).all(|two| two[0].source.same_name(&two[1].source));
        if found.len() > 1 && one_file && found.iter().all(is_ours) {
            let last = found
                .into_iter()
                .max_by_key(|one| self.newest_made(&one.line));
            return last.into_iter().collect();
        }
        found
    }
}

/// The line that is called so: else one whose name is written in another Unicode form.
pub(super) fn line_called_so<'a>(name: &str, lines: &'a [String]) -> Option<&'a str> {
    let same = |line: &&String| composed(line) == composed(name);
    let exact = lines.iter().find(|line| *line == name);
    exact
        .or_else(|| lines.iter().find(same))
        .map(|line| &**line)
}

/// A name that no line bears, looked for in one way after the other.
struct Search<'a> {
    destination: &'a Destination,
    lines: &'a [String],
    asked: &'a str,
    /// It is a path, and no mere name.
    is_path: bool,
    /// What the file may be called by.
    paths: Vec<String>,
    /// What a line of a file of that name is called.
    stem: String,
}

impl<'a> Search<'a> {
    fn new(
        destination: &'a Destination,
        asked: &'a str,
        asking: &Asking,
        lines: &'a [String],
    ) -> Self {
        let lexical = without_dots(&asking.folder.join(asked));
        let real = once_real(&lexical).unwrap_or_default();
        let paths = [Path::new(asked), &lexical, &real];
        Self {
            destination,
            lines,
            asked,
            is_path: asked.contains(['/', '\\']),
            paths: paths
                .map(|path| path.to_string_lossy().into_owned())
                .to_vec(),
            stem: legal_name(file_stem(asked)),
        }
    }

    /// From what is surest, and costs least, to what is least sure.
    fn first_found(&self) -> Vec<LineOf> {
        let exact = |a: &str, b: &str| composed(a) == composed(b);
        let loose = |a: &str, b: &str| folded(a) == folded(b);
        let ways: [&dyn Fn() -> Vec<LineOf>; 9] = [
            // Nearly always a line has the name of its file: then few archives are opened.
            &|| self.by_path(self.named_alike(), &exact),
            &|| self.by_line(&exact),
            &|| self.by_file_name(self.named_alike(), &exact),
            &|| self.by_path(self.lines.iter().collect(), &exact),
            &|| self.by_file_name(self.lines.iter().collect(), &exact),
            &|| self.by_line(&loose),
            &|| self.by_path(self.lines.iter().collect(), &loose),
            &|| self.by_file_name(self.lines.iter().collect(), &loose),
            &|| self.by_former_path(),
        ];
        let found = ways.iter().map(|way| way());
        let mut found = found.filter(|found| !found.is_empty());
        found.next().unwrap_or_default()
    }

    fn named_alike(&self) -> Vec<&'a String> {
        let alike = folded(&self.stem);
        let lines = self.lines.iter();
        lines
            .filter(|line| folded(line).starts_with(&alike))
            .collect()
    }

    /// `parcels` and `parcels.gpkg` for the line `parcels`, `town` for `town.qgz`.
    fn by_line(&self, same: &dyn Fn(&str, &str) -> bool) -> Vec<LineOf> {
        if self.is_path {
            return Vec::new();
        }
        let is_it = |line: &&String| {
            let of_project = ProjectFormat::of(Path::new(line)).is_some();
            let stem = self.stem == self.asked || !ends_as_project(self.asked);
            same(line, self.asked)
                || (stem && same(line, &self.stem))
                || (of_project && same(file_stem(line), self.asked))
        };
        self.of(self.lines.iter().filter(is_it).collect(), |_| true)
    }

    fn by_path(&self, lines: Vec<&String>, same: &dyn Fn(&str, &str) -> bool) -> Vec<LineOf> {
        self.of(lines, |source| self.is_path_of(source, same))
    }

    fn is_path_of(&self, source: &Origin, same: &dyn Fn(&str, &str) -> bool) -> bool {
        let mut paths = self.paths.iter();
        paths.any(|path| same(path, source.name()) || same(path, &source.path))
    }

    /// By the name of the file, or by the end of its path.
    fn by_file_name(&self, lines: Vec<&String>, same: &dyn Fn(&str, &str) -> bool) -> Vec<LineOf> {
        let asked = without_dots(Path::new(self.asked));
        if asked.is_absolute() || asked.as_os_str().is_empty() {
            return Vec::new();
        }
        let parts = asked.components().count();
        let end = |path: &str| {
            let all: Vec<&str> = path.split(['/', '\\']).collect();
            all[all.len().saturating_sub(parts)..].join("/")
        };
        let asked = end(&asked.to_string_lossy());
        let is_it = |path: &str| {
            let is_stem = !self.is_path && same(file_stem(path), &asked);
            is_stem || same(&end(path), &asked)
        };
        self.of(lines, |source| is_it(source.name()) || is_it(&source.path))
    }

    /// A path that a line had before its file moved: every backup is asked.
    fn by_former_path(&self) -> Vec<LineOf> {
        let may_be_path = self.is_path || Path::new(self.asked).extension().is_some();
        let had_it = |line: &&String| {
            let exact = |a: &str, b: &str| composed(a) == composed(b);
            let listing = self.destination.list(line).unwrap_or_default();
            let mut backups = listing.backups.iter();
            backups.any(|stored| self.is_path_of(&stored.manifest.source, &exact))
        };
        let lines = self.lines.iter().filter(|line| may_be_path && had_it(line));
        self.of(lines.collect(), |_| true)
    }

    fn of(&self, lines: Vec<&String>, is_it: impl Fn(&Origin) -> bool) -> Vec<LineOf> {
        let lines = lines.into_iter();
        let lines = lines.filter_map(|line| self.destination.line_of(line));
        lines.filter(|one| is_it(&one.source)).collect()
    }
}

/// Whether it is the end of a path, or of the name of a file that is backed up.
pub(super) fn may_be_path(text: &str) -> bool {
    let name = Path::new(text);
    text.contains(['/', '\\']) || is_database_name(name) || ends_as_project(text)
}

fn ends_as_project(name: &str) -> bool {
    ProjectFormat::of(Path::new(name)).is_some()
}

fn file_stem(path: &str) -> &str {
    let name = file_name(path);
    let has_ending = is_database_name(Path::new(name)) || ends_as_project(name);
    match name.rsplit_once('.') {
        Some((stem, _)) if has_ending => stem,
        _ => name,
    }
}

/// A path as it is meant: `..` goes up, whether or not anything is there.
fn without_dots(path: &Path) -> PathBuf {
    let mut meant = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                meant.pop();
            }
            part => meant.push(part),
        }
    }
    meant
}
