//! Archives made by hand to mislead: each is refused with the right error.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod data;

use sozip::{Archive, ReadError};

/// An entry whose two headers and offset can be set apart.
#[derive(Clone)]
struct Fake {
    name: Vec<u8>,
    local_name: Option<Vec<u8>>,
    flags: u16,
    method: u16,
    crc32: u32,
    compressed_size: u32,
    size: u32,
    local_size: Option<u32>,
    offset: Option<u32>,
    extra: Vec<u8>,
    data: Vec<u8>,
    /// Anything behind the data.
    behind: Vec<u8>,
}

fn fake(name: &str, data: &[u8]) -> Fake {
    let size = u32::try_from(data.len()).unwrap();
    Fake {
        name: name.into(),
        local_name: None,
        flags: 0,
        method: 0,
        crc32: crc32fast::hash(data),
        compressed_size: size,
        size,
        local_size: None,
        offset: None,
        extra: Vec::new(),
        data: data.to_vec(),
        behind: Vec::new(),
    }
}

impl Fake {
    fn fields(&self, size: u32, name: &[u8]) -> Vec<u8> {
        let mut out = 20_u16.to_le_bytes().to_vec();
        for field in [self.flags, self.method, 0, 33] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        for field in [self.crc32, self.compressed_size, size] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        out.extend_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
        out.extend_from_slice(&u16::try_from(self.extra.len()).unwrap().to_le_bytes());
        out
    }

    fn local(&self) -> Vec<u8> {
        let name = self.local_name.as_ref().unwrap_or(&self.name);
        let fields = self.fields(self.local_size.unwrap_or(self.size), name);
        [
            b"PK\x03\x04",
            &fields[..],
            name,
            &self.extra,
            &self.data,
            &self.behind,
        ]
        .concat()
    }

    fn central(&self, offset: u32) -> Vec<u8> {
        let offset = self.offset.unwrap_or(offset).to_le_bytes();
        let fields = self.fields(self.size, &self.name);
        let head = [b"PK\x01\x02", &[20, 3][..], &fields, &[0; 10], &offset].concat();
        [&head[..], &[], &self.name, &self.extra].concat()
    }
}

/// The archive, its end record as given by `end(entries, len, start)`.
fn zip_with(fakes: &[Fake], end: impl Fn(u16, u32, u32) -> (u16, u32, u32)) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for fake in fakes {
        directory.extend_from_slice(&fake.central(u32::try_from(out.len()).unwrap()));
        out.extend_from_slice(&fake.local());
    }
    let start = u32::try_from(out.len()).unwrap();
    let len = u32::try_from(directory.len()).unwrap();
    let (count, len, start) = end(u16::try_from(fakes.len()).unwrap(), len, start);
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}

fn zip(fakes: &[Fake]) -> Vec<u8> {
    zip_with(fakes, |count, len, start| (count, len, start))
}

fn open(fakes: &[Fake]) -> Result<Archive<Vec<u8>>, ReadError> {
    Archive::open(zip(fakes))
}

#[test]
fn an_honest_one_is_read() {
    let archive = open(&[fake("a", b"alpha"), fake("b/c", b"")]).unwrap();
    assert_eq!(
        archive.read_small(archive.entry("a").unwrap(), 5).unwrap(),
        b"alpha"
    );
    assert_eq!(Archive::open(zip(&[])).unwrap().entries().len(), 0);
}

#[test]
fn names_that_lead_out() {
    for name in [
        "../a",
        "/a",
        "a/../../b",
        "a\\b",
        "..",
        "C:\\a",
        "C:a",
        "a\0.txt",
        "",
        "a//b",
    ] {
        let got = open(&[fake(name, b"x")]);
        assert!(
            matches!(got, Err(ReadError::Name { .. })),
            "{name:?} {got:?}"
        );
    }
    let mut no_text = fake("x", b"x");
    no_text.name = vec![0xFF, 0xFE];
    assert!(matches!(open(&[no_text]), Err(ReadError::Name { .. })));
}

