//! An old copy of a file that is put in its place takes away what was saved since, and no count of rows need
//! show it: the file is then exactly what it was at an earlier backup.

use crate::common;

use std::fs;
use std::path::Path;

use common::{Place, tiny, writable};
use geokeep::backup::EARLIER_STATE;
use geokeep::destination::Stored;

fn edit(path: &Path, remark: &str) {
    let sql = "UPDATE parcels SET remarks = ?1 WHERE fid = 3";
    writable(path).execute(sql, [remark]).unwrap();
}

/// What is said of it.
fn said(stored: &Stored) -> Option<&str> {
    let mut findings = stored.manifest.findings.iter();
    let found = findings.find(|finding| finding.code == EARLIER_STATE)?;
    Some(&found.message)
}

fn pinned(place: &Place) -> Vec<String> {
    let all = place.destination().list("a").unwrap().backups;
    let pinned = all.iter().filter(|stored| stored.pinned.is_some());
    pinned.map(|stored| stored.manifest.id.clone()).collect()
}

#[test]
fn an_old_copy_in_its_place_is_noticed() {
    for journal in ["DELETE", "WAL"] {
        let place = Place::new();
        let (path, copy) = (place.build("a.gpkg", &tiny()), place.source("copy.gpkg"));
        let mode = format!("PRAGMA journal_mode = {journal}");
        writable(&path)
            .query_row(&mode, [], |row| row.get::<_, String>(0))
            .unwrap();
        let first = place.save(&path);
        fs::copy(&path, &copy).unwrap();
        edit(&path, "measured anew");
        let second = place.save(&path);
        assert_eq!(said(&second), None);

        fs::copy(&copy, &path).unwrap();
        let third = place.save(&path);
        let message = said(&third).unwrap_or_else(|| panic!("{journal}: {:?}", third.manifest));
        for named in [&first, &second] {
            assert!(message.contains(&named.manifest.at()), "{message}");
        }
        assert_eq!(pinned(&place), [&*second.manifest.id]);

        // The work goes on from there.
        edit(&path, "measured once more");
        assert_eq!(said(&place.save(&path)), None);
        // Who does that again means it.
        fs::copy(&copy, &path).unwrap();
        assert_eq!(said(&place.save(&path)), None);
        assert_eq!(pinned(&place).len(), 1);
    }
}
