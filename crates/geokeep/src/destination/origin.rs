//! Whose a backup is: which file, on which machine.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::source::{Source, is_same_file};
use crate::words::composed;

/// Keeps the id of a machine from being the raw one of its system, as `machine-id(5)` demands.
const ID_CONTEXT: &str = "geokeep 2026-11 id of a machine";
/// Hexadecimal digits of an id.
const ID_LEN: usize = 32;
/// Stands before an id that may go with the container, or with the next start of the system.
const SHORT_LIVED: char = '~';

fn lasts(id: &str) -> bool {
    !id.starts_with(SHORT_LIVED)
}

/// The machine on which sources lie, as their backups know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Its name.
    pub host: String,
    /// What tells it from others of its name, by [`Machine::id_from`] or
    /// [`Machine::short_lived`]; `None` if the caller found nothing.
    pub id: Option<String>,
    /// The user gave the name: then the machine is known by it, whatever its id.
    pub given: bool,
}

impl Machine {
    /// An id that tells nothing of `seed` but whether it is the same.
    #[must_use]
    pub fn id_from(seed: &[u8]) -> String {
        let key = blake3::derive_key(ID_CONTEXT, seed);
        blake3::Hash::from(key).to_hex()[..ID_LEN].to_owned()
    }

    /// An id that may not be the same the next time: the name may count as well.
    #[must_use]
    pub fn short_lived(id: &str) -> String {
        format!("{SHORT_LIVED}{id}")
    }

    /// Whether it has an id that lasts, or a name that was given to it.
    #[must_use]
    pub fn lasts(&self) -> bool {
        self.given || self.id.as_deref().is_some_and(lasts)
    }

    /// Whether what came from there came from this machine. Of old backups, which have no id, the
    /// name must do; and where no id lasts.
    #[must_use]
    pub fn owns(&self, origin: &Origin) -> bool {
        let same_name = self.host == origin.host;
        match (&self.id, &origin.machine) {
            _ if self.given => same_name,
            // Somebody else may be called what the user once said.
            (ours, theirs) if origin.host_given => same_name && ours.is_some() && ours == theirs,
            (Some(ours), Some(theirs)) if lasts(ours) || lasts(theirs) => ours == theirs,
            (Some(ours), Some(theirs)) => ours == theirs || same_name,
            (_, None) => same_name,
            (None, Some(theirs)) => same_name && !lasts(theirs),
        }
    }

    /// Whether it is known by its id to be the same machine, whatever either was called.
    pub(crate) fn is_that_of(&self, origin: &Origin) -> bool {
        self.id.is_some() && self.id == origin.machine
    }
}

/// Where a backup came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Absolute path, without symbolic links. Bytes that are no text are replaced.
    pub path: String,
    /// The name by which it was reached, if that leads over a symbolic link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The name of the machine.
    pub host: String,
    /// Its id, if it has one that lasts. Older manifests do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// The user gave the machine's name: it is known by that alone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub host_given: bool,
    /// The user gave the line's name: the source is known by that.
    #[serde(default, skip_serializing_if = "is_default")]
    pub line_given: bool,
}

impl Origin {
    /// The origin of what is read from `source` on `machine` now.
    #[must_use]
    pub fn new(source: &Source, machine: &Machine) -> Self {
        Self {
            path: source.text(),
            link: source.link(),
            host: machine.host.clone(),
            machine: machine.id.clone(),
            host_given: machine.given,
            line_given: false,
        }
    }

    /// What tells its machine from others for good; `None` if its name must do.
    pub(crate) fn lasting_machine(&self) -> Option<&str> {
        let id = self.machine.as_deref().filter(|id| lasts(id));
        id.filter(|_| !self.host_given)
    }

    /// Whether what came from there came from the same machine, wherever this is asked.
    pub(crate) fn is_on_machine_of(&self, other: &Self) -> bool {
        let machine = Machine {
            host: self.host.clone(),
            id: self.machine.clone(),
            given: self.host_given,
        };
        machine.owns(other)
    }

    /// Whether nothing but a name that may change tells its machine from others.
    pub(super) fn lasts_not(&self) -> bool {
        !self.host_given && !self.machine.as_deref().is_some_and(lasts)
    }

    /// What the user knows it by: the link, or the file itself.
    #[must_use]
    pub fn name(&self) -> &str {
        self.link.as_deref().unwrap_or(&self.path)
    }

