//! What every kind of destination must do, whatever lies there and how: each calls
//! `is_a_destination` with what opens a new one below a folder.

use crate::common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{Place, machine, saved, tiny, try_backup, writable};
use geokeep::Monitor;
use geokeep::destination::{BackupId, Destination, DestinationError, Stored};
use geokeep::durable::{Disk, OsDisk};
use geokeep::retention::{Backup, Policy, plan};
use geokeep::snapshot::Clock;
use geokeep::verify::{Level, verify};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use testkit::disks::{DiskFault, FailingDisk, Failure};

/// Opens the destination below a folder, which is made at the first time.
type Open = fn(&Path, Arc<dyn Disk>) -> Result<Destination, DestinationError>;

#[test]
fn a_folder_of_archives_is_a_destination() {
    is_a_destination(|root, disk| Destination::open_or_create(&root.join("backups"), disk));
}

fn is_a_destination(open: Open) {
    for promise in [
        it_lists_backups_in_the_order_in_which_they_were_made,
        it_knows_what_it_has_done_and_lists_what_others_did,
        the_newest_sound_one_is_neither_damaged_nor_failed,
        marks_stay_with_their_backup,
        a_pinned_backup_stays_and_a_removed_one_is_gone,
        names_are_understood,
        another_machine_has_lines_of_its_own,
        two_at_once_lose_nothing,
        a_failing_disk_leaves_nothing_half_done,
    ] {
        promise(open);
    }
}

/// A destination, and a source that goes there.
struct Scene {
    open: Open,
    place: Place,
    source: PathBuf,
}

impl Scene {
    fn new(open: Open) -> Self {
        let place = Place::in_memory();
        let source = place.build("a.gpkg", &tiny());
        Self {
            open,
            place,
            source,
        }
    }

    /// As another process would see it.
    fn destination(&self) -> Destination {
        (self.open)(self.place.root(), Arc::clone(&self.place.settings.disk)).unwrap()
    }

    /// Edits the source and backs it up while the clock shows `instant`.
    fn save_to(&mut self, destination: &Destination, instant: &str) -> Stored {
        let sql = "UPDATE parcels SET remarks = hex(randomblob(8)) WHERE fid = 3";
        // A damaged one cannot be edited, and need not.
        let _ = writable(&self.source).execute(sql, []);
        let instant: Timestamp = instant.parse().unwrap();
        self.place.settings.clock = Clock::new(move || instant);
        self.place.settings.force = true;
        saved(try_backup(&self.source, destination, &self.place.settings))
    }

    fn save(&mut self, instant: &str) -> Stored {
        self.save_to(&self.destination(), instant)
    }

    fn ids(&self) -> Vec<BackupId> {
        self.destination().backups("a").unwrap()
    }

    /// All that is listed; nothing there is unreadable.
    fn listed(&self) -> Vec<Stored> {
        let listing = self.destination().list("a").unwrap();
        assert!(listing.unreadable.is_empty(), "{:?}", listing.unreadable);
        listing.backups
    }
}

fn ids(all: &[Stored]) -> Vec<BackupId> {
    all.iter().map(|stored| stored.id.clone()).collect()
}

/// The second clock is behind: its backup is the later one all the same.
fn it_lists_backups_in_the_order_in_which_they_were_made(open: Open) {
    let mut scene = Scene::new(open);
    let made = [
        "2026-03-01T10:00:00Z",
        "2026-03-01T08:00:00Z",
        "2026-03-01T09:00:00Z",
    ]
    .map(|instant| scene.save(instant));
    assert_eq!(scene.ids(), ids(&made), "known without opening any");
    let listed = scene.listed();
    assert_eq!(ids(&listed), ids(&made));
    for (listed, made) in listed.iter().zip(&made) {
        assert_eq!(listed.manifest, made.manifest);
        assert_eq!(listed.stored_bytes, made.stored_bytes);
        assert_eq!(listed.id.instant(), made.manifest.instant);
        let opened = scene.destination().open_backup(&listed.id).unwrap();
        let found = verify(&opened, Level::Digest, None, &Monitor::default()).unwrap();
        assert_eq!(found, made.manifest);
    }
    let unique: BTreeSet<String> = made.iter().map(|stored| stored.id.to_string()).collect();
    assert_eq!(unique.len(), made.len());
}

fn it_knows_what_it_has_done_and_lists_what_others_did(open: Open) {
    let mut scene = Scene::new(open);
    let destination = scene.destination();
    assert_eq!(destination.lines().unwrap(), [""; 0]);
    let first = scene.save_to(&destination, "2026-03-01T08:00:00Z");
    assert_eq!(destination.lines().unwrap(), ["a"]);
    assert_eq!(destination.newest_sound("a").unwrap().id, first.id);
    destination.pin(&first.id, "why").unwrap();
    let newest = destination.newest_sound("a").unwrap();
    assert_eq!(newest.pinned.as_deref(), Some("why"));
    // Another process.
    let second = scene.save("2026-03-01T09:00:00Z");
    let listed = destination.list("a").unwrap().backups;
    assert_eq!(ids(&listed), [first.id, second.id.clone()]);
    assert_eq!(destination.newest_sound("a").unwrap().id, second.id);
    // The next run with the same handle sees what it must see before it writes.
    let third = scene.save("2026-03-01T10:00:00Z");
    let fourth = scene.save_to(&destination, "2026-03-01T09:30:00Z");
    assert_eq!(scene.ids().last(), Some(&fourth.id));
    assert!(fourth.manifest.era > third.manifest.era);
}

