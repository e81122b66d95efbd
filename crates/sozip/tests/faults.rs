//! Disks fill up, sources fail, threads die: each ends in the right error.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod data;

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use data::{Noise, bytes_of, write_one};
use sozip::{Archive, ArchiveWriter, Chunks, Options, Previous, ReadAt, ReadError, WriteError};

const SMALL: Options = Options {
    level: Some(1),
    chunk_size: Some(4096),
    threads: 1,
    xxh3_seed: None,
};

/// Fails from call `left` on; `short` fails by taking no bytes.
struct Failing {
    to: Cursor<Vec<u8>>,
    left: usize,
    short: bool,
}

impl Failing {
    fn call(&mut self) -> io::Result<()> {
        self.left = self.left.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
        Ok(())
    }
}

impl Write for Failing {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self.call() {
            Err(_) if self.short => Ok(0),
            Err(e) => Err(e),
            // Never all at once.
            Ok(()) => self.to.write(&buf[..buf.len().min(300_000)]),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.call()
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.call()?;
        self.to.seek(to)
    }
}

fn write_to(output: Failing, input: &[u8], threads: usize) -> Result<Failing, WriteError> {
    let options = Options { threads, ..SMALL };
    let mut writer = ArchiveWriter::new(output);
    let mut add = |name, input: &[u8]| {
        let result = writer.add(
            name,
            None,
            &mut &input[..],
            None,
            &options,
            None,
            &mut |_| {},
        );
        if result.is_err() {
            let again = writer.add_stored("later", None, b"");
            assert!(matches!(again, Err(WriteError::Unfinished)));
        }
        result
    };
    add("big", input)?;
    add("small", b"small")?;
    writer.add_stored("stored", None, b"stored")?;
    writer.finish()
}

#[test]
fn an_output_that_fails_at_any_call() {
    let input = bytes_of(Noise::Random, 3_500_000, 1);
    for (threads, short) in [(1, false), (1, true), (3, false)] {
        for left in 0.. {
            let output = Failing {
                to: Cursor::new(Vec::new()),
                left,
                short,
            };
            match write_to(output, &input, threads) {
                Ok(output) => {
                    assert!(left > 30, "that many calls are needed");
                    data::read_all(&output.to.into_inner()).unwrap();
                    break;
                }
                Err(WriteError::Output(e)) => {
                    let full = e.kind() == io::ErrorKind::StorageFull;
                    assert!(full || (short && e.kind() == io::ErrorKind::WriteZero));
                }
                Err(e) => panic!("{e:?} at call {left}"),
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the snapshot is gone")]
struct OwnError;

/// Fails with its own error when its bytes are used up.
struct Breaking<'a>(&'a [u8]);

impl Read for Breaking<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            Err(io::Error::other(OwnError))
        } else {
            self.0.read(buf)
        }
    }
}

#[test]
fn an_error_of_the_input_comes_back_unchanged() {
    let input = bytes_of(Noise::Table, 4_000_000, 1);
    for threads in [1, 3] {
        for len in [0, 1, 4096, 1 << 20, 3 << 20, 4_000_000] {
            let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
            let options = Options { threads, ..SMALL };
            let mut source = Breaking(&input[..len]);
            let got = writer.add("x", None, &mut source, None, &options, None, &mut |_| {});
            let Err(WriteError::Input(e)) = got else {
                panic!("{got:?}")
            };
            assert!(e.downcast::<OwnError>().is_ok());
            // Nothing was written yet if the first batch failed.
            let begun = len >= 1 << 20;
            assert_eq!(writer.add_stored("y", None, b"").is_err(), begun);
            assert_eq!(writer.finish().is_err(), begun);
        }
    }
}

#[test]
fn a_size_that_changed() {
    let input = bytes_of(Noise::Table, 2_500_000, 1);
    for (expected, noticed) in [
        (0, 1),
        (1, 2),
        (2_499_999, 2_500_000),
        (2_500_001, 2_500_000),
    ] {
        for threads in [1, 2] {
            let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
            let options = Options { threads, ..SMALL };
            let got = writer.add(
                "x",
                None,
                &mut &input[..],
                Some(expected),
                &options,
                None,
                &mut |_| {},
            );
            assert!(
                matches!(got, Err(WriteError::SizeChanged { expected: e, actual }) if e == expected && actual == noticed),
                "{got:?}"
            );
        }
    }
    let mut endless = io::repeat(1);
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    let got = writer.add(
        "x",
        None,
        &mut endless,
        Some(5_000_000),
        &SMALL,
        None,
        &mut |_| {},
    );
    assert!(matches!(got, Err(WriteError::SizeChanged { .. })));
}

#[test]
fn a_reader_that_lies_about_its_length() {
    struct Liar;
    impl Read for Liar {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            Ok(buf.len() + 1)
        }
    }
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    let got = writer.add("x", None, &mut Liar, None, &SMALL, None, &mut |_| {});
    assert!(matches!(got, Err(WriteError::Input(_))));
}

/// A source that can be switched to panic or fail behind the headers.
struct Moody {
    bytes: Arc<Vec<u8>>,
    calm: std::sync::atomic::AtomicBool,
    panics: bool,
}

