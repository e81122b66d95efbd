//! The page of a report, read by a real HTML parser: what it says of each kind of source, and that
//! names in it stay names.

use crate::common;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use common::Place;
use common::page::{HOSTILE, hostile, made, report, source, stored};
use geokeep::destination::{Layer, Stored, Verdict};
use geokeep::durable::{Disk, OsDisk};
use geokeep::judgement::{Standing, still_holds};
use geokeep::report::{ReportError, RunFailure, SourceReport, write};
use geokeep::{Finding, Severity};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use scraper::{Html, Selector};
use testkit::disks::{DiskFault, FailingDisk, Failure};

fn parsed(html: &str) -> Html {
    let page = Html::parse_document(html);
    assert_eq!(format!("{:?}", page.quirks_mode), "NoQuirks");
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    page
}

fn texts(page: &Html, selector: &str) -> Vec<String> {
    let selector = Selector::parse(selector).unwrap();
    let text = |element: scraper::ElementRef<'_>| {
        let text: String = element.text().collect();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    page.select(&selector).map(text).collect()
}

fn attributes(page: &Html, name: &str) -> Vec<String> {
    let all = page
        .select(&Selector::parse("*").unwrap())
        .collect::<Vec<_>>();
    all.iter()
        .filter_map(|element| element.value().attr(name).map(str::to_owned))
        .collect()
}

#[test]
fn a_fresh_source_is_told_with_age_layers_sizes_and_the_way_back() {
    let mut last = stored("town", 7);
    last.manifest.layers[0].rows = Some(1_234);
    let mut before = stored("town", 31);
    before.manifest.layers[0].rows = Some(1_222);
    before.manifest.layers.push(Layer {
        name: "owners".to_owned(),
        rows: Some(5),
        missing: false,
        ..last.manifest.layers[0].clone()
    });
    last.manifest.layers.push(Layer {
        name: "wells".to_owned(),
        rows: Some(3),
        missing: false,
        ..last.manifest.layers[0].clone()
    });
    let id = last.manifest.id.clone();
    let report = report(vec![source("town", vec![before, last])]);
    let page = parsed(&report.html());
    assert_eq!(
        texts(&page, "h1"),
        ["The file has a sound backup from the last 24 hours."]
    );
    assert_eq!(texts(&page, ".card .badge"), ["Fresh"]);
    // How long ago that is depends on when the page is opened.
    assert_eq!(texts(&page, ".age"), ["2026-11-22 01:00"]);
    let cells = texts(&page, ".contents td");
    let rows: Vec<_> = cells.chunks(5).map(|row| row.join(" | ")).collect();
    assert_eq!(
        rows,
        [
            "parcels | features | 1,234 | +12 | 1,222 rows at first, 1,234 at most, 1,234 at last",
            "wells | features | 3 | new | –",
            "owners | features | – | vanished (had 5) | –"
        ]
    );
    let command = &texts(&page, "pre code")[0];
    assert_eq!(
        command,
        &format!("geokeep restore {id} --from /mnt/backup --to town-restored.gpkg")
    );
    assert_eq!(texts(&page, ".plot circle.file title").len(), 2);
    assert!(texts(&page, ".troubles").is_empty());
    // The file's own line and the archive's.
    assert_eq!(attributes(&page, "points").len(), 2);
}

