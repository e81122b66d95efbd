//! How many sources are in work at a time: what waits for the disk does not keep others waiting, and
//! what needs the processors does not get in the way of others.

use crate::common;

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use common::{Place, tiny};
use geokeep::Monitor;
use geokeep::backup::{Settings, plan, run};
use geokeep::source::Source;
use testkit::gpkg::Options;

/// How many sources are in work, and how many have been at most.
#[derive(Default)]
struct InWork {
    now: usize,
    most: usize,
}

/// Backs up `files`, each of which goes on as soon as `wanted` of them are in work, or after `patience`.
/// Returns how many were at most.
fn most_in_work(
    place: &Place,
    files: &[PathBuf],
    at_once: usize,
    wanted: usize,
    patience: Duration,
) -> usize {
    let sources = files.iter().map(|path| Source::new(path).unwrap());
    let settings = Settings {
        at_once,
        ..place.settings.clone()
    };
    let destination = place.destination();
    let planned = plan(sources.collect(), Vec::new(), &destination, &settings).unwrap();
    let in_work = Arc::new((Mutex::new(InWork::default()), Condvar::new()));
    let monitor = Monitor::default();
    let witness = Arc::clone(&in_work);
    monitor.on_moment(move |_, moment| {
        let (state, news) = &*witness;
        let mut state = state.lock().unwrap();
        match moment {
            geokeep::Moment::Begun => {
                state.now += 1;
                state.most = state.most.max(state.now);
                news.notify_all();
                let until = Instant::now() + patience;
                while state.most < wanted && Instant::now() < until {
                    state = news.wait_timeout(state, patience).unwrap().0;
                }
            }
            geokeep::Moment::Ended => state.now -= 1,
            _ => {}
        }
    });
    run(
        &planned,
        &destination,
        &settings,
        &monitor,
        &|one, outcome, _| {
            assert!(outcome.is_ok(), "{}: {outcome:?}", one.line);
        },
    );
    in_work.0.lock().unwrap().most
}

fn files(place: &Place, number: usize, options: &Options) -> Vec<PathBuf> {
    let file = |n: usize| {
        let seed = n as u64 + 1;
        let options = Options {
            seed,
            ..options.clone()
        };
        place.build(&format!("{n}.gpkg"), &options)
    };
    (0..number).map(file).collect()
}

#[test]
fn small_ones_wait_for_the_disk_together() {
    let place = Place::new();
    let files = files(&place, 10, &tiny());
    let most = most_in_work(&place, &files, 2, 8, Duration::from_secs(60));
    assert_eq!(most, 8);
}

#[test]
fn who_wants_one_at_a_time_gets_that() {
    let place = Place::new();
    let files = files(&place, 4, &tiny());
    let most = most_in_work(&place, &files, 1, 2, Duration::from_millis(50));
    assert_eq!(most, 1);
}

#[test]
fn large_ones_take_turns() {
    let place = Place::new();
    let options = Options {
        rows: 3000,
        tiles: 2600,
        ..Options::default()
    };
    let files = files(&place, 5, &options);
    assert!(files[0].metadata().unwrap().len() > 1 << 20);
    let most = most_in_work(&place, &files, 2, 3, Duration::from_millis(200));
    assert_eq!(most, 2);
}
