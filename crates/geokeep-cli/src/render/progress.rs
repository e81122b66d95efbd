//! A progress bar on a terminal; nothing anywhere else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use geokeep::Watch;
use indicatif::{ProgressBar, ProgressStyle};

use crate::settings::Context;

/// Draws bytes and files until it is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    stop: Arc<AtomicBool>,
    drawing: Option<JoinHandle<()>>,
}

impl Progress {
    pub(crate) fn start(context: &Context, files: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        if !context.terminal {
            return Self {
                bar: ProgressBar::hidden(),
                stop,
                drawing: None,
            };
        }
        let bar = ProgressBar::new(0);
        let template = "{spinner} {msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        let (watch, drawn, stopped) = (context.watch.clone(), bar.clone(), Arc::clone(&stop));
        let drawing = std::thread::spawn(move || {
            while !stopped.load(Relaxed) {
                show(&drawn, &watch, files);
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        Self {
            bar,
            stop,
            drawing: Some(drawing),
        }
    }

    /// Prints a line above the bar.
    pub(crate) fn line(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    /// One more file is done.
    pub(crate) fn file_done(&self) {
        self.bar
            .set_prefix(self.done().saturating_add(1).to_string());
    }

    fn done(&self) -> u64 {
        self.bar.prefix().parse().unwrap_or(0)
    }
}

fn show(bar: &ProgressBar, watch: &Watch, files: u64) {
    let done: u64 = bar.prefix().parse().unwrap_or(0);
    let waiting = watch.waiting_for_lock();
    let message = if waiting > 0 {
        format!("{done}/{files} files, {waiting} waiting for another program's lock")
    } else {
        format!("{done}/{files} files")
    };
    bar.set_message(message);
    bar.set_length(watch.bytes_total());
    bar.set_position(watch.bytes_done().min(watch.bytes_total()));
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(drawing) = self.drawing.take() {
            let _ = drawing.join();
        }
        self.bar.finish_and_clear();
    }
}