#[test]
fn the_overview_leads_to_each_source_and_the_worst_comes_first() {
    let mut damaged = stored("broken", 3);
    damaged.manifest.verdict = Verdict::Damaged;
    let never = SourceReport {
        failure: Some(RunFailure {
            message: "could not read 'never.gpkg': another program has it locked".to_owned(),
            cause: Some("a lock held for 30 s by 'qgis-bin'".to_owned()),
            hint: Some("save or cancel the edit in QGIS".to_owned()),
        }),
        ..source("never", vec![])
    };
    let report = report(vec![
        source("a", vec![stored("a", 5)]),
        source("b", vec![stored("b", 24 * 9)]),
        source("broken", vec![damaged]),
        never,
    ]);
    let page = parsed(&report.html());
    assert_eq!(
        texts(&page, "h1 span"),
        [
            "2 of 4 files are not protected: broken, never.",
            "1 of 4 files has only an old backup: b."
        ]
    );
    // The cards are in the order of the table, and the one that needs nobody is folded.
    assert_eq!(texts(&page, ".card h2"), ["broken", "never", "b", "a"]);
    assert_eq!(texts(&page, "main > details h2"), ["a"]);
    assert_eq!(
        report.headline(),
        "2 of 4 files are not protected: broken, never. 1 of 4 files has only an old backup: b."
    );
    assert_eq!(
        texts(&page, ".overview td.name"),
        ["broken", "never", "b", "a"]
    );
    assert_eq!(
        texts(&page, ".overview .badge"),
        [
            "Not protected",
            "Damaged",
            "Not protected",
            "Last run failed",
            "Overdue",
            "Fresh"
        ]
    );
    let troubles = texts(&page, "#file-4 .troubles li");
    assert_eq!(
        troubles,
        [
            "could not read 'never.gpkg': another program has it locked. A lock held for 30 s by 'qgis-bin'. \
          Save or cancel the edit in QGIS."
        ]
    );
    assert!(texts(&page, "#file-3 .troubles")[0].contains("The file itself was damaged"));
    // A damaged file comes back as far as it can be read; what was never stored does not.
    assert_eq!(texts(&page, "#file-3 pre").len(), 1);
    assert_eq!(texts(&page, "#file-4 pre").len(), 0);
    let ids: Vec<_> = attributes(&page, "id");
    assert_eq!(
        ids.iter().collect::<BTreeSet<_>>().len(),
        ids.len(),
        "{ids:?}"
    );
    for link in attributes(&page, "href") {
        assert!(
            ids.contains(&link.trim_start_matches('#').to_owned()),
            "{link}"
        );
    }
}

#[test]
fn freshness_is_measured_against_the_promise_and_against_changes() {
    let with = |hours, max_age: Option<i64>, unchanged| {
        let source = SourceReport {
            max_age: max_age.map(SignedDuration::from_hours),
            unchanged,
            ..source("a", vec![stored("a", hours)])
        };
        source.standing(made())
    };
    assert_eq!(with(36, None, false), Standing::Fresh);
    assert_eq!(with(37, None, false), Standing::Old);
    assert_eq!(with(37, None, true), Standing::Fresh);
    assert_eq!(with(37, Some(48), false), Standing::Fresh);
    assert_eq!(with(2, Some(1), false), Standing::Old);
    assert_eq!(with(-3, None, false), Standing::Old);
    let late = SourceReport {
        max_age: Some(SignedDuration::from_hours(1)),
        ..source("a", vec![stored("a", 3)])
    };
    let page = parsed(&report(vec![late]).html());
    let words = &texts(&page, ".freshness")[0];
    assert!(words.contains("Promised: at most 60 minutes."), "{words}");
    assert!(
        texts(&page, ".troubles")[0]
            .contains("It is 3 hours old; promised are at most 60 minutes.")
    );
    let still = SourceReport {
        unchanged: true,
        ..source("a", vec![stored("a", 24 * 90)])
    };
    let report = report(vec![still, source("b", vec![stored("b", 1)])]);
    assert_eq!(
        report.headline(),
        "Both files have a sound backup: 1 made lately, 1 of what has not changed since."
    );
}

#[test]
fn an_older_sound_backup_counts_when_the_newest_is_damaged() {
    let mut damaged = stored("a", 1);
    damaged.manifest.verdict = Verdict::Damaged;
    damaged.manifest.findings = vec![Finding {
        severity: Severity::Error,
        code: "integrity".to_owned(),
        table: None,
        message: "Tree 4 page 4: btreeInitPage() returns error code 11".to_owned(),
    }];
    let sound = stored("a", 20);
    let id = sound.manifest.id.clone();
    let mut source = source("a", vec![sound, damaged]);
    source.unreadable = vec![(
        PathBuf::from("/mnt/backup/a/x.zip"),
        "it is cut off".to_owned(),
    )];
    let page = parsed(&report(vec![source]).html());
    assert_eq!(texts(&page, ".age"), ["2026-11-21 12:00"]);
    assert_eq!(texts(&page, "section .badge"), ["Damaged"]);
    let troubles = texts(&page, ".troubles li");
    assert!(
        troubles[0].contains("btreeInitPage() returns error code 11."),
        "{troubles:?}"
    );
    assert!(
        troubles[1].contains("/mnt/backup/a/x.zip cannot be read. It is cut off."),
        "{troubles:?}"
    );
    assert!(texts(&page, "pre")[0].contains(&id));
    assert_eq!(texts(&page, "circle.damaged").len(), 1);
    assert_eq!(texts(&page, ".findings .severity"), ["Fault"]);
}

