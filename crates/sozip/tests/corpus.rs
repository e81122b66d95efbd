//! Replays the seeds and finds of the fuzz target `zip_reader`.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "data/bounded.rs"]
#[allow(unreachable_pub, reason = "shared with the fuzz target")]
mod bounded;
mod data;

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use bounded::read_within_bounds;
use zip::write::SimpleFileOptions;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/zip_reader")
}

/// One archive by another writer; `zip64` has the long fields without need.
fn foreign(zip64: bool) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, input) in [("folder/a", &[7; 900][..]), ("b", b"bbb"), ("empty", b"")] {
        writer
            .start_file(name, SimpleFileOptions::default().large_file(zip64))
            .unwrap();
        writer.write_all(input).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The seeds, by name; whether they are whole.
fn seeds() -> Vec<(&'static str, Vec<u8>, bool)> {
    let small = data::small_archive();
    let index = small.windows(9).position(|w| w == b"sozip.idx").unwrap() + 9;
    let mut lie = small.clone();
    lie[index + 32] ^= 1; // the first offset
    let mut final_block = small.clone();
    let data_offset = sozip::Archive::open(&small[..]).unwrap().entries()[0].data_offset;
    final_block[usize::try_from(data_offset).unwrap()] |= 1;
    vec![
        ("all-kinds", small.clone(), true),
        (
            "one-chunk",
            data::write_one(b"one chunk", &sozip::Options::default()).to_vec(),
            true,
        ),
        ("no-entries", small_empty(), true),
        ("foreign", foreign(false), false),
        ("foreign-zip64", foreign(true), false),
        ("cut-off", small[..small.len() - 1].to_vec(), false),
        ("index-lies", lie, false),
        ("early-final-block", final_block, false),
    ]
}

fn small_empty() -> Vec<u8> {
    sozip::ArchiveWriter::new(Cursor::new(Vec::new()))
        .finish()
        .unwrap()
        .into_inner()
}

#[test]
fn seeds_are_judged_rightly() {
    for (name, bytes, whole) in seeds() {
        assert_eq!(read_within_bounds(&bytes), whole, "{name}");
        assert!(bytes.len() < 2048, "{name}");
    }
}

#[test]
fn every_file_of_the_corpus_gets_an_answer() {
    let mut count = 0;
    for file in fs::read_dir(folder()).unwrap() {
        read_within_bounds(&fs::read(file.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 8, "the seeds are in the repository");
}

#[test]
#[ignore = "writes the seeds anew, after the format or a seed has changed"]
fn write_the_seeds() {
    fs::create_dir_all(folder()).unwrap();
    for (name, bytes, _) in seeds() {
        fs::write(folder().join(name), bytes).unwrap();
    }
}
