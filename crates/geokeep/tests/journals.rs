//! Journals that say whose transaction they belong to.
//!
//! A rollback journal may name a super-journal: a file that SQLite looks for, opens and deletes when
//! it recovers a database. `copy` once recovered its working copy with SQLite's ordinary VFS. So a
//! journal that somebody had put beside a source made a backup delete any file of the user whose name
//! was written in it, or wait at a pipe for ever; and because it was asked for the super-journal
//! after the lock had gone, half of a transaction over two databases could be stored.

use crate::common;
use crate::common::program::is_own_process;

use std::fs;
use std::path::{Path, PathBuf};

use common::program::{End, Program};
use common::{Place, archives_below, files_below, open_stored, tiny, writable};
use geokeep::Error;
use geokeep::destination::{Stored, Verdict};
use geokeep::snapshot::SnapshotError;
use testkit::fault_vfs::{self, Call};
use testkit::fingerprint;

const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// A source with half a transaction: the file says `new`, its journal `old`.
struct Half {
    place: Place,
    path: PathBuf,
    journal: Vec<u8>,
}

impl Half {
    fn new() -> Self {
        let mut place = Place::new();
        place.settings.force = true;
        let path = place.build("a.gpkg", &tiny());
        let db = writable(&path);
        db.execute_batch("CREATE TABLE state(v); INSERT INTO state VALUES ('old')")
            .unwrap();
        let old = fs::read(&path).unwrap();
        db.execute_batch("UPDATE state SET v = 'new'").unwrap();
        db.close().unwrap();
        let journal = journal_of(&old, &fs::read(&path).unwrap());
        Self {
            place,
            path,
            journal,
        }
    }

    fn named(&self, name: &[u8]) -> Vec<u8> {
        [&self.journal[..], &super_journal_record(name)].concat()
    }

    /// Backs it up with this journal. Nothing else may change, wherever it lies.
    fn back_up(&self, journal: &[u8]) -> Stored {
        fs::write(self.place.source("a.gpkg-journal"), journal).unwrap();
        let before = fingerprint(&self.place.sources());
        let others = self.others();
        let stored = self.place.save(&self.path);
        before.assert_same(&self.place.sources());
        assert_eq!(self.others(), others, "another file has gone or changed");
        assert_eq!(stored.manifest.verdict, Verdict::Sound);
        stored
    }

    /// What lies elsewhere, but for the backups.
    fn others(&self) -> Vec<(PathBuf, u64)> {
        let mut files = files_below(self.place.root());
        files.retain(|path| !path.starts_with(self.place.backups()));
        let with_length = |path: PathBuf| {
            let length = fs::symlink_metadata(&path).unwrap().len();
            (path, length)
        };
        files.into_iter().map(with_length).collect()
    }

    fn elsewhere(&self, name: &str) -> PathBuf {
        let path = self.place.root().join("home").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }
}

/// As SQLite writes it: a header in a sector, then each page that has changed.
fn journal_of(old: &[u8], new: &[u8]) -> Vec<u8> {
    let size = common::page_size(old);
    let nonce: u32 = 0x1234_5678;
    let changed: Vec<usize> = (0..old.len() / size)
        .filter(|n| old[n * size..][..size] != new[n * size..][..size])
        .collect();
    assert!(changed.len() > 1, "{changed:?}");
    let mut journal = MAGIC.to_vec();
    for number in [changed.len(), nonce as usize, old.len() / size, 512, size] {
        journal.extend(u32::try_from(number).unwrap().to_be_bytes());
    }
    journal.resize(512, 0);
    for n in changed {
        let page = &old[n * size..][..size];
        let mut checksum = nonce;
        for at in (1..size - 199)
            .rev()
            .filter(|at| (size - at).is_multiple_of(200))
        {
            checksum = checksum.wrapping_add(page[at].into());
        }
        journal.extend((n as u32 + 1).to_be_bytes());
        journal.extend(page);
        journal.extend(checksum.to_be_bytes());
    }
    journal
}

