//! Writes an archive of a database that nobody has: pages that are made up as they are read, into
//! nowhere. Shows that time grows with the length and memory does not: `made_up GIGABYTES [THREADS]`.
#![allow(clippy::print_stdout, reason = "a program to be looked at")]

use std::error::Error;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::Instant;

use sozip::{ArchiveWriter, CHUNK_SIZE, CHUNK_SIZE_MAX, Options};

const PAGE: usize = 4096;
/// Pages that differ in all of their bytes; the others are these with another number.
const POOL: usize = 4096;
/// As many chunks as a backup has at most.
const CHUNKS_MAX: u64 = 1 << 18;

struct Pages {
    pool: Vec<u8>,
    page: Vec<u8>,
    next: u64,
    count: u64,
    at: usize,
}

impl Pages {
    /// Half words and half digits, about as dense as a cadastre.
    fn new(count: u64) -> Self {
        let words = ["Ackerland ", "Wald ", "Am Bach ", "Flur ", "geprüft "];
        let mut pool = Vec::with_capacity(POOL * PAGE + 64);
        let mut chance: u64 = 0x9E37_79B9_7F4A_7C15;
        while pool.len() < POOL * PAGE {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            pool.extend(words[(chance % 5) as usize].bytes());
            pool.extend(&chance.to_le_bytes()[2..7]);
        }
        pool.truncate(POOL * PAGE);
        Self {
            pool,
            page: Vec::new(),
            next: 0,
            count,
            at: PAGE,
        }
    }
}

impl Read for Pages {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at >= PAGE {
            if self.next == self.count {
                return Ok(0);
            }
            let from = (self.next % POOL as u64) as usize * PAGE;
            self.page.clear();
            self.page.extend(&self.pool[from..from + PAGE]);
            self.page[..8].copy_from_slice(&self.next.to_le_bytes());
            self.next += 1;
            self.at = 0;
        }
        let n = buf.len().min(PAGE - self.at);
        buf[..n].copy_from_slice(&self.page[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

/// A file of which only the length is known.
struct Nowhere(u64, u64);

impl Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        self.1 = self.1.max(self.0);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Nowhere {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0 = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) => self.0.saturating_add_signed(by),
            SeekFrom::End(by) => self.1.saturating_add_signed(by),
        };
        Ok(self.0)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let gigabytes: u64 = args.next().ok_or("how many gigabytes?")?.parse()?;
    let threads = args.next().map_or(Ok(2), |text| text.parse())?;
    let count = gigabytes * 1_000_000_000 / PAGE as u64;
    let bytes = count * PAGE as u64;
    let chunk_size = bytes.div_ceil(CHUNKS_MAX).next_power_of_two() as u32;
    let options = Options {
        chunk_size: chunk_size.clamp(CHUNK_SIZE, CHUNK_SIZE_MAX),
        threads,
        ..Options::default()
    };
    let start = Instant::now();
    let mut writer = ArchiveWriter::new(Nowhere(0, 0));
    let mut pages = Pages::new(count);
    let added = writer.add(
        "x.gpkg",
        None,
        &mut pages,
        Some(bytes),
        &options,
        None,
        &mut |_| {},
    )?;
    writer.finish()?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{gigabytes} GB in {} chunks of {} KiB to {:.1} GB: {seconds:.0} s, {:.0} MB/s",
        added.chunks,
        options.chunk_size / 1024,
        added.entry.compressed_size as f64 / 1e9,
        bytes as f64 / 1e6 / seconds
    );
    Ok(())
}
