//! The owner and the mode of everything on the way to a file.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use nix::unistd::{Gid, Group, Uid, User, geteuid};

use super::{Doubt, What, Why};

/// As many as Linux follows.
const LINKS_MAX: u32 = 40;
/// Bits of a mode.
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

pub(super) fn is_root() -> bool {
    geteuid().is_root()
}

/// Walks to the file by its absolute path, through links as the system does, and stops at the
/// first thing that somebody else can change. Nobody else can then change what was walked over.
pub(super) fn doubt(path: &Path) -> io::Result<Option<Doubt>> {
    let mut at = PathBuf::from("/");
    if let Some(doubt) = look(&at, &fs::symlink_metadata(&at)?) {
        return Ok(Some(doubt));
    }
    let mut rest = parts(path);
    let mut links = 0;
    while let Some(part) = rest.pop() {
        if part == "/" {
            at = "/".into();
            continue;
        }
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(part);
        let metadata = fs::symlink_metadata(&next)?;
        if let Some(doubt) = look(&next, &metadata) {
            return Ok(Some(doubt));
        }
        if metadata.is_symlink() {
            links += 1;
            if links > LINKS_MAX {
                return Err(io::Error::other("too many links"));
            }
            rest.extend(parts(&fs::read_link(&next)?));
        } else {
            at = next;
        }
    }
    Ok(None)
}

/// The last part first.
fn parts(path: &Path) -> Vec<OsString> {
    let parts = path.components().rev();
    let parts = parts.filter(|part| !matches!(part, Component::CurDir));
    parts.map(|part| part.as_os_str().to_owned()).collect()
}

fn look(path: &Path, metadata: &Metadata) -> Option<Doubt> {
    let what = match metadata.file_type() {
        kind if kind.is_symlink() => What::Link,
        kind if kind.is_dir() => What::Folder,
        _ => What::File,
    };
    let owner = Uid::from_raw(metadata.uid());
    let why = if !owner.is_root() && owner != geteuid() {
        Why::BelongsTo(name_of(owner))
    } else if others_may_write(path, metadata, what) {
        Why::OthersMayWrite
    } else {
        return None;
    };
    let at = path.to_owned();
    Some(Doubt { at, what, why })
}

fn name_of(user: Uid) -> String {
    match User::from_uid(user) {
        Ok(Some(known)) => format!("'{}'", known.name),
        _ => format!("user number {user}"),
    }
}

fn others_may_write(path: &Path, metadata: &Metadata, what: What) -> bool {
    let mode = metadata.mode();
    // Nobody writes to a link; and in a folder such as /tmp each can only change what is his.
    if what == What::Link || what == What::Folder && mode & STICKY != 0 {
        return false;
    }
    let by_group = mode & GROUP_WRITES != 0 && !is_private(path, metadata);
    mode & OTHERS_WRITE != 0 || by_group
}

/// Whether the group is the owner alone, as many systems give each user one, in which case all his
/// files are open to it. With an access list the mode's group stands for others, too.
fn is_private(path: &Path, metadata: &Metadata) -> bool {
    let group = Gid::from_raw(metadata.gid());
    let (Ok(Some(owner)), Ok(Some(known))) = (
        User::from_uid(Uid::from_raw(metadata.uid())),
        Group::from_gid(group),
    ) else {
        return false;
    };
    !owner.uid.is_root()
        && owner.gid == group
        && known.name == owner.name
        && known.mem.iter().all(|member| *member == owner.name)
        && !has_access_list(path)
}

#[cfg(target_os = "linux")]
fn has_access_list(path: &Path) -> bool {
    use rustix::io::Errno;
    let list = rustix::fs::lgetxattr(path, "system.posix_acl_access", &mut [0_u8; 1]);
    !matches!(list, Err(Errno::NODATA | Errno::OPNOTSUPP))
}

#[cfg(not(target_os = "linux"))]
fn has_access_list(_path: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A folder that only we can write to, with `conf/geokeep.toml` in it. `None` where the way to
    /// the folder for temporary files is open to others already.
    fn place() -> Option<(tempfile::TempDir, PathBuf)> {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("conf/geokeep.toml");
        fs::create_dir(file.parent().unwrap()).unwrap();
        fs::write(&file, "").unwrap();
        chmod(file.parent().unwrap(), 0o755);
        chmod(&file, 0o644);
        if let Some(open) = doubt(&file).unwrap() {
            testkit::skipped(&format!("not to be tried here: {open:?}"));
            return None;
        }
        Some((place, file))
    }

    fn open_at(file: &Path) -> Option<(PathBuf, What)> {
        let doubt = doubt(file).unwrap()?;
        assert_eq!(doubt.why, Why::OthersMayWrite);
        Some((doubt.at, doubt.what))
    }

    #[test]
    fn what_others_may_write_to_is_found() {
        let Some((place, file)) = place() else { return };
        let folder = file.parent().unwrap();
        for mode in [0o600, 0o400, 0o644, 0o755] {
            chmod(&file, mode);
            assert_eq!(open_at(&file), None, "{mode:o}");
        }
        for mode in [0o666, 0o646, 0o602] {
            chmod(&file, mode);
            assert_eq!(
                open_at(&file),
                Some((fs::canonicalize(&file).unwrap(), What::File))
            );
        }
        chmod(&file, 0o644);
        for (mode, open) in [
            (0o777, true),
            (0o757, true),
            (0o1777, false),
            (0o700, false),
        ] {
            chmod(folder, mode);
            let expected = open.then(|| (fs::canonicalize(folder).unwrap(), What::Folder));
            assert_eq!(open_at(&file), expected, "{mode:o}");
        }
        chmod(folder, 0o755);

        // A link counts by the way to it and by the way to where it leads.
        let link = place.path().join("link.toml");
        symlink("conf/../conf/geokeep.toml", &link).unwrap();
        assert_eq!(open_at(&link), None);
        chmod(folder, 0o777);
        assert!(open_at(&link).is_some());
        chmod(folder, 0o755);
        let shared = place.path().join("shared");
        fs::create_dir(&shared).unwrap();
        symlink(&file, shared.join("geokeep.toml")).unwrap();
        assert_eq!(open_at(&shared.join("geokeep.toml")), None);
        chmod(&shared, 0o777);
        assert!(open_at(&shared.join("geokeep.toml")).is_some());
        symlink("a.toml", place.path().join("a.toml")).unwrap();
        assert!(doubt(&place.path().join("a.toml")).is_err());
    }

    /// Only root can give files away.
    #[test]
    fn what_belongs_to_somebody_else_is_found() {
        let Some((place, file)) = place() else { return };
        if chown(&file, Some(65_533), None).is_err() {
            testkit::skipped("only root can give files away");
            return;
        }
        let what = |file: &Path| doubt(file).unwrap().map(|doubt| doubt.what);
        assert_eq!(what(&file), Some(What::File));
        chown(&file, Some(0), None).unwrap();
        assert_eq!(what(&file), None);
        let folder = file.parent().unwrap();
        chown(folder, Some(65_533), None).unwrap();
        assert_eq!(what(&file), Some(What::Folder));
        chown(folder, Some(0), None).unwrap();
        // In a folder such as /tmp somebody else's link may lead to a file of ours.
        chmod(place.path(), 0o1777);
        let link = place.path().join("geokeep.toml");
        symlink(&file, &link).unwrap();
        std::os::unix::fs::lchown(&link, Some(65_533), None).unwrap();
        assert_eq!(what(&link), Some(What::Link));
    }
}
