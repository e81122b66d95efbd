//! A job from the text of a `geokeep.toml` to what its caller hears, gets and can pass on, without
//! the command: other callers of the library get the same.

use crate::common;

use std::fs;
use std::path::Path;
use std::time::Duration;

use common::{Place, tiny};
use geokeep::jobs::config::{ConfigError, Fault, Job, parse};
use geokeep::jobs::{Caller, Event, Every, Missed, Ran, Status, Why, back_up, run, status};
use geokeep::report::RunFailure;
use geokeep::source::{Expanded, expand};
use geokeep::wire::{self, BackupObject, Exit, Failure, RunObject, StatusObject};
use geokeep::{Kind, Monitor};
use jiff::tz::TimeZone;

const NIGHTLY: &str = "[[job]]
name = 'maps'
sources = ['sources/*.gpkg', 'sources/missing.gpkg']
to = 'backups'
report = 'maps.html'
max_age = '1h'
drill = 100
keep = { last = 1 }
";

fn job(text: &str, place: &Place) -> Job {
    let mut jobs = parse(text.into(), place.root(), None).unwrap();
    assert_eq!(jobs.len(), 1);
    jobs.remove(0)
}

fn found(job: &Job) -> Expanded {
    let mut no_lists = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
    expand(&job.sources, &mut no_lists, None)
}

/// Runs it, and returns what was heard in a word each, too.
fn ran(job: &Job, place: &Place) -> (Ran, Vec<String>) {
    let mut heard = Vec::new();
    let mut hear = |event: Event<'_>| {
        let text = format!("{event:?}");
        let end = text.find([' ', '(']).unwrap_or(text.len());
        heard.push(text[..end].to_owned());
    };
    let said = |missed: Missed<'_>| RunFailure {
        message: match missed {
            Missed::Failed(failed) => format!("no luck with {}", failed.path.display()),
            Missed::Gone(newest) => format!("no more {}", newest.manifest.name),
        },
        cause: None,
        hint: None,
    };
    let mut caller = Caller {
        monitor: &Monitor::default(),
        zone: TimeZone::UTC,
        memory: None,
        hear: &mut hear,
        say: &said,
    };
    let settings = place.settings.clone();
    let ran = run(job, found(job), Every::Run, settings, &mut caller);
    (ran, heard)
}

fn judged(job: &Job, place: &Place) -> Status {
    status(job, found(job), place.settings.clone())
}

/// A bar that grows as files are found, or stands full while there is work, tells nobody anything.
#[test]
fn all_that_is_to_be_read_is_known_before_the_first_file_is_begun() {
    let place = Place::new();
    let mut bytes = 0;
    for name in ["town.gpkg", "lake.gpkg", "wood.gpkg"] {
        bytes += fs::metadata(place.build(name, &tiny())).unwrap().len();
    }
    let job = job(
        "[[job]]\nname = 'm'\nsources = ['sources']\nto = 'backups'\n",
        &place,
    );
    let (destination, monitor) = (place.destination(), Monitor::default());
    for _ in 0..2 {
        let mut seen = Vec::new();
        let before = monitor.bytes_total();
        let mut hear = |event: Event<'_>| {
            if matches!(event, Event::Stored { .. }) {
                seen.push((monitor.bytes_done(), monitor.bytes_total()));
            }
        };
        back_up(
            found(&job),
            &destination,
            &place.settings,
            &monitor,
            &mut hear,
        )
        .unwrap();
        // Each is read, and what was written of it is read again.
        let total = before + 2 * bytes;
        assert!(
            seen.len() == 3 && seen.iter().all(|(_, all)| *all == total),
            "{seen:?}"
        );
        assert!(seen.is_sorted() && seen[0].0 < total, "{seen:?}");
        assert_eq!((monitor.bytes_done(), monitor.in_work().len()), (total, 0));
    }
}

#[test]
fn a_run_goes_its_way_and_tells_of_each_step() {
    let place = Place::new();
    place.build("town.gpkg", &tiny());
    place.build("lake.gpkg", &tiny());
    let job = job(NIGHTLY, &place);
    let (first, heard) = ran(&job, &place);
    assert!(first.error.is_none() && first.no_report.is_none());
    assert_eq!((first.summary.sources, first.summary.saved), (3, 2));
    assert_eq!(first.summary.failures(), [Kind::SourceUnreadable]);
    assert_eq!((first.drills.passed, first.forgotten.kept), (2, 2));
    assert_eq!(Exit::of_run(&first), Exit::Incomplete);
    let backed_up = heard.iter().position(|word| word == "BackedUp").unwrap();
    let (before, after) = heard.split_at(backed_up);
    assert_eq!(before.iter().filter(|word| *word == "Stored").count(), 2);
    assert_eq!(before.iter().filter(|word| *word == "Failed").count(), 1);
    assert_eq!(
        after,
        ["BackedUp", "Forgetting", "Forgetting", "Forgetting"]
    );
    let page = fs::read_to_string(place.root().join("maps.html")).unwrap();
    assert!(page.contains("no luck with"), "{page}");

    // The next one keeps one backup of what has changed, and tells that a file has gone.
    fs::remove_file(place.source("lake.gpkg")).unwrap();
    let connection = rusqlite::Connection::open(place.source("town.gpkg")).unwrap();
    connection.execute_batch("CREATE TABLE more(x)").unwrap();
    drop(connection);
    let (second, heard) = ran(&job, &place);
    assert_eq!((second.summary.saved, second.forgotten.removed), (1, 1));
    assert_eq!(second.summary.gone.len(), 1);
    assert!(second.summary.needs_attention() && heard.contains(&"Gone".to_owned()));
    let page = fs::read_to_string(place.root().join("maps.html")).unwrap();
    assert!(page.contains("no more lake"), "{page}");
    let (third, _) = ran(&job, &place);
    assert!(third.summary.gone.len() == 1 && third.summary.needs_attention());
}

