//! A progress bar on a terminal; events for programs, if they want them; nothing anywhere else.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use console::{Term, measure_text_width};
use geokeep::words::{human_bytes, one_line, shortened};
use geokeep::{InWork, Monitor, Phase};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::margin::Margin;
use crate::settings::Context;

/// The length of the bar in steps.
const STEPS: u64 = 1000;
/// A terminal of fewer columns has no room for a bar beside the text.
const NARROW: usize = 60;
/// Columns before the text, without a bar and with one.
const BESIDE: [usize; 2] = [2, 19];
/// Characters of a name.
const NAME_MAX: usize = 32;

/// The bar that is drawn now, if any: whatever is printed must be printed above it.
static DRAWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

fn drawn() -> MutexGuard<'static, Option<ProgressBar>> {
    DRAWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Prints something above the bar.
pub(super) fn above(print: impl FnOnce()) {
    match &*drawn() {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

/// By what it is told how much is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// All lengths are known when it begins.
    Bytes,
    /// Lengths get known one by one.
    Files,
}

/// Draws until it is dropped what is done, and with which file.
pub(crate) struct Progress {
    files_done: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    drawing: Option<JoinHandle<()>>,
}

impl Progress {
    pub(crate) fn start(context: &Context, files: u64, measure: Measure) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let files_done = Arc::new(AtomicU64::new(0));
        let mut progress = Self {
            files_done: Arc::clone(&files_done),
            stop: Arc::clone(&stop),
            drawing: None,
        };
        if context.events {
            let monitor = context.monitor.clone();
            let print = move || super::events::print_progress(&monitor, &stop);
            progress.drawing = Some(std::thread::spawn(print));
            return progress;
        }
        if !context.terminal {
            return progress;
        }
        let bar = ProgressBar::with_draw_target(
            Some(STEPS),
            ProgressDrawTarget::term_like_with_hz(Box::new(Margin(Term::stderr())), 10),
        );
        let template = if columns() < NARROW {
            "{spinner} {msg}"
        } else {
            "{spinner} {bar:16} {msg}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        *drawn() = Some(bar.clone());
        let state = State {
            monitor: context.monitor.clone(),
            files,
            files_done,
            measure,
        };
        progress.drawing = Some(std::thread::spawn(move || {
            while !stop.load(Relaxed) {
                let (step, text) = state.now();
                bar.set_position(step);
                bar.set_message(text);
                std::thread::sleep(Duration::from_millis(100));
            }
        }));
        progress
    }

    /// One more file is done.
    pub(crate) fn file_done(&self) {
        self.files_done.fetch_add(1, Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(drawing) = self.drawing.take() {
            let _ = drawing.join();
            if let Some(bar) = drawn().take() {
                bar.finish_and_clear();
            }
        }
    }
}

struct State {
    monitor: Monitor,
    files: u64,
    files_done: Arc<AtomicU64>,
    measure: Measure,
}

impl State {
    /// Where the bar stands, and what stands beside it.
    fn now(&self) -> (u64, String) {
        let width = columns();
        let beside = BESIDE[usize::from(width >= NARROW)];
        let texts = self.texts();
        let fits = |text: &&String| measure_text_width(text) + beside <= width;
        let text = texts.iter().find(fits).or(texts.last());
        (self.step(), text.cloned().unwrap_or_default())
    }

    /// Only what has ended is full.
    fn step(&self) -> u64 {
        let (done, total) = match self.measure {
            Measure::Bytes => (self.monitor.bytes_done(), self.monitor.bytes_total()),
            Measure::Files => {
                let in_work = self.monitor.in_work();
                let in_work = in_work.first().map_or(0, |file| file.thousandths());
                let done = self.files_done.load(Relaxed) * 1000 + in_work;
                (done, self.files * 1000)
            }
        };
        let step = u128::from(done) * u128::from(STEPS) / u128::from(total.max(1));
        u64::try_from(step).unwrap_or(STEPS).min(STEPS - 1)
    }

    /// What can be said, the most of it first.
    fn texts(&self) -> Vec<String> {
        let done = self.files_done.load(Relaxed).min(self.files);
        let percent = format!("{} %, ", self.step() * 100 / STEPS);
        let [files, short] = match self.files {
            0 | 1 => [percent.clone(), percent],
            files => [
                format!("{done} of {files} files, {percent}"),
                format!("{done}/{files}, {percent}"),
            ],
        };
        let what = if self.monitor.check().is_err() {
            ["stopping"; 3].map(str::to_owned)
        } else {
            in_work(&self.monitor.in_work(), self.monitor.waiting_for_lock())
        };
        let all = what.iter().map(|what| format!("{files}{what}"));
        all.chain([
            format!("{short}{}", what[2]),
            what[2].clone(),
            short.clone(),
        ])
        .collect()
    }
}

/// `checking town.gpkg (12.8 MB) and 3 more`, and the same in fewer words.
fn in_work(files: &[Arc<InWork>], waiting: u64) -> [String; 3] {
    let Some(first) = files.first() else {
        return ["finishing"; 3].map(str::to_owned);
    };
    let [word, short] = match first.phase() {
        Phase::Reading if waiting >= files.len() as u64 => {
            ["waiting for another program:", "waiting:"]
        }
        Phase::Reading => ["reading"; 2],
        Phase::Checking => ["checking"; 2],
        _ => ["writing"; 2],
    };
    let name = first.path.file_name().unwrap_or(first.path.as_os_str());
    let name = one_line(&shortened(&name.to_string_lossy(), NAME_MAX));
    let more = match files.len() {
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    let bytes = human_bytes(first.bytes);
    [
        format!("{word} {name} ({bytes}){more}"),
        format!("{word} {name}{more}"),
        format!("{short} {name}"),
    ]
}

fn columns() -> usize {
    Margin(Term::stderr()).width().into()
}
