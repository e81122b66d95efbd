//! What tells this machine from others of its name: an id that lasts.
//!
//! It is made from the one that the system keeps, so that all users of a machine have the same. Only
//! where there is none, a random one is made once and kept among the user's files. In a container
//! these may go with it; then it is marked as short-lived, and the name counts, too.

use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use geokeep::destination::Machine;
use geokeep::durable::{Disk, write_file, write_new_file};
use geokeep::source::is_short_lived;

/// Where systems keep an id, `machine-id(5)`. The older one of D-Bus is often part of an image, and the
/// same in all containers that are made from it.
const SYSTEM: &str = "/etc/machine-id";
/// Another file in their place, for tests: they should not need a second machine.
const FOR_TESTS: &str = "GEOKEEP_MACHINE_ID";
/// The file among the user's.
const KEPT: &str = "machine-id";
/// Hexadecimal digits of an id, in either form.
const DIGITS: usize = 32;

/// The id of this machine; `None` if there is none and none can be kept. `folder` is where a random one is kept.
pub(crate) fn id(folder: Option<&Path>, disk: &Arc<dyn Disk>) -> Option<String> {
    let system = std::env::var_os(FOR_TESTS).unwrap_or_else(|| SYSTEM.into());
    match read(Path::new(&system)) {
        Some(seed) => Some(Machine::id_from(seed.as_bytes())),
        None => {
            let path = folder?.join(KEPT);
            let id = kept(&path, disk)?;
            Some(if is_short_lived(&path) {
                Machine::short_lived(&id)
            } else {
                id
            })
        }
    }
}

/// An id, if the file holds one: images are shipped with an empty file, or a word in its place.
fn read(path: &Path) -> Option<String> {
    let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file());
    let mut text = String::new();
    let file = is_file.then(|| std::fs::File::open(path).ok())??;
    file.take(100).read_to_string(&mut text).ok()?;
    let id = text.trim();
    let is_id = id.len() == DIGITS && id.bytes().all(|b| b.is_ascii_hexdigit());
    (is_id && id.bytes().any(|b| b != b'0')).then(|| id.to_owned())
}

fn kept(path: &Path, disk: &Arc<dyn Disk>) -> Option<String> {
    if let Some(id) = read(path) {
        return Some(id);
    }
    let mut id = random().into_bytes();
    id.push(b'\n');
    // Another run may be quicker: then its id counts. What is no id never told anything.
    let written = match write_new_file(disk, path, &id) {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && read(path).is_none() => {
            write_file(disk, path, &id)
        }
        other => other,
    };
    // What cannot be kept does not last.
    written
        .ok()
        .and_then(|()| read(path))
        .or_else(|| read(path))
}

fn random() -> String {
    // Seeded by the system, with 128 bits.
    let chance = RandomState::new();
    let parts: [u64; 2] = [chance.hash_one("first"), chance.hash_one("second")];
    let now = jiff::Timestamp::now().as_nanosecond();
    let seed = format!("{parts:x?} {now} {}", std::process::id());
    Machine::id_from(seed.as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;
    use geokeep::durable::OsDisk;

    #[test]
    fn an_id_is_made_once_and_what_is_none_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("geokeep/machine-id");
        let disk: Arc<dyn Disk> = Arc::new(OsDisk);
        let first = kept(&path, &disk).unwrap();
        assert_eq!(kept(&path, &disk).unwrap(), first);
        std::fs::write(&path, "").unwrap();
        let second = kept(&path, &disk).unwrap();
        assert_ne!(first, second);
        assert_eq!(kept(&path, &disk).unwrap(), second);
        // A folder in its place: nothing can be kept.
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert_eq!(kept(&path, &disk), None);
    }

    #[test]
    fn only_an_id_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("id");
        for (text, is_one) in [
            ("3d1219c7c4c5404aaa1f6d2a48adfda4\n", true),
            ("uninitialized\n", false),
            ("", false),
            ("00000000000000000000000000000000", false),
            ("3d1219c7c4c5404aaa1f6d2a48adfda", false),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read(&path).is_some(), is_one, "{text:?}");
        }
        assert_eq!(read(folder.path()), None);
    }
}
