//! Dates as people write them: the stretch of time that a text names.

use jiff::civil::{Date, DateTime, ISOWeekDate, Time, Weekday};
use jiff::{SignedDuration, Span, Timestamp, ToSpan, Zoned};

/// What [`stretch`] understands, for those who wrote something else.
pub const UNDERSTOOD: &str =
    "2026-11-20, 2026-11-20T18:00, 2026-11, yesterday, 'last tuesday', '3 days ago'";

/// From when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Its first moment.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
}

impl Stretch {
    /// Whether it is so short that an instant was written, to the second or finer.
    #[must_use]
    pub fn is_instant(&self) -> bool {
        self.start.duration_until(self.end) <= SignedDuration::from_secs(1)
    }

    fn local(start: DateTime, span: Span, now: &Zoned) -> Option<Self> {
        let at = |time: DateTime| {
            let zoned = time.to_zoned(now.time_zone().clone()).ok()?;
            Some(zoned.timestamp())
        };
        Some(Self {
            start: at(start)?,
            end: at(start.checked_add(span).ok()?)?,
        })
    }

    fn days(first: Date, span: Span, now: &Zoned) -> Option<Self> {
        Self::local(first.to_datetime(Time::midnight()), span, now)
    }
}

/// The year, month, week, day, hour, minute, second or millisecond that a text names: in ISO 8601,
/// of the zone of `now` where it names none, or in words, seen from `now`.
#[must_use]
pub fn stretch(text: &str, now: &Zoned) -> Option<Stretch> {
    let text = text.trim();
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        iso(text, now).or_else(|| in_words(text, now))
    } else {
        in_words(text, now)
    }
}

fn iso(text: &str, now: &Zoned) -> Option<Stretch> {
    let Some((day, time)) = text.split_once(['T', 't', ' ']) else {
        return iso_day(text, now);
    };
    day.parse::<Date>().ok()?;
    let step = precision(time)?;
    if let Ok(start) = text.parse::<Timestamp>() {
        let end = start
            .checked_add(SignedDuration::try_from(step).ok()?)
            .ok()?;
        return Some(Stretch { start, end });
    }
    // A zone that is not understood is none to be passed over.
    let has_zone = time.contains(['Z', 'z', '+', '-', '[']);
    let local = (!has_zone).then(|| text.parse::<DateTime>().ok())??;
    Stretch::local(local, step, now)
}

/// To what a time of day is written.
fn precision(time: &str) -> Option<Span> {
    let digits_only = |c: char| c.is_ascii_digit() || c == ':';
    let whole = time.find(|c| !digits_only(c)).unwrap_or(time.len());
    if time[whole..].starts_with(['.', ',']) {
        return Some(1.millisecond());
    }
    match time[..whole].bytes().filter(u8::is_ascii_digit).count() {
        2 => Some(1.hour()),
        4 => Some(1.minute()),
        6 => Some(1.second()),
        _ => None,
    }
}

fn iso_day(text: &str, now: &Zoned) -> Option<Stretch> {
    let first = |text: String| text.parse::<Date>().ok();
    let week = |text: String| Some(text.parse::<ISOWeekDate>().ok()?.date());
    let (first, span) = match text.len() {
        4 => (first(format!("{text}-01-01"))?, 1.year()),
        7 => (first(format!("{text}-01"))?, 1.month()),
        8 if text.contains(['W', 'w']) => (week(format!("{text}-1"))?, 1.week()),
        _ if text.contains(['W', 'w']) => (week(text.to_owned())?, 1.day()),
        _ => (first(text.to_owned())?, 1.day()),
    };
    Stretch::days(first, span, now)
}

/// `yesterday`, `last tuesday`, `3 days ago`, each with a time of day if it names a day. A shell
/// likes a word better that holds no space: `last-tuesday`.
fn in_words(text: &str, now: &Zoned) -> Option<Stretch> {
    let text = text.to_lowercase();
    let mut words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c == '-' || c == '_')
        .filter(|word| !word.is_empty())
        .collect();
    let time = words.last().copied().filter(|word| word.contains(':'));
    if time.is_some() {
        words.pop();
        words.pop_if(|word| *word == "at");
    }
    let named = named(&words, now)?;
    let Some(time) = time else {
        return Some(named);
    };
    let step = precision(time)?;
    let day = named.start.to_zoned(now.time_zone().clone()).date();
    let is_a_day = Stretch::days(day, 1.day(), now) == Some(named);
    let at = is_a_day.then(|| time.parse::<Time>().ok())??;
    Stretch::local(day.to_datetime(at), step, now)
}

fn named(words: &[&str], now: &Zoned) -> Option<Stretch> {
    let today = now.date();
    let back = |span: Span| today.checked_sub(span).ok();
    let first_of_month = |date: Date| date.first_of_month();
    let (first, span) = match words {
        ["now"] => {
            let now = now.timestamp();
            return Some(Stretch {
                start: now,
                end: now,
            });
        }
        ["today"] => (today, 1.day()),
        ["yesterday"] => (back(1.day())?, 1.day()),
        ["last", "week"] => {
            let monday = back(today.weekday().since(Weekday::Monday).days())?;
            (monday.checked_sub(1.week()).ok()?, 1.week())
        }
        ["last", "month"] => (first_of_month(back(1.month())?), 1.month()),
        ["last", "year"] => (back(1.year())?.first_of_year(), 1.year()),
        // The one that is over: on a Tuesday, the one of the week before.
        ["last", day] => (today.nth_weekday(-1, weekday(day)?).ok()?, 1.day()),
        [day] => {
            let since = today.weekday().since(weekday(day)?);
            (back(since.days())?, 1.day())
        }
        [.., "ago"] => return ago(words, now),
        _ => return None,
    };
    Stretch::days(first, span, now)
}

