//! Lines of a user's crontab, between two comments by which they are found again.

use jiff::{ToSpan, Unit, Zoned};

use super::{Plan, Regular, ScheduleError, When, is_plain};

/// The line before ours.
pub const BEGIN: &str = "# geokeep schedule: begin";

/// The line after ours.
pub const END: &str = "# geokeep schedule: end";

/// Our lines, with the comments around them.
pub fn block(plan: &Plan) -> Result<String, ScheduleError> {
    let mut text = format!("{BEGIN}\n# 'geokeep schedule remove' removes these lines.\n");
    for fields in fields(&plan.when)? {
        text.push_str(&format!("{fields} {}\n", command(plan)));
    }
    text.push_str(END);
    text.push('\n');
    Ok(text)
}

fn fields(when: &When) -> Result<Vec<String>, ScheduleError> {
    let interval = match when {
        When::At(times) => {
            let one = |t: &super::TimeOfDay| format!("{} {} * * *", t.minute, t.hour);
            return Ok(times.iter().map(one).collect());
        }
        When::Every(interval) => interval,
    };
    let fields = match interval.regular().ok_or(ScheduleError::NotForCron)? {
        Regular::Minutes(1) => "* * * * *".to_owned(),
        Regular::Minutes(n) => format!("*/{n} * * * *"),
        Regular::Hours(1) => "0 * * * *".to_owned(),
        Regular::Hours(24) => "0 0 * * *".to_owned(),
        Regular::Hours(n) => format!("0 */{n} * * *"),
    };
    Ok(vec![fields])
}

/// Results are for the eye and go nowhere; errors come by mail, as cron does it.
fn command(plan: &Plan) -> String {
    let mut words = vec![for_cron(&plan.program)];
    words.extend(plan.arguments().into_iter().map(for_cron));
    format!("{} >/dev/null", words.join(" "))
}

/// Quoted for `sh`, in a way that every cron hands on as it is: `\%` becomes `%` in all of them,
/// but two backslashes become one in some. So none stands before another, or before a `%`.
fn for_cron(argument: &str) -> String {
    if is_plain(argument) {
        return argument.to_owned();
    }
    let mut quoted = String::from("'");
    for c in argument.chars() {
        match c {
            '\'' => quoted.push_str(r"'\''"),
            '\\' => quoted.push_str(r"\''"),
            '%' => quoted.push_str(r"\%"),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// A crontab in three parts: before our lines, ours with their comments, after them. Without ours
/// everything is before.
fn parted(crontab: &[u8]) -> Result<[&[u8]; 3], ScheduleError> {
    let (mut at, mut begin, mut end) = (0, None, None);
    for line in crontab.split_inclusive(|b| *b == b'\n') {
        let next = at + line.len();
        if line.trim_ascii() == BEGIN.as_bytes() && begin.replace(at).is_some()
            || line.trim_ascii() == END.as_bytes() && end.replace(next).is_some()
        {
            return Err(ScheduleError::BrokenCrontab);
        }
        at = next;
    }
    match (begin, end) {
        (None, None) => Ok([crontab, b"", b""]),
        (Some(begin), Some(end)) if begin < end => {
            Ok([&crontab[..begin], &crontab[begin..end], &crontab[end..]])
        }
        _ => Err(ScheduleError::BrokenCrontab),
    }
}

/// The crontab with `block` for our lines: where they were, or at the end. All else stays byte for
/// byte.
pub fn with(crontab: &[u8], block: &str) -> Result<Vec<u8>, ScheduleError> {
    let [before, _, after] = parted(crontab)?;
    let mut text = before.to_vec();
    if text.last().is_some_and(|last| *last != b'\n') {
        text.push(b'\n');
    }
    text.extend_from_slice(block.as_bytes());
    text.extend_from_slice(after);
    Ok(text)
}

/// The crontab without our lines, or `None` if they are not there.
pub fn without(crontab: &[u8]) -> Result<Option<Vec<u8>>, ScheduleError> {
    let [before, ours, after] = parted(crontab)?;
    Ok((!ours.is_empty()).then(|| [before, after].concat()))
}

/// Our lines in a crontab, without the comments; empty if there are none.
pub fn lines(crontab: &[u8]) -> Result<Vec<String>, ScheduleError> {
    let [_, ours, _] = parted(crontab)?;
    let text = String::from_utf8_lossy(ours);
    let ours = text.lines().filter(|line| !line.starts_with('#'));
    Ok(ours.map(str::to_owned).collect())
}

/// When cron next runs one of these lines. It keeps no record of what it ran.
#[must_use]
pub fn next_run(lines: &[String], now: &Zoned) -> Option<Zoned> {
    let mut at = now
        .round(
            jiff::ZonedRound::new()
                .smallest(Unit::Minute)
                .mode(jiff::RoundMode::Trunc),
        )
        .ok()?;
    for _ in 0..=25 * 60 {
        at = at.checked_add(1.minute()).ok()?;
        if lines.iter().any(|line| is_due(line, &at)) {
            return Some(at);
        }
    }
    None
}

/// Knows what [`block`] writes.
fn is_due(line: &str, at: &Zoned) -> bool {
    let mut fields = line.split(' ');
    let mut meets = |value: i8| match fields.next() {
        Some("*") => true,
        Some(field) => match field.strip_prefix("*/") {
            Some(step) => step
                .parse()
                .is_ok_and(|step: i8| step > 0 && value % step == 0),
            None => field.parse() == Ok(value),
        },
        None => false,
    };
    meets(at.minute()) && meets(at.hour())
}
