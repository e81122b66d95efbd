//! Promise 7: anyone reads a backup without geokeep. Info-ZIP and Python read every archive and get
//! the database that geokeep restores. Whoever is not installed is skipped, with a line that says so.

use crate::common;

use std::fs;
use std::process::Command;

use common::{Desk, ended, tiny};
use testkit::gpkg::{Journal, Options};

/// Archives of several sorts, and the names of what they restore to.
fn archives(desk: &Desk) -> Vec<(String, String)> {
    let sorts = [
        ("plain", tiny()),
        (
            "wal",
            Options {
                journal: Journal::Wal,
                ..tiny()
            },
        ),
        (
            "large",
            Options {
                rows: 3000,
                tiles: 300,
                ..tiny()
            },
        ),
        ("Flurstücke 🦉", tiny()),
    ];
    let mut pairs = Vec::new();
    for (name, options) in sorts {
        let file = format!("{name}.gpkg");
        desk.build(&file, &options);
        desk.ok(&["backup", &file, "--to", "backups"]);
        let restored = format!("restored-{name}.gpkg");
        desk.ok(&["restore", name, "--from", "backups", "--to", &restored]);
        let is = |path: &&std::path::PathBuf| path.parent().unwrap().ends_with(name);
        let archive = desk
            .archives()
            .iter()
            .find(is)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        pairs.push((archive, restored));
    }
    pairs
}

#[test]
fn info_zip() {
    if Command::new("unzip").arg("-v").output().is_err() {
        testkit::skipped("unzip is not installed");
        return;
    }
    let desk = Desk::new();
    for (archive, restored) in archives(&desk) {
        let test = ended(Command::new("unzip").args(["-t", &archive]));
        assert_eq!(test.code, 0, "{test:?}");
        assert!(test.out.contains("No errors detected"), "{test:?}");
        let out = Command::new("unzip")
            .args(["-p", &archive, "*.gpkg"])
            .output()
            .unwrap();
        assert!(out.status.success());
        assert!(
            out.stdout == fs::read(desk.path(&restored)).unwrap(),
            "{archive}"
        );
    }
}

const PYTHON: &str = "
import sys, zipfile, json
archive, restored = sys.argv[1:]
with zipfile.ZipFile(archive) as z:
    assert z.testzip() is None
    names = z.namelist()
    assert names[0].endswith('.gpkg') and names[1:] == ['chunk-hashes.bin', 'manifest.json'], names
    assert z.read(names[0]) == open(restored, 'rb').read()
    manifest = json.loads(z.read('manifest.json'))
    assert manifest['bytes'] == z.getinfo(names[0]).file_size
    assert names[0] == manifest['name'] + '.gpkg', names
";

#[test]
fn python() {
    if Command::new("python3").arg("--version").output().is_err() {
        testkit::skipped("python3 is not installed");
        return;
    }
    let desk = Desk::new();
    for (archive, restored) in archives(&desk) {
        let path = desk.path(&restored);
        let run = ended(
            Command::new("python3")
                .args(["-c", PYTHON, &archive])
                .arg(path),
        );
        assert_eq!(run.code, 0, "{archive}: {run:?}");
    }
}

/// GDAL ≥ 3.7 opens an archive as it lies; an earlier one by its path inside.
#[test]
fn gdal() {
    let Ok(version) = Command::new("ogrinfo").arg("--version").output() else {
        testkit::skipped("ogrinfo is not installed");
        return;
    };
    let version = String::from_utf8(version.stdout).unwrap();
    let mut numbers = version
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|n| n.parse::<u32>().ok());
    let as_it_lies = (numbers.next(), numbers.next()) >= (Some(3), Some(7));
    let desk = Desk::new();
    for (archive, restored) in archives(&desk) {
        let name = restored.strip_prefix("restored-").unwrap();
        let data = if as_it_lies {
            archive.clone()
        } else {
            format!("/vsizip/{archive}/{name}")
        };
        let run = ended(Command::new("ogrinfo").args(["-ro", "-so", &data, "parcels"]));
        assert_eq!(run.code, 0, "{data}: {run:?}");
        assert!(run.out.contains("Feature Count: "), "{data}: {run:?}");
    }
}