    /// Whether both are known by one name. A link keeps its name when it moves on to another file.
    #[must_use]
    pub fn same_name(&self, other: &Self) -> bool {
        same_path(self.name(), other.name())
    }

    /// Whether both are one file under two names, as far as can be seen now: a link of `other` that
    /// has moved on since leads elsewhere.
    #[must_use]
    pub fn same_file(&self, other: &Self) -> bool {
        let leads_here = |link: &str| {
            let real = std::fs::canonicalize(link).ok();
            let real = real.as_deref().and_then(Path::to_str);
            real.is_some_and(|real| same_path(real, &self.path))
        };
        same_path(&self.path, &other.path) && other.link.as_deref().is_none_or(leads_here)
    }

    /// Whether a backup of `other` is of this source, which is on `machine`.
    pub(crate) fn is_of(&self, other: &Self, machine: &Machine) -> bool {
        machine.owns(other) && (self.same_name(other) || self.same_file(other))
    }
}

/// Whether a field says nothing, so that it need not be written.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Whether two paths are of one file. They may be written in different Unicode forms: shares and
/// Macs change them, on both sides. Where two files have names that differ in that alone, each is
/// itself.
fn same_path(a: &str, b: &str) -> bool {
    let are_two = || {
        let (a, b) = (Path::new(a), Path::new(b));
        a.exists() && b.exists() && !is_same_file(a, b)
    };
    a == b || (composed(a) == composed(b) && !are_two())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(host: &str, id: Option<&str>) -> Machine {
        Machine {
            host: host.to_owned(),
            id: id.map(str::to_owned),
            given: false,
        }
    }

    fn origin(machine: &Machine) -> Origin {
        Origin {
            path: "/a.gpkg".to_owned(),
            host: machine.host.clone(),
            machine: machine.id.clone(),
            host_given: machine.given,
            ..Origin::default()
        }
    }

    #[test]
    fn an_id_weighs_more_than_a_name_and_a_given_name_more_than_an_id() {
        let (a, b) = (machine("box", Some("a")), machine("box", Some("b")));
        let renamed = machine("other", Some("a"));
        let (nameless, other) = (machine("box", None), machine("other", None));
        let said = Machine {
            given: true,
            ..machine("box", Some("c"))
        };
        // What each owns of what the others made.
        let all = [&a, &b, &renamed, &nameless, &other, &said];
        let owns = |who: &Machine| all.map(|made| who.owns(&origin(made)));
        assert_eq!(owns(&a), [true, false, true, true, false, false]);
        assert_eq!(owns(&b), [false, true, false, true, false, false]);
        assert_eq!(owns(&renamed), [true, false, true, false, true, false]);
        assert_eq!(owns(&nameless), [false, false, false, true, false, false]);
        assert_eq!(owns(&said), [true, true, false, true, false, true]);
    }

    #[test]
    fn where_no_id_lasts_the_id_or_the_name_is_enough() {
        let short = |host: &str, id: &str| machine(host, Some(&Machine::short_lived(id)));
        let (first, next) = (short("box", "a"), short("box", "b"));
        let (renamed, other) = (short("new", "a"), short("new", "b"));
        let (lasting, nameless) = (machine("box", Some("a")), machine("box", None));
        let all = [&first, &next, &renamed, &other, &lasting, &nameless];
        let owns = |who: &Machine| all.map(|made| who.owns(&origin(made)));
        assert_eq!(owns(&first), [true, true, true, false, false, true]);
        assert_eq!(owns(&lasting), [false, false, false, false, true, true]);
        assert_eq!(owns(&nameless), [true, true, false, false, false, true]);
        assert!(lasting.lasts() && !first.lasts() && !nameless.lasts());
    }

    #[test]
    fn an_id_does_not_tell_its_seed() {
        let id = Machine::id_from(b"3d1219c7c4c5404aaa1f6d2a48adfda4");
        assert_eq!(id.len(), ID_LEN);
        assert_ne!(id, "3d1219c7c4c5404aaa1f6d2a48adfda4");
        assert_eq!(id, Machine::id_from(b"3d1219c7c4c5404aaa1f6d2a48adfda4"));
        assert_ne!(id, Machine::id_from(b"3d1219c7c4c5404aaa1f6d2a48adfda5"));
    }
}