impl ReadAt for Moody {
    fn size(&self) -> io::Result<u64> {
        self.bytes.size()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        if self.calm.load(std::sync::atomic::Ordering::Relaxed) || offset < 600_000 {
            return self.bytes.read_exact_at(buf, offset);
        }
        assert!(!self.panics, "as the test wants it");
        Err(io::Error::other(OwnError))
    }
}

fn moody(input: &[u8], panics: bool) -> Chunks<Moody> {
    let bytes = write_one(input, &SMALL);
    let source = Moody {
        bytes,
        calm: true.into(),
        panics,
    };
    let archive = Archive::open(source).unwrap();
    let entry = archive.entries()[0].clone();
    let chunks = archive.into_chunks(&entry).unwrap();
    chunks
        .source()
        .calm
        .store(false, std::sync::atomic::Ordering::Relaxed);
    chunks
}

#[test]
fn a_dying_thread_is_an_error() {
    let input = bytes_of(Noise::Random, 8_000_000, 1);
    let chunks = moody(&input, true);
    let scanned = chunks.scan(3, &[], |_, _| Ok::<(), ReadError>(()));
    assert!(matches!(scanned, Err(ReadError::WorkerLost)));

    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    let options = Options {
        threads: 2,
        ..SMALL
    };
    let previous = Some(&Previous {
        chunks: &chunks,
        hashes: &[],
    });
    let got = writer.add(
        "x",
        None,
        &mut &input[..],
        None,
        &options,
        previous,
        &mut |_| {},
    );
    assert!(matches!(got, Err(WriteError::WorkerLost)));
    assert!(matches!(writer.finish(), Err(WriteError::Unfinished)));
}

#[test]
fn an_unreadable_previous_entry_only_costs_time() {
    let input = bytes_of(Noise::Random, 3_000_000, 1);
    let chunks = moody(&input, false);
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    let time = Some(1_700_000_000);
    let added = writer
        .add(
            "x.gpkg",
            time,
            &mut &input[..],
            None,
            &SMALL,
            Some(&Previous {
                chunks: &chunks,
                hashes: &[],
            }),
            &mut |_| {},
        )
        .unwrap();
    assert!(added.reused < added.chunks && !added.equal_others);
    assert!(writer.finish().unwrap().into_inner() == *write_one(&input, &SMALL));

    let scanned = chunks.scan(2, &[], |_, _| Ok::<(), ReadError>(()));
    let Err(ReadError::Io(e)) = scanned else {
        panic!("{scanned:?}")
    };
    assert!(e.downcast::<OwnError>().is_ok());
}

#[test]
fn a_visitor_stops_the_scan_with_its_own_error() {
    #[derive(Debug)]
    enum Stop {
        Read,
        Enough,
    }
    impl From<ReadError> for Stop {
        fn from(_: ReadError) -> Self {
            Self::Read
        }
    }
    let input = bytes_of(Noise::Random, 8_000_000, 1);
    let bytes = write_one(&input, &SMALL);
    let archive = Archive::open(bytes).unwrap();
    let chunks = archive.chunks(&archive.entries()[0]).unwrap();
    for threads in [1, 3] {
        let mut seen = 0;
        let got = chunks.scan(threads, &[], |_, plain| {
            seen += plain.len();
            if seen > 2_000_000 {
                Err(Stop::Enough)
            } else {
                Ok(())
            }
        });
        assert!(matches!(got, Err(Stop::Enough)) && seen < 4_000_000);
    }
    let wrong = moody(&input, false).scan(1, &[], |_, _| Ok::<(), Stop>(()));
    assert!(matches!(wrong, Err(Stop::Read)));
}

#[test]
fn what_may_not_be_written() {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    let long = "n".repeat(1025);
    for name in ["", "/a", "../a", "a\\b", "a/", "C:a", "a\0b", long.as_str()] {
        let got = writer.add_stored(name, None, b"");
        assert!(matches!(got, Err(WriteError::Name { .. })), "{name}");
    }
    writer.add_stored("a", None, b"").unwrap();
    assert!(matches!(
        writer.add_stored("a", None, b""),
        Err(WriteError::DuplicateName { .. })
    ));
    for (level, chunk_size) in [
        (0, 4096),
        (13, 4096),
        (-1, 4096),
        (6, 4095),
        (6, 12_288),
        (6, (1 << 20) + 1),
        (6, 0),
    ] {
        let options = Options {
            level: Some(level),
            chunk_size: Some(chunk_size),
            xxh3_seed: None,
            threads: 1,
        };
        let got = writer.add("b", None, &mut &b"b"[..], None, &options, None, &mut |_| {});
        assert!(matches!(got, Err(WriteError::Options { .. })));
    }
    for i in 1..10_000 {
        writer.add_stored(&format!("{i}"), None, b"").unwrap();
    }
    assert!(matches!(
        writer.add_stored("more", None, b""),
        Err(WriteError::Limit { .. })
    ));
    let bytes = writer.finish().unwrap().into_inner();
    assert_eq!(Archive::open(bytes).unwrap().entries().len(), 10_000);
}