#[test]
fn two_of_a_name() {
    let got = open(&[fake("a", b"1"), fake("b", b"2"), fake("a", b"3")]);
    assert!(matches!(got, Err(ReadError::DuplicateName { .. })));
}

#[test]
fn overlaps() {
    // The data of the first reaches into the second.
    let mut first = fake("a", b"1");
    (first.compressed_size, first.size) = (10, 10);
    let got = open(&[first, fake("b", b"2")]);
    assert!(matches!(got, Err(ReadError::Overlap { .. })), "{got:?}");
    // Both are the same bytes.
    let mut same = fake("a", b"1");
    same.offset = Some(0);
    same.name = b"b".to_vec();
    let got = open(&[fake("a", b"1"), same]);
    assert!(got.is_err());
    // Beyond the file, with 32 bits and with 64.
    for size in [1 << 20, 0xFFFF_FFFE] {
        let mut long = fake("a", b"1");
        (long.compressed_size, long.size) = (size, size);
        assert!(matches!(open(&[long]), Err(ReadError::Overlap { .. })));
    }
    for size in [1 << 40, u64::MAX, u64::MAX - 30] {
        let mut long = fake("a", b"1");
        (long.compressed_size, long.size) = (u32::MAX, u32::MAX);
        long.extra = [&[1, 0, 16, 0][..], &size.to_le_bytes(), &size.to_le_bytes()].concat();
        assert!(matches!(open(&[long]), Err(ReadError::Overlap { .. })));
    }
    let mut away = fake("a", b"1");
    away.offset = Some(1 << 30);
    assert!(matches!(open(&[away]), Err(ReadError::Malformed { .. })));
}

#[test]
fn headers_that_disagree() {
    let mut other_name = fake("a", b"1");
    other_name.local_name = Some(b"z".to_vec());
    let mut other_size = fake("a", b"12");
    other_size.local_size = Some(1);
    for bad in [other_name, other_size] {
        assert!(matches!(
            open(&[bad]),
            Err(ReadError::HeaderMismatch { .. })
        ));
    }
    let mut stored = fake("a", b"1");
    stored.size = 2;
    assert!(matches!(open(&[stored]), Err(ReadError::Malformed { .. })));
}

#[test]
fn features_that_are_not_read() {
    for flags in [1, 1 << 5, 1 << 6, 1 << 13] {
        let mut entry = fake("a", b"1");
        entry.flags = flags;
        assert!(matches!(open(&[entry]), Err(ReadError::Unsupported { .. })));
    }
    let mut zstd = fake("a", b"1");
    zstd.method = 93;
    let archive = open(&[zstd]).unwrap();
    let entry = &archive.entries()[0];
    assert!(matches!(
        archive.chunks(entry),
        Err(ReadError::Unsupported { .. })
    ));
    assert!(archive.read_small(entry, 100).is_err());
    assert!(archive.check_canonical().is_err());
}

#[test]
fn extra_fields_that_overrun_or_are_missing() {
    for extra in [&[1, 0, 50, 0][..], &[1, 0], &[1], &[1, 0, 0, 0, 1, 0, 0, 0]] {
        let mut entry = fake("a", b"1");
        entry.extra = extra.to_vec();
        assert!(
            matches!(open(&[entry]), Err(ReadError::Malformed { .. })),
            "{extra:?}"
        );
    }
    let mut entry = fake("a", b"1");
    entry.size = u32::MAX;
    assert!(
        matches!(open(&[entry]), Err(ReadError::Malformed { .. })),
        "no zip64 field"
    );
}

