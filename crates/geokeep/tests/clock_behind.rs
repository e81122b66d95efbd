//! A clock that was set wrong, or is set right again: which backup was made last does not depend on
//! it, and a backup that is older than the one before says so.

use crate::common;

use std::path::Path;

use common::{Place, tiny, writable};
use geokeep::backup::CLOCK;
use geokeep::destination::Stored;
use geokeep::retention::{Backup, Policy, Reason, plan};
use geokeep::snapshot::Clock;
use geokeep::verify::LOSS;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use testkit::gpkg::Options;

fn at(instant: &str) -> Timestamp {
    instant.parse().unwrap()
}

/// Edits the file and backs it up while the clock shows `instant`.
fn save(place: &mut Place, path: &Path, instant: &str) -> Stored {
    let sql =
        "INSERT INTO gpkg_ogr_contents (table_name, feature_count) VALUES (hex(randomblob(8)), 1)";
    writable(path).execute(sql, []).unwrap();
    let instant = at(instant);
    place.settings.clock = Clock::new(move || instant);
    place.save(path)
}

fn says_so(stored: &Stored) -> bool {
    stored.manifest.findings.iter().any(|f| f.code == CLOCK)
}

/// What `NAME@DATE` finds, by id; the date is an instant up to which.
fn found(place: &Place, asked: &str) -> String {
    let destination = place.destination();
    let chosen = destination.find(asked, &place.asking()).unwrap();
    destination.stored(&chosen.id).unwrap().manifest.id
}

fn ids(all: &[Stored]) -> Vec<&str> {
    all.iter().map(|stored| &*stored.manifest.id).collect()
}

/// By `keep_last`, what stays of the line at `now`, with the reasons.
fn stays(place: &Place, keep_last: u32, now: &str) -> Vec<(String, Vec<Reason>)> {
    let all = place.destination().list("a").unwrap().backups;
    let plain: Vec<_> = all.iter().map(Backup::from).collect();
    let policy = Policy {
        last: keep_last,
        ..Policy::default()
    };
    let reasons = plan(&plain, &policy, at(now), &TimeZone::UTC).unwrap();
    let ids = all.iter().map(|stored| stored.manifest.id.clone());
    let all = ids.zip(reasons);
    all.filter(|(_, reasons)| !reasons.is_empty()).collect()
}

#[test]
fn a_clock_that_falls_back_by_a_year_does_not_hide_what_is_made_then() {
    let mut place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    let first = save(&mut place, &path, "2026-11-21T08:00:00Z");
    let second = save(&mut place, &path, "2026-11-22T08:00:00Z");
    let behind = save(&mut place, &path, "2025-11-22T09:00:00Z");
    assert!(!says_so(&second) && says_so(&behind));
    let message = &behind.manifest.findings[0].message;
    for instant in ["2025-11-22T09:00:00.000Z", "2026-11-22T08:00:00.000Z"] {
        assert!(message.contains(instant), "{message}");
    }
    assert_eq!(behind.manifest.instant, at("2025-11-22T09:00:00Z"));
    // Said once: the clock goes on from there.
    let later = save(&mut place, &path, "2025-11-23T09:00:00Z");
    assert!(!says_so(&later));

    let destination = place.destination();
    let all = destination.list("a").unwrap().backups;
    let made = [&first, &second, &behind, &later].map(|stored| &*stored.manifest.id);
    assert_eq!(ids(&all), made);
    assert_eq!(destination.newest_sound("a").unwrap().manifest.id, made[3]);
    assert_eq!(found(&place, "a"), made[3]);
    // A date asks for what the clock said.
    assert_eq!(found(&place, "a@2026-11-22T00:00:00Z"), made[0]);
    assert_eq!(found(&place, "a@2025-11-22T10:00:00Z"), made[2]);
    // The clock is right again: the newest one stays, and with it the last one that was made.
    let kept = stays(&place, 1, "2026-11-23T00:00:00Z");
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].0, made[3]);
    assert!(kept[0].1.contains(&Reason::NewestSound));
    // While it is still wrong, nothing of the apparent future goes.
    assert_eq!(stays(&place, 1, "2025-11-24T00:00:00Z").len(), 3);

    let right = save(&mut place, &path, "2026-11-23T08:00:00Z");
    assert!(!says_so(&right));
    assert_eq!(found(&place, "a"), right.manifest.id);
}

#[test]
fn a_backup_of_the_next_year_does_not_hide_those_of_this_one() {
    let mut place = Place::in_memory();
    place.settings.max_loss = Some(20);
    let path = place.build(
        "a.gpkg",
        &Options {
            rows: 100,
            ..tiny()
        },
    );
    save(&mut place, &path, "2026-11-21T08:00:00Z");
    let ahead = save(&mut place, &path, "2027-11-22T08:00:00Z");
    let right = save(&mut place, &path, "2026-11-23T08:00:00Z");
    assert!(!says_so(&ahead) && says_so(&right));
    // A loss is measured by the backup that was made last.
    let layer = &right.manifest.layers[0].name;
    let sql = format!("DELETE FROM \"{layer}\" WHERE rowid % 10 <> 0");
    writable(&path).execute(&sql, []).unwrap();
    let lossy = save(&mut place, &path, "2026-11-24T08:00:00Z");
    assert!(lossy.manifest.findings.iter().any(|f| f.code == LOSS));
    assert!(!says_so(&lossy));
    let all = place.destination().list("a").unwrap().backups;
    assert!(all[2].pinned.is_some() && all[1].pinned.is_none());

    assert_eq!(found(&place, "a"), lossy.manifest.id);
    assert_eq!(found(&place, "a@2026-11-23T12:00:00Z"), right.manifest.id);
    assert_eq!(
        found(&place, "a@2027-11-22T08:00:00.001Z"),
        ahead.manifest.id
    );
    // What is of the future stays until then, and the others come and go.
    let kept = stays(&place, 1, "2026-11-25T00:00:00Z");
    let of = |id: &str| kept.iter().find(|(kept, _)| kept == id).map(|(_, r)| &**r);
    assert_eq!(of(&ahead.manifest.id), Some(&[Reason::Future][..]));
    assert_eq!(
        of(&lossy.manifest.id),
        Some(&[Reason::NewestSound, Reason::Last][..])
    );
    assert_eq!(kept.len(), 3, "and the pinned one: {kept:?}");
    assert_eq!(stays(&place, 1, "2028-01-01T00:00:00Z").len(), 2);
}

/// Two runs of one file at the same time end in another order than they began: no clock is wrong.
#[test]
fn a_quicker_run_is_no_clock_that_is_behind() {
    let mut place = Place::in_memory();
    place.settings.force = true;
    let path = place.build("a.gpkg", &tiny());
    place.save(&path);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..5 {
                    assert!(!says_so(&place.save(&path)));
                }
            });
        }
    });
    let all = place.destination().list("a").unwrap().backups;
    assert!(all.iter().all(|stored| stored.manifest.era == 0));
}
