//! Lists of sources as people and programs of any system write them. A list with a mark at its
//! beginning lost its first line, one in UTF-16 or with one byte that was no text was refused as a
//! whole, and names were meant from wherever a run happened to begin.

use crate::common;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use common::{Place, tiny};
use geokeep::source::{Expanded, SourceError, expand};

/// Sources `maps/a.gpkg`, `maps/b c.gpkg`; lists lie in `lists`.
fn place() -> Place {
    let place = Place::new();
    fs::create_dir_all(place.source("maps")).unwrap();
    fs::create_dir_all(place.source("lists")).unwrap();
    place.build("maps/a.gpkg", &tiny());
    place.build("maps/b c.gpkg", &tiny());
    place
}

fn read(list: &[u8], place: &Place) -> Expanded {
    let path = place.source("lists/list.txt");
    fs::write(&path, list).unwrap();
    let mut argument = std::ffi::OsString::from("@");
    argument.push(&path);
    let home = place.source("maps");
    expand(&[argument.into()], &mut |list| fs::read(list), Some(&home))
}

/// The file names that were found, and those that were not.
fn names(expanded: &Expanded) -> (Vec<String>, Vec<String>) {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let (found, failed): (Vec<_>, Vec<_>) = expanded
        .found
        .iter()
        .partition(|found| found.source.is_ok());
    let all = |found: Vec<&geokeep::source::Found>| found.iter().map(|f| name(&f.given)).collect();
    (all(found), all(failed))
}

fn both() -> (Vec<String>, Vec<String>) {
    (vec!["a.gpkg".to_owned(), "b c.gpkg".to_owned()], Vec::new())
}

#[test]
fn however_it_is_written() {
    let place = place();
    let text = "../maps/a.gpkg\r\n\r\n# a note\r\n\"..\\maps\\b c.gpkg\"\r\n".replace('\\', "/");
    let wide: Vec<u16> = text.encode_utf16().collect();
    let le: Vec<u8> = wide.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let be: Vec<u8> = wide.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    for list in [
        text.clone().into_bytes(),
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        [b"\xff\xfe", &le[..]].concat(),
        [b"\xfe\xff", &be[..]].concat(),
        le,
        be,
        b"  ../maps/a.gpkg \t\n'../maps/b c.gpkg'".to_vec(),
        b"~/a.gpkg\n~/b c.gpkg".to_vec(),
    ] {
        assert_eq!(names(&read(&list, &place)), both(), "{list:?}");
    }
    let maps = fs::canonicalize(place.source("maps")).unwrap();
    let address = format!(
        "file://{0}/a.gpkg\nFILE://localhost{0}/b%20c.gpkg\n",
        maps.display()
    );
    assert_eq!(names(&read(address.as_bytes(), &place)), both());
}

/// Blanks and quotes may be part of a name: what is there under it is meant.
#[test]
fn a_name_that_is_there_as_it_stands() {
    let place = place();
    for name in ["\"quoted\".gpkg", "'.gpkg'", "blank.gpkg ", "@at.gpkg", "~"] {
        place.build(&format!("lists/{name}"), &tiny());
        let expanded = read(format!("{name}\n").as_bytes(), &place);
        assert_eq!(
            names(&expanded),
            (vec![name.to_owned()], vec![]),
            "{name:?}"
        );
    }
}

#[test]
fn a_bad_line_is_one_failed_source() {
    let place = place();
    let list = b"../maps/a.gpkg\nodd\0byte.gpkg\n../maps/gr\xfcn.gpkg\n../maps/b c.gpkg\n";
    let expanded = read(list, &place);
    let (found, failed) = names(&expanded);
    assert_eq!(found, both().0);
    assert_eq!(failed.len(), 2, "{failed:?}");
    let bad = expanded.found.iter().filter(|found| {
        matches!(&found.source, Err(SourceError::BadLine(why)) if why.contains("zero byte"))
    });
    assert_eq!(bad.count(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn names_are_bytes() {
    use std::os::unix::ffi::OsStrExt;
    let place = place();
    let name = std::ffi::OsStr::from_bytes(b"gr\xfcn.gpkg");
    fs::rename(place.source("maps/a.gpkg"), place.source("maps").join(name)).unwrap();
    let expanded = read(b"../maps/gr\xfcn.gpkg\n", &place);
    assert!(expanded.found[0].source.is_ok(), "{:?}", expanded.found);
}

#[test]
fn lists_in_lists_each_from_its_own_folder() {
    let place = place();
    fs::write(
        place.source("maps/more.txt"),
        "b c.gpkg\n@../lists/list.txt\n@none.txt",
    )
    .unwrap();
    let expanded = read(b"@../maps/more.txt\n../maps/a.gpkg\n", &place);
    let (found, failed) = names(&expanded);
    assert_eq!(found, both().0);
    assert_eq!(failed, ["none.txt"]);
}

/// Standard input has no folder: names in it are meant from the working folder.
#[test]
fn a_list_that_is_missing_and_one_from_standard_input() {
    let place = place();
    let path = place.source("maps/a.gpkg");
    let line = path.display().to_string();
    let mut read = |list: &Path| match list.to_str() {
        Some("-") => Ok(line.clone().into_bytes()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let arguments = ["@gone.txt", "-"].map(PathBuf::from);
    let expanded = expand(&arguments, &mut read, None);
    assert_eq!(
        names(&expanded),
        (vec!["a.gpkg".to_owned()], vec!["gone.txt".to_owned()])
    );
    assert!(matches!(
        expanded.found[0].source,
        Err(SourceError::Missing)
    ));
}