#[test]
fn end_records_that_lie() {
    let some = [fake("a", b"1"), fake("b", b"2")];
    let count_and = |n: u16| zip_with(&some, move |_, len, start| (n, len, start));
    for n in [0, 1, 3, 9999] {
        assert!(
            matches!(
                Archive::open(count_and(n)),
                Err(ReadError::Malformed { .. })
            ),
            "{n}"
        );
    }
    assert!(matches!(
        Archive::open(count_and(20_000)),
        Err(ReadError::Limit { .. })
    ));
    for by in [1, 1000, u32::MAX / 2, u32::MAX] {
        let long = zip_with(&some, |n, len, start| (n, len.wrapping_add(by), start));
        assert!(Archive::open(long).is_err());
        let moved = zip_with(&some, |n, len, start| (n, len, start.wrapping_sub(by)));
        assert!(Archive::open(moved).is_err());
    }
    let saturated = zip_with(&some, |_, _, _| (u16::MAX, u32::MAX, u32::MAX));
    assert!(Archive::open(saturated).is_err(), "no zip64 record");
    assert!(matches!(
        Archive::open(Vec::new()),
        Err(ReadError::NoEndRecord)
    ));
    assert!(matches!(
        Archive::open(vec![0; 70_000]),
        Err(ReadError::NoEndRecord)
    ));
    assert!(matches!(
        Archive::open(b"PK\x05\x06".to_vec()),
        Err(ReadError::NoEndRecord)
    ));
}