#[test]
fn the_status_is_what_was_promised() {
    let place = Place::new();
    let town = place.build("town.gpkg", &tiny());
    let text = NIGHTLY.replace(", 'sources/missing.gpkg'", "");
    let job = job(&text, &place);
    let before = judged(&job, &place);
    assert!(matches!(before.sources[0].why, Some(Why::Unusable)));
    assert_eq!(before.unusable.unwrap().kind(), Kind::NoSuchDestination);

    ran(&job, &place);
    let after = judged(&job, &place);
    assert!(after.unusable.is_none() && !after.sources[0].overdue);
    let line = StatusObject::of(&job, &after.sources[0], None);
    assert_eq!((line.kind, line.max_age_seconds), ("status", 3600));
    assert_eq!(line.name.as_deref(), Some("town"));

    // Where a newer backup is there and is broken, that is why the newest sound one is too old.
    let mut late = place.settings.clone();
    let then = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(2);
    late.clock = geokeep::snapshot::Clock::new(move || then);
    let connection = rusqlite::Connection::open(&town).unwrap();
    connection.execute_batch("CREATE TABLE more(x)").unwrap();
    drop(connection);
    let second = place.save(&town);
    place
        .destination()
        .note_failed(&second.id, "a test")
        .unwrap();
    let overdue = status(&job, found(&job), late);
    assert!(overdue.sources[0].overdue);
    assert!(matches!(overdue.sources[0].why, Some(Why::Failed)));
}

#[test]
fn a_job_that_fails_as_a_whole_says_why() {
    let place = Place::new();
    place.build("town.gpkg", &tiny());
    let inside = NIGHTLY.replace("'sources/*.gpkg'", "'sources'");
    let inside = inside.replace("to = 'backups'", "to = 'sources/backups'");
    let (ran_inside, heard) = ran(&job(&inside, &place), &place);
    assert_eq!(ran_inside.error.unwrap().kind(), Kind::Usage);
    assert!(heard.is_empty() && !place.source("backups").exists());
    let absent = NIGHTLY.replace("drill = 100", "must_exist = true");
    let (ran_absent, _) = ran(&job(&absent, &place), &place);
    assert_eq!(Exit::of_run(&ran_absent), Exit::NoSuchDestination);
}

/// The object of a run has its fields in this order, which hooks and logs rely on.
#[test]
fn what_programs_read_is_as_it_was() {
    let place = Place::new();
    place.build("town.gpkg", &tiny());
    let job = job(NIGHTLY, &place);
    let (ran, _) = ran(&job, &place);
    let failure = || Failure {
        kind: Kind::SourceUnreadable.as_str(),
        message: "could\u{202e} not".to_owned(),
        cause: None,
        state: None,
        hint: None,
    };
    let failed = &ran.summary.failed[0];
    let sources = vec![BackupObject::not_stored(failed, failure())];
    let text = wire::json(&RunObject::of(&job, &ran, sources, None::<Failure>));
    let expected =
        "{\"kind\":\"run\",\"job\":\"maps\",\"status\":\"incomplete\",\"exit\":3,\"started\":";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("\"message\":\"could\\u202e not\""), "{text}");
    let keys = [
        "kind",
        "job",
        "status",
        "exit",
        "started",
        "ended",
        "saved",
        "unchanged",
        "failed",
        "damaged",
        "lossy",
        "gone",
        "unreadable",
        "not_protected",
        "stored_bytes",
        "forgotten",
        "drilled",
        "drills_failed",
        "drills_not_made",
        "sources",
        "error",
        "data_loss",
        "retired",
    ];
    let places = keys.map(|key| text.find(&format!("\"{key}\":")).unwrap());
    assert!(places[..20].is_sorted(), "{text}");
    assert_eq!(wire::VERSION, 1);
}

#[test]
fn a_configuration_is_read_with_its_paths_and_its_faults() {
    let text = "host = 'desk'\n[[job]]\nname = 'a'\nsources = ['~/x', '@list.txt', '/abs']\nto = 'b'\n\
                lock_wait = '5m'\nmethod = 'auto'\n";
    let jobs = parse(
        text.into(),
        Path::new("/etc"),
        Some(Path::new("/home/anna")),
    )
    .unwrap();
    let (job, all) = (&jobs[0], ["/home/anna/x", "@/etc/list.txt", "/abs"]);
    assert!(job.sources.iter().eq(all.map(Path::new).iter()), "{job:?}");
    assert_eq!((job.to.as_path(), job.method), (Path::new("/etc/b"), None));
    assert_eq!(job.lock_wait, Duration::from_secs(300));
    assert_eq!(job.host.as_deref(), Some("desk"));
    let wrong = parse(
        text.replace("'auto'", "'page'").into(),
        Path::new("/"),
        None,
    );
    let Err(ConfigError::At {
        line,
        column,
        fault,
    }) = wrong
    else {
        panic!("{wrong:?}");
    };
    assert_eq!((line, column), (7, 10));
    assert!(matches!(fault, Fault::UnknownMethod { name } if name == "page"));
    let bytes = b"name = '\xff'".to_vec();
    assert!(matches!(
        parse(bytes, Path::new("/"), None),
        Err(ConfigError::NoText)
    ));
}
