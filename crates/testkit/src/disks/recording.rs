//! A disk that does everything for real and keeps a log from which power cuts are simulated.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use geokeep::durable::{Disk, DiskFile, OsDisk};
use sozip::ReadAt;

/// Number of a file or folder: names come and go, this stays.
pub(super) type Id = usize;

/// The root folder's number.
pub(super) const ROOT: Id = 0;

/// One change of names, of which a power cut leaves either nothing or all.
#[derive(Debug, Clone)]
pub(super) struct NameChange {
    /// Gone from here.
    pub(super) from: Option<(Id, String)>,
    /// And now here, in the place of whatever bore the name.
    pub(super) to: Option<(Id, String)>,
    pub(super) id: Id,
}

#[derive(Debug, Clone)]
pub(super) enum Op {
    Write { id: Id, offset: u64, data: Vec<u8> },
    SetLen { id: Id, len: u64 },
    SyncFile { id: Id },
    Name { change: NameChange, text: String },
    SyncDir { id: Id, text: String },
    Acknowledge(String),
}

/// Contents of a file, or that it is a folder.
#[derive(Debug, Clone)]
pub(super) enum Node {
    File(Vec<u8>),
    Dir,
}

/// What was there at first, and everything that was done since, in order.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// By number; files made later follow, empty.
    pub(super) nodes: Vec<Node>,
    /// Names that were there, and durable, when recording began.
    pub(super) names: BTreeMap<(Id, String), Id>,
    pub(super) ops: Vec<Op>,
    /// Names as the running program sees them.
    live: BTreeMap<(Id, String), Id>,
}

impl Log {
    /// How many operations were recorded.
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    fn add(&mut self, node: Node) -> Id {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// What stands at first is taken for durable.
    fn load(&mut self, dir: &Path, id: Id) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            let name = name_of(&path);
            let child = if path.is_dir() {
                let child = self.add(Node::Dir);
                self.load(&path, child)?;
                child
            } else {
                self.add(Node::File(fs::read(&path)?))
            };
            self.names.insert((id, name), child);
        }
        Ok(())
    }

    fn rename(&mut self, from: (Id, String), to: (Id, String), text: String) {
        let id = self.live.remove(&from).expect("the renamed name is known");
        self.live.insert(to.clone(), id);
        let change = NameChange {
            from: Some(from),
            to: Some(to),
            id,
        };
        self.ops.push(Op::Name { change, text });
    }

    fn create(&mut self, at: (Id, String), node: Node, text: String) -> Id {
        let id = self.add(node);
        self.live.insert(at.clone(), id);
        self.ops.push(Op::Name {
            change: NameChange {
                from: None,
                to: Some(at),
                id,
            },
            text,
        });
        id
    }

    fn remove(&mut self, at: (Id, String), text: String) {
        let id = self.live.remove(&at).expect("the removed name is known");
        self.ops.push(Op::Name {
            change: NameChange {
                from: Some(at),
                to: None,
                id,
            },
            text,
        });
    }
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().expect("a path with a name");
    name.to_str().expect("tests use names in UTF-8").to_owned()
}

/// Does everything for real below one folder, and records it.
///
/// Changes that do not go through the disk are not seen: a test of code that also writes with
/// SQLite says nothing about what SQLite wrote. Clones share the log.
#[derive(Debug, Clone)]
pub struct RecordingDisk {
    root: PathBuf,
    log: Arc<Mutex<Log>>,
}

impl RecordingDisk {
    /// Records from now on; what is in `root` already counts as durable.
    pub fn new(root: &Path) -> io::Result<Self> {
        let mut log = Log::default();
        log.add(Node::Dir);
        log.load(root, ROOT)?;
        log.live = log.names.clone();
        Ok(RecordingDisk {
            root: root.to_owned(),
            log: Arc::new(Mutex::new(log)),
        })
    }

    /// Notes that the program reported this as done. From here on it must survive.
    pub fn acknowledge(&self, what: impl Into<String>) {
        self.log().ops.push(Op::Acknowledge(what.into()));
    }

