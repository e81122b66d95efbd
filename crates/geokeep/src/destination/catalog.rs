//! What is known of a destination without asking again: what was seen since it was opened, and what
//! this process has done to it since.
//!
//! A run may have thousands of sources. The root is listed once, a line at most once until somebody
//! asks to look again, and its newest backup is opened once; so the cost of one source does not grow
//! with the number of the others. Whatever must be true at this very moment looks again: before a
//! backup is begun and before it is published, and when a line is listed to judge it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::noted::{Mark, Marks};
use super::shelf::{Root, Shelf};
use super::stored::{Listing, Opened, Stored};
use super::{BackupId, Content, ContentKind, Destination, DestinationError, Draft, Made, Manifest};
use crate::durable::{Readers, may_be_litter};

/// Backups of a line that are kept in mind: the newest one, and the newest sound one.
const KEPT_IN_MIND: usize = 2;

#[derive(Debug, Default)]
pub(super) struct Catalog {
    root: Mutex<Option<Arc<Root>>>,
    lines: Mutex<HashMap<String, Arc<Mutex<Line>>>>,
    /// Swept, and so seen anew, for a run that has not begun yet.
    is_swept: AtomicBool,
}

#[derive(Debug, Default)]
struct Line {
    shelf: Option<Arc<Shelf>>,
    opened: Vec<(Marks, Arc<Stored>)>,
}

/// What is half done after a panic is at worst asked for again.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Catalog {
    fn line(&self, name: &str) -> Arc<Mutex<Line>> {
        let mut lines = lock(&self.lines);
        match lines.get(name) {
            Some(line) => Arc::clone(line),
            None => Arc::clone(lines.entry(name.to_owned()).or_default()),
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        *lock(&self.root) = None;
        lock(&self.lines).clear();
    }

    fn change_lines(&self, change: impl FnOnce(&mut Vec<String>)) {
        if let Some(root) = lock(&self.root).as_mut() {
            change(&mut Arc::make_mut(root).lines);
        }
    }
}

impl Destination {
    pub(super) fn root(&self) -> Result<Arc<Root>, DestinationError> {
        let mut root = lock(&self.catalog.root);
        match &*root {
            Some(root) => Ok(Arc::clone(root)),
            None => Ok(Arc::clone(root.insert(Arc::new(self.folder.root()?)))),
        }
    }

    /// Forgets which lines there are.
    pub(super) fn forget_lines(&self) {
        *lock(&self.catalog.root) = None;
    }

    /// A run may use what was seen when the destination was swept for it, and nothing older.
    pub(crate) fn begin_run(&self) {
        if !self.catalog.is_swept.swap(false, Relaxed) {
            self.catalog.clear();
        }
    }

    /// The names of all lines, sorted.
    ///
    /// # Errors
    /// [`DestinationError::Unlistable`].
    pub fn lines(&self) -> Result<Vec<String>, DestinationError> {
        Ok(self.root()?.lines.clone())
    }

    /// The names of links that lead to folders with backups of that name. They are not used.
    ///
    /// # Errors
    /// [`DestinationError::Unlistable`].
    pub fn linked_lines(&self) -> Result<Vec<String>, DestinationError> {
        let mut links = self.root()?.links.clone();
        links.retain(|name| self.shelf(name).is_ok_and(|s| !s.backups.is_empty()));
        Ok(links)
    }

    pub(super) fn shelf(&self, line: &str) -> Result<Arc<Shelf>, DestinationError> {
        self.shelf_of(line, &mut lock(&self.catalog.line(line)))
    }

    fn shelf_of(&self, name: &str, line: &mut Line) -> Result<Arc<Shelf>, DestinationError> {
        if let Some(shelf) = &line.shelf {
            return Ok(Arc::clone(shelf));
        }
        let shelf = Arc::new(self.folder.shelf(name)?);
        let is_still_so = |(marks, stored): &(Marks, Arc<Stored>)| {
            let mut now = shelf.backups.iter();
            now.any(|(id, now)| *id == stored.id && now == marks)
        };
        line.opened.retain(is_still_so);
        line.shelf = Some(Arc::clone(&shelf));
        Ok(shelf)
    }

    /// Forgets what was seen of a line: others may have been at work there.
    pub(crate) fn look_again(&self, line: &str) {
        lock(&self.catalog.line(line)).shelf = None;
    }

