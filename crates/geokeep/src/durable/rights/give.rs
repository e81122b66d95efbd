//! Giving a restored file the rights that its source had: as far as this user may, and so that
//! nobody gains by what he may not.

use std::fs::{File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use super::acl::{Acl, Who};
use super::unix::{id_of, lists, name_of, open_ours};
use super::{NotRestored, Readers, Rights, group_key, user_key};

pub(super) fn give(path: &Path, rights: &Rights, readers: Option<&Readers>) -> Vec<NotRestored> {
    let mut said = Vec::new();
    match open_ours(path) {
        Ok(file) => give_open(&file, rights, readers, &mut said),
        Err(_) => say(&mut said, "mode", "its rights could not be set"),
    }
    said
}

fn say(said: &mut Vec<NotRestored>, what: &'static str, message: impl Into<String>) {
    let message = message.into();
    said.push(NotRestored { what, message });
}

fn give_open(file: &File, rights: &Rights, readers: Option<&Readers>, said: &mut Vec<NotRestored>) {
    // First: a later owner or mode may take the right to do it away.
    give_attributes(file, rights, said);
    give_owner(file, rights, said);
    let same_group = give_group(file, rights, said);
    let list = match &rights.acl {
        None => Ok(by_mode(rights.mode)),
        Some(text) => text.parse::<Acl>(),
    };
    let mut list = list.unwrap_or_else(|()| {
        say(
            said,
            "acl",
            "its access list could not be understood: it is closed to all others",
        );
        by_mode(rights.mode & 0o700)
    });
    if !names_of_here(&mut list, rights) {
        say(
            said,
            "acl",
            "some that its access list names are not known on this machine",
        );
    }
    if !same_group {
        close_to_strangers(&mut list);
    }
    let group = file.metadata().map_or(u32::MAX, |metadata| metadata.gid());
    if readers.is_some_and(|readers| narrow(&mut list, readers, group)) {
        let what =
            "fewer may read it than at its own place, where the folders above keep others out";
        say(said, "mode", what);
    }
    set(file, &list, said);
}

fn give_attributes(file: &File, rights: &Rights, said: &mut Vec<NotRestored>) {
    let set = |(name, value): &(&String, &String)| lists::set_attribute(file, name, value).is_err();
    let failed = rights.attributes.iter().filter(set).count();
    let missing = failed + rights.attributes_left_out as usize;
    if missing > 0 {
        let all = rights.attributes.len() + rights.attributes_left_out as usize;
        let what = format!("{missing} of its {all} extended attributes are missing");
        say(said, "attributes", what);
    }
}

fn give_owner(file: &File, rights: &Rights, said: &mut Vec<NotRestored>) {
    let key = user_key(rights.owner);
    let present = file.metadata().map(|metadata| metadata.uid());
    let wanted = id_here(rights, &key, rights.owner);
    let why = match wanted {
        Some(owner) if present.is_ok_and(|present| present == owner) => return,
        Some(owner) if fchown(file, Some(owner), None).is_ok() => return,
        Some(_) => "only the administrator may give a file to another user",
        None => "who is not known on this machine",
    };
    say(
        said,
        "owner",
        format!("its owner was {}: {why}", shown(rights, &key)),
    );
}

/// Whether the file now belongs to the group that it belonged to.
fn give_group(file: &File, rights: &Rights, said: &mut Vec<NotRestored>) -> bool {
    let key = group_key(rights.group);
    let present = file.metadata().map(|metadata| metadata.gid());
    let wanted = id_here(rights, &key, rights.group);
    let why = match wanted {
        Some(group) if present.is_ok_and(|present| present == group) => return true,
        Some(group) if fchown(file, None, Some(group)).is_ok() => return true,
        Some(_) => "to which this user may not give it; another group has no more than all others",
        None => "which is not known on this machine; another has no more than all others",
    };
    say(
        said,
        "group",
        format!("its group was {}, {why}", shown(rights, &key)),
    );
    false
}

fn shown(rights: &Rights, key: &str) -> String {
    let (_, id) = key.split_once(':').unwrap_or_default();
    match rights.names.get(key) {
        Some(name) => format!("'{name}' ({id})"),
        None => id.to_owned(),
    }
}

/// The number that a user or group of that machine has on this one: by the name. A number without
/// a name is taken as it is. `None` if it is somebody else's here.
fn id_here(rights: &Rights, key: &str, id: u32) -> Option<u32> {
    let Some(name) = rights.names.get(key) else {
        return Some(id);
    };
    let (kind, _) = key.split_once(':')?;
    match id_of(kind, name) {
        Some(here) => Some(here),
        None => name_of(key).is_none().then_some(id),
    }
}

fn by_mode(mode: u32) -> Acl {
    Acl(vec![
        (Who::Owner, mode >> 6 & 7),
        (Who::OwningGroup, mode >> 3 & 7),
        (Who::Other, mode & 7),
    ])
}

/// Puts this machine's numbers into a list. False if somebody has none: whoever that is gets no
/// more than he had, as one of the group or of all others.
fn names_of_here(list: &mut Acl, rights: &Rights) -> bool {
    let mut left = 7;
    list.0.retain_mut(|(who, bits)| {
        let here = match who {
            Who::User(id) => id_here(rights, &user_key(*id), *id).map(Who::User),
            Who::Group(id) => id_here(rights, &group_key(*id), *id).map(Who::Group),
            Who::Owner | Who::OwningGroup | Who::Mask | Who::Other => Some(*who),
        };
        match here {
            Some(here) => *who = here,
            None => left &= *bits,
        }
        here.is_some()
    });
    list.0.sort_unstable();
    let all = list.0.len();
    list.0.dedup_by_key(|(who, _)| *who);
    cut(list, left);
    left == 7 && all == list.0.len()
}

/// Takes from the group and all others whatever is not in `bits`.
fn cut(list: &mut Acl, bits: u32) {
    for (who, has) in &mut list.0 {
        if matches!(who, Who::OwningGroup | Who::Other) {
            *has &= bits;
        }
    }
}

/// The file belongs to another group than it did: whoever is in either may have been among the
/// others or not, and gets what both may do.
fn close_to_strangers(list: &mut Acl) {
    let mask = list.bits(Who::Mask).unwrap_or(7);
    let both = [Who::OwningGroup, Who::Other].map(|who| list.bits(who).unwrap_or(0));
    cut(list, both[0] & both[1] & mask);
}

/// Takes everything from whom `readers` does not name; whether that was anything.
fn narrow(list: &mut Acl, readers: &Readers, group: u32) -> bool {
    if readers.everyone {
        return false;
    }
    let before = list.clone();
    list.0.retain_mut(|(who, bits)| match who {
        Who::User(id) => readers.users.contains(id),
        Who::Group(id) => readers.groups.contains(id),
        Who::OwningGroup => {
            if !readers.groups.contains(&group) {
                *bits = 0;
            }
            true
        }
        Who::Other => {
            *bits = 0;
            true
        }
        Who::Owner | Who::Mask => true,
    });
    *list != before
}

fn set(file: &File, list: &Acl, said: &mut Vec<NotRestored>) {
    let bits = |who| list.bits(who).unwrap_or(0);
    let is_named = |(who, _): &(Who, u32)| matches!(who, Who::User(_) | Who::Group(_));
    let named = list.0.iter().filter(|entry| is_named(entry));
    if list.bits(Who::Mask).is_some() || named.clone().next().is_some() {
        if lists::set(file, list).is_ok() {
            return;
        }
        say(
            said,
            "acl",
            "its access list cannot be set there, so that fewer may read it",
        );
    }
    // Whoever is named and was denied something is one of the group or of all others now.
    let most = named.fold(list.bits(Who::Mask).unwrap_or(7), |most, (_, bits)| {
        most & bits
    });
    let group = bits(Who::OwningGroup) & most;
    let other = bits(Who::Other) & most & if most == 7 { 7 } else { group };
    let mode = bits(Who::Owner) << 6 | group << 3 | other;
    // The folder may have handed a list down.
    let set = lists::remove(file)
        .and_then(|()| file.set_permissions(Permissions::from_mode(mode)))
        .and_then(|()| file.metadata());
    if !set.is_ok_and(|metadata| metadata.mode() & 0o777 == mode) {
        say(
            said,
            "mode",
            format!("its permissions were {mode:04o}, which cannot be set there"),
        );
    }
}
