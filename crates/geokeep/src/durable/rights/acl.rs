//! POSIX access lists (withdrawn draft 1003.1e 17, `acl(5)`): as Linux keeps them in the attribute
//! `system.posix_acl_access`, as text, and as who may do what.

#![cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "only Linux has lists of this kind")
)]

use std::fmt::{self, Display};
use std::str::FromStr;

use super::Rights;

/// May read.
pub(super) const READ: u32 = 4;
/// May enter a folder.
pub(super) const ENTER: u32 = 1;
/// The version in the first four bytes of the attribute.
const VERSION: u32 = 2;
/// The number in entries that name nobody.
const NOBODY: u32 = u32::MAX;
/// A longer list is not believed; Linux has fewer.
const ENTRIES_MAX: usize = 1000;

/// Whom an entry is about, in the order in which a list has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Owner,
    User(u32),
    OwningGroup,
    Group(u32),
    Mask,
    Other,
}

/// A list, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Acl(pub(super) Vec<(Who, u32)>);

impl Acl {
    /// From the attribute; `None` if it is not an access list.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (version, entries) = bytes.split_first_chunk::<4>()?;
        if u32::from_le_bytes(*version) != VERSION || entries.len() % 8 != 0 {
            return None;
        }
        let mut list = Vec::new();
        for entry in entries.chunks_exact(8) {
            let short = |at: usize| u16::from_le_bytes([entry[at], entry[at + 1]]);
            let id = u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]);
            let who = match short(0) {
                0x01 => Who::Owner,
                0x02 => Who::User(id),
                0x04 => Who::OwningGroup,
                0x08 => Who::Group(id),
                0x10 => Who::Mask,
                0x20 => Who::Other,
                _ => return None,
            };
            list.push((who, u32::from(short(2)) & 7));
        }
        Self(list).checked()
    }

    /// As the attribute has it.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        for (who, bits) in &self.0 {
            let (tag, id): (u16, u32) = match who {
                Who::Owner => (0x01, NOBODY),
                Who::User(id) => (0x02, *id),
                Who::OwningGroup => (0x04, NOBODY),
                Who::Group(id) => (0x08, *id),
                Who::Mask => (0x10, NOBODY),
                Who::Other => (0x20, NOBODY),
            };
            bytes.extend(tag.to_le_bytes());
            bytes.extend(u16::try_from(bits & 7).unwrap_or(0).to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }

    /// In order, each one once, and with those that every list has.
    fn checked(mut self) -> Option<Self> {
        self.0.sort_unstable();
        let once = self.0.windows(2).all(|pair| pair[0].0 != pair[1].0);
        let has = |who| self.0.iter().any(|entry| entry.0 == who);
        let whole = has(Who::Owner) && has(Who::OwningGroup) && has(Who::Other);
        (once && whole && self.0.len() <= ENTRIES_MAX).then_some(self)
    }

    pub(super) fn bits(&self, who: Who) -> Option<u32> {
        let found = self.0.iter().find(|entry| entry.0 == who);
        found.map(|entry| entry.1)
    }
}

impl Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (who, bits)) in self.0.iter().enumerate() {
            let comma = if n > 0 { "," } else { "" };
            match who {
                Who::Owner => write!(f, "{comma}user::")?,
                Who::User(id) => write!(f, "{comma}user:{id}:")?,
                Who::OwningGroup => write!(f, "{comma}group::")?,
                Who::Group(id) => write!(f, "{comma}group:{id}:")?,
                Who::Mask => write!(f, "{comma}mask::")?,
                Who::Other => write!(f, "{comma}other::")?,
            }
            for (bit, letter) in [(4, 'r'), (2, 'w'), (1, 'x')] {
                write!(f, "{}", if bits & bit != 0 { letter } else { '-' })?;
            }
        }
        Ok(())
    }
}

impl FromStr for Acl {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut list = Vec::new();
        for entry in text.split(',').take(ENTRIES_MAX + 1) {
            let parts: Vec<&str> = entry.split(':').collect();
            let [kind, name, letters] = parts[..] else {
                return Err(());
            };
            let id = || name.parse().map_err(|_| ());
            let who = match (kind, name) {
                ("user", "") => Who::Owner,
                ("user", _) => Who::User(id()?),
                ("group", "") => Who::OwningGroup,
                ("group", _) => Who::Group(id()?),
                ("mask", "") => Who::Mask,
                ("other", "") => Who::Other,
                _ => return Err(()),
            };
            let mut bits = 0;
            for (letter, (bit, name)) in letters.chars().zip([(4, 'r'), (2, 'w'), (1, 'x')]) {
                match letter {
                    '-' => {}
                    letter if letter == name => bits |= bit,
                    _ => return Err(()),
                }
            }
            if letters.len() != 3 {
                return Err(());
            }
            list.push((who, bits));
        }
        Self(list).checked().ok_or(())
    }
}

/// What each may do in the end, with the mask applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Classes {
    pub(super) owner: (u32, u32),
    pub(super) group: (u32, u32),
    pub(super) users: Vec<(u32, u32)>,
    pub(super) groups: Vec<(u32, u32)>,
    pub(super) other: u32,
}