/// A day, or where hours or less are named that very moment.
fn ago(words: &[&str], now: &Zoned) -> Option<Stretch> {
    let span: Span = words.join(" ").parse().ok()?;
    let then = now.checked_add(span).ok()?;
    if (span.get_hours(), span.get_minutes(), span.get_seconds()) == (0, 0, 0) {
        Stretch::days(then.date(), 1.day(), now)
    } else {
        let (start, end) = (then.timestamp(), then.timestamp());
        Some(Stretch { start, end })
    }
}

fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "monday" | "mon" => Weekday::Monday,
        "tuesday" | "tue" => Weekday::Tuesday,
        "wednesday" | "wed" => Weekday::Wednesday,
        "thursday" | "thu" => Weekday::Thursday,
        "friday" | "fri" => Weekday::Friday,
        "saturday" | "sat" => Weekday::Saturday,
        "sunday" | "sun" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    /// A Thursday, in a zone whose days are not those of UTC.
    fn now() -> Zoned {
        "2026-11-26T00:30:00+01:00[Europe/Berlin]".parse().unwrap()
    }

    fn local(text: &str) -> Timestamp {
        let time: DateTime = text.parse().unwrap();
        time.to_zoned(now().time_zone().clone())
            .unwrap()
            .timestamp()
    }

    #[test]
    fn what_people_write() {
        for (text, start, end) in [
            ("2026", "2026-01-01", "2027-01-01"),
            ("2026-10", "2026-10-01", "2026-11-01"),
            ("2026-W47", "2026-11-16", "2026-11-23"),
            ("2026-W47-2", "2026-11-17", "2026-11-18"),
            ("2026-11-20", "2026-11-20", "2026-11-21"),
            ("20261120", "2026-11-20", "2026-11-21"),
            (" 2026-11-20 ", "2026-11-20", "2026-11-21"),
            ("2026-11-20T18", "2026-11-20T18:00", "2026-11-20T19:00"),
            ("2026-11-20T18:00", "2026-11-20T18:00", "2026-11-20T18:01"),
            ("2026-11-20 18:00", "2026-11-20T18:00", "2026-11-20T18:01"),
            (
                "2026-11-20 18:00:05",
                "2026-11-20T18:00:05",
                "2026-11-20T18:00:06",
            ),
            ("2026-11-20T17:00Z", "2026-11-20T18:00", "2026-11-20T18:01"),
            (
                "2026-11-20T18:00:05.123+01:00",
                "2026-11-20T18:00:05.123",
                "2026-11-20T18:00:05.124",
            ),
            ("today", "2026-11-26", "2026-11-27"),
            ("Yesterday", "2026-11-25", "2026-11-26"),
            ("yesterday 18:00", "2026-11-25T18:00", "2026-11-25T18:01"),
            ("yesterday at 18:00", "2026-11-25T18:00", "2026-11-25T18:01"),
            ("last tuesday", "2026-11-24", "2026-11-25"),
            ("last-tuesday", "2026-11-24", "2026-11-25"),
            ("Last Thursday", "2026-11-19", "2026-11-20"),
            ("thursday", "2026-11-26", "2026-11-27"),
            ("fri", "2026-11-20", "2026-11-21"),
            ("last week", "2026-11-16", "2026-11-23"),
            ("last month", "2026-10-01", "2026-11-01"),
            ("last year", "2025-01-01", "2026-01-01"),
            ("3 days ago", "2026-11-23", "2026-11-24"),
            ("2 weeks ago", "2026-11-12", "2026-11-13"),
            ("1 month ago", "2026-10-26", "2026-10-27"),
            ("2 hours ago", "2026-11-25T22:30", "2026-11-25T22:30"),
            ("now", "2026-11-26T00:30", "2026-11-26T00:30"),
        ] {
            let found = stretch(text, &now()).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                (found.start, found.end),
                (local(start), local(end)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "tuesdy",
            "last",
            "last time",
            "2026-13-01",
            "2026-02-30",
            "20.11.2026",
            "11/20/2026",
            "2026-11-20T25:00",
            "2026-11-20T18:00+99:00",
            "last week 18:00",
            "ago",
            "days ago",
            "newest",
            "before-loss",
            "12",
            "2026-11-20T18:00Zzz",
            "\u{663}",
        ] {
            assert_eq!(stretch(text, &now()), None, "{text}");
        }
    }

    /// In the night when clocks go back, a day has 25 hours.
    #[test]
    fn a_long_day_is_one_day() {
        let day = stretch("2026-10-25", &now()).unwrap();
        assert_eq!(
            day.start.duration_until(day.end),
            SignedDuration::from_hours(25)
        );
    }
}
