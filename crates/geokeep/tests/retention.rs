//! Promise 9, the plan: every policy on every small calendar against its rules and against a second
//! implementation that asks of each backup alone; and examples with days of 23 and 25 hours.

use std::collections::BTreeSet;

use geokeep::retention::{Backup, Policy, Reason, RetentionError, parse_span, plan};
use jiff::Timestamp;
use jiff::tz::TimeZone;

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

fn at(instant: &str) -> Timestamp {
    instant.parse().unwrap()
}

fn sound(instant: Timestamp) -> Backup {
    Backup {
        instant,
        era: 0,
        sound: true,
        pinned: false,
    }
}

/// Hours, days, weeks, months and years begin and end between these, and an hour comes twice.
const CALENDAR: [&str; 12] = [
    "2024-12-29T22:30:00Z",
    "2024-12-30T02:30:00Z",
    "2025-12-31T22:59:59Z",
    "2025-12-31T23:00:00Z",
    "2026-10-18T00:30:00Z",
    "2026-10-24T21:59:00Z",
    "2026-10-24T22:00:00Z",
    "2026-10-25T00:30:00Z",
    "2026-10-25T01:30:00Z",
    "2026-10-25T01:45:00Z",
    "2026-10-25T22:59:00Z",
    "2026-10-25T23:00:00Z",
];

fn policies() -> Vec<Policy> {
    let mut policies = Vec::new();
    for number in 1..=3 {
        let none = Policy::default;
        policies.extend([
            Policy {
                last: number,
                ..none()
            },
            Policy {
                hourly: number,
                ..none()
            },
            Policy {
                daily: number,
                ..none()
            },
            Policy {
                weekly: number,
                ..none()
            },
            Policy {
                monthly: number,
                ..none()
            },
            Policy {
                yearly: number,
                ..none()
            },
            Policy {
                daily: number,
                yearly: 2,
                within: parse_span("3h"),
                ..none()
            },
        ]);
    }
    for span in ["1h", "1d", "7d", "1y", "9999y"] {
        let within = parse_span(span);
        policies.push(Policy {
            within,
            ..Policy::default()
        });
    }
    policies
}

/// The same by another way: each backup is asked alone, and buckets are texts.
fn naive(
    all: &[Backup],
    n: usize,
    policy: &Policy,
    now: Timestamp,
    zone: &TimeZone,
) -> BTreeSet<&'static str> {
    let one = all[n];
    let newest_sound = all
        .iter()
        .filter(|b| b.sound && b.instant <= now)
        .map(|b| b.instant)
        .max();
    let mut reasons = BTreeSet::new();
    let mut add = |reason, holds: bool| {
        if holds {
            reasons.insert(reason);
        }
    };
    let past = one.instant <= now;
    let sound_since = newest_sound.is_some_and(|newest| newest > one.instant);
    add("pinned", one.pinned);
    add("future", !past);
    add(
        "newest_sound",
        one.sound && newest_sound == Some(one.instant),
    );
    add("no_sound_since", past && !one.sound && !sound_since);
    let start = |newest: Timestamp| {
        let newest = newest.to_zoned(zone.clone());
        let start = newest.checked_sub(policy.within?).ok();
        start.map(|start| start.timestamp())
    };
    let young = newest_sound.is_some_and(|newest| start(newest).is_none_or(|s| one.instant > s));
    add("within", policy.within.is_some() && past && young);
    let counted = |b: &&Backup| b.sound && !b.pinned && b.instant <= now;
    for (reason, number, format) in [
        ("last", policy.last, "%s"),
        ("hourly", policy.hourly, "%F %H %z"),
        ("daily", policy.daily, "%F"),
        ("weekly", policy.weekly, "%G-%V"),
        ("monthly", policy.monthly, "%Y-%m"),
        ("yearly", policy.yearly, "%Y"),
    ] {
        let name = |b: &Backup| {
            b.instant
                .to_zoned(zone.clone())
                .strftime(format)
                .to_string()
        };
        let later = all
            .iter()
            .filter(counted)
            .filter(|b| b.instant > one.instant);
        let later: BTreeSet<String> = later.map(name).collect();
        let first = !later.contains(&name(&one)) && later.len() < number as usize;
        add(reason, counted(&&one) && first);
    }
    reasons
}

fn words(reasons: &[Reason]) -> BTreeSet<&'static str> {
    let words: BTreeSet<_> = reasons.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(
        words.len(),
        reasons.len(),
        "{reasons:?}: one is given twice"
    );
    words
}