/// zip64 records with giant numbers: nothing may be allocated for them.
#[test]
fn giant_zip64_numbers() {
    for (count, len, start) in [
        (u64::MAX, u64::MAX, u64::MAX),
        (1, u64::MAX, 1),
        (1, 1 << 40, 0),
        (1 << 40, 0, 0),
        (u64::MAX, 0, 0),
    ] {
        let mut out = b"PK\x06\x06".to_vec();
        out.extend_from_slice(&44_u64.to_le_bytes());
        out.extend_from_slice(&[45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for number in [count, count, len, start] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for at in [0_u64, 8, u64::MAX, u64::MAX - 76] {
            let mut out = out.clone();
            out.extend_from_slice(b"PK\x06\x07\0\0\0\0");
            out.extend_from_slice(&at.to_le_bytes());
            out.extend_from_slice(&[1, 0, 0, 0]);
            out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
            out.extend_from_slice(&[0xFF; 12]);
            out.extend_from_slice(&[0, 0]);
            assert!(Archive::open(out).is_err());
        }
    }
}

/// A deflated entry of `chunks` equal chunks of 4096 zero bytes, with an index that `lie` has
/// changed (its CRC is right).
fn indexed(chunks: u64, lie: impl Fn(&mut Vec<u8>, &mut Fake)) -> Fake {
    let zeros = data::write(
        &[0; 8192],
        &sozip::Options {
            chunk_size: Some(4096),
            ..Default::default()
        },
    );
    let entry = zeros.1.entry;
    let start = usize::try_from(entry.data_offset).unwrap();
    let stored = &zeros.0[start..start + usize::try_from(entry.compressed_size).unwrap()];
    let chunk = &stored[..(stored.len() - 2) / 2];
    let mut bad = fake("x", &[]);
    for _ in 0..chunks {
        bad.data.extend_from_slice(chunk);
    }
    bad.data.extend_from_slice(&[3, 0]);
    bad.method = 8;
    bad.compressed_size = u32::try_from(bad.data.len()).unwrap();
    bad.size = u32::try_from(chunks * 4096).unwrap();
    bad.crc32 = crc32fast::hash(&vec![0; bad.size as usize]);
    let mut payload = Vec::new();
    for field in [1, 0, 4096, 8, bad.size, 0, bad.compressed_size, 0] {
        payload.extend_from_slice(&field.to_le_bytes());
    }
    for i in 1..chunks {
        payload.extend_from_slice(&(i * chunk.len() as u64).to_le_bytes());
    }
    lie(&mut payload, &mut bad);
    bad.behind = fake(".x.sozip.idx", &payload).local();
    bad
}

fn read_indexed(bad: Fake) -> Result<usize, ReadError> {
    let archive = open(&[bad, fake("z", b"z")])?;
    let chunks = archive.chunks(&archive.entries()[0])?;
    let mut seen = 0;
    chunks.scan(1, &[], |_, plain| {
        seen += plain.len();
        Ok::<(), ReadError>(())
    })?;
    Ok(seen)
}

#[test]
fn indexes_that_lie() {
    assert_eq!(read_indexed(indexed(5, |_, _| {})).unwrap(), 5 * 4096);
    let set = |at: usize, value: u32| {
        indexed(5, move |payload, _| {
            payload[at..at + 4].copy_from_slice(&value.to_le_bytes())
        })
    };
    for (at, value) in [
        (0, 2),        // version
        (4, 8),        // skip
        (4, u32::MAX), // skip
        (8, 0),        // chunk size
        (8, 1),
        (8, 4095),
        (8, 8192),
        (8, 1 << 20),
        (8, u32::MAX),
        (12, 4),            // offset length
        (16, 5 * 4096 + 1), // size
        (20, 1),
        (24, 1), // compressed size
        (28, u32::MAX),
        (32, 0), // first offset
        (32, u32::MAX),
        (36, u32::MAX),
        (40, 1),
        (60, 1), // last offset
    ] {
        let got = read_indexed(set(at, value));
        assert!(
            matches!(got, Err(ReadError::Index { .. })),
            "{value} at {at}: {got:?}"
        );
    }
    // One off: plausible, but the chunk does not decode.
    for by in [1_u8, 255] {
        let moved = indexed(5, move |payload, _| {
            payload[32] = payload[32].wrapping_add(by)
        });
        assert!(matches!(
            read_indexed(moved),
            Err(ReadError::Chunk { chunk: 0, .. })
        ));
    }
    let wider = read_indexed(set(8, 4097));
    assert!(
        matches!(wider, Err(ReadError::Chunk { chunk: 0, .. })),
        "as many chunks as before"
    );
    let shorter = indexed(5, |payload, _| payload.truncate(56));
    assert!(matches!(
        read_indexed(shorter),
        Err(ReadError::Index { .. })
    ));
    let tiny = indexed(5, |payload, _| payload.truncate(31));
    assert!(matches!(read_indexed(tiny), Err(ReadError::Index { .. })));
    let longer = indexed(5, |payload, _| payload.extend_from_slice(&[0; 8]));
    assert!(matches!(read_indexed(longer), Err(ReadError::Index { .. })));
    let gap = indexed(5, |payload, _| {
        payload[4] = 3;
        payload.splice(32..32, [9, 9, 9]);
    });
    assert_eq!(
        read_indexed(gap).unwrap(),
        5 * 4096,
        "a gap is legal, but not ours"
    );
}

/// Sizes that no data can justify.
#[test]
fn bombs_are_refused() {
    // A chunk that holds more than the index says, and less.
    for (size, name) in [(4 * 4096 + 1, "less"), (5 * 4096 - 1, "more")] {
        let bomb = indexed(5, move |payload, bad| {
            bad.size = size;
            payload[16..20].copy_from_slice(&size.to_le_bytes());
        });
        let got = read_indexed(bomb);
        assert!(
            matches!(got, Err(ReadError::Chunk { chunk: 4, .. })),
            "{name}: {got:?}"
        );
    }
    // A long entry without an index, and one that claims to be small.
    let mut long = indexed(300, |_, _| {});
    long.behind.clear();
    assert!(matches!(
        read_indexed(long.clone()),
        Err(ReadError::NoIndex { .. })
    ));
    long.size = 4096;
    assert!(matches!(
        read_indexed(long),
        Err(ReadError::Chunk { chunk: 0, .. })
    ));
    // The index of an entry is cut off by the next entry.
    let mut cut = indexed(5, |_, _| {});
    cut.behind.truncate(60);
    assert!(matches!(read_indexed(cut), Err(ReadError::Index { .. })));
    // A wrong checksum.
    let wrong = indexed(5, |_, bad| bad.crc32 ^= 1);
    assert!(matches!(read_indexed(wrong), Err(ReadError::Crc { .. })));
}
