//! Links to folders in a source folder. They were left out without a word; to those who work in the
//! folder, what lies behind them is part of it.
#![cfg(unix)]

use crate::common;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use common::{Place, tiny};
use geokeep::source::{Expanded, Unprotected, expand};

/// `town/a.gpkg` and `elsewhere/deep/b.gpkg`.
fn place() -> Place {
    let place = Place::new();
    for (folder, name) in [("town", "a.gpkg"), ("elsewhere/deep", "b.gpkg")] {
        fs::create_dir_all(place.source(folder)).unwrap();
        place.build(&format!("{folder}/{name}"), &tiny());
    }
    place
}

fn look(place: &Place) -> Expanded {
    expand(&[place.source("town")], &mut |_| unreachable!(), None)
}

fn real_names(expanded: &Expanded) -> BTreeSet<String> {
    let real = expanded.found.iter().map(|found| {
        let source = found.source.as_ref().unwrap();
        source
            .real
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    });
    let names: BTreeSet<_> = real.collect();
    assert_eq!(names.len(), expanded.found.len(), "each once");
    names
}

fn left(expanded: &Expanded) -> Vec<(String, Unprotected)> {
    let left = expanded.not_protected.iter();
    left.map(|one| (one.name.clone(), one.why)).collect()
}

#[test]
fn what_lies_behind_a_link_is_found_and_missed_when_it_goes() {
    let place = place();
    symlink("../elsewhere", place.source("town/link")).unwrap();
    let expanded = look(&place);
    assert_eq!(
        real_names(&expanded),
        ["a.gpkg", "b.gpkg"].map(str::to_owned).into()
    );
    assert_eq!(
        expanded.found[1].given,
        place.source("town/link/deep/b.gpkg")
    );
    assert!(expanded.not_protected.is_empty());
    let target = fs::canonicalize(place.source("elsewhere/deep/b.gpkg")).unwrap();
    assert!(expanded.would_find(&target));

    // The link leads to a disk that is not there now: said, and its files are missed.
    fs::rename(place.source("elsewhere"), place.source("away")).unwrap();
    let expanded = look(&place);
    assert_eq!(
        left(&expanded),
        [("link".to_owned(), Unprotected::LinkBroken)]
    );
    assert!(expanded.would_find(&target));
}

#[test]
fn circles_end_and_what_is_there_keeps_its_own_name() {
    let place = place();
    fs::create_dir_all(place.source("town/sub")).unwrap();
    symlink(".", place.source("town/0-self")).unwrap();
    symlink("../sub", place.source("town/sub/again")).unwrap();
    symlink("../elsewhere", place.source("town/1-link")).unwrap();
    symlink("../elsewhere/deep", place.source("town/2-link")).unwrap();
    symlink(place.source("town"), place.source("elsewhere/deep/back")).unwrap();
    symlink(place.source("elsewhere"), place.source("elsewhere/deep/up")).unwrap();
    let expanded = look(&place);
    assert_eq!(
        real_names(&expanded),
        ["a.gpkg", "b.gpkg"].map(str::to_owned).into()
    );
    assert_eq!(expanded.found[0].given, place.source("town/a.gpkg"));
    assert_eq!(left(&expanded), []);
}

/// `z: -> /` of Wine, and links to the home folder: not the whole disk, and not in silence.
#[test]
fn a_link_upwards_is_named() {
    let place = place();
    symlink("/", place.source("town/z:")).unwrap();
    symlink("..", place.source("town/up")).unwrap();
    let expanded = look(&place);
    assert_eq!(real_names(&expanded), ["a.gpkg".to_owned()].into());
    let mut left = left(&expanded);
    left.sort_by_key(|(name, _)| name.clone());
    let up = |name: &str| (name.to_owned(), Unprotected::LinkUpwards);
    assert_eq!(left, [up("up"), up("z:")]);
}

#[test]
fn links_to_files_and_marks_of_programs() {
    let place = place();
    symlink("../elsewhere/deep/b.gpkg", place.source("town/b.gpkg")).unwrap();
    symlink("user@host.4711", place.source("town/.#notes.txt")).unwrap();
    symlink("nothing.gpkg", place.source("town/dead.gpkg")).unwrap();
    symlink("loop", place.source("town/loop")).unwrap();
    let expanded = look(&place);
    let failed: Vec<_> = (expanded.found.iter())
        .filter(|found| found.source.is_err())
        .map(|found| found.given.clone())
        .collect();
    assert_eq!(failed, [place.source("town/dead.gpkg")]);
    assert_eq!(expanded.found.len(), 3);
    assert_eq!(
        left(&expanded),
        [("loop".to_owned(), Unprotected::LinkBroken)]
    );
}

/// A pattern is a way to name folders, too.
#[test]
fn a_link_that_a_pattern_finds() {
    let place = place();
    symlink("../elsewhere", place.source("town/link")).unwrap();
    for pattern in ["town/*", "t*", "town/**/*.gpkg"] {
        let expanded = expand(
            &[place.sources().join(pattern)],
            &mut |_| unreachable!(),
            None,
        );
        let names = real_names(&expanded);
        assert!(names.contains("a.gpkg"), "{pattern}");
        let mentioned = names.contains("b.gpkg") || !expanded.not_protected.is_empty();
        assert!(mentioned, "{pattern}: {:?}", expanded.found);
    }
    assert!(Path::new(&place.source("town/link")).is_dir());
}