fn the_newest_sound_one_is_neither_damaged_nor_failed(open: Open) {
    let mut scene = Scene::new(open);
    let newest = |scene: &Scene| {
        scene
            .destination()
            .newest_sound("a")
            .map(|stored| stored.id)
    };
    assert_eq!(newest(&scene), None);
    let first = scene.save("2026-03-01T08:00:00Z");
    let second = scene.save("2026-03-01T09:00:00Z");
    assert_eq!(newest(&scene).as_ref(), Some(&second.id));
    (scene
        .destination()
        .note_failed(&second.id, "its bytes changed"))
    .unwrap();
    assert_eq!(newest(&scene).as_ref(), Some(&first.id));
    scene.destination().note_passed(&second.id).unwrap();
    assert_eq!(newest(&scene).as_ref(), Some(&second.id));
    // A page of the file turns to rubbish.
    let bytes = std::fs::read(&scene.source).unwrap();
    let mut damaged = bytes.clone();
    let middle = bytes.len() / 2 / 4096 * 4096;
    damaged[middle..middle + 4096].fill(0xa5);
    std::fs::write(&scene.source, damaged).unwrap();
    let third = scene.save("2026-03-01T10:00:00Z");
    assert!(!third.is_sound(), "{:?}", third.manifest.findings);
    assert_eq!(newest(&scene).as_ref(), Some(&second.id));
}

fn marks_stay_with_their_backup(open: Open) {
    let mut scene = Scene::new(open);
    let marked = scene.save("2026-03-01T08:00:00Z").id;
    scene.save("2026-03-01T09:00:00Z");
    let at: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
    let destination = scene.destination();
    destination.pin(&marked, " before the flood ").unwrap();
    destination.note_verified(&marked, at).unwrap();
    destination.note_failed(&marked, "why").unwrap();
    destination.note_gone(&marked, at).unwrap();
    let noted = |stored: &Stored| {
        let Stored {
            pinned,
            verified,
            failed,
            gone,
            ..
        } = stored.clone();
        (pinned, verified, failed, gone)
    };
    let reason = Some("before the flood".to_owned());
    let all = (reason, Some(at), Some("why".to_owned()), Some(at));
    let listed = scene.listed();
    assert_eq!(noted(&listed[0]), all);
    assert_eq!(noted(&destination.stored(&marked).unwrap()), all);
    assert_eq!(noted(&listed[1]), (None, None, None, None));
    let destination = scene.destination();
    assert!(destination.unpin(&marked).unwrap());
    assert!(!destination.unpin(&marked).unwrap(), "it was not any more");
    destination.note_passed(&marked).unwrap();
    let left = (None, Some(at), None, Some(at));
    assert_eq!(noted(&scene.listed()[0]), left);
    // The source is there again.
    scene.save("2026-03-03T08:00:00Z");
    assert_eq!(scene.listed()[0].gone, None);
}

fn a_pinned_backup_stays_and_a_removed_one_is_gone(open: Open) {
    let mut scene = Scene::new(open);
    let made: Vec<Stored> = (10..14)
        .map(|hour| scene.save(&format!("2026-03-01T{hour}:00:00Z")))
        .collect();
    scene.destination().pin(&made[1].id, "").unwrap();
    let listed = scene.listed();
    let backups: Vec<Backup> = listed.iter().map(Backup::from).collect();
    let policy = Policy {
        last: 1,
        ..Policy::default()
    };
    let now = made[3].manifest.instant;
    let reasons = plan(&backups, &policy, now, &TimeZone::UTC).unwrap();
    let destination = scene.destination();
    let _lock = destination.lock().unwrap();
    for (stored, _) in listed.iter().zip(reasons).filter(|(_, why)| why.is_empty()) {
        destination.remove(&stored.id).unwrap();
        destination.open_backup(&stored.id).unwrap_err();
    }
    let left = [made[1].id.clone(), made[3].id.clone()];
    assert_eq!(destination.backups("a").unwrap(), left);
    assert_eq!(ids(&scene.listed()), left);
    assert_eq!(scene.listed()[0].pinned.as_deref(), Some(""));
}