fn super_journal_record(name: &[u8]) -> Vec<u8> {
    let sum = |sum: u32, &byte: &u8| sum.wrapping_add_signed(i32::from(byte as std::ffi::c_char));
    let checksum = name.iter().fold(0, sum);
    let mut record = (0x4000_0000_u32 / 4096 + 1).to_be_bytes().to_vec();
    record.extend(name);
    record.extend((name.len() as u32).to_be_bytes());
    record.extend(checksum.to_be_bytes());
    record.extend(MAGIC);
    record
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

fn state_in(stored: &Stored) -> String {
    open_stored(&stored.location)
        .connection()
        .query_row("SELECT v FROM state", [], |row| row.get(0))
        .unwrap()
}

fn is_said_to_be_committed(stored: &Stored) -> bool {
    let mut findings = stored.manifest.findings.iter();
    findings.any(|finding| {
        finding
            .message
            .contains("transaction over several databases")
    })
}

/// The judgement is SQLite's: a super-journal that exists lets it roll back.
#[test]
fn a_file_that_a_journal_names_stays() {
    let half = Half::new();
    let thesis = half.elsewhere("thesis.txt");
    fs::write(&thesis, "the only copy").unwrap();
    let stored = half.back_up(&half.named(bytes(&thesis)));
    assert_eq!(state_in(&stored), "old");
    assert_eq!(fs::read(&thesis).unwrap(), b"the only copy");
}

/// The same for the source itself, for an archive, for a folder; and for a list of journals that names
/// other files in turn, which SQLite would open.
#[test]
fn whatever_a_journal_names_stays() {
    let half = Half::new();
    let archive = half.back_up(&half.journal).location;
    let folder = half.elsewhere("folder/file");
    fs::write(&folder, "x").unwrap();
    let list = half.elsewhere("a.gpkg-mj00112294F");
    fs::write(&list, [bytes(&folder), b"\0"].concat()).unwrap();
    for named in [&half.path, &archive, folder.parent().unwrap(), &list] {
        let stored = half.back_up(&half.named(bytes(named)));
        assert_eq!(state_in(&stored), "old", "{}", named.display());
        assert!(named.exists(), "{}", named.display());
    }
    assert_eq!(archives_below(&half.place.backups()).len(), 5);
}

#[cfg(unix)]
#[test]
fn a_pipe_that_a_journal_names_is_not_opened() {
    let half = Half::new();
    let pipe = half.elsewhere("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    // A super-journal that names it as one of its journals does not lead there either.
    let list = half.elsewhere("list");
    fs::write(&list, [bytes(&pipe), b"\0"].concat()).unwrap();
    let (done, states) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for named in [&pipe, &list] {
            done.send(state_in(&half.back_up(&half.named(bytes(named)))))
                .unwrap();
        }
    });
    for _ in 0..2 {
        let state = states.recv_timeout(std::time::Duration::from_secs(120));
        assert_eq!(state.expect("it does not wait at the pipe"), "old");
    }
}

/// Its absence is the commit: the file is taken as it stands. An empty file is none, says SQLite.
#[test]
fn without_its_super_journal_a_journal_is_of_no_effect() {
    let half = Half::new();
    let gone = half.elsewhere("b.gpkg-mj00112294F");
    let empty = half.elsewhere("empty");
    fs::write(&empty, "").unwrap();
    let below_a_file = half.path.join("b.gpkg-mj00112294F");
    for named in [gone, empty, below_a_file] {
        let stored = half.back_up(&half.named(bytes(&named)));
        assert_eq!(state_in(&stored), "new", "{}", named.display());
        assert!(is_said_to_be_committed(&stored), "{:?}", stored.manifest);
    }
}

/// SQLite would look in whatever folder it happens to work in.
#[test]
fn a_relative_name_leads_nowhere() {
    let half = Half::new();
    let thesis = half.elsewhere("thesis.txt");
    fs::write(&thesis, "the only copy").unwrap();
    let here = std::env::current_dir().unwrap().canonicalize().unwrap();
    let up: PathBuf = here.ancestors().skip(1).map(|_| "..").collect();
    let thesis = thesis.canonicalize().unwrap();
    let Ok(below) = thesis.strip_prefix(here.ancestors().last().unwrap()) else {
        testkit::skipped("the temporary folder is on another drive");
        return;
    };
    let relative = up.join(below);
    assert!(relative.exists());
    assert_eq!(
        state_in(&half.back_up(&half.named(bytes(&relative)))),
        "new"
    );
}

/// In a container, or after both were moved, the super-journal lies beside the database under its
/// name, but not where the journal says.
#[test]
fn a_super_journal_that_moved_with_its_database_is_found() {
    let half = Half::new();
    let name = "a.gpkg-mj0011229AB";
    let journal = half.named(format!("/nowhere/at/all/{name}").as_bytes());
    assert_eq!(state_in(&half.back_up(&journal)), "new");
    fs::write(half.place.source(name), "/nowhere/at/all/a.gpkg-journal\0").unwrap();
    assert_eq!(state_in(&half.back_up(&journal)), "old");
    // Any other file that lies there means nothing.
    let journal = half.named(b"/nowhere/at/all/readme.txt");
    fs::write(half.place.source("readme.txt"), "a.gpkg-journal\0").unwrap();
    assert_eq!(state_in(&half.back_up(&journal)), "new");
}

