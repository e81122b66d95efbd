//! Any bytes as a manifest: an answer, no panic, and what was read can be written and read again.
//! Finds go to `corpus/manifest`, where `crates/geokeep/tests/hostile.rs` replays them.
#![no_main]

use geokeep::destination::Manifest;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(manifest) = Manifest::from_json(bytes) {
        assert_eq!(Manifest::from_json(&manifest.to_json()).ok(), Some(manifest));
    }
});
