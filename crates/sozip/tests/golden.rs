//! The exact bytes of small archives. If one of these tests fails, archives of other releases
//! are no longer canonical: change the rules of the headers only with a new kind of archive.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod data;

use std::io::Cursor;

use sozip::{ArchiveWriter, Options};

/// Hexadecimal text to bytes; spaces and line ends separate the fields.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn a_tiny_archive() {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    let options = Options::default();
    let time = Some(1_700_000_000); // 2023-11-14 22:13:20
    writer
        .add(
            "ä",
            time,
            &mut &b"aaaaaaaaaa"[..],
            None,
            &options,
            None,
            &mut |_| {},
        )
        .unwrap();
    writer.add_stored("m", None, b"{}").unwrap();
    let expected = "
        504b0304 1400 0008 0800 aab1 6e57 f0cd114c 1b000000 0a000000 0200 0900 c3a4
            5554 0500 01 00f15365
        00 0a00 f5ff 61616161616161616161 00 0000ffff 00 0000ffff 0300
        504b0304 1400 0000 0000 0000 2100 43bfa6a3 02000000 02000000 0100 0000 6d
        7b7d
        504b0102 2d03 1400 0008 0800 aab1 6e57 f0cd114c 1b000000 0a000000 0200 0900 0000
            0000 0000 0000a481 00000000 c3a4 5554 0500 01 00f15365
        504b0102 2d03 1400 0000 0000 0000 2100 43bfa6a3 02000000 02000000 0100 0000 0000
            0000 0000 0000a481 44000000 6d
        504b0506 0000 0000 0200 0200 68000000 65000000 0000";
    assert_eq!(writer.finish().unwrap().into_inner(), hex(expected));
}

#[test]
fn an_index_and_the_room_for_big_sizes() {
    let options = Options {
        level: Some(1),
        chunk_size: Some(32 * 1024),
        ..Options::default()
    };
    let (bytes, added) = data::write(&vec![0; 1 << 20], &options);
    let entry = &added.entry;
    let local = "
        504b0304 1400 0000 0800 aab1 6e57 fdbd37a7 02060000 00001000 0600 1d00 782e67706b67
            5554 0500 01 00f15365  20a2 1000 28a0 0000 000000000000000000000000";
    let expected = hex(local);
    assert_eq!(bytes[..14], expected[..14]);
    assert_eq!(bytes[22..expected.len()], expected[22..]);
    assert_eq!(entry.data_offset, expected.len() as u64);

    let len = entry.compressed_size / 32; // 31 equal chunks; the last has two bytes more
    assert_eq!(entry.compressed_size, len * 32 + 2);
    let mut payload = hex("01000000 00000000 00800000 08000000 0000100000000000");
    payload.extend_from_slice(&entry.compressed_size.to_le_bytes());
    for chunk in 1..32 {
        payload.extend_from_slice(&(chunk * len).to_le_bytes());
    }
    let mut index = hex("504b0304 1400 0000 0000 aab1 6e57");
    index.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
    index.extend_from_slice(&hex("18010000 18010000 1100 0000"));
    index.extend_from_slice(b".x.gpkg.sozip.idx");
    index.extend_from_slice(&payload);
    let at = usize::try_from(entry.data_offset + entry.compressed_size).unwrap();
    assert_eq!(bytes[at..at + index.len()], index);
    assert_eq!(
        bytes[at + index.len()..][..4],
        *b"PK\x01\x02",
        "the central directory follows"
    );
}