/// What SQLite takes for no record is none: the journal is an ordinary one.
#[test]
fn a_record_that_is_none_means_nothing() {
    let half = Half::new();
    let absent = b"/nowhere/at/all";
    let wrong_sum = {
        let mut journal = half.named(absent);
        let at = journal.len() - 9;
        journal[at] ^= 1;
        journal
    };
    let in_the_middle = [&half.named(absent)[..], &[0; 700]].concat();
    let too_long = half.named(&[b'/'; 1100]);
    let nameless = half.named(b"\0/nowhere");
    let longer_than_the_file = super_journal_record(absent)[15..].to_vec();
    let cases = [wrong_sum, in_the_middle, too_long, nameless];
    for (n, journal) in cases.iter().enumerate() {
        let stored = half.back_up(journal);
        assert_eq!(state_in(&stored), "old", "case {n}");
        assert!(!is_said_to_be_committed(&stored), "case {n}");
    }
    // Nothing to roll back is in it.
    assert_eq!(state_in(&half.back_up(&longer_than_the_file)), "new");
}

#[cfg(unix)]
#[test]
fn names_are_bytes() {
    use std::os::unix::ffi::OsStrExt;
    let half = Half::new();
    let name = std::ffi::OsStr::from_bytes(b"th\xe8se \xff.txt");
    let thesis = half.elsewhere("x").with_file_name(name);
    if fs::write(&thesis, "the only copy").is_err() {
        testkit::skipped("this file system wants names in UTF-8");
        return;
    }
    // What follows a zero is not part of it.
    for journal in [bytes(&thesis).to_vec(), [bytes(&thesis), b"\0x"].concat()] {
        assert_eq!(state_in(&half.back_up(&half.named(&journal))), "old");
        assert!(thesis.exists());
    }
}

/// Whether that transaction was committed cannot be known, so nothing is stored.
#[cfg(unix)]
#[test]
fn what_cannot_be_looked_for_is_not_guessed() {
    let half = Half::new();
    let loops = half.elsewhere("loop");
    std::os::unix::fs::symlink(&loops, &loops).unwrap();
    let journal = half.named(bytes(&loops.join("a.gpkg-mj00112294F")));
    fs::write(half.place.source("a.gpkg-journal"), journal).unwrap();
    let error = half.place.try_backup(&half.path).unwrap_err();
    let refused = matches!(
        &error,
        Error::Snapshot(SnapshotError::NeedsOtherMethod { reason })
            if reason.contains("over several databases")
    );
    assert!(refused, "{error:?}");
    assert!(files_below(&half.place.backups()).is_empty());
}

/// A few bytes that claim a database of 16 TB.
#[test]
fn a_journal_cannot_make_its_database_endless() {
    let half = Half::new();
    let mut journal = half.journal.clone();
    journal[16..20].copy_from_slice(&0x3fff_ffff_u32.to_be_bytes());
    fs::write(half.place.source("a.gpkg-journal"), journal).unwrap();
    let stored = half.place.save(&half.path);
    assert_eq!(stored.manifest.verdict, Verdict::Damaged);
    let length = fs::metadata(&half.path).unwrap().len();
    assert_eq!(stored.manifest.bytes, length, "the file as it lies");
    assert!(files_below(&half.place.root().join("staging")).is_empty());
}

/// What lies under a link belongs to somebody else; SQLite does not follow it.
#[cfg(unix)]
#[test]
fn a_link_is_no_journal() {
    let half = Half::new();
    let secret = half.elsewhere("secret");
    fs::write(&secret, &half.journal).unwrap();
    std::os::unix::fs::symlink(&secret, half.place.source("a.gpkg-journal")).unwrap();
    let error = half.place.try_backup(&half.path).unwrap_err().to_string();
    let said = error.contains("-journal") && error.contains("symbolic link");
    assert!(said, "{error}");
}

