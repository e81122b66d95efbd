//! A disk that is really full: exit code 23, nothing half-made, earlier backups as they were. The
//! disk is a file system of 1 MB in memory; where that may not be mounted the test is skipped, with
//! a line that says so.
#![cfg(target_os = "linux")]

use crate::common;

use common::{Desk, with_small_disk};
use testkit::gpkg::Options;

/// Of a file that compresses well: the archive fits, the file does not.
fn desk_with_a_large_backup() -> Desk {
    let desk = Desk::new();
    let options = Options {
        rows: 4000,
        ..Options::default()
    };
    desk.build("large.gpkg", &options);
    desk.ok(&["backup", "large.gpkg", "--to", "backups"]);
    desk
}

#[test]
fn it_fills_up_while_a_backup_is_written() {
    let desk = Desk::new();
    desk.build("small.gpkg", &common::tiny());
    // Random tiles of 3 MB do not fit; the length alone does not say so.
    let options = Options {
        tiles: 900,
        ..Options::default()
    };
    desk.build("large.gpkg", &options);
    let script = r#"
        "$GEOKEEP" backup small.gpkg --to "$DISK/b" >/dev/null
        before=$(find "$DISK" -type f | sort | xargs sha256sum)
        code=0
        "$GEOKEEP" backup large.gpkg --to "$DISK/b" || code=$?
        echo "code $code"
        test "$before" = "$(find "$DISK" -type f | sort | xargs sha256sum)"
        echo "lines $(cd "$DISK/b"; ls -d */)"
        "$GEOKEEP" verify --from "$DISK/b""#;
    let Some(run) = with_small_disk(&desk, "1M", script) else {
        return;
    };
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("code 23"), "{run:?}");
    assert!(run.out.contains("lines small/\n"), "{run:?}");
    assert!(
        run.err
            .contains("could not store the backup of 'large.gpkg'"),
        "{run:?}"
    );
    assert!(run.err.contains("no space left after"), "{run:?}");
}

#[test]
fn too_little_room_is_seen_before_anything_is_written() {
    let desk = Desk::new();
    let options = Options {
        tiles: 3000,
        ..Options::default()
    };
    desk.build("large.gpkg", &options);
    let script = r#"
        code=0
        "$GEOKEEP" backup large.gpkg --to "$DISK/b" || code=$?
        echo "code $code"
        find "$DISK" -type f"#;
    let Some(run) = with_small_disk(&desk, "200k", script) else {
        return;
    };
    assert!(run.out.ends_with("code 23\n"), "{run:?}");
    assert!(run.err.contains("seen before writing began"), "{run:?}");
}

#[test]
fn it_fills_up_while_a_file_is_restored() {
    let desk = desk_with_a_large_backup();
    let script = r#"
        code=0
        "$GEOKEEP" restore large --from backups --to "$DISK/t.gpkg" || code=$?
        echo "code $code"
        find "$DISK" -type f"#;
    let Some(run) = with_small_disk(&desk, "1M", script) else {
        return;
    };
    assert!(run.out.ends_with("code 23\n"), "{run:?}");
    assert!(run.err.contains("could not restore"), "{run:?}");
}

/// The file that is there is written in one transaction, whose journal needs room as well.
#[test]
fn it_fills_up_while_a_file_is_replaced() {
    let desk = Desk::new();
    let options = Options {
        rows: 1000,
        ..Options::default()
    };
    desk.build("large.gpkg", &options);
    desk.build("small.gpkg", &common::tiny());
    desk.ok(&["backup", "large.gpkg", "--to", "backups"]);
    // As much as the file is long is free, which is just not enough.
    let script = r#"
        cp small.gpkg "$DISK/t.gpkg"
        room=$(df --output=avail -B1 "$DISK" | tail -n 1)
        need=$(stat -c %s large.gpkg)
        head -c $((room - need)) /dev/zero > "$DISK/ballast"
        code=0
        "$GEOKEEP" restore large --from backups --to "$DISK/t.gpkg" --force || code=$?
        echo "code $code"
        cmp small.gpkg "$DISK/t.gpkg"
        ls "$DISK""#;
    let Some(run) = with_small_disk(&desk, "4M", script) else {
        return;
    };
    assert!(run.out.contains("code 23\n"), "{run:?}");
    assert!(run.out.ends_with("ballast\nt.gpkg\n"), "{run:?}");
    assert!(run.err.contains("no space left after"), "{run:?}");
    assert!(run.err.contains("the target is as it was"), "{run:?}");
    assert_eq!(run.code, 0, "{run:?}");
}

/// Two that would fit one by one do not take each other's room.
#[test]
fn what_finds_no_room_beside_others_is_tried_again_alone() {
    let desk = Desk::new();
    let options = Options {
        tiles: 180,
        ..Options::default()
    };
    for name in ["sources/a.gpkg", "sources/b.gpkg", "sources/c.gpkg"] {
        desk.build(name, &options);
    }
    let script = r#"
        code=0
        "$GEOKEEP" backup sources --jobs 3 --to "$DISK/b" --json || code=$?
        echo "code $code"
        "$GEOKEEP" verify --from "$DISK/b""#;
    let Some(run) = with_small_disk(&desk, "1M", script) else {
        return;
    };
    assert_eq!(run.code, 0, "{run:?}");
    let count = |status: &str| run.out.matches(&format!("\"status\":\"{status}\"")).count();
    assert_eq!((count("saved"), count("failed")), (1, 2), "{run:?}");
    assert!(run.out.contains("code 3\n"), "{run:?}");
}

/// A folder for temporary files without room says nothing of a backup.
#[test]
fn no_room_for_a_drill_is_no_damage() {
    let desk = desk_with_a_large_backup();
    let script = r#"
        code=0
        TMPDIR="$DISK" "$GEOKEEP" verify --from backups --level drill --json || code=$?
        echo "code $code""#;
    let Some(run) = with_small_disk(&desk, "100k", script) else {
        return;
    };
    assert!(run.out.ends_with("code 1\n"), "{run:?}");
    assert!(run.out.contains("staging_unusable"), "{run:?}");
    assert!(
        run.err.contains("could not be restored for a test"),
        "{run:?}"
    );
    desk.ok(&["verify", "--from", "backups", "--level", "drill"]);
}

/// There is no other place for rows of a live file, so that none is offered.
#[test]
fn it_fills_up_while_rows_are_put_back() {
    let desk = desk_with_a_large_backup();
    let path = desk.path("large.gpkg");
    let db = rusqlite::Connection::open(&path).unwrap();
    testkit::gpkg::register_spatial_functions(&db).unwrap();
    db.execute_batch("DELETE FROM parcels; VACUUM").unwrap();
    drop(db);
    let script = r#"
        cp large.gpkg "$DISK/"
        before=$(sha256sum < "$DISK/large.gpkg")
        code=0
        "$GEOKEEP" restore large --from backups --layer parcels --into "$DISK/large.gpkg" --yes || code=$?
        echo "code $code"
        test "$before" = "$(sha256sum < "$DISK/large.gpkg")"
        ls "$DISK""#;
    let Some(run) = with_small_disk(&desk, "600k", script) else {
        return;
    };
    assert!(run.code == 0 && run.out.contains("code 23"), "{run:?}");
    assert!(
        run.err.contains("make room where the file lies") && !run.err.contains("--to "),
        "{run:?}"
    );
    assert!(!run.out.contains("journal"), "{run:?}");
}