/// It is not sound, whatever its source was: nobody should rely on it.
#[test]
fn a_newest_backup_that_did_not_pass_is_told() {
    let mut broken = stored("a", 1);
    broken.failed = Some("its content does not match".to_owned());
    let source = source("a", vec![stored("a", 25), broken]);
    let troubles = source.troubles(made(), &TimeZone::UTC);
    assert_eq!(troubles.len(), 1, "{troubles:?}");
    assert!(troubles[0].what.contains("did not pass"), "{troubles:?}");
    assert_eq!(
        troubles[0].why.as_deref(),
        Some("its content does not match")
    );
    assert_eq!(source.standing(made()), Standing::Fresh);
}

#[test]
fn names_stay_names_whatever_is_in_them() {
    let html = report(vec![hostile()]).html();
    let page = parsed(&html);
    // The page's own script, whose hash the policy knows.
    let own = texts(&page, "script");
    assert!(own.len() == 1 && own[0].starts_with("(() => {"), "{own:?}");
    for element in ["img", "iframe", "link", "object", "form", "b", "base"] {
        assert!(
            texts(&page, element).is_empty(),
            "{element} came from a name"
        );
    }
    for attribute in page
        .select(&Selector::parse("*").unwrap())
        .flat_map(|e| e.value().attrs())
    {
        let (name, value) = attribute;
        assert!(!name.starts_with("on"), "{name}={value}");
        assert!(
            !["src", "srcset", "action", "formaction", "style", "srcdoc"].contains(&name),
            "{name}"
        );
        assert!(name != "href" || value.starts_with('#'), "{name}={value}");
    }
    let style = texts(&page, "style").join("");
    assert!(!style.contains("url(") && !style.contains("@import"));
    let shown = texts(&page, "body").join(" ");
    for name in HOSTILE.iter().filter(|name| name.chars().count() < 100) {
        let plain = geokeep::words::one_line(name);
        let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(&plain), "{plain:?} is not shown");
    }
    let bad = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!html.contains(bad), "a control character came through");
    // A name of thousands of characters is cut, but for the command, which must be exact.
    let longest = texts(&page, "bdi")
        .iter()
        .map(|text| text.chars().count())
        .max();
    assert!(longest.unwrap() < 700, "{longest:?}");
}

#[test]
fn very_many_sources_and_layers_stay_within_bounds() {
    let mut sources: Vec<_> = (0..300)
        .map(|n| source(&format!("s{n}"), vec![stored("s", 1 + n % 5)]))
        .collect();
    let mut wide = stored("wide", 2);
    let layer = wide.manifest.layers[0].clone();
    wide.manifest.layers = (0..10_000)
        .map(|n| Layer {
            name: format!("layer {n}"),
            ..layer.clone()
        })
        .collect();
    let history = (0..2_000)
        .rev()
        .map(|hours| stored("long", hours))
        .collect();
    sources.push(source("wide", vec![wide]));
    sources.push(source("long", history));
    let html = report(sources).html();
    assert!(html.len() < 3_000_000, "{} bytes", html.len());
    let page = parsed(&html);
    assert_eq!(texts(&page, ".card").len(), 302);
    assert_eq!(texts(&page, "#file-301 .contents tbody tr").len(), 200);
    assert!(texts(&page, "#file-301 .contents")[0].contains("and 9,800 layers more"));
    assert!(texts(&page, "#file-302 .backups")[0].contains("and 1,900 earlier backups more"));
}

fn losing(name: &str, hours_ago: i64) -> Stored {
    let mut stored = stored(name, hours_ago);
    stored.manifest.findings.push(Finding {
        severity: Severity::Warning,
        code: "loss".to_owned(),
        table: Some("parcels".to_owned()),
        message: "185 of 370 rows are missing".to_owned(),
    });
    stored
}

