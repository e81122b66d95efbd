//! Who may read a file: by its own rights, and by those of every folder above it.

use std::collections::BTreeSet;
use std::path::Path;

use super::acl::{Classes, ENTER, READ};
use super::{Rights, os};

/// Who may read a file beside its owner and the administrator. Where that is not known: nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readers {
    /// Whoever has an account.
    pub(super) everyone: bool,
    /// All members of these groups.
    pub(super) groups: BTreeSet<u32>,
    pub(super) users: BTreeSet<u32>,
    /// The one among `groups` that the file itself belongs to.
    pub(super) own_group: Option<u32>,
}

impl Readers {
    /// Of the file at `path`, which has no symbolic links in it. Nothing is opened.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        Rights::of(path).map_or_else(Self::default, |rights| Self::by(&rights, path))
    }

    /// Of a file with these `rights` at `path`.
    #[must_use]
    pub fn by(rights: &Rights, path: &Path) -> Self {
        // A private mount keeps others out, whatever the bits in it say.
        if os::is_private_mount(path) {
            return Self::default();
        }
        let folders: Option<Vec<Classes>> = path
            .ancestors()
            .skip(1)
            .filter(|folder| !folder.as_os_str().is_empty())
            .map(|folder| Classes::of(&Rights::of(folder)?))
            .collect();
        match (Classes::of(rights), folders) {
            (Some(file), Some(folders)) => Self::of_classes(&file, &folders),
            _ => Self::default(),
        }
    }

    /// By a file's own rights, wherever it lies.
    #[must_use]
    pub fn by_file_alone(path: &Path) -> Self {
        let classes = Rights::of(path).and_then(|rights| Classes::of(&rights));
        classes.map_or_else(Self::default, |file| Self::of_classes(&file, &[]))
    }

    fn of_classes(file: &Classes, folders: &[Classes]) -> Self {
        let all_enter = |bits: &dyn Fn(&Classes) -> u32| {
            let mut folders = folders.iter();
            folders.all(|folder| bits(folder) & ENTER != 0)
        };
        let mut groups: BTreeSet<u32> = file.groups.iter().map(|(id, _)| *id).collect();
        groups.insert(file.group.0);
        groups.retain(|group| {
            file.members(*group) & READ != 0 && all_enter(&|folder| folder.members(*group))
        });
        let mut users: BTreeSet<u32> = file.users.iter().map(|(id, _)| *id).collect();
        users
            .retain(|user| file.user(*user) & READ != 0 && all_enter(&|folder| folder.user(*user)));
        Self {
            everyone: file.everyone() & READ != 0 && all_enter(&Classes::everyone),
            own_group: Some(file.group.0).filter(|own| groups.contains(own)),
            groups,
            users,
        }
    }

    /// Those who are among `others` as well.
    #[must_use]
    pub(crate) fn and(&self, others: &Self) -> Self {
        // Everybody, but perhaps not the members of its own group.
        let all = |readers: &Self| readers.everyone && readers.own_group.is_some();
        let both = |pick: fn(&Self) -> &BTreeSet<u32>| {
            let of = |one: &Self, other: &Self| {
                let may = |id: &u32| all(other) || pick(other).contains(id);
                pick(one)
                    .iter()
                    .copied()
                    .filter(may)
                    .collect::<BTreeSet<_>>()
            };
            &of(self, others) | &of(others, self)
        };
        let groups = both(|readers| &readers.groups);
        Self {
            everyone: self.everyone && others.everyone,
            users: both(|readers| &readers.users),
            own_group: self.own_group.filter(|own| groups.contains(own)),
            groups,
        }
    }

    /// Whether all of `others` are among them.
    pub(super) fn include(&self, others: &Self) -> bool {
        let all = || others.groups.is_subset(&self.groups) && others.users.is_subset(&self.users);
        self.everyone || (!others.everyone && all())
    }

    /// Whether everybody is among them.
    #[must_use]
    pub fn is_everyone(&self) -> bool {
        self.everyone
    }
}

/// Whether everybody may enter the folder in which `path` lies, which need not be there. In doubt
/// everybody may.
#[must_use]
pub(crate) fn all_may_reach(path: &Path) -> bool {
    let Some(folder) = path.parent() else {
        return true;
    };
    let keeps_out = |folder: &Path| {
        let classes = Rights::of(folder).and_then(|rights| Classes::of(&rights));
        classes.is_some_and(|folder| folder.everyone() & ENTER == 0)
    };
    !os::is_private_mount(folder) && !folder.ancestors().any(keeps_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(owner: u32, group: u32, mode: u32) -> Classes {
        Classes {
            owner: (owner, mode >> 6 & 7),
            group: (group, mode >> 3 & 7),
            users: Vec::new(),
            groups: Vec::new(),
            other: mode & 7,
        }
    }

    #[test]
    fn a_closed_folder_closes_what_lies_in_it() {
        let root = classes(0, 0, 0o755);
        let open = Readers::of_classes(&classes(1, 2, 0o644), std::slice::from_ref(&root));
        assert!(open.everyone && open.groups.contains(&2));
        let closed = [root.clone(), classes(1, 2, 0o700)];
        let none = Readers::of_classes(&classes(1, 2, 0o644), &closed);
        assert_eq!(none, Readers::default());
        // The folder's group may pass, if it is the file's as well.
        let folder = [root, classes(1, 2, 0o750)];
        let group = Readers::of_classes(&classes(1, 2, 0o644), &folder);
        assert!(!group.everyone && group.own_group == Some(2));
        let other_group = Readers::of_classes(&classes(1, 3, 0o644), &folder);
        assert_eq!(other_group, Readers::default());
        // It may pass, and may not read.
        let unread = Readers::of_classes(&classes(1, 2, 0o604), &folder);
        assert_eq!(unread, Readers::default());
    }

    #[test]
    fn whoever_may_read_one_of_two_files_is_not_taken_for_a_reader_of_both() {
        let of = |mode| Readers::of_classes(&classes(1, 2, mode), &[]);
        let other_group = |mode| Readers::of_classes(&classes(1, 3, mode), &[]);
        assert!(of(0o644).and(&other_group(0o644)).is_everyone());
        let closed = Readers::default();
        assert_eq!(of(0o644).and(&of(0o600)), closed);
        assert_eq!(of(0o600).and(&of(0o644)), closed);
        let group = of(0o640).and(&other_group(0o644));
        assert_eq!(group.groups, BTreeSet::from([2]));
        assert!(!group.everyone);
        assert_eq!(of(0o640).and(&other_group(0o640)), closed);
        // All but those of its group may read it.
        assert!(of(0o640).and(&of(0o604)).groups.is_empty());
    }

    #[test]
    fn who_is_named_must_be_able_to_come_there() {
        let mut file = classes(1, 2, 0o600);
        file.users = vec![(7, 4), (8, 0)];
        file.groups = vec![(5, 6)];
        let mut folder = classes(1, 2, 0o700);
        assert!(
            Readers::of_classes(&file, std::slice::from_ref(&folder))
                .users
                .is_empty()
        );
        folder.users = vec![(7, 1)];
        let readers = Readers::of_classes(&file, &[folder]);
        assert_eq!(readers.users, BTreeSet::from([7]));
        // User 8 may be in group 5.
        assert!(readers.groups.is_empty());
        file.users = Vec::new();
        let readers = Readers::of_classes(&file, &[classes(0, 0, 0o755)]);
        assert_eq!(readers.groups, BTreeSet::from([5]));
    }
}