fn agrees(backups: &[Backup], policy: &Policy, now: Timestamp, zone: &TimeZone) {
    let planned = plan(backups, policy, now, zone).unwrap();
    for (n, reasons) in planned.iter().enumerate() {
        let naive = naive(backups, n, policy, now, zone);
        assert_eq!(words(reasons), naive, "{n} of {backups:#?} by {policy:?}");
    }
    promises(backups, &planned, now);
    let stay =
        |(backup, reasons): (&Backup, &Vec<Reason>)| (!reasons.is_empty()).then_some(*backup);
    let left: Vec<Backup> = backups.iter().zip(&planned).filter_map(stay).collect();
    let again = plan(&left, policy, now, zone).unwrap();
    assert!(
        again.iter().all(|reasons| !reasons.is_empty()),
        "{backups:#?} by {policy:?}: a second run forgets more"
    );
}

/// What holds whatever the policy says.
fn promises(backups: &[Backup], planned: &[Vec<Reason>], now: Timestamp) {
    let newest = |which: &dyn Fn(&Backup) -> bool| {
        (0..backups.len())
            .filter(|&n| which(&backups[n]))
            .max_by_key(|&n| backups[n].instant)
    };
    for (backup, reasons) in backups.iter().zip(planned) {
        assert!(!reasons.is_empty() || !(backup.pinned || backup.instant > now));
    }
    for n in [
        newest(&|b| b.sound),
        newest(&|b| b.sound && b.instant <= now),
        newest(&|_| true),
    ]
    .into_iter()
    .flatten()
    {
        assert!(!planned[n].is_empty(), "the newest of {backups:#?} goes");
    }
}

#[test]
fn every_calendar_by_every_policy() {
    let instants = CALENDAR.map(at);
    let now = at("2026-10-26T00:00:00Z");
    let policies = policies();
    for zone in [TimeZone::UTC, berlin()] {
        for subset in 0u32..1 << instants.len() {
            let chosen = |n: &usize| subset & (1 << n) != 0;
            let backups: Vec<Backup> = (0..instants.len())
                .filter(chosen)
                .map(|n| sound(instants[n]))
                .collect();
            for policy in &policies {
                agrees(&backups, policy, now, &zone);
            }
        }
    }
}

/// Not there, sound, damaged, and the two pinned; the last instant is in the future.
#[test]
fn every_mixture_of_sound_damaged_pinned_and_future_ones() {
    let instants = [1, 4, 8, 9, 10, 11].map(|n| at(CALENDAR[n]));
    let now = at("2026-10-25T22:59:30Z");
    let policies = policies();
    for mixture in 0..5usize.pow(6) {
        let mut rest = mixture;
        let mut backups = Vec::new();
        for instant in instants {
            let kind = rest % 5;
            rest /= 5;
            if kind > 0 {
                let (sound, pinned) = (kind % 2 == 1, kind > 2);
                backups.push(Backup {
                    instant,
                    era: 0,
                    sound,
                    pinned,
                });
            }
        }
        for policy in &policies {
            agrees(&backups, policy, now, &berlin());
            damaged_ones_push_nothing_out(&backups, policy, now);
        }
    }
}

fn damaged_ones_push_nothing_out(backups: &[Backup], policy: &Policy, now: Timestamp) {
    let with = plan(backups, policy, now, &berlin()).unwrap();
    let with = backups.iter().zip(with).filter(|(backup, _)| backup.sound);
    let sound: Vec<Backup> = backups
        .iter()
        .copied()
        .filter(|backup| backup.sound)
        .collect();
    let without = plan(&sound, policy, now, &berlin()).unwrap();
    assert!(with.map(|(_, reasons)| reasons).eq(without), "{backups:#?}");
}

#[test]
fn the_order_in_which_they_are_listed_is_nothing() {
    let now = at("2026-10-26T00:00:00Z");
    let backups = CALENDAR.map(|instant| sound(at(instant)));
    let mut backwards = backups;
    backwards.reverse();
    for policy in policies() {
        let mut planned = plan(&backwards, &policy, now, &berlin()).unwrap();
        planned.reverse();
        assert_eq!(planned, plan(&backups, &policy, now, &berlin()).unwrap());
    }
}

#[test]
fn a_policy_without_rules_is_refused() {
    let refused = plan(
        &[],
        &Policy::default(),
        Timestamp::UNIX_EPOCH,
        &TimeZone::UTC,
    );
    assert!(matches!(refused, Err(RetentionError::EmptyPolicy)));
}

/// The instants that stay of sound backups, in Berlin.
fn stay<'a>(instants: &[&'a str], policy: &Policy) -> Vec<&'a str> {
    let backups: Vec<Backup> = instants.iter().map(|instant| sound(at(instant))).collect();
    let planned = plan(&backups, policy, at("2030-01-01T00:00:00Z"), &berlin()).unwrap();
    let kept = instants
        .iter()
        .zip(planned)
        .filter(|(_, reasons)| !reasons.is_empty());
    kept.map(|(instant, _)| *instant).collect()
}

