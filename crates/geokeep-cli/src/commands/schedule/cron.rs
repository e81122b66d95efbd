//! The user's crontab, through the program `crontab`.

use geokeep::schedule::{Plan, cron};

use super::{Installed, Status, refused, tool};
use crate::failure::Failure;
use geokeep::wire::ScheduleText;

const PLACE: &str = "your crontab";

pub(super) fn texts(plan: &Plan) -> Result<Vec<ScheduleText>, Failure> {
    let text = cron::block(plan).map_err(refused)?;
    Ok(vec![ScheduleText::new(PLACE.as_ref(), text)])
}

/// The current crontab; empty if there is none.
fn read() -> Result<Vec<u8>, Failure> {
    let output = tool::output("crontab", &["-l"], b"")?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let words = tool::own_words(&output);
    // The same exit code as for every failure.
    if words.contains("no crontab for") || words.contains("No such file") {
        return Ok(Vec::new());
    }
    Err(super::failed("could not read your crontab", &words))
}

/// The crontab, or `None` where there is no cron, and so no lines of ours.
fn read_if_any() -> Result<Option<Vec<u8>>, Failure> {
    match read() {
        Err(failure) if failure.is_missing_tool() => Ok(None),
        other => other.map(Some),
    }
}

pub(super) fn install(plan: &Plan) -> Result<Installed, Failure> {
    let block = cron::block(plan).map_err(refused)?;
    let crontab = cron::with(&read()?, &block).map_err(refused)?;
    tool::must("crontab", &["-"], &crontab)?;
    Ok(Installed {
        place: PLACE.to_owned(),
        notes: vec![
            "the machine must be on, and cron running: what was missed is not made up for"
                .to_owned(),
        ],
    })
}

pub(super) fn remove() -> Result<bool, Failure> {
    let Some(crontab) = read_if_any()? else {
        return Ok(false);
    };
    let Some(left) = cron::without(&crontab).map_err(refused)? else {
        return Ok(false);
    };
    if left.is_empty() {
        tool::must("crontab", &["-r"], b"")?;
    } else {
        tool::must("crontab", &["-"], &left)?;
    }
    Ok(true)
}

pub(super) fn status() -> Result<Option<Status>, Failure> {
    let Some(crontab) = read_if_any()? else {
        return Ok(None);
    };
    let lines = cron::lines(&crontab).map_err(refused)?;
    if lines.is_empty() {
        return Ok(None);
    }
    let next = cron::next_run(&lines, &jiff::Zoned::now());
    Ok(Some(Status {
        place: PLACE.to_owned(),
        next_run: next.map(|next| next.timestamp()),
        notes: vec!["cron keeps no record of runs; geokeep list shows the backups".to_owned()],
        ..Status::default()
    }))
}