/// Damaged, deleted, overdue and lost data ask for four different things.
#[test]
fn each_kind_of_trouble_has_its_own_badge_and_none_is_fresh_besides() {
    let mut damaged = stored("damaged", 2);
    damaged.manifest.verdict = Verdict::Damaged;
    let mut deleted = stored("deleted", 3);
    deleted.gone = Some(made());
    let report = report(vec![
        source("well", vec![stored("well", 1)]),
        source("overdue", vec![stored("overdue", 24 * 9)]),
        source("deleted", vec![deleted]),
        source("damaged", vec![stored("damaged", 20), damaged]),
        source("loss", vec![stored("loss", 26), losing("loss", 2)]),
    ]);
    assert_eq!(
        report.headline(),
        "1 of 5 files has lost data: loss. 1 of 5 files is damaged: damaged. \
         1 of 5 files no longer exists: deleted. 1 of 5 files has only an old backup: overdue."
    );
    let page = parsed(&report.html());
    let badges = ["Data lost", "Damaged", "Deleted", "Overdue", "Fresh"];
    assert_eq!(texts(&page, ".overview .badge"), badges);
    assert_eq!(texts(&page, ".card .badge"), badges);
    let looks: BTreeSet<_> = attributes(&page, "class")
        .into_iter()
        .filter(|class| class.starts_with("badge "))
        .collect();
    assert_eq!(looks.len(), 5, "{looks:?}");
    assert_eq!(texts(&page, "main > details h2"), ["well"]);
}

#[test]
fn what_was_lost_is_told_and_both_ways_back_are_shown() {
    let lost = source("town maps", vec![stored("a", 26), losing("a", 2)]);
    let page = parsed(&report(vec![lost]).html());
    let troubles = &texts(&page, ".troubles.loss")[0];
    assert!(
        troubles.contains(
            "Data is missing since 2026-11-22 06:00. Layer 'parcels': 185 of 370 rows are missing."
        ),
        "{troubles}"
    );
    assert_eq!(
        texts(&page, ".restore pre"),
        [
            "geokeep restore 'town maps@before-loss' --from /mnt/backup --to 'town maps-before-loss.gpkg'",
            "geokeep restore 'town maps@newest' --from /mnt/backup --to 'town maps-newest.gpkg'",
            "geokeep accept 'town maps' --from /mnt/backup",
            // As a run and `status` offer it.
            "geokeep restore a@before-loss --from /mnt/backup --force"
        ]
    );
}

#[test]
fn rows_of_a_layer_are_a_line_over_all_backups() {
    let with = |hours_ago, rows: Option<u64>| {
        let mut stored = stored("a", hours_ago);
        stored.manifest.layers[0].rows = rows;
        stored
    };
    let rows = [Some(100), Some(100), Some(100), None, Some(200), Some(50)];
    let backups = rows.into_iter().zip([60, 50, 40, 30, 20, 0]);
    let backups = backups.map(|(rows, hours)| with(hours, rows)).collect();
    let page = parsed(&report(vec![source("a", backups)]).html());
    // Two stretches, with what was not counted between them; the middle of what is even is left out.
    let lines: Vec<_> = attributes(&page, "d");
    let lines: Vec<_> = lines.iter().filter(|line| !line.ends_with('z')).collect();
    assert_eq!(lines, ["M3 14.5L41 14.5", "M79 4L117 19.8"]);
    assert_eq!(texts(&page, ".spark circle.low").len(), 1);
    let words = "100 rows at first, 200 at most, 50 at last";
    assert_eq!(texts(&page, ".spark title"), [words]);
}

#[test]
fn each_backup_is_listed_with_its_rows_its_pin_and_when_it_was_read_again() {
    let mut first = stored("a", 24 * 200);
    first.pinned = Some("before the <b>great</b> loss".to_owned());
    first.manifest.layers[0].rows = Some(4_321);
    let mut backups = vec![first];
    backups.extend((10..130).rev().map(|hours| stored("a", hours)));
    let mut read_again = stored("a", 5);
    read_again.verified = Some(made());
    let mut failed = stored("a", 3);
    failed.failed = Some("its content does not match".to_owned());
    backups.extend([read_again, failed]);
    let page = parsed(&report(vec![source("a", backups)]).html());
    let cells = texts(&page, ".backups td");
    let rows: Vec<_> = cells.chunks(9).collect();
    // The newest hundred, and what is pinned of the others.
    assert_eq!(rows.len(), 101);
    assert_eq!(rows[0][5], "did not pass: its content does not match");
    assert_eq!(rows[1][5], "2026-11-22 08:00");
    assert_eq!((&*rows[2][5], &*rows[2][6]), ("not since", ""));
    assert_eq!(rows[100][2], "4,321");
    assert_eq!(rows[100][6], "before the <b>great</b> loss");
    assert!(texts(&page, ".backups")[0].contains("and 22 earlier backups more"));
}

