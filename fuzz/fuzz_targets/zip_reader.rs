//! Any bytes as an archive: an answer within bounds, no panic. Finds go to `corpus/zip_reader`,
//! where `crates/sozip/tests/corpus.rs` replays them.
#![no_main]

#[path = "../../crates/sozip/tests/data/bounded.rs"]
mod bounded;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    bounded::read_within_bounds(bytes);
});