    /// A copy of the log as it is now.
    pub fn snapshot(&self) -> Log {
        self.log().clone()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn text(&self, verb: &str, path: &Path) -> String {
        format!(
            "{verb} {}",
            path.strip_prefix(&self.root).unwrap_or(path).display()
        )
    }

    /// The folder's number. A path that known names do not lead to stops the test.
    fn dir_id(&self, log: &Log, path: &Path) -> Id {
        let inside = path.strip_prefix(&self.root).unwrap_or_else(|_| {
            panic!(
                "{} is outside of the recorded folder {}",
                path.display(),
                self.root.display()
            )
        });
        inside.components().fold(ROOT, |dir, part| {
            let Component::Normal(name) = part else {
                panic!("{} is not plain", path.display())
            };
            let name = name.to_str().expect("tests use names in UTF-8").to_owned();
            let unknown = || panic!("{} was not made through this disk", path.display());
            log.live.get(&(dir, name)).copied().unwrap_or_else(unknown)
        })
    }

    fn place(&self, log: &Log, path: &Path) -> (Id, String) {
        (
            self.dir_id(log, path.parent().expect("a path with a parent")),
            name_of(path),
        )
    }
}

/// Each operation holds the log while it runs, so that the log's order is the true one.
impl Disk for RecordingDisk {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut log = self.log();
        let inner = OsDisk.create_new(path)?;
        let at = self.place(&log, path);
        let id = log.create(at, Node::File(Vec::new()), self.text("create", path));
        Ok(Box::new(RecordingFile {
            inner,
            id,
            position: 0,
            log: Arc::clone(&self.log),
        }))
    }

    fn lock(&self, path: &Path) -> io::Result<File> {
        let mut log = self.log();
        let was_there = path.exists();
        let file = OsDisk.lock(path)?;
        if !was_there {
            let at = self.place(&log, path);
            log.create(at, Node::File(Vec::new()), self.text("create", path));
        }
        Ok(file)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut log = self.log();
        OsDisk.create_dir(path)?;
        let at = self.place(&log, path);
        log.create(at, Node::Dir, self.text("create folder", path));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut log = self.log();
        OsDisk.rename(from, to)?;
        let (old, new) = (self.place(&log, from), self.place(&log, to));
        log.rename(
            old,
            new,
            format!("{} to {}", self.text("rename", from), name_of(to)),
        );
        Ok(())
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut log = self.log();
        OsDisk.rename_new(from, to)?;
        let (old, new) = (self.place(&log, from), self.place(&log, to));
        log.rename(
            old,
            new,
            format!("{} to {}", self.text("rename", from), name_of(to)),
        );
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut log = self.log();
        OsDisk.remove_file(path)?;
        let at = self.place(&log, path);
        log.remove(at, self.text("remove", path));
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut log = self.log();
        OsDisk.remove_dir(path)?;
        let at = self.place(&log, path);
        log.remove(at, self.text("remove folder", path));
        Ok(())
    }

    /// Not done for real: nobody cuts this machine's power, and it would make the tests slow.
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut log = self.log();
        fs::metadata(path)?;
        let id = self.dir_id(&log, path);
        log.ops.push(Op::SyncDir {
            id,
            text: self.text("sync folder", path),
        });
        Ok(())
    }
}

#[derive(Debug)]
struct RecordingFile {
    inner: Box<dyn DiskFile>,
    id: Id,
    position: u64,
    log: Arc<Mutex<Log>>,
}

impl RecordingFile {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DiskFile for RecordingFile {
    /// Not done for real either.
    fn sync(&self) -> io::Result<()> {
        self.log().ops.push(Op::SyncFile { id: self.id });
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut log = self.log();
        self.inner.set_len(len)?;
        log.ops.push(Op::SetLen { id: self.id, len });
        Ok(())
    }
}

impl Read for RecordingFile {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.position += n as u64;
        Ok(n)
    }
}

impl Write for RecordingFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let log = Arc::clone(&self.log);
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let n = self.inner.write(buf)?;
        log.ops.push(Op::Write {
            id: self.id,
            offset: self.position,
            data: buf[..n].to_vec(),
        });
        self.position += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Seek for RecordingFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.inner.seek(to)?;
        Ok(self.position)
    }
}

impl ReadAt for RecordingFile {
    fn size(&self) -> io::Result<u64> {
        self.inner.size()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.inner.read_exact_at(buf, offset)
    }
}
