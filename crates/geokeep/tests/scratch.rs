//! A full verification of a larger backup keeps what it has decoded in a short-lived file. That file
//! is a help and no more: whatever becomes of it, the same is found.

use crate::common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{Place, check, files_below, tiny, writable};
use geokeep::destination::Manifest;
use geokeep::durable::{Disk, OsDisk};
use geokeep::verify::{Level, Scratch, verify};
use geokeep::{Error, Kind, Monitor};
use testkit::disks::{Call, DiskFault, FailingDisk, Failure};

/// A backup that is longer than what a check keeps in memory.
fn archive(place: &Place) -> PathBuf {
    let path = place.build("a.gpkg", &tiny());
    writable(&path)
        .execute_batch(
            "CREATE TABLE more(id INTEGER PRIMARY KEY, x); CREATE INDEX more_x ON more(x);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 26000)
             INSERT INTO more SELECT i, printf('%.*c%d', 1000, 'x', i * 7919 % 26003) FROM n",
        )
        .unwrap();
    assert!(fs::metadata(&path).unwrap().len() > 46 << 20);
    place.save(&path).location
}

fn verified(archive: &Path, disk: &FailingDisk, place: &Place) -> Result<Manifest, Error> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let scratch = Scratch {
        disk: &disk,
        folder: &place.settings.staging,
    };
    let backup = common::open(archive)?;
    Ok(verify(
        &backup,
        Level::Full,
        Some(scratch),
        &Monitor::default(),
    )?)
}

/// Whether a folder certainly lies on a disk: ext, XFS or Btrfs.
fn is_on_a_disk(folder: &Path) -> bool {
    const DISKS: [u32; 3] = [0xef53, 0x5846_5342, 0x9123_683e];
    let stat = rustix::fs::statfs(folder).unwrap();
    cfg!(target_os = "linux") && DISKS.contains(&(stat.f_type as u32))
}

#[test]
fn whatever_becomes_of_it_the_same_is_found() {
    let place = Place::new();
    let archive = archive(&place);
    let expected = check(&archive, Level::Full).unwrap();
    let disk = FailingDisk::new(Arc::new(OsDisk));
    let left = || files_below(&place.settings.staging);
    assert_eq!(verified(&archive, &disk, &place).unwrap(), expected);
    assert!(left().is_empty());
    let (calls, _) = disk.clear();
    if calls == 0 {
        assert!(!is_on_a_disk(&place.settings.staging), "it was not used");
        testkit::untried("the temporary folder lies in memory, or on a server");
        return;
    }
    // Written, and then read for the checks.
    assert!(calls > 100, "{calls}");
    disk.lack(Call::Write, Failure::FULL);
    assert_eq!(
        verified(&archive, &disk, &place).unwrap(),
        expected,
        "no room"
    );
    for (at, sticky) in [(20, true), (60, false)] {
        disk.plan(DiskFault {
            at,
            sticky,
            failure: Failure::Os(5),
        });
        let found = verified(&archive, &disk, &place);
        assert!(disk.clear().1 > 0);
        assert_eq!(found.unwrap(), expected, "call {at} of {calls}, {sticky}");
    }
}

#[test]
fn an_archive_that_is_damaged_is_noticed_before_anything_else() {
    let place = Place::new();
    let archive = archive(&place);
    let mut bytes = fs::read(&archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&archive, bytes).unwrap();
    let disk = FailingDisk::new(Arc::new(OsDisk));
    let error = verified(&archive, &disk, &place).unwrap_err();
    assert_eq!(error.kind(), Kind::VerificationFailed, "{error:?}");
    assert!(files_below(&place.settings.staging).is_empty());
}
