//! An archive once took over the nine permission bits of its source, and nothing else: whoever the
//! group, an access list or a closed folder kept out could read the copy, and a file that was lost
//! came back as its restorer's. Now nobody reads an archive who may not read its source, and a
//! restore brings owner, group, permissions, list and attributes back, as far as nobody gains.
#![cfg(target_os = "linux")]

use crate::common;

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{Place, files_below, tiny};
use geokeep::destination::Stored;
use geokeep::durable::{Disk, OsDisk, Rights, Temporary};
use geokeep::restore::Restored;
use rustix::fs::{XattrFlags, getxattr, setxattr};

const ALICE: u32 = 41_001;
const SECRET: u32 = 42_001;
const STAFF: u32 = 42_002;

fn is_root() -> bool {
    let root = fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
    if !root {
        testkit::skipped("only the administrator may give files away");
    }
    root
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A place whose folder is open to everybody; `None` if those above it are not.
fn open_place() -> Option<(Place, PathBuf)> {
    let place = Place::new();
    for folder in [place.root(), &place.sources()] {
        set_mode(folder, 0o755);
    }
    let path = place.build("a.gpkg", &tiny());
    set_mode(&path, 0o644);
    if place
        .root()
        .ancestors()
        .any(|folder| mode(folder) & 0o001 == 0)
    {
        testkit::skipped("the folder for temporary files is not open to all");
        return None;
    }
    Some((place, path))
}

/// A list as `setfacl` would set it. False where the file system has none.
fn set_list(path: &Path, kind: &str, entries: &[(u16, u16, u32)]) -> bool {
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, bits, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(bits.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    let name = format!("system.posix_acl_{kind}");
    let set = setxattr(path, &*name, &bytes, XattrFlags::empty()).is_ok();
    if !set {
        testkit::skipped("no access lists on this file system");
    }
    set
}

const NOBODY: u32 = u32::MAX;
const OWNER: u16 = 1;
const USER: u16 = 2;
const GROUP_OBJ: u16 = 4;
const MASK: u16 = 16;
const OTHER: u16 = 32;

fn list_of(path: &Path) -> Option<String> {
    Rights::of(path).unwrap().acl
}

fn give_back(place: &Place, stored: &Stored, to: &Path) -> Restored {
    place.give_back(&stored.location, to, false).unwrap()
}

#[test]
fn bits_of_the_source_and_of_every_folder_above_count() {
    let Some((place, path)) = open_place() else {
        return;
    };
    let mut place = place;
    place.settings.force = true;
    let home = place.sources();
    // The group is the same: a new file's, and not handed down.
    let cases = [
        (0o644, 0o755, 0o644),
        (0o666, 0o755, 0o644),
        (0o640, 0o755, 0o640),
        (0o600, 0o755, 0o600),
        (0o400, 0o755, 0o600),
        // Who is in the group is not among the others.
        (0o604, 0o755, 0o600),
        (0o644, 0o700, 0o600),
        (0o644, 0o750, 0o640),
        (0o640, 0o701, 0o600),
        (0o644, 0o705, 0o600),
        (0o644, 0o711, 0o644),
    ];
    for (file, folder, expected) in cases {
        set_mode(&path, file);
        set_mode(&home, folder);
        let stored = place.save(&path);
        let found = mode(&stored.location);
        assert_eq!(found, expected, "{file:o} in {folder:o}: {found:o}");
        assert_eq!(stored.manifest.rights.unwrap().mode, file);
    }
}

#[test]
fn what_is_noted_of_an_archive_is_no_more_open_than_the_archive() {
    let Some((place, path)) = open_place() else {
        return;
    };
    for bits in [0o600, 0o640] {
        set_mode(&path, bits);
        let stored = place.save(&path);
        let destination = place.destination();
        destination.pin(&stored.id, "a secret reason").unwrap();
        destination.note_failed(&stored.id, "why").unwrap();
        let name = stored.location.file_name().unwrap().to_str().unwrap();
        let mut own = files_below(stored.location.parent().unwrap());
        own.retain(|file| file.to_string_lossy().contains(name));
        for note in [".pin", ".failed"] {
            let is_note = |file: &PathBuf| file.to_string_lossy().ends_with(note);
            assert!(own.iter().any(is_note), "no {note} among {own:?}");
        }
        for file in own {
            assert_eq!(mode(&file), bits, "{}", file.display());
        }
    }
}

#[test]
fn another_group_has_no_part_in_it() {
    let Some((place, path)) = open_place() else {
        return;
    };
    if !is_root() {
        return;
    }
    let mut place = place;
    place.settings.force = true;
    set_mode(&path, 0o640);
    chown(&path, Some(ALICE), Some(SECRET)).unwrap();
    // We may give it to that group.
    let stored = place.save(&path);
    let found = fs::metadata(&stored.location).unwrap();
    assert_eq!((found.gid(), found.mode() & 0o777), (SECRET, 0o640));
    // The folder hands its own group down.
    let line = stored.location.parent().unwrap();
    chown(line, None, Some(STAFF)).unwrap();
    set_mode(line, 0o2755);
    let stored = place.save(&path);
    assert_eq!(fs::metadata(&stored.location).unwrap().gid(), SECRET);
    // A folder of another group above: its members may enter, those of the file's group may not.
    chown(place.sources(), None, Some(STAFF)).unwrap();
    set_mode(&place.sources(), 0o750);
    let stored = place.save(&path);
    assert_eq!(mode(&stored.location), 0o600);
}

/// A default list on the folder of backups would let its people into every archive.
#[test]
fn a_folder_that_hands_a_list_down() {
    let Some((place, path)) = open_place() else {
        return;
    };
    let mut place = place;
    place.settings.force = true;
    let backups = place.destination();
    let list = [
        (OWNER, 7, NOBODY),
        (USER, 7, ALICE),
        (GROUP_OBJ, 7, NOBODY),
        (MASK, 7, NOBODY),
        (OTHER, 0, NOBODY),
    ];
    if !set_list(backups.path(), "default", &list) {
        return;
    }
    for bits in [0o600, 0o640, 0o644] {
        set_mode(&path, bits);
        let stored = place.save(&path);
        assert_eq!(list_of(&stored.location), None);
        // New folders there are open to the folder's group: it is the source's as well.
        assert_eq!(mode(&stored.location), bits);
    }
    // Nor does it stick to a file that comes back into such a folder.
    let home = place.sources();
    assert!(set_list(&home, "default", &list));
    let stored = place.save(&path);
    fs::remove_file(&path).unwrap();
    give_back(&place, &stored, &path);
    assert_eq!((list_of(&path), mode(&path)), (None, 0o644));
}

#[test]
fn an_access_list_goes_with_the_archive_and_comes_back() {
    let Some((place, path)) = open_place() else {
        return;
    };
    let mut place = place;
    place.settings.force = true;
    let list = [
        (OWNER, 6, NOBODY),
        (USER, 6, ALICE),
        (GROUP_OBJ, 0, NOBODY),
        (MASK, 6, NOBODY),
        (OTHER, 0, NOBODY),
    ];
    if !set_list(&path, "access", &list) {
        return;
    }
    let stored = place.save(&path);
    let reads = "user::rw-,user:41001:r--,group::---,mask::r--,other::---";
    assert_eq!(list_of(&stored.location).unwrap(), reads);
    let full = "user::rw-,user:41001:rw-,group::---,mask::rw-,other::---";
    assert_eq!(list_of(&path).unwrap(), full);
    fs::remove_file(&path).unwrap();
    let restored = give_back(&place, &stored, &path);
    assert_eq!(list_of(&path).unwrap(), full);
    assert_eq!(restored.not_restored, []);
    // The mask shows as the group's bits, and is not the group's right.
    let masked = [
        (OWNER, 6, NOBODY),
        (USER, 4, ALICE),
        (GROUP_OBJ, 4, NOBODY),
        (MASK, 0, NOBODY),
        (OTHER, 0, NOBODY),
    ];
    assert!(set_list(&path, "access", &masked));
    let stored = place.save(&path);
    assert_eq!(
        (list_of(&stored.location), mode(&stored.location)),
        (None, 0o600)
    );
    // Whoever is denied by name may be in the group, and is none of the others.
    let denied = [
        (OWNER, 6, NOBODY),
        (USER, 0, ALICE),
        (GROUP_OBJ, 4, NOBODY),
        (MASK, 4, NOBODY),
        (OTHER, 4, NOBODY),
    ];
    assert!(set_list(&path, "access", &denied));
    let stored = place.save(&path);
    assert_eq!(
        (list_of(&stored.location), mode(&stored.location)),
        (None, 0o600)
    );
    // She may read the file and not enter the folder.
    assert!(set_list(&path, "access", &list));
    set_mode(&place.sources(), 0o700);
    let stored = place.save(&path);
    assert_eq!(
        (list_of(&stored.location), mode(&stored.location)),
        (None, 0o600)
    );
}

#[test]
fn a_lost_file_comes_back_with_all_its_rights() {
    let Some((place, path)) = open_place() else {
        return;
    };
    set_mode(&path, 0o664);
    let attribute = setxattr(&path, "user.comment", b"\x00mine\xff", XattrFlags::empty()).is_ok();
    if !attribute {
        testkit::skipped("no attributes of the user's on this file system");
    }
    let owner = if is_root() {
        (ALICE, SECRET)
    } else {
        let found = fs::metadata(&path).unwrap();
        (found.uid(), found.gid())
    };
    if is_root() {
        chown(&path, Some(owner.0), Some(owner.1)).unwrap();
    }
    let stored = place.save(&path);
    fs::remove_file(&path).unwrap();
    let restored = give_back(&place, &stored, &path);
    let found = fs::metadata(&path).unwrap();
    assert_eq!(
        (found.uid(), found.gid(), mode(&path)),
        (owner.0, owner.1, 0o664)
    );
    if attribute {
        let mut value = [0; 100];
        let len = getxattr(&path, "user.comment", &mut value[..]).unwrap();
        assert_eq!(value[..len], *b"\x00mine\xff");
    }
    assert_eq!(restored.not_restored, []);
}

/// A file that was closed after its last backup is not opened again by a restore, although there
/// was nothing in it to back up anew.
#[test]
fn rights_that_changed_without_the_contents() {
    let Some((place, path)) = open_place() else {
        return;
    };
    let stored = place.save(&path);
    assert_eq!(stored.manifest.rights.as_ref().unwrap().mode, 0o644);
    set_mode(&path, 0o600);
    let again = place.try_backup(&path).unwrap();
    assert_eq!(again.stored().location, stored.location);
    fs::remove_file(&path).unwrap();
    give_back(&place, &stored, &path);
    assert_eq!(mode(&path), 0o600);
    // Nor does the archive stay open that holds what is now closed. What its owner has done to it
    // since is his.
    assert_eq!(mode(&stored.location), 0o600);
    set_mode(&stored.location, 0o644);
    place.try_backup(&path).unwrap();
    assert_eq!(mode(&stored.location), 0o644);
}

/// At its own place a closed folder keeps others out. Elsewhere nothing does.
#[test]
fn away_from_its_place_a_file_is_not_more_open_than_its_archive() {
    let Some((place, path)) = open_place() else {
        return;
    };
    set_mode(&place.sources(), 0o700);
    let stored = place.save(&path);
    let open = place.root().join("elsewhere.gpkg");
    let restored = give_back(&place, &stored, &open);
    assert_eq!(mode(&open), 0o600);
    assert_eq!(restored.not_restored.len(), 1);
    assert_eq!(restored.not_restored[0].what, "mode");
    // In a folder that is closed as well it is as it was.
    let closed = place.sources().join("copy.gpkg");
    let restored = give_back(&place, &stored, &closed);
    assert_eq!((mode(&closed), restored.not_restored.len()), (0o644, 0));
}

fn rights(owner: u32, group: u32, bits: u32) -> Rights {
    Rights {
        mode: bits,
        owner,
        group,
        acl: None,
        names: BTreeMap::new(),
        attributes: BTreeMap::new(),
        attributes_left_out: 0,
    }
}

fn given(rights: &Rights) -> (u32, u32, u32, Vec<&'static str>) {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    let file = Temporary::create(&disk, folder.path(), "x").unwrap();
    let said = file.give(rights, None);
    let found = fs::metadata(file.path()).unwrap();
    let what = said.iter().map(|one| one.what).collect();
    (found.uid(), found.gid(), found.mode() & 0o7777, what)
}

#[test]
fn a_group_is_known_by_its_name_and_nobody_else_gets_its_number() {
    if !is_root() {
        return;
    }
    let with_name = |group, name: &str| {
        let mut rights = rights(0, group, 0o664);
        rights.names = BTreeMap::from([(format!("group:{group}"), name.to_owned())]);
        rights
    };
    // The group of that name has another number here.
    let (_, group, bits, said) = given(&with_name(SECRET, "root"));
    assert_eq!((group, bits, said), (0, 0o664, vec![]));
    // No group of that name, and nobody has the number.
    let (_, group, _, said) = given(&with_name(SECRET, "no-such-group"));
    assert_eq!((group, said), (SECRET, vec![]));
    // The number is another group's here.
    let (_, group, bits, said) = given(&with_name(1, "no-such-group"));
    assert_eq!((group, bits, said), (0, 0o644, vec!["group"]));
}

/// A manifest is not to be believed: whoever can write to the backups could hand rights out.
#[test]
fn a_manifest_cannot_ask_for_more_than_rights() {
    let me = fs::metadata("/proc/self").unwrap();
    let mut hostile = rights(me.uid(), me.gid(), 0o6755);
    hostile.acl = Some("user::rwx,nonsense".to_owned());
    hostile.attributes = BTreeMap::from([
        ("security.capability".to_owned(), "01000002".to_owned()),
        ("system.posix_acl_access".to_owned(), "02000000".to_owned()),
        ("user.x".to_owned(), "zz".to_owned()),
    ]);
    let (_, _, bits, said) = given(&hostile);
    assert_eq!((bits, said), (0o700, vec!["attributes", "acl"]));
    hostile.acl = None;
    let (_, _, bits, _) = given(&hostile);
    assert_eq!(bits, 0o755);
}
