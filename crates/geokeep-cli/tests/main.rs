//! All tests of the command are one program: a program for each file would have to be linked each time,
//! and each would carry the whole library.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
#![allow(unreachable_pub, reason = "nothing is outside of a test program")]

mod common;

mod diff;
mod events;
mod foreign_text;
mod forget;
mod full_disk;
mod gone;
mod help;
mod interrupt;
mod json;
mod kill_loop;
mod losses;
mod mail_over_tls;
mod manuals;
mod messages;
mod nightly;
mod plain_copies;
mod projects;
mod raw_texts;
mod readme;
mod renamed;
mod report;
mod restore;
mod restore_all;
mod restore_beside_qgis;
mod restore_layer;
mod restore_since;
mod rights;
mod schedule;
mod shared_destination;
mod unattended;
mod watch;
mod way_back;
mod whole_projects;
mod whose;
mod whose_word;
mod witnesses;
