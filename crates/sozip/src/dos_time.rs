//! The two-second, local-time stamp of 1980 that every zip header carries. Here it holds UTC: the
//! exact time stands in the extended timestamp field, and the same input shall give the same
//! bytes in every time zone.

/// (date, time) of APPNOTE 4.4.6; 1980-01-01 00:00 for none and for what does not fit.
pub(crate) fn from_unix(seconds: Option<i64>) -> (u16, u16) {
    const NONE: (u16, u16) = (1 << 5 | 1, 0);
    let Some(seconds) = seconds else { return NONE };
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let Some(year) = u16::try_from(year - 1980).ok().filter(|&y| y < 128) else {
        return NONE;
    };
    let of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    (
        year << 9 | small(month) << 5 | small(day),
        small(hour) << 11 | small(minute) << 5 | small(second / 2),
    )
}

/// Month, day, hour, minute and second are all below 60.
fn small(n: i64) -> u16 {
    u16::try_from(n).unwrap_or(0)
}

/// Year, month and day of a day number since 1970-01-01, in the proleptic Gregorian calendar
/// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::from_unix;

    fn stamp(y: u16, mo: u16, d: u16, h: u16, mi: u16, s: u16) -> (u16, u16) {
        (
            ((y - 1980) << 9) | (mo << 5) | d,
            (h << 11) | (mi << 5) | (s / 2),
        )
    }

    #[test]
    fn known_instants() {
        assert_eq!(from_unix(None), stamp(1980, 1, 1, 0, 0, 0));
        assert_eq!(
            from_unix(Some(0)),
            stamp(1980, 1, 1, 0, 0, 0),
            "before 1980"
        );
        assert_eq!(from_unix(Some(315_532_800)), stamp(1980, 1, 1, 0, 0, 0));
        assert_eq!(
            from_unix(Some(1_709_210_096)),
            stamp(2024, 2, 29, 12, 34, 56)
        );
        assert_eq!(
            from_unix(Some(4_354_819_199)),
            stamp(2107, 12, 31, 23, 59, 59)
        );
        assert_eq!(
            from_unix(Some(4_354_819_200)),
            stamp(1980, 1, 1, 0, 0, 0),
            "after 2107"
        );
        assert_eq!(from_unix(Some(i64::MAX / 2)), stamp(1980, 1, 1, 0, 0, 0));
        assert_eq!(from_unix(Some(i64::MIN)), stamp(1980, 1, 1, 0, 0, 0));
        assert_eq!(from_unix(Some(i64::MAX)), stamp(1980, 1, 1, 0, 0, 0));
    }
}
