//! Events for programs: how far the work on each file is, and when its state is held.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use geokeep::wire::{ProgressObject, SnapshotObject};
use geokeep::{InWork, Moment, Monitor};

use super::json_line;

/// Between two looks at how far the work is.
const PAUSE: Duration = Duration::from_millis(100);

/// Whoever prints an event holds it, so that nothing is said of a file after its last one.
static PRINTING: Mutex<()> = Mutex::new(());

fn printing() -> MutexGuard<'static, ()> {
    PRINTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on begin, snapshot and end of the work on each file are printed.
pub(crate) fn print_moments(monitor: &Monitor) {
    monitor.on_moment(|file, moment| {
        let _printing = printing();
        match moment {
            Moment::Begun => json_line(&ProgressObject::of(file)),
            Moment::Held(instant) => json_line(&SnapshotObject::of(file, instant)),
            Moment::Ended => json_line(&ProgressObject::ended(file)),
            _ => {}
        }
    });
}

/// Prints how far the work is, from time to time, until it is to stop.
pub(super) fn print_progress(monitor: &Monitor, stop: &AtomicBool) {
    let mut said: BTreeMap<*const InWork, u64> = BTreeMap::new();
    while !stop.load(Relaxed) {
        {
            let _printing = printing();
            let in_work = monitor.in_work();
            said.retain(|file, _| in_work.iter().any(|one| Arc::as_ptr(one) == *file));
            for file in &in_work {
                let done = file.done();
                let before = said.insert(Arc::as_ptr(file), done);
                if done > before.unwrap_or(0) {
                    json_line(&ProgressObject::of(file));
                }
            }
        }
        std::thread::sleep(PAUSE);
    }
}
