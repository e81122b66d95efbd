//! The page at the lock bytes, which SQLite never uses: moved from 1 GiB to 64 KiB, so that small
//! files have one. It is moved for the whole process, so that this test has one of its own.
#![allow(unsafe_code, reason = "SQLite has no other way to move it")]

use crate::common;
use crate::common::program::is_own_process;

use std::fs;

use common::{Place, commit_in, expected, first_difference, plain};
use geokeep::destination::Verdict;
use geokeep::snapshot::Method;
use rusqlite::ffi;
use testkit::gpkg::{Journal, Options};

const AT: usize = 0x1_0000;

#[test]
fn a_file_with_a_page_at_the_lock_bytes() {
    if !is_own_process(module_path!(), "a_file_with_a_page_at_the_lock_bytes") {
        return;
    }
    // SAFETY: no connection is open yet, and no other test runs in this process.
    unsafe { ffi::sqlite3_test_control(ffi::SQLITE_TESTCTRL_PENDING_BYTE, 0x1_0000_u32) };
    for page_size in [512, 1024, 4096, 16_384, 65_536] {
        for journal in [Journal::Delete, Journal::Wal] {
            let mut place = Place::in_memory();
            place.settings.force = true;
            let options = Options {
                page_size,
                journal,
                rows: 2000,
                ..Options::default()
            };
            let path = place.build("a.gpkg", &options);
            let source = fs::read(&path).unwrap();
            assert!(source.len() > 2 * AT);
            let size = page_size as usize;
            let start = AT / size * size;
            assert!(source[start..start + size].iter().all(|&byte| byte == 0));
            for method in [
                None,
                Some(Method::Copy),
                Some(Method::Online),
                Some(Method::Vacuum),
            ] {
                place.settings.method = method;
                let what = format!("page size {page_size}, {journal:?}, {method:?}");
                let stored = place.save(&path);
                assert_eq!(stored.manifest.verdict, Verdict::Sound, "{what}");
                assert_eq!(commit_in(&stored.location), 0, "{what}");
                if matches!(method, None | Some(Method::Copy)) {
                    let difference = first_difference(&plain(&stored.location), &expected(&source));
                    assert_eq!(difference, None, "{what}");
                }
            }
            assert!(fs::read(&path).unwrap() == source);
        }
    }
}