impl Classes {
    /// `None` if the list cannot be understood.
    pub(super) fn of(rights: &Rights) -> Option<Self> {
        let mode = rights.mode;
        let Some(text) = &rights.acl else {
            return Some(Self {
                owner: (rights.owner, mode >> 6 & 7),
                group: (rights.group, mode >> 3 & 7),
                users: Vec::new(),
                groups: Vec::new(),
                other: mode & 7,
            });
        };
        let acl: Acl = text.parse().ok()?;
        let mask = acl.bits(Who::Mask).unwrap_or(7);
        let mut classes = Self {
            owner: (rights.owner, acl.bits(Who::Owner)?),
            group: (rights.group, acl.bits(Who::OwningGroup)? & mask),
            users: Vec::new(),
            groups: Vec::new(),
            other: acl.bits(Who::Other)?,
        };
        for (who, bits) in &acl.0 {
            match who {
                Who::User(id) => classes.users.push((*id, bits & mask)),
                Who::Group(id) => classes.groups.push((*id, bits & mask)),
                _ => {}
            }
        }
        Some(classes)
    }

    /// What everybody but the owner may do.
    pub(super) fn everyone(&self) -> u32 {
        let named = self.users.iter().chain(&self.groups);
        named.fold(self.other & self.group.1, |all, (_, bits)| all & bits)
    }

    /// What all members of a group may do, whatever else they are. Who is named himself may have
    /// less than his group.
    pub(super) fn members(&self, group: u32) -> u32 {
        let of_group = |(id, bits): &(u32, u32)| if *id == group { *bits } else { 0 };
        let granted =
            of_group(&self.group) | self.groups.iter().map(of_group).fold(0, |a, b| a | b);
        let denied = self.users.iter().fold(7, |all, (_, bits)| all & bits);
        granted & denied | self.everyone()
    }

    /// What one user may do for certain, whatever groups he is in.
    pub(super) fn user(&self, user: u32) -> u32 {
        if self.owner.0 == user {
            return self.owner.1;
        }
        let named = self.users.iter().find(|(id, _)| *id == user);
        named.map_or_else(|| self.everyone(), |(_, bits)| *bits)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    const LIST: &str =
        "user::rw-,user:7:rw-,user:9:---,group::r--,group:5:rwx,mask::r-x,other::r--";

    fn classes(mode: u32, acl: Option<&str>) -> Classes {
        Classes::of(&Rights {
            mode,
            owner: 1,
            group: 2,
            acl: acl.map(str::to_owned),
            names: std::collections::BTreeMap::new(),
            attributes: std::collections::BTreeMap::new(),
            attributes_left_out: 0,
        })
        .unwrap()
    }

    #[test]
    fn text_and_bytes_say_the_same() {
        let acl: Acl = LIST.parse().unwrap();
        assert_eq!(acl.to_string(), LIST);
        assert_eq!(Acl::from_bytes(&acl.to_bytes()).unwrap(), acl);
        let backwards: Vec<&str> = LIST.split(',').rev().collect();
        assert_eq!(backwards.join(",").parse::<Acl>().unwrap(), acl);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in [
            "",
            "user::rw-",
            "user::rw-,group::r--,other::r",
            "user::rw-,group::r--,other::rwxr",
            "user::rw-,group::r--,other::xwr",
            "user::rw-,group::r--,other::---,other::r--",
            "user::rw-,group::r--,other::---,user:anna:r--",
            "user::rw-,group::r--,other::---,user:-1:r--",
            "user::rw-,group::r--,other:7:---",
        ] {
            assert!(text.parse::<Acl>().is_err(), "{text}");
        }
        for bytes in [
            &[][..],
            &[2, 0, 0, 0],
            &[1, 0, 0, 0],
            &[2, 0, 0, 0, 1, 0, 6],
        ] {
            assert!(Acl::from_bytes(bytes).is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn the_mask_counts_and_whoever_is_denied_is_denied() {
        let list = classes(0o654, Some(LIST));
        assert_eq!((list.group.1, list.other), (4, 4));
        assert_eq!((list.user(7), list.user(9), list.user(1)), (4, 0, 6));
        // User 9 may be in any group, and is nobody else's stranger either.
        assert_eq!(
            (list.everyone(), list.members(2), list.members(5)),
            (0, 0, 0)
        );
        let list = "user::rw-,group::---,group:5:r-x,mask::r--,other::---";
        let list = classes(0o640, Some(list));
        assert_eq!(
            (list.members(5), list.members(2), list.everyone()),
            (4, 0, 0)
        );
    }

    #[test]
    fn bits_without_a_list() {
        assert_eq!(classes(0o644, None).everyone(), 4);
        assert_eq!(classes(0o640, None).everyone(), 0);
        // Members of the group are not among the others.
        assert_eq!(classes(0o604, None).everyone(), 0);
        assert_eq!(classes(0o640, None).members(2), 4);
        assert_eq!(classes(0o640, None).members(3), 0);
        assert_eq!(classes(0o644, None).members(3), 4);
    }
}