/// A policy that forbids the page its own script would leave it with dates, and without a warning
/// that it is out of date.
#[test]
fn the_policy_allows_the_script_of_the_page_and_no_other() {
    let html = report(vec![source("a", vec![stored("a", 1)])]).html();
    let (_, script) = html.split_once("<script>").unwrap();
    let (script, _) = script.split_once("</script>").unwrap();
    let hash = ring::digest::digest(&ring::digest::SHA256, script.as_bytes());
    let hash = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, hash);
    assert!(
        html.contains(&format!("script-src 'sha256-{hash}'\"")),
        "{hash}"
    );
    assert!(!script.contains("fetch") && !script.contains("innerHTML"));
}

/// What the script goes by.
#[test]
fn the_page_says_when_a_newer_one_is_expected() {
    let mut told = report(vec![source("a", vec![stored("a", 1)])]);
    told.expect_next_within(SignedDuration::from_hours(30));
    let page = parsed(&told.html());
    assert_eq!(attributes(&page, "data-due"), ["2026-11-23T14:00:00.000Z"]);
    assert_eq!(
        texts(&page, ".made"),
        ["As of 2026-11-22 08:00 (UTC). A newer page is due by 2026-11-23 14:00."]
    );
}

#[test]
fn an_empty_destination_says_so() {
    let page = parsed(&report(vec![]).html());
    assert_eq!(texts(&page, "h1"), ["There are no backups here yet."]);
    assert!(texts(&page, "table").is_empty());
}

#[test]
fn a_source_is_known_to_be_unchanged_only_where_it_lies() {
    let place = Place::new();
    let path = place.build("a.gpkg", &common::tiny());
    // What was written a moment ago proves nothing: it may be written again in the same tick.
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    let stored = place.save(&path);
    let (now, owner) = (jiff::Timestamp::now(), &stored.manifest.source);
    assert!(still_holds(&stored, owner, &place.settings.machine, now));
    assert!(!still_holds(
        &stored,
        owner,
        &common::machine("another-host", Some("another")),
        now
    ));
    common::writable(&path)
        .execute_batch("UPDATE accounts SET remarks = 'seen'")
        .unwrap();
    assert!(!still_holds(&stored, owner, &place.settings.machine, now));
    fs::remove_file(&path).unwrap();
    assert!(!still_holds(&stored, owner, &place.settings.machine, now));
}

#[test]
fn an_earlier_report_is_replaced_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    let path = folder.path().join("report.html");
    let (one, two) = (
        report(vec![]).html(),
        report(vec![source("a", vec![stored("a", 1)])]).html(),
    );
    write(&one, true, &path, &disk).unwrap();
    write(&two, true, &path, &disk).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), two);
    let other = folder.path().join("town.gpkg");
    fs::write(&other, "precious").unwrap();
    let refused = write(&one, true, &other, &disk).unwrap_err();
    assert!(matches!(refused, ReportError::NotAReport(_)), "{refused}");
    assert_eq!(fs::read_to_string(&other).unwrap(), "precious");
    let nowhere = folder.path().join("missing/report.html");
    assert!(matches!(
        write(&one, true, &nowhere, &disk),
        Err(ReportError::Write { .. })
    ));
    assert!(matches!(
        write(&one, true, folder.path(), &disk),
        Err(ReportError::NotAReport(_))
    ));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

/// Each call to the disk fails in turn, once or for good: the earlier report is there, or the new one, whole.
#[test]
fn a_report_is_never_half_written() {
    let (old, new) = (report(vec![]).html(), report(vec![hostile()]).html());
    let attempt = |fault: Option<DiskFault>| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        let disk = FailingDisk::new(Arc::new(OsDisk));
        fs::write(&path, &old).unwrap();
        if let Some(fault) = fault {
            disk.plan(fault);
        }
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let result = write(&new, true, &path, &shared);
        let (calls, failed) = disk.clear();
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text == old || text == new,
            "{fault:?}: {} bytes",
            text.len()
        );
        assert!(result.is_err() || text == new, "{fault:?}");
        assert_eq!(result.is_err(), failed > 0, "{fault:?}");
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert!(
            left == 1 || fault.is_some_and(|fault| fault.sticky),
            "{fault:?}: {left} files"
        );
        calls
    };
    let calls = attempt(None);
    assert!(calls >= 4, "{calls}");
    for at in 0..calls {
        for sticky in [false, true] {
            let failure = Failure::FULL;
            attempt(Some(DiskFault {
                at,
                sticky,
                failure,
            }));
        }
    }
}
