//! Inputs of several kinds, and archives of them.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "shared by test programs"
)]

use std::io::Cursor;
use std::sync::Arc;

use sozip::{Added, Archive, ArchiveWriter, Options, ReadError};

/// An archive that can be read from any place.
pub type Bytes = Arc<Vec<u8>>;

/// What an input looks like to a compressor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    Zeros,
    Random,
    Text,
    /// Rows of numbers that change slowly, and some noise; zero bytes between the pages.
    Table,
    /// Compressible and random stretches in turn: chunks of several deflate blocks.
    Mixed,
}

impl Noise {
    pub const ALL: [Self; 5] = [
        Self::Zeros,
        Self::Random,
        Self::Text,
        Self::Table,
        Self::Mixed,
    ];
}

/// A small generator (xorshift64*), the same on every machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }
}

/// `len` bytes.
pub fn bytes_of(noise: Noise, len: usize, seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut out = Vec::with_capacity(len + 64);
    let mut row = 0_u64;
    while out.len() < len {
        match noise {
            Noise::Zeros => out.resize(len, 0),
            Noise::Random => out.extend_from_slice(&random.next().to_le_bytes()),
            Noise::Text => out.push(b"etaoin shrdlu\n"[random.below(14) as usize]),
            Noise::Table => {
                row += 1;
                out.extend_from_slice(&row.to_be_bytes());
                out.extend_from_slice(&(random.next() >> 20).to_le_bytes());
                out.extend_from_slice(b"Flurst\xc3\xbcck ");
                if row.is_multiple_of(100) {
                    out.extend_from_slice(&[0; 300]);
                }
            }
            Noise::Mixed => {
                let mask = if random.below(2) == 0 { 7 } else { 255 };
                for _ in 0..3000 + random.below(4000) {
                    out.push((random.next() >> 30) as u8 & mask);
                }
            }
        }
    }
    out.truncate(len);
    out
}

/// Adds `input` as `x.gpkg` to an archive of its own.
pub fn write(input: &[u8], options: &Options) -> (Bytes, Added) {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    let time = Some(1_700_000_000);
    let added = writer
        .add(
            "x.gpkg",
            time,
            &mut &input[..],
            None,
            options,
            None,
            &mut |_| {},
        )
        .unwrap();
    (Arc::new(writer.finish().unwrap().into_inner()), added)
}

/// As `write`, the bytes alone.
pub fn write_one(input: &[u8], options: &Options) -> Bytes {
    write(input, options).0
}

/// Everything that a caller reads of an archive: the names, compressed and plain bytes.
pub type Content = Vec<(String, Vec<u8>, Vec<u8>)>;

/// Opens, checks and reads all of an archive; the compressed bytes stand for their digest.
pub fn read_all(bytes: &[u8]) -> Result<Content, ReadError> {
    let archive = Archive::open(bytes)?;
    archive.check_canonical()?;
    let mut content = Vec::new();
    for entry in archive.entries() {
        let (mut stored, mut plain) = (Vec::new(), Vec::new());
        archive.chunks(entry)?.scan(1, &[], |s, p| {
            stored.extend_from_slice(s);
            plain.extend_from_slice(p);
            Ok::<(), ReadError>(())
        })?;
        content.push((entry.name.clone(), stored, plain));
    }
    Ok(content)
}

/// A small archive with an entry of each kind.
pub fn small_archive() -> Vec<u8> {
    let options = Options {
        chunk_size: Some(4096),
        ..Options::default()
    };
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, time, input: &[u8]| {
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
    };
    let mut rows = vec![0; 9000];
    rows[4090..4110].copy_from_slice(b"over the chunk's end");
    add("dir/ä.gpkg", Some(1_700_000_001), &rows);
    add("small.txt", None, b"small small small");
    add("empty", Some(-1), b"");
    writer
        .add_stored("manifest.json", Some(1_700_000_000), b"{\"v\":1}")
        .unwrap();
    writer.finish().unwrap().into_inner()
}
