//! Seconds for writing, scanning and rewriting one file:
//! `throughput FILE [THREADS] [LEVEL] [KIB_PER_CHUNK]`.
#![allow(clippy::print_stdout, reason = "a program to be looked at")]

use std::error::Error;
use std::fs::File;
use std::time::Instant;

use sozip::{Added, Archive, ArchiveWriter, Options, Previous, ReadError};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("which file?")?;
    let number = |arg: Option<String>, default: u32| arg.map_or(Ok(default), |text| text.parse());
    let threads = number(args.next(), 2)? as usize;
    // 0: what suits each chunk, or all of them.
    let level = Some(number(args.next(), 0)?.cast_signed()).filter(|level| *level > 0);
    let chunk_size = Some(number(args.next(), 0)? * 1024).filter(|size| *size > 0);
    let options = Options {
        level,
        chunk_size,
        threads,
        xxh3_seed: None,
    };
    let size = File::open(&path)?.metadata()?.len();
    let report = |what: &str, start: Instant| {
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{what}: {seconds:.2} s, {:.0} MB/s",
            size as f64 / 1e6 / seconds
        );
    };
    let write = |to: &str, previous: Option<&Previous>| -> Result<(File, Added), Box<dyn Error>> {
        let start = Instant::now();
        let output = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(to)?;
        let mut writer = ArchiveWriter::new(output);
        let mut input = File::open(&path)?;
        let added = writer.add(
            "x.gpkg",
            None,
            &mut input,
            Some(size),
            &options,
            previous,
            &mut |_| {},
        )?;
        let file = writer.finish()?;
        report(
            &format!("write, {} of {} chunks reused", added.reused, added.chunks),
            start,
        );
        println!(
            "  {:.2} %",
            added.entry.compressed_size as f64 * 100.0 / size as f64
        );
        Ok((file, added))
    };
    let to = format!("{path}.zip");
    let (file, added) = write(&to, None)?;
    let archive = Archive::open(file)?;
    let entry = archive.entry("x.gpkg").ok_or("no entry")?.clone();
    let chunks = archive.into_chunks(&entry)?;
    let start = Instant::now();
    chunks.scan(threads, &[], |_, _| Ok::<(), ReadError>(()))?;
    report("scan", start);
    let again = format!("{path}.again.zip");
    for hashes in [&[][..], &added.hashes] {
        let previous = Previous {
            chunks: &chunks,
            hashes,
        };
        write(&again, Some(&previous))?;
    }
    std::fs::remove_file(to)?;
    std::fs::remove_file(again)?;
    Ok(())
}
