//! All tests of the library are one program: a program for each file would have to be linked each time,
//! and each would carry the whole library.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
#![allow(unreachable_pub, reason = "nothing is outside of a test program")]

mod common;

mod a_destination;
mod at_once;
mod byte_flips;
mod check_constraints;
mod clock_behind;
mod committed_state;
mod damaged_headers;
mod damaged_sources;
mod diff;
mod diff_pages;
mod exclusive_mode;
mod extents;
mod failing_disk;
mod failing_sqlite;
mod forged_pages;
mod forget;
mod hostile;
mod hostile_schemas;
mod imports;
mod isolated_rules;
mod jobs;
mod journals;
mod kept_still;
mod lacks;
mod left_behind;
mod linked_folders;
mod lists;
mod lock_byte;
mod lost_tables;
mod many_tables;
mod methods;
mod moments;
mod names;
mod network_shares;
mod odd_databases;
mod old_archives;
mod page_true;
mod passed_over;
mod power_cut;
mod projects;
mod recount;
mod report;
mod report_drawings;
mod report_in_chromium;
mod report_picture;
mod restore;
mod restore_generations;
mod restore_layer;
mod restore_over;
mod restore_related;
mod restore_renamed;
mod restore_selected;
mod retention;
mod rights;
mod schedule;
mod scratch;
mod source_untouched;
mod spatial_indexes;
mod succession;
mod threads;
mod tidy;
mod tidy_up;
mod unchanged;
mod whole_projects;
mod whose;
