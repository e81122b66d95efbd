//! Rights on Linux and other Unix systems. Access lists and extended attributes on Linux alone.

use std::collections::BTreeMap;
use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;
use std::sync::OnceLock;

use nix::unistd::{Gid, Group, Uid, User};
use rustix::fs::{Mode, OFlags};

use super::acl::{Acl, READ, Who};
use super::{Readers, Rights};

/// For reading, by its own name only: a link that somebody puts in its place is not followed.
pub(super) fn open_ours(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}

/// By its name alone: to open and close a database would drop the locks that this process has on it.
pub(super) fn of(path: &Path) -> Option<Rights> {
    let metadata = std::fs::metadata(path).ok()?;
    let acl = lists::of(path).ok()?;
    let mut rights = by(&metadata, acl.as_ref());
    (rights.attributes, rights.attributes_left_out) = lists::attributes_of(path);
    Some(rights)
}

fn by(metadata: &Metadata, acl: Option<&Acl>) -> Rights {
    // A list of three entries says no more than the bits.
    let acl = acl.filter(|acl| acl.0.len() > 3);
    Rights {
        mode: metadata.mode() & 0o777,
        owner: metadata.uid(),
        group: metadata.gid(),
        acl: acl.map(ToString::to_string),
        names: BTreeMap::new(),
        attributes: BTreeMap::new(),
        attributes_left_out: 0,
    }
}

/// What new files of this process do not get. It can be asked for only by setting it; for that
/// instant new files get less.
pub(super) fn umask() -> u32 {
    static UMASK: OnceLock<u32> = OnceLock::new();
    *UMASK.get_or_init(|| {
        let mask = rustix::process::umask(Mode::RWXG | Mode::RWXO);
        rustix::process::umask(mask);
        #[allow(clippy::useless_conversion, reason = "16 bits on some systems")]
        let bits = u32::from(mask.as_raw_mode());
        bits & 0o777
    })
}

pub(super) fn name_of(key: &str) -> Option<String> {
    let (kind, id) = key.split_once(':')?;
    let id = id.parse().ok()?;
    if kind == "user" {
        Some(User::from_uid(Uid::from_raw(id)).ok()??.name)
    } else {
        Some(Group::from_gid(Gid::from_raw(id)).ok()??.name)
    }
}

pub(super) fn id_of(kind: &str, name: &str) -> Option<u32> {
    if kind == "user" {
        Some(User::from_name(name).ok()??.uid.as_raw())
    } else {
        Some(Group::from_name(name).ok()??.gid.as_raw())
    }
}

/// Whether only the user who mounted it may enter the file system: FUSE without `allow_other`.
#[cfg(target_os = "linux")]
pub(super) fn is_private_mount(path: &Path) -> bool {
    const FUSE: u64 = 0x6573_5546;
    let (Ok(stat), Ok(metadata)) = (rustix::fs::statfs(path), std::fs::metadata(path)) else {
        return true;
    };
    #[expect(
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "a magic number of 32 bits, in a field whose width and sign vary"
    )]
    let kind = u64::from(stat.f_type as u32);
    if kind != FUSE {
        return false;
    }
    let device = metadata.dev();
    let device = format!(
        "{}:{}",
        rustix::fs::major(device),
        rustix::fs::minor(device)
    );
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    // Field 3 is the device, the last one has the file system's own options (proc(5)).
    let mut ours = mounts
        .lines()
        .filter(|line| line.split(' ').nth(2) == Some(&device));
    !ours.any(|line| {
        let options = line.rsplit(' ').next().unwrap_or_default();
        options.split(',').any(|option| option == "allow_other")
    })
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_private_mount(_path: &Path) -> bool {
    false
}

pub(super) fn open_as_usual(path: &Path) {
    if let Ok(file) = open_ours(path) {
        let _ = file.set_permissions(Permissions::from_mode(0o666 & !umask()));
    }
}

pub(super) fn open_to(path: &Path, readers: &Readers) {
    // What fails on the way leaves it closed: nothing better can be done there.
    let _ = open_ours(path).and_then(|file| try_open_to(&file, readers));
}

fn try_open_to(file: &File, readers: &Readers) -> io::Result<()> {
    // The folder may hand down a list whose entries would come into force with the group's bits.
    lists::remove(file)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    let allowed = 0o644 & !umask();
    if readers.everyone {
        return file.set_permissions(Permissions::from_mode(0o600 | allowed));
    }
    if allowed & 0o040 == 0 {
        return Ok(());
    }
    let mut present = file.metadata()?;
    if let Some(group) = readers.own_group
        && group != present.gid()
    {
        // Allowed to the group's members.
        let _ = fchown(file, None, Some(group));
        present = file.metadata()?;
    }
    let group = if readers.groups.contains(&present.gid()) {
        READ
    } else {
        0
    };
    // The own group of the source counts only as this file's own group.
    let named = |id: &&u32| **id != present.gid() && Some(**id) != readers.own_group;
    let groups = readers.groups.iter().filter(named);
    let users = readers.users.iter().filter(|id| **id != present.uid());
    let mut list = vec![(Who::Owner, 6)];
    list.extend(users.map(|id| (Who::User(*id), READ)));
    list.push((Who::OwningGroup, group));
    list.extend(groups.map(|id| (Who::Group(*id), READ)));
    list.extend([(Who::Mask, READ), (Who::Other, 0)]);
    if list.len() > 4 && lists::set(file, &Acl(list)).is_ok() {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(0o600 | group << 3))
}

