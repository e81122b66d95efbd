//! Who may do what with a file: noted in a manifest, restored with the file, and never widened
//! by a copy.

mod acl;
#[cfg(unix)]
mod give;
mod readers;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
use give as to;
#[cfg(unix)]
use unix as os;
#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
use other as os;
#[cfg(not(unix))]
use other as to;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use acl::Classes;
pub use readers::Readers;
pub(crate) use readers::all_may_reach;

/// Bytes of names and values of extended attributes that are kept of one file.
const ATTRIBUTES_BYTES_MAX: usize = 16 << 10;
/// Attributes that belong to whoever may write to the file. All others belong to the system.
const ATTRIBUTE_PREFIX: &str = "user.";

/// The rights of a file as its system has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// The nine permission bits, in octal. With a list, those of the group are the list's mask.
    #[serde(with = "octal")]
    pub mode: u32,
    /// Number of the owner.
    pub owner: u32,
    /// Number of the group.
    pub group: u32,
    /// The POSIX access list in its short text form, with numbers; absent if the bits say it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acl: Option<String>,
    /// What `user:1000` and `group:100` were called on that machine.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// Extended attributes whose names begin with `user.`; values in hexadecimal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Attributes for which there was no room here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attributes_left_out: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

mod octal {
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    pub(super) fn serialize<S: Serializer>(mode: &u32, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{mode:04o}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
        let text = String::deserialize(from)?;
        u32::from_str_radix(&text, 8).map_err(serde::de::Error::custom)
    }
}

/// One thing that a restored file does not have as its source had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotRestored {
    /// `owner`, `group`, `mode`, `acl` or `attributes`.
    pub what: &'static str,
    /// One sentence.
    pub message: String,
}

impl Rights {
    /// Of a file, which is not opened; `None` where the system has no such rights, or does not
    /// tell. Names are not looked up.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        os::of(path)
    }

    /// What a file has that nobody has said anything about: this user's, open as his `umask` says.
    #[must_use]
    pub fn usual(file: &Path) -> Option<Self> {
        let mut rights = os::of(file)?;
        rights.mode = 0o666 & !os::umask();
        rights.acl = None;
        Some(rights)
    }

    /// The same with the names by which people know the numbers.
    #[must_use]
    pub fn named(mut self) -> Self {
        let mut keys = vec![user_key(self.owner), group_key(self.group)];
        if let Some(classes) = Classes::of(&self) {
            keys.extend(classes.users.iter().map(|(id, _)| user_key(*id)));
            keys.extend(classes.groups.iter().map(|(id, _)| group_key(*id)));
        }
        let name = |key: String| Some((key.clone(), os::name_of(&key)?));
        self.names = keys.into_iter().filter_map(name).collect();
        self
    }
}

/// By which a user stands in [`Rights::names`].
fn user_key(id: u32) -> String {
    format!("user:{id}")
}

/// By which a group stands in [`Rights::names`].
fn group_key(id: u32) -> String {
    format!("group:{id}")
}

/// Opens one of our files, which nobody else may read so far, to `readers`. Whatever cannot be done
/// leaves it closed.
pub(super) fn open_to(path: &Path, readers: &Readers) {
    os::open_to(path, readers);
}

/// Closes one of our files to all who are not among `readers`, if it is open to anybody else.
pub(crate) fn narrow(path: &Path, readers: &Readers) {
    if !readers.include(&Readers::by_file_alone(path)) {
        os::open_to(path, readers);
    }
}

/// Gives one of our files the permissions that the system gives new ones.
pub(super) fn open_as_usual(path: &Path) {
    os::open_as_usual(path);
}

/// Gives a new file of ours `rights`, as far as we may and nobody gains by it. Whom `readers` does
/// not name gets nothing.
pub(super) fn give(path: &Path, rights: &Rights, readers: Option<&Readers>) -> Vec<NotRestored> {
    to::give(path, rights, readers)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    #[test]
    fn rights_come_out_of_json_as_they_went_in() {
        let rights = Rights {
            mode: 0o640,
            owner: 1000,
            group: 100,
            acl: Some("user::rw-,user:7:r--,group::r--,mask::r--,other::---".to_owned()),
            names: BTreeMap::from([("user:1000".to_owned(), "anna".to_owned())]),
            attributes: BTreeMap::from([("user.comment".to_owned(), "00ff".to_owned())]),
            attributes_left_out: 2,
        };
        let text = serde_json::to_string(&rights).unwrap();
        assert!(
            text.starts_with(r#"{"mode":"0640","owner":1000,"#),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Rights>(&text).unwrap(), rights);
        let least = r#"{"mode": "0600", "owner": 1, "group": 2, "later": 3}"#;
        assert_eq!(serde_json::from_str::<Rights>(least).unwrap().mode, 0o600);
    }
}