fn names_are_understood(open: Open) {
    let mut scene = Scene::new(open);
    let first = scene.save("2026-03-01T08:00:00Z");
    let second = scene.save("2026-03-02T08:00:00Z");
    let destination = scene.destination();
    destination.note_failed(&second.id, "why").unwrap();
    let asking = scene.place.asking();
    let find = |asked: &str| {
        let chosen = destination.find(asked, &asking)?;
        Ok((chosen.id.clone(), chosen.passed_over))
    };
    let found = |asked: &str| find(asked).unwrap();
    let (first_is, second_is) = ((first.id.clone(), false), (second.id.clone(), false));
    // The newest sound one, unless another is named.
    let not_the_second = (first.id.clone(), true);
    assert_eq!(found("a"), not_the_second);
    assert_eq!(found("a@2026-03-02T12:00:00Z"), not_the_second);
    assert_eq!(found("a@2026-03-02T08:00:00Z"), second_is);
    assert_eq!(found("a@2026-03-01T12:00:00Z"), first_is);
    assert_eq!(found("a@2026-03-01"), first_is);
    assert_eq!(found(&second.manifest.id), second_is);
    assert_eq!(found(&first.manifest.id[..10].to_uppercase()), first_is);
    let too_early = find("a@2026-02-01T12:00:00Z");
    assert!(matches!(too_early, Err(DestinationError::NoneUpTo { .. })));
    let no_date = find("a@20.11.2026");
    assert!(matches!(no_date, Err(DestinationError::NoDate(text)) if text == "20.11.2026"));
    match find("aa") {
        Err(DestinationError::NoSuchBackup { near, .. }) => assert_eq!(near, ["a"]),
        other => panic!("{other:?}"),
    }
    let chosen = destination.find("a", &asking).unwrap();
    assert_eq!(chosen.source, Some(first.manifest.source));
    assert!(chosen.namesakes.is_empty());
}

fn another_machine_has_lines_of_its_own(open: Open) {
    let mut scene = Scene::new(open);
    let ours = scene.save("2026-03-01T08:00:00Z");
    let here = std::mem::replace(&mut scene.place.settings.machine, machine("b", Some("b")));
    let theirs = scene.save("2026-03-01T09:00:00Z");
    assert_ne!(theirs.id.line(), ours.id.line());
    let destination = scene.destination();
    let owner = |stored: &Stored| destination.owner(stored.id.line()).unwrap().unwrap();
    assert_eq!(owner(&ours), ours.manifest.source);
    assert_eq!(owner(&theirs), theirs.manifest.source);
    scene.place.settings.machine = here;
    let again = scene.save("2026-03-01T10:00:00Z");
    assert_eq!(again.id.line(), ours.id.line());
}

fn two_at_once_lose_nothing(open: Open) {
    let mut scene = Scene::new(open);
    scene.place.settings.force = true;
    let scene = &scene;
    let one = || {
        let settings = &scene.place.settings;
        let save = |_| saved(try_backup(&scene.source, &scene.destination(), settings)).id;
        (0..4).map(save).collect::<Vec<_>>()
    };
    let made = std::thread::scope(|scope| {
        let both = [scope.spawn(one), scope.spawn(one)];
        both.map(|run| run.join().unwrap()).concat()
    });
    let made: BTreeSet<BackupId> = made.into_iter().collect();
    assert_eq!(made.len(), 8, "each is known by itself");
    let listed = scene.listed();
    assert_eq!(ids(&listed).into_iter().collect::<BTreeSet<_>>(), made);
    assert_eq!(scene.destination().lines().unwrap(), ["a"]);
}

/// Whichever call fails: what was there is there, a new one is whole or not there, and the next run
/// tidies up and works.
fn a_failing_disk_leaves_nothing_half_done(open: Open) {
    let disk = FailingDisk::new(Arc::new(OsDisk));
    let scene = || {
        let mut scene = Scene::new(open);
        let first = scene.save("2026-03-01T08:00:00Z");
        scene.place.settings.disk = Arc::new(disk.clone());
        let instant: Timestamp = "2026-03-01T09:00:00Z".parse().unwrap();
        scene.place.settings.clock = Clock::new(move || instant);
        disk.clear();
        (scene, first)
    };
    let back_up = |scene: &Scene| {
        let settings = &scene.place.settings;
        try_backup(&scene.source, &scene.destination(), settings)
    };
    back_up(&scene().0).unwrap();
    let (calls, _) = disk.clear();
    assert!(calls > 10, "{calls}");
    for at in 0..calls {
        let (mut scene, first) = scene();
        disk.plan(DiskFault {
            at,
            sticky: true,
            failure: Failure::FULL,
        });
        let result = back_up(&scene);
        let (_, failed) = disk.clear();
        assert!(failed > 0, "call {at} of {calls} was not made");
        let destination = scene.destination();
        destination.sweep().unwrap();
        let listed = scene.listed();
        assert_eq!(listed[0].manifest, first.manifest, "call {at}");
        assert!(listed.len() <= 2, "call {at}: {}", listed.len());
        if let Ok(outcome) = &result {
            let reported = &outcome.stored().id;
            let is_listed = listed.iter().any(|one| one.id == *reported);
            assert!(is_listed, "call {at}: {reported:?} is not there");
        }
        for stored in &listed {
            let opened = destination.open_backup(&stored.id).unwrap();
            verify(&opened, Level::Digest, None, &Monitor::default()).unwrap();
        }
        assert_eq!(destination.sweep().unwrap(), 0, "call {at}");
        scene.save("2026-03-01T10:00:00Z");
    }
}