/// Access lists and extended attributes.
#[cfg(target_os = "linux")]
pub(super) mod lists {
    use std::collections::BTreeMap;
    use std::fs::File;
    use std::io;
    use std::path::Path;

    use rustix::fs::{XattrFlags, fremovexattr, fsetxattr, getxattr, listxattr};
    use rustix::io::Errno;

    use super::Acl;
    use crate::durable::rights::{ATTRIBUTE_PREFIX, ATTRIBUTES_BYTES_MAX};

    const LIST: &str = "system.posix_acl_access";
    /// The system's limit of one value, and of all names (`xattr(7)`).
    const VALUE_BYTES_MAX: usize = 64 << 10;

    pub(crate) fn of(path: &Path) -> io::Result<Option<Acl>> {
        let mut bytes = vec![0; VALUE_BYTES_MAX];
        match getxattr(path, LIST, &mut bytes[..]) {
            Ok(len) => match Acl::from_bytes(&bytes[..len]) {
                Some(acl) => Ok(Some(acl)),
                None => Err(io::ErrorKind::InvalidData.into()),
            },
            // None is set; or the file system has none.
            Err(Errno::NODATA | Errno::NOTSUP | Errno::NOSYS) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    pub(crate) fn set(file: &File, acl: &Acl) -> io::Result<()> {
        Ok(fsetxattr(file, LIST, &acl.to_bytes(), XattrFlags::empty())?)
    }

    pub(crate) fn remove(file: &File) -> io::Result<()> {
        match fremovexattr(file, LIST) {
            Ok(()) | Err(Errno::NODATA | Errno::NOTSUP | Errno::NOSYS) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    /// Those of the user, in order, and how many there was no room for.
    pub(crate) fn attributes_of(path: &Path) -> (BTreeMap<String, String>, u32) {
        let (mut kept, mut left_out) = (BTreeMap::new(), 0);
        let mut names = vec![0; VALUE_BYTES_MAX];
        let Ok(len) = listxattr(path, &mut names[..]) else {
            return (kept, left_out);
        };
        let mut names: Vec<&str> = names[..len]
            .split(|byte| *byte == 0)
            .filter_map(|name| std::str::from_utf8(name).ok())
            .filter(|name| name.starts_with(ATTRIBUTE_PREFIX))
            .collect();
        names.sort_unstable();
        let mut room = ATTRIBUTES_BYTES_MAX;
        let mut value = vec![0; VALUE_BYTES_MAX];
        for name in names {
            match getxattr(path, name, &mut value[..]) {
                Ok(len) if name.len() + len <= room => {
                    room -= name.len() + len;
                    let hex = value[..len].iter().map(|byte| format!("{byte:02x}"));
                    kept.insert(name.to_owned(), hex.collect());
                }
                // Removed meanwhile.
                Err(Errno::NODATA) => {}
                _ => left_out += 1,
            }
        }
        (kept, left_out)
    }

    /// From hexadecimal, as [`attributes_of`] gives it.
    pub(crate) fn set_attribute(file: &File, name: &str, hex: &str) -> io::Result<()> {
        let refused = || io::Error::from(io::ErrorKind::InvalidInput);
        if !name.starts_with(ATTRIBUTE_PREFIX) || !hex.len().is_multiple_of(2) || !hex.is_ascii() {
            return Err(refused());
        }
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).map_err(|_| refused());
        let value: io::Result<Vec<u8>> = (0..hex.len()).step_by(2).map(byte).collect();
        Ok(fsetxattr(file, name, &value?, XattrFlags::empty())?)
    }
}

/// Other systems have access lists of other kinds, which are not kept.
#[cfg(not(target_os = "linux"))]
pub(super) mod lists {
    use std::collections::BTreeMap;
    use std::fs::File;
    use std::io;
    use std::path::Path;

    use super::Acl;

    pub(crate) fn of(_path: &Path) -> io::Result<Option<Acl>> {
        Ok(None)
    }

    pub(crate) fn set(_file: &File, _acl: &Acl) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn remove(_file: &File) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn attributes_of(_path: &Path) -> (BTreeMap<String, String>, u32) {
        (BTreeMap::new(), 0)
    }

    pub(crate) fn set_attribute(_file: &File, _name: &str, _hex: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
