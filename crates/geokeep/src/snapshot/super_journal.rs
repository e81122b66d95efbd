//! A transaction over several databases: whether it was committed (SQLite file format, section 3;
//! "Atomic Commit In SQLite", section 5).
//!
//! Such a transaction has a super-journal, a file that lists the journals of all its databases. The
//! journal of each ends in the name of that file. To delete it is the commit. So a journal that a
//! dead program left is to be rolled back while its super-journal exists, and is of no effect when
//! that has gone.
//!
//! SQLite would look for it, read it and delete it under whatever name the journal gives, and a
//! journal may come from anybody. Here the name is looked at, and nothing else is done with it.
//! SQLite gets a copy of the journal in which there is no name any more.

use std::ffi::c_char;
use std::fs::File;
use std::io::{self, ErrorKind, SeekFrom};
use std::path::{Component, Path, PathBuf, Prefix};

use sozip::ReadAt;

use super::SnapshotError;
use crate::durable::{DiskFile, folder_of};
use crate::source::Source;
use crate::words::{one_line, shortened, why};

pub(super) const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
/// The length of the name, its checksum, and [`MAGIC`].
const TAIL: usize = 16;
/// SQLite takes a longer name for none: `mxPathname` of its VFS.
const NAME_MAX: u32 = if cfg!(windows) { 1040 } else { 512 };

/// What a journal that a dead program left is good for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Its transaction did not end: the database is to be rolled back.
    RollBack,
    /// Its transaction was committed, says the absence of this super-journal: the database is to be
    /// taken as it is.
    Committed(String),
}

/// To be called while a read lock keeps others from rolling the journal back: then a super-journal
/// that is there cannot go, for this journal names it.
pub(super) fn judge(journal: &File, source: &Source) -> Result<Verdict, SnapshotError> {
    let Some(name) = read_name(journal).map_err(SnapshotError::Io)? else {
        return Ok(Verdict::RollBack);
    };
    let shown = shortened(&one_line(&String::from_utf8_lossy(&name)), 120);
    let open = exists(&path_of(&name)).map_err(|e| SnapshotError::NeedsOtherMethod {
        reason: format!(
            "its journal belongs to a transaction over several databases, and the file that tells \
             whether it was committed cannot be looked for ('{shown}': {})",
            why(&e)
        ),
    })?;
    if open || lies_beside(&name, source) {
        Ok(Verdict::RollBack)
    } else {
        Ok(Verdict::Committed(shown))
    }
}

/// Takes the name of the super-journal out of a journal: without its last mark it is none. All else
/// stays where it is.
pub(super) fn make_plain(journal: &mut dyn DiskFile) -> io::Result<()> {
    if read_name(journal)?.is_some() {
        journal.seek(SeekFrom::End(-8))?;
        journal.write_all(&[0; 8])?;
    }
    Ok(())
}

/// The name at the end of a journal, by the rules of SQLite's `readSuperJournal`.
fn read_name(journal: &dyn ReadAt) -> io::Result<Option<Vec<u8>>> {
    let size = journal.size()?;
    let mut tail = [0; TAIL];
    let Some(tail_at) = size.checked_sub(TAIL as u64) else {
        return Ok(None);
    };
    journal.read_exact_at(&mut tail, tail_at)?;
    let number =
        |at: usize| u32::from_be_bytes([tail[at], tail[at + 1], tail[at + 2], tail[at + 3]]);
    let (length, checksum) = (number(0), number(4));
    if length == 0 || length > NAME_MAX || u64::from(length) > tail_at || tail[8..] != MAGIC {
        return Ok(None);
    }
    let mut name = vec![0; length as usize];
    journal.read_exact_at(&mut name, tail_at - u64::from(length))?;
    // The bytes are C's `char`, which has a sign on some machines.
    let sum = |sum: u32, &byte: &u8| sum.wrapping_add_signed(i32::from(byte as c_char));
    if name.iter().fold(0, sum) != checksum {
        return Ok(None);
    }
    if let Some(end) = name.iter().position(|&byte| byte == 0) {
        name.truncate(end);
    }
    Ok((!name.is_empty()).then_some(name))
}

/// Whether there is such a file, as SQLite asks: an empty one is none. It is not asked whether it is
/// a super-journal and names this journal. SQLite does not, and of a database that was copied with
/// its journal it would be wrong: the list in the super-journal names the original.
fn exists(path: &Path) -> io::Result<bool> {
    if path.is_relative() {
        // SQLite writes whole names only. It would be looked for wherever we happen to work.
        return Ok(false);
    }
    if let Some(Component::Prefix(prefix)) = path.components().next()
        && !matches!(prefix.kind(), Prefix::Disk(_) | Prefix::VerbatimDisk(_))
    {
        // Windows would ask another machine, and tell it who we are.
        return Err(io::Error::other("it is on another machine"));
    }
    match std::fs::metadata(path) {
        Ok(found) => Ok(!found.is_file() || found.len() > 0),
        Err(e) => match e.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => {
                Ok(false)
            }
            _ => Err(e),
        },
    }
}

/// Whether that super-journal lies beside the database. The name in the journal is that of the
/// machine that wrote it: in a container, on a share or in a folder that was moved the same files have
/// another one, under which SQLite would not find them. Only a name of the form that SQLite gives is
/// believed; nothing is opened, for to close a database would drop our locks on it.
fn lies_beside(name: &[u8], source: &Source) -> bool {
    let name = last_part(name);
    let digits = name.windows(3).rposition(|part| part == b"-mj");
    let digits = digits.map_or(&[][..], |at| &name[at + 3..]);
    if !(8..=9).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    let path = folder_of(&source.real).join(path_of(name));
    std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0)
}

fn last_part(name: &[u8]) -> &[u8] {
    let from = name.iter().rposition(|byte| matches!(byte, b'/' | b'\\'));
    &name[from.map_or(0, |at| at + 1)..]
}

#[cfg(unix)]
fn path_of(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(name).into()
}

/// SQLite writes names in UTF-8 there.
#[cfg(not(unix))]
fn path_of(name: &[u8]) -> PathBuf {
    String::from_utf8_lossy(name).into_owned().into()
}
