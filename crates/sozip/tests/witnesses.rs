//! Independent readers of our archives, and foreign archives in our reader.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail loudly"
)]

mod data;

use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use data::{Noise, bytes_of};
use sozip::{Archive, ArchiveWriter, CHUNK_SIZE, Options, ReadError};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

const CHUNK: usize = 32 * 1024;

/// Names, sizes and contents that are not alike.
fn inputs() -> Vec<(String, Vec<u8>)> {
    let mut inputs = vec![
        ("empty.txt".to_owned(), Vec::new()),
        (
            "Flurstücke 2026/日本.gpkg".to_owned(),
            bytes_of(Noise::Table, 5 * CHUNK + 3, 2),
        ),
        ("big.gpkg".to_owned(), bytes_of(Noise::Mixed, 3_200_000, 3)),
    ];
    for (i, size) in [1, 500, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK]
        .into_iter()
        .enumerate()
    {
        let noise = Noise::ALL[i % Noise::ALL.len()];
        inputs.push((format!("folder/{size}.gpkg"), bytes_of(noise, size, 9)));
    }
    inputs
}

fn archive_of(inputs: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    let options = Options {
        threads: 2,
        ..Options::default()
    };
    for (name, input) in inputs {
        let time = Some(1_700_000_000);
        writer
            .add(
                name,
                time,
                &mut &input[..],
                None,
                &options,
                None,
                &mut |_| {},
            )
            .unwrap();
    }
    writer.add_stored("manifest.json", None, b"{}").unwrap();
    writer.finish().unwrap().into_inner()
}

#[test]
fn the_zip_crate_reads_the_same() {
    let inputs = inputs();
    let mut archive = zip::ZipArchive::new(Cursor::new(archive_of(&inputs))).unwrap();
    assert_eq!(archive.len(), inputs.len() + 1, "the indexes are hidden");
    for (name, input) in &inputs {
        let mut file = archive.by_name(name).unwrap();
        assert_eq!(file.size(), input.len() as u64);
        let mut plain = Vec::new();
        file.read_to_end(&mut plain).unwrap();
        assert!(plain == *input, "{name}");
    }
}

/// A file in a folder of its own that goes away afterwards.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let folder = std::env::temp_dir().join(format!("sozip-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("x.zip"), bytes).unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.join("x.zip")
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a program on the archive; says so if it is not there.
fn check_with(program: &str, args: &[&str], archive: &Path) {
    match Command::new(program).args(args).arg(archive).output() {
        Err(e) => {
            println!("skipped: {program} is not here ({e})");
            // The same list that the other tests of the workspace write to.
            if let Some(list) = std::env::var_os("TESTKIT_SKIPPED") {
                let mut options = fs::OpenOptions::new();
                let mut list = options.create(true).append(true).open(list).unwrap();
                let line = format!("sozip's witnesses: {program} is not here\n");
                list.write_all(line.as_bytes()).unwrap();
            }
            let strict = std::env::var_os("STRICT").is_some_and(|value| !value.is_empty());
            assert!(!strict, "not tried, and STRICT is set");
        }
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{program}: {text}");
        }
    }
}

#[test]
fn unzip_and_python_find_no_fault() {
    let file = Temporary::new("witness", &archive_of(&inputs()));
    check_with("unzip", &["-tqq"], &file.path());
    check_with("python3", &["-m", "zipfile", "-t"], &file.path());
}

/// A zip of one gigabyte of zeros five times over: zip64 sizes and offsets for real.
#[test]
#[ignore = "compresses 5 GiB: about half a minute in a release build"]
fn an_entry_of_five_gib() {
    const SIZE: u64 = 5 << 30;
    let file = Temporary::new("big", b"");
    let output = fs::File::options()
        .read(true)
        .write(true)
        .open(file.path())
        .unwrap();
    let mut writer = ArchiveWriter::new(output);
    let options = Options {
        level: Some(1),
        threads: 2,
        ..Options::default()
    };
    let mut zeros = std::io::repeat(0).take(SIZE);
    writer
        .add(
            "zeros",
            None,
            &mut zeros,
            Some(SIZE),
            &options,
            None,
            &mut |_| {},
        )
        .unwrap();
    writer
        .add(
            "behind",
            None,
            &mut &b"behind"[..],
            None,
            &options,
            None,
            &mut |_| {},
        )
        .unwrap();
    let archive = Archive::open(writer.finish().unwrap()).unwrap();
    archive.check_canonical().unwrap();
    let entry = archive.entry("zeros").unwrap();
    assert_eq!(entry.size, SIZE);
    let mut seen = 0;
    let chunks = archive.chunks(entry).unwrap();
    chunks
        .scan(2, &[], |_, plain| {
            seen += plain.len() as u64;
            Ok::<(), ReadError>(())
        })
        .unwrap();
    assert_eq!(seen, SIZE);
    check_with("unzip", &["-tqq"], &file.path());
    check_with("python3", &["-m", "zipfile", "-t"], &file.path());
}

#[test]
fn archives_of_the_zip_crate_can_be_read() {
    let small = bytes_of(Noise::Text, 200_000, 1);
    let long = bytes_of(Noise::Text, 2_000_000, 1);
    let mut foreign = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let deflated = SimpleFileOptions::default();
    let stored = deflated.compression_method(CompressionMethod::Stored);
    foreign.add_directory("folder", stored).unwrap();
    for (name, options, input) in [
        ("folder/deflated", deflated, &small[..]),
        ("stored", stored, &long),
        ("big header", deflated.large_file(true), &small),
        ("long", deflated, &long),
        ("empty", deflated, b""),
    ] {
        foreign.start_file(name, options).unwrap();
        foreign.write_all(input).unwrap();
    }
    foreign.set_comment("made elsewhere").unwrap();
    let archive = Archive::open(foreign.finish().unwrap().into_inner()).unwrap();
    assert!(archive.check_canonical().is_err());
    let entry = |name| archive.entry(name).unwrap();
    assert_eq!(entry("folder/").size, 0);
    for name in ["folder/deflated", "big header"] {
        assert_eq!(archive.chunks(entry(name)).unwrap().count(), 1);
        assert!(archive.read_small(entry(name), 200_000).unwrap() == small);
        let limited = archive.read_small(entry(name), 199_999);
        assert!(matches!(limited, Err(ReadError::Limit { .. })));
    }
    assert!(archive.read_small(entry("stored"), 2_000_000).unwrap() == long);
    assert_eq!(
        archive.chunks(entry("stored")).unwrap().count(),
        2_000_000_u64.div_ceil(CHUNK_SIZE.into())
    );
    assert!(matches!(
        archive.chunks(entry("long")),
        Err(ReadError::NoIndex { .. })
    ));
    assert!(archive.read_small(entry("long"), 2_000_000).unwrap() == long);
    assert_eq!(archive.read_small(entry("empty"), 0).unwrap(), b"");
    let empty = archive.chunks(entry("empty")).unwrap();
    let mut pieces = Vec::new();
    empty
        .scan(1, &[], |stored, plain| {
            pieces.push((stored.len() as u64, plain.len()));
            Ok::<(), ReadError>(())
        })
        .unwrap();
    assert_eq!(
        pieces,
        [(entry("empty").compressed_size, 0)],
        "no byte is left out"
    );
}