/// Both are applied, in the order in which SQLite would.
#[test]
fn a_log_beside_a_journal_is_not_forgotten() {
    let half = Half::new();
    let db = writable(&half.path);
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; UPDATE state SET v = 'logged'",
    )
    .unwrap();
    let clean = fs::read(&half.path).unwrap();
    let log = fs::read(half.place.source("a.gpkg-wal")).unwrap();
    db.close().unwrap();
    let mut torn = clean.clone();
    torn[4096..3 * 4096].fill(0xee);
    fs::write(&half.path, &torn).unwrap();
    fs::write(half.place.source("a.gpkg-wal"), &log).unwrap();
    let stored = half.back_up(&journal_of(&clean, &torn));
    assert_eq!(state_in(&stored), "logged");
}

/// Two databases, and one transaction over both.
struct Two {
    place: Place,
    clean: Vec<(PathBuf, Vec<u8>)>,
}

impl Two {
    fn new() -> Self {
        let mut place = Place::in_memory();
        place.settings.force = true;
        let build = |name: &&str| {
            let path = place.build(name, &tiny());
            let db = writable(&path);
            db.execute_batch("CREATE TABLE state(v); INSERT INTO state VALUES ('old')")
                .unwrap();
            db.close().unwrap();
            let bytes = fs::read(&path).unwrap();
            (path, bytes)
        };
        let clean = ["a.gpkg", "b.gpkg"].iter().map(build).collect();
        Self { place, clean }
    }

    fn paths(&self) -> [&Path; 2] {
        [&self.clean[0].0, &self.clean[1].0]
    }

    /// Makes both anew, and lets their writer die before this call; whether it came to its end.
    fn killed_before(&self, at: u64) -> bool {
        for path in files_below(&self.place.sources()) {
            fs::remove_file(path).unwrap();
        }
        for (path, bytes) in &self.clean {
            fs::write(path, bytes).unwrap();
        }
        let [a, b] = self.paths();
        let sql = format!(
            "ATTACH '{}' AS b; BEGIN; UPDATE main.state SET v = 'new'; \
             UPDATE b.state SET v = 'new'; COMMIT",
            b.display()
        );
        Program::run(a, &sql, End::DiesBefore(at))
    }
}

/// A writer over two databases, killed before each of its calls in turn. What is stored of each is
/// what SQLite makes of it afterwards, and both are of one state.
#[test]
fn two_databases_are_of_one_state_wherever_their_writer_dies() {
    let two = Two::new();
    let (mut at, mut seen) = (0, Vec::new());
    loop {
        let ended = two.killed_before(at);
        let before = fingerprint(&two.place.sources());
        let left = files_below(&two.place.sources()).len();
        let stored = two.paths().map(|path| state_in(&two.place.save(path)));
        before.assert_same(&two.place.sources());
        let by_sqlite = two.paths().map(|path| -> String {
            let db = writable(path);
            db.query_row("SELECT v FROM state", [], |row| row.get(0))
                .unwrap()
        });
        assert_eq!(stored, by_sqlite, "killed before call {at}");
        assert_eq!(stored[0], stored[1], "killed before call {at}");
        seen.push((left, stored[0].clone()));
        if ended {
            break;
        }
        at += 1;
    }
    // Both journals and the super-journal; and both journals after the commit.
    assert!(seen.contains(&(5, "old".to_owned())), "{seen:?}");
    assert!(seen.contains(&(4, "new".to_owned())), "{seen:?}");
}

/// File and journal are copied, and our lock is gone, when another program recovers both databases
/// and removes their super-journal. What was copied is of a transaction that did not end.
#[test]
fn a_transaction_is_judged_while_the_lock_is_held() {
    if !is_own_process(
        module_path!(),
        "a_transaction_is_judged_while_the_lock_is_held",
    ) {
        return;
    }
    fault_vfs::install_as_default();
    let two = Two::new();
    let [a, b] = two.paths();
    let mut tried = 0;
    for at in 0.. {
        if two.killed_before(at) {
            break;
        }
        let half = fs::read(a).unwrap() != two.clean[0].1;
        if files_below(&two.place.sources()).len() < 5 || !half {
            continue;
        }
        let monitor = fault_vfs::watch(&two.place.settings.staging);
        let (first, second) = (a.to_owned(), b.to_owned());
        monitor.before(Some(Call::Open), 0, move || {
            for path in [&first, &second] {
                assert!(Program::run(path, "SELECT v FROM state", End::Closes));
            }
        });
        assert_eq!(
            state_in(&two.place.save(a)),
            "old",
            "killed before call {at}"
        );
        drop(monitor);
        // If the second one's journal did not name it yet, it stays, of no use to anybody.
        tried += u32::from(files_below(&two.place.sources()).len() == 2);
    }
    assert!(tried > 0);
}
