//! Not every file system can sync a folder or lock a file, and each says so in its own words. A
//! backup there was reported as failed although it was made, and `forget` could not run at all.
//! Now what is lacking is said, once, and the work goes on. And three ways of not fitting are told
//! apart: a full disk, a quota, and a file that is too large for its file system.
#![cfg(target_os = "linux")]

use crate::common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{Place, archives_below, check, temporaries_below, tiny};
use geokeep::destination::DestinationError;
use geokeep::durable::{Lack, OsDisk, new_lacks};
use geokeep::restore::{RestoreError, drill};
use geokeep::verify::Level;
use geokeep::{Kind, Monitor};
use testkit::disks::{Call, FailingDisk, Failure};

const EIO: i32 = 5;
const EBADF: i32 = 9;
const EACCES: i32 = 13;
const EINVAL: i32 = 22;
const EFBIG: i32 = 27;
const ENOSPC: i32 = 28;
const ENOLCK: i32 = 37;
const ENOSYS: i32 = 38;
const EOPNOTSUPP: i32 = 95;
const EDQUOT: i32 = 122;

fn place() -> (Place, FailingDisk, PathBuf) {
    let disk = FailingDisk::new(Arc::new(OsDisk));
    let mut place = Place::in_memory();
    place.settings.disk = Arc::new(disk.clone());
    place.settings.force = true;
    let path = place.build("a.gpkg", &tiny());
    (place, disk, path)
}

fn give_back(place: &Place, archive: &Path, to: &Path) -> Result<(), RestoreError> {
    place.give_back(archive, to, false).map(|_| ())
}

#[test]
fn it_is_said_once_and_the_work_goes_on() {
    let (place, disk, path) = place();
    place.destination();
    let mut said = Vec::new();
    for (n, errno) in [EINVAL, EOPNOTSUPP, ENOSYS, EBADF, EACCES]
        .into_iter()
        .enumerate()
    {
        disk.lack(Call::SyncDir, Failure::Os(errno));
        let stored = place.save(&path);
        place.destination().pin(&stored.id, "why").unwrap();
        place.destination().unpin(&stored.id).unwrap();
        let copy = place.root().join(format!("{n}.gpkg"));
        give_back(&place, &stored.location, &copy).unwrap();
        place.destination().remove(&stored.id).unwrap();
        let (_, failed) = disk.clear();
        assert!(failed >= 4, "{failed}");
        said.extend(new_lacks());
    }
    let of = |lack| said.iter().filter(|(what, _)| *what == lack).count();
    assert_eq!((of(Lack::FolderSync), of(Lack::Locks)), (1, 0), "{said:?}");
    assert!(said[0].1.starts_with(place.root()), "{said:?}");

    let mut said = Vec::new();
    for errno in [ENOLCK, EOPNOTSUPP, ENOSYS, EINVAL, EBADF] {
        disk.lack(Call::Lock, Failure::Os(errno));
        let _lock = place.destination().lock().unwrap();
        assert_eq!(disk.clear(), (1, 1));
        said.extend(new_lacks());
    }
    assert_eq!(said, [(Lack::Locks, place.backups())]);
    // A disk that fails is another matter.
    disk.lack(Call::Lock, Failure::Os(EIO));
    let refused = place.destination().lock();
    assert!(matches!(refused, Err(DestinationError::Write { .. })));
    disk.lack(Call::SyncDir, Failure::Os(EIO));
    let refused = place.try_backup(&path).unwrap_err();
    assert_eq!(refused.kind(), Kind::DestinationUnwritable);
    assert_eq!(new_lacks(), []);
}

#[test]
fn three_ways_of_not_fitting() {
    let (place, disk, path) = place();
    let kept = place.save(&path);
    let cases = [
        (
            ENOSPC,
            "no space left",
            Kind::DestinationFull,
            Kind::DestinationFull,
        ),
        (
            EDQUOT,
            "quota",
            Kind::DestinationFull,
            Kind::DestinationFull,
        ),
        (
            EFBIG,
            "longer than",
            Kind::DestinationUnwritable,
            Kind::TargetUnwritable,
        ),
    ];
    for (errno, word, in_backup, in_restore) in cases {
        disk.lack(Call::Write, Failure::Os(errno));
        let error = place.try_backup(&path).unwrap_err();
        assert_eq!(error.kind(), in_backup);
        assert!(error.to_string().contains(word), "{errno}: {error}");
        disk.lack(Call::Write, Failure::Os(errno));
        let error = give_back(&place, &kept.location, &place.root().join("b.gpkg")).unwrap_err();
        assert_eq!(error.kind(), in_restore);
        assert!(error.to_string().contains(word), "{errno}: {error}");
        // In a drill none of them says anything of the backup.
        disk.lack(Call::Write, Failure::Os(errno));
        let archive = common::open(&kept.location).unwrap();
        let error = drill(&archive, &place.settings, &Monitor::default()).unwrap_err();
        assert!(matches!(&error, RestoreError::NoDrill { .. }), "{error:?}");
        assert_eq!(error.kind(), Kind::StagingUnusable);
        disk.clear();
        assert!(temporaries_below(place.root()).is_empty());
    }
    assert_eq!(
        archives_below(&place.backups()),
        vec![kept.location.clone()]
    );
    check(&kept.location, Level::Full).unwrap();
}