    /// The backups of a line in the order in which they were made, readable or not.
    ///
    /// # Errors
    /// [`DestinationError::Unlistable`], [`DestinationError::NotOurs`].
    pub fn backups(&self, line: &str) -> Result<Vec<BackupId>, DestinationError> {
        let shelf = self.shelf(line)?;
        Ok(shelf.backups.iter().map(|(id, _)| id.clone()).collect())
    }

    /// Every backup of a line, as it is now.
    ///
    /// # Errors
    /// [`DestinationError::Unlistable`] if the line itself cannot be read; a broken backup is listed
    /// as such.
    pub fn list(&self, line: &str) -> Result<Listing, DestinationError> {
        self.look_again(line);
        self.listing(line, usize::MAX)
    }

    /// The newest backup of a line that can be read, those after it, and how many are older, which
    /// are not opened: where there are thousands of lines, each opened file counts.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn list_newest(&self, line: &str) -> Result<Listing, DestinationError> {
        self.listing(line, 1)
    }

    /// Backups of a line from the newest back, until `enough` can be read.
    fn listing(&self, line: &str, enough: usize) -> Result<Listing, DestinationError> {
        let mut listing = Listing::default();
        let shelf = match self.shelf(line) {
            Err(DestinationError::NotOurs(folder)) => {
                listing.not_ours.push(folder);
                return Ok(listing);
            }
            shelf => shelf?,
        };
        for (older, (id, marks)) in shelf.backups.iter().enumerate().rev() {
            match self.read(id, *marks) {
                Ok(stored) => listing.backups.push(stored),
                Err(DestinationError::NotOurs(path)) => listing.not_ours.push(path),
                Err(error) => listing.unreadable.push((self.folder.location(id), error)),
            }
            if listing.backups.len() == enough {
                listing.older = older;
                break;
            }
        }
        // In the order in which they were made.
        listing.backups.reverse();
        listing.not_ours.reverse();
        listing.unreadable.reverse();
        Ok(listing)
    }

    fn read(&self, id: &BackupId, marks: Marks) -> Result<Stored, DestinationError> {
        let manifest = self.folder.manifest_of(id)?;
        let noted = self.noted(id, marks, Some(&manifest));
        let stored_bytes = self.folder.bytes_of(id)?;
        Ok(Stored::new(
            id.clone(),
            self.folder.location(id),
            stored_bytes,
            manifest,
            noted,
        ))
    }

    /// A backup as listings show it.
    ///
    /// # Errors
    /// [`DestinationError::BadArchive`] if it cannot be read.
    pub fn stored(&self, id: &BackupId) -> Result<Stored, DestinationError> {
        let shelf = self.shelf(id.line())?;
        let marks = shelf.backups.iter().find(|(other, _)| other == id);
        self.read(id, marks.map(|(_, marks)| *marks).unwrap_or_default())
    }

    /// Opens a backup and reads its manifest; what it holds is not touched.
    ///
    /// # Errors
    /// [`DestinationError::BadArchive`] if it is not what geokeep writes, and of the version that
    /// this geokeep reads.
    pub fn open_backup(&self, id: &BackupId) -> Result<Opened, DestinationError> {
        let marks = Marks::of([Mark::Seen]);
        let archive = self.folder.open_archive(id)?;
        let noted = self.noted(id, marks, Some(&archive.manifest));
        let rights = noted.rights(&archive.manifest);
        let location = self.folder.location(id);
        Ok(Opened::new(id.clone(), location, archive, rights))
    }

    /// The newest backup of a line that can be read and that `is_wanted`.
    fn newest_that(&self, line: &str, is_wanted: impl Fn(&Stored) -> bool) -> Option<Arc<Stored>> {
        let known = self.catalog.line(line);
        let mut known = lock(&known);
        let shelf = self.shelf_of(line, &mut known).ok()?;
        shelf.backups.iter().rev().find_map(|(id, marks)| {
            let mut opened = known.opened.iter();
            let stored = match opened.find(|(_, stored)| stored.id == *id) {
                Some((_, stored)) => Arc::clone(stored),
                None => {
                    let stored = Arc::new(self.read(id, *marks).ok()?);
                    if known.opened.len() < KEPT_IN_MIND {
                        known.opened.push((*marks, Arc::clone(&stored)));
                    }
                    stored
                }
            };
            is_wanted(&stored).then_some(stored)
        })
    }

    /// The newest backup of a line that can be read.
    pub(crate) fn newest(&self, line: &str) -> Option<Arc<Stored>> {
        self.newest_that(line, |_| true)
    }

    /// When the newest backup of a line was made, by a listing alone.
    pub(crate) fn newest_made(&self, line: &str) -> Option<Made> {
        Some(self.shelf(line).ok()?.backups.last()?.0.made)
    }

    /// The newest backup of a line whose content was found sound.
    #[must_use]
    pub fn newest_sound(&self, line: &str) -> Option<Stored> {
        let newest = self.newest_that(line, Stored::is_sound)?;
        Some(Stored::clone(&newest))
    }

    /// Why the newest backup of a line cannot be read, if it cannot, and if it is for us to read.
    ///
    /// # Errors
    /// As those of listing the line.
    pub fn unreadable_newest(
        &self,
        line: &str,
    ) -> Result<Option<(BackupId, DestinationError)>, DestinationError> {
        let shelf = match self.shelf(line) {
            Err(DestinationError::NotOurs(_)) => return Ok(None),
            shelf => shelf?,
        };
        let Some((id, _)) = shelf.backups.last() else {
            return Ok(None);
        };
        if self.newest(line).is_some_and(|newest| newest.id == *id) {
            return Ok(None);
        }
        Ok(match self.open_backup(id) {
            Ok(_) | Err(DestinationError::NotOurs(_)) => None,
            Err(why) => Some((id.clone(), why)),
        })
    }

    /// Whether a backup that was seen is still there.
    pub(crate) fn is_there(&self, stored: &Stored) -> bool {
        (self.folder.bytes_of(&stored.id)).is_ok_and(|bytes| bytes == stored.stored_bytes)
    }

    /// Begins a backup for `readers` in a line.
    pub(crate) fn draft(
        &self,
        line: &str,
        content: ContentKind,
        readers: &Readers,
    ) -> Result<Draft, DestinationError> {
        self.folder.draft(line, content, readers)
    }

    /// Publishes a draft. Only when this returns the backup is made.
    pub(crate) fn publish(
        &self,
        draft: Draft,
        content: &Content,
        manifest: &Manifest,
    ) -> Result<Stored, DestinationError> {
        let (id, bytes) = draft.publish(content, manifest)?;
        let location = self.folder.location(&id);
        let noted = super::noted::Noted::default();
        let stored = Stored::new(id.clone(), location, bytes, manifest.clone(), noted);
        let line = self.catalog.line(id.line());
        let mut line = lock(&line);
        // The backup before it is most likely no longer the newest sound one.
        line.opened = vec![(Marks::default(), Arc::new(stored.clone()))];
        if let Some(shelf) = &mut line.shelf {
            let shelf = Arc::make_mut(shelf);
            shelf.is_empty = false;
            shelf.backups.push((id.clone(), Marks::default()));
            shelf.backups.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        self.catalog.change_lines(|lines| {
            if let Err(place) = lines.binary_search_by(|name| (**name).cmp(id.line())) {
                lines.insert(place, id.line().to_owned());
            }
        });
        Ok(stored)
    }

    /// Removes a line in which no backup was made after all.
    pub(crate) fn discard_empty(&self, line: &str) {
        self.folder.discard_empty(line);
        self.look_again(line);
    }

    /// Takes note of what was done to a mark.
    pub(super) fn learn_mark(&self, id: &BackupId, mark: Mark, there: bool) {
        let line = self.catalog.line(id.line());
        let mut line = lock(&line);
        line.opened.retain(|(_, stored)| stored.id != *id);
        if let Some(shelf) = &mut line.shelf {
            let shelf = Arc::make_mut(shelf);
            let all = shelf.backups.iter_mut();
            for (_, marks) in all.filter(|(other, _)| other == id) {
                marks.set(mark, there);
            }
        }
    }

    /// Removes what killed runs left; returns how many files that were. Everything is seen anew.
    ///
    /// # Errors
    /// [`DestinationError::Write`] where a left-over cannot be removed.
    pub fn sweep(&self) -> Result<usize, DestinationError> {
        self.catalog.clear();
        let root = self.root()?;
        let mut swept = 0;
        if root.others.iter().any(|name| may_be_litter(name)) {
            swept += self.folder.sweep_root()?;
        }
        for line in &root.lines {
            if self.shelf(line).is_ok_and(|shelf| !shelf.has_litter) {
                continue;
            }
            let removed = self.folder.sweep_line(line)?;
            self.look_again(line);
            if removed > 0 && self.shelf(line).is_ok_and(|shelf| shelf.is_empty) {
                self.discard_empty(line);
                self.catalog
                    .change_lines(|lines| lines.retain(|name| name != line));
            }
            swept += removed;
        }
        self.catalog.is_swept.store(true, Relaxed);
        Ok(swept)
    }
}