#[test]
fn a_year_of_nights() {
    let first = at("2025-11-22T01:30:00Z").to_zoned(berlin());
    let night = |n: i64| {
        first
            .checked_add(jiff::Span::new().days(n))
            .unwrap()
            .timestamp()
            .to_string()
    };
    let nights: Vec<String> = (0..=365).map(night).collect();
    let nights: Vec<&str> = nights.iter().map(String::as_str).collect();
    let policy = Policy {
        daily: 7,
        weekly: 5,
        monthly: 12,
        ..Policy::default()
    };
    // The last nights of the months, of the weeks (Sundays), and of the days. The hour is one
    // earlier while clocks are put forward; on 25 October it comes twice, and the first is meant.
    let winter = ["2025-12-31", "2026-01-31", "2026-02-28"].map(|day| format!("{day}T01:30:00Z"));
    let summer = "03-31 04-30 05-31 06-30 07-31 08-31 09-30 10-25".split(' ');
    let summer = summer.map(|day| format!("2026-{day}T00:30:00Z"));
    let late = "10-31 11-01 11-08 11-15 11-16 11-17 11-18 11-19 11-20 11-21 11-22".split(' ');
    let late = late.map(|day| format!("2026-{day}T01:30:00Z"));
    let wanted: Vec<String> = winter.into_iter().chain(summer).chain(late).collect();
    assert_eq!(stay(&nights, &policy), wanted);
}

/// 02:30 comes twice in the night of 25 October 2026, and not at all in that of 29 March.
#[test]
fn nights_in_which_clocks_are_changed() {
    let twice = [
        "2026-10-25T00:30:00Z",
        "2026-10-25T01:30:00Z",
        "2026-10-25T02:30:00Z",
    ];
    let hourly = |hourly| Policy {
        hourly,
        ..Policy::default()
    };
    assert_eq!(stay(&twice, &hourly(3)), twice);
    assert_eq!(stay(&twice, &hourly(2)), twice[1..]);
    let skipped = [
        "2026-03-29T00:00:00Z",
        "2026-03-29T00:59:00Z",
        "2026-03-29T01:00:00Z",
    ];
    assert_eq!(stay(&skipped, &hourly(9)), skipped[1..]);
    // A day of 25 hours is one day, and one of 23 hours, too.
    let daily = Policy {
        daily: 9,
        ..Policy::default()
    };
    assert_eq!(
        stay(
            &[
                "2026-10-24T22:00:00Z",
                "2026-10-25T22:59:00Z",
                "2026-10-25T23:00:00Z"
            ],
            &daily
        )
        .len(),
        2
    );
    assert_eq!(
        stay(
            &[
                "2026-03-28T23:00:00Z",
                "2026-03-29T21:59:00Z",
                "2026-03-29T22:00:00Z"
            ],
            &daily
        )
        .len(),
        2
    );
}

#[test]
fn a_span_follows_the_calendar() {
    let within = |span| Policy {
        within: parse_span(span),
        ..Policy::default()
    };
    // From midnight to midnight of a day of 25 hours.
    let long_day = [
        "2026-10-24T22:00:00Z",
        "2026-10-24T22:30:00Z",
        "2026-10-25T23:00:00Z",
    ];
    assert_eq!(stay(&long_day, &within("1d")), long_day[1..]);
    assert_eq!(stay(&long_day, &within("24h")), long_day[2..]);
    assert_eq!(stay(&long_day, &within("1d1h")), long_day);
    // Counted from the newest, whatever the time is now.
    assert_eq!(
        stay(
            &["2020-01-01T00:00:00Z", "2020-01-20T00:00:00Z"],
            &within("1m")
        )
        .len(),
        2
    );
}

#[test]
fn the_days_are_those_of_the_place() {
    let backups = [
        sound(at("2026-11-20T22:30:00Z")),
        sound(at("2026-11-20T23:30:00Z")),
    ];
    let daily = Policy {
        daily: 5,
        ..Policy::default()
    };
    let stay = |zone: &TimeZone| {
        let planned = plan(&backups, &daily, at("2026-11-22T00:00:00Z"), zone).unwrap();
        planned.iter().filter(|reasons| !reasons.is_empty()).count()
    };
    assert_eq!((stay(&TimeZone::UTC), stay(&berlin())), (1, 2));
}

#[test]
fn weeks_are_those_of_iso() {
    let turn = [
        "2024-12-29T12:00:00Z",
        "2024-12-30T12:00:00Z",
        "2025-01-05T12:00:00Z",
    ];
    let weekly = Policy {
        weekly: 9,
        ..Policy::default()
    };
    assert_eq!(stay(&turn, &weekly), [turn[0], turn[2]]);
}
