//! People who hear of a run: by mail, by what the desktop shows, by a program of their own. What
//! goes wrong with that is said, and changes nothing about the backups.

mod desktop;
mod mail;
mod text;

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use geokeep::jobs::config::{Job, Notices, Way};

use super::program;
pub(crate) use text::Notice;

/// A program that hangs must not hold a run up for longer.
const PROGRAM_TIME: Duration = Duration::from_secs(600);
/// Nor a server, nor a desktop.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// Tells people by each way that the job names; of each what came of it.
pub(crate) fn tell(job: &Job, notice: &Notice) -> Vec<(Way, Result<(), String>)> {
    let unsaid = Notices::default();
    let notices = job.notices.as_ref().unwrap_or(&unsaid);
    let ways = job.notify.iter().copied();
    ways.map(|way| (way, by(way, notices, notice))).collect()
}

fn by(way: Way, notices: &Notices, notice: &Notice) -> Result<(), String> {
    match way {
        Way::Mail => mail::send(notices, notice),
        Way::Desktop => desktop::show(notice),
        Way::Command => program::tell(&notices.command, &notice.text(), PROGRAM_TIME),
    }
}

/// What comes of something that may never end: then it is left alone.
fn in_time(work: impl FnOnce() -> Result<(), String> + Send + 'static) -> Result<(), String> {
    let (sender, heard) = channel();
    std::thread::spawn(move || sender.send(work()));
    match heard.recv_timeout(ANSWER_TIME) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => {
            Err(format!("no answer within {} s", ANSWER_TIME.as_secs()))
        }
        Err(RecvTimeoutError::Disconnected) => Err("it stopped unexpectedly".to_owned()),
    }
}
