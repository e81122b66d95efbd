//! Spans of time as restic writes them: `30d`, `2y5m7d3h`.

use jiff::Span;

/// Years, months, days and hours, each a number and a letter. `m` is a month: no backup is kept by
/// the minute. Days and longer ones follow the calendar.
#[must_use]
pub fn parse_span(text: &str) -> Option<Span> {
    let mut span = Span::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..end].parse().ok()?;
        let unit = rest[end..].chars().next()?;
        rest = &rest[end + unit.len_utf8()..];
        span = match unit {
            'y' if span.get_years() == 0 => span.try_years(number),
            'm' if span.get_months() == 0 => span.try_months(number),
            'd' if span.get_days() == 0 => span.try_days(number),
            'h' if span.get_hours() == 0 => span.try_hours(number),
            _ => return None,
        }
        .ok()?;
    }
    (!span.is_zero()).then_some(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_restic_reads() {
        let is = |text: &str, span: Span| {
            assert_eq!(
                parse_span(text).map(Span::fieldwise),
                Some(span.fieldwise()),
                "{text}"
            );
        };
        is("30d", Span::new().days(30));
        is("2y5m7d3h", Span::new().years(2).months(5).days(7).hours(3));
        is("3h7d", Span::new().days(7).hours(3));
        is("0d1h", Span::new().hours(1));
    }

    #[test]
    fn refuses_the_rest() {
        for wrong in [
            "",
            "0d",
            "30",
            "d",
            "30s",
            "3w",
            "-3d",
            "1.5d",
            "3 d",
            "1d1d",
            "٣d",
            "3ä",
            "99999y",
            "99999999999999999999h",
        ] {
            assert!(parse_span(wrong).is_none(), "{wrong}");
        }
    }
}
