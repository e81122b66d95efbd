//! When two values are equal for whoever uses the file, how keys are ordered, and what equal values
//! have in common.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rusqlite::types::ValueRef;
use twox_hash::XxHash3_128;

use crate::geopackage::{Token, Tokens, body, canonical_xml, same_geometry};

/// How the values of a column are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// By type and content.
    Plain,
    /// Numbers as numbers: 1 is 1.0.
    Real,
    /// Texts that name the same instant are equal.
    Instant,
    /// By the geometry, however it is written.
    Geometry,
    /// By what the XML means.
    Xml,
}

impl Rule {
    /// For a column that is declared so in the two files.
    pub(super) fn of(declared: [&str; 2]) -> Self {
        let any = |is: fn(&str) -> bool| declared.iter().any(|d| is(&d.to_ascii_uppercase()));
        // SQLite's own rule for its affinity (sqlite.org/datatype3.html, 3.1).
        if any(|d| !d.contains("INT") && ["REAL", "FLOA", "DOUB"].iter().any(|w| d.contains(w))) {
            Self::Real
        } else if any(|d| ["DATE", "DATETIME", "TIMESTAMP"].contains(&d)) {
            Self::Instant
        } else {
            Self::Plain
        }
    }
}

/// Whether two values are equal. `tolerance` is for the coordinates of geometries.
pub(super) fn equal(rule: Rule, a: ValueRef<'_>, b: ValueRef<'_>, tolerance: f64) -> bool {
    use ValueRef::{Blob, Integer, Null, Real, Text};
    match (a, b) {
        (Null, Null) => true,
        (Integer(a), Integer(b)) => a == b,
        (Real(a), Real(b)) => a == b,
        (Integer(i), Real(r)) | (Real(r), Integer(i)) => {
            rule == Rule::Real && compare_numbers(i, r) == Ordering::Equal
        }
        (Text(a), Text(b)) => {
            a == b
                || match rule {
                    Rule::Instant => instant(a).is_some_and(|a| Some(a) == instant(b)),
                    Rule::Xml => canonical_xml(a).is_some_and(|a| Some(a) == canonical_xml(b)),
                    _ => false,
                }
        }
        (Blob(a), Blob(b)) => a == b || rule == Rule::Geometry && same_geometry(a, b, tolerance),
        _ => false,
    }
}

/// The instant that a text of GeoPackage's types DATE and DATETIME names. Without an offset it is
/// UTC, as SQLite has it.
fn instant(text: &[u8]) -> Option<Timestamp> {
    let text = str::from_utf8(text).ok()?;
    let civil = || {
        let civil: DateTime = text.parse().ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    text.parse().ok().or_else(civil)
}

/// SQLite's order of values, texts by their bytes.
pub(super) fn order(a: ValueRef<'_>, b: ValueRef<'_>) -> Ordering {
    use ValueRef::{Blob, Integer, Real, Text};
    let class = |value| match value {
        ValueRef::Null => 0,
        Integer(_) | Real(_) => 1,
        Text(_) => 2,
        Blob(_) => 3,
    };
    match (a, b) {
        (Integer(a), Integer(b)) => a.cmp(&b),
        (Real(a), Real(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
        (Integer(i), Real(r)) => compare_numbers(i, r),
        (Real(r), Integer(i)) => compare_numbers(i, r).reverse(),
        (Text(a), Text(b)) | (Blob(a), Blob(b)) => a.cmp(b),
        _ => class(a).cmp(&class(b)),
    }
}

/// Exactly: most large integers have no exact floating-point number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the limits are compared before, the fraction after"
)]
fn compare_numbers(i: i64, r: f64) -> Ordering {
    const LIMIT: f64 = i64::MAX as f64;
    if r >= LIMIT {
        Ordering::Less
    } else if r < -LIMIT {
        Ordering::Greater
    } else {
        let whole = r as i64;
        i.cmp(&whole).then(
            0.0.partial_cmp(&(r - whole as f64))
                .unwrap_or(Ordering::Equal),
        )
    }
}

/// Adds what all values that are equal by `rule` have in common.
pub(super) fn hash(rule: Rule, value: ValueRef<'_>, into: &mut XxHash3_128) {
    match value {
        ValueRef::Null => into.write(b"n"),
        ValueRef::Integer(i) => match as_real(i).filter(|_| rule == Rule::Real) {
            Some(r) => hash_real(r, into),
            None => {
                into.write(b"i");
                into.write(&i.to_le_bytes());
            }
        },
        ValueRef::Real(r) => hash_real(r, into),
        ValueRef::Text(text) => match rule {
            Rule::Instant if let Some(instant) = instant(text) => {
                into.write(b"d");
                into.write(&instant.as_nanosecond().to_le_bytes());
            }
            Rule::Xml if let Some(digest) = canonical_xml(text) => {
                into.write(b"x");
                into.write(&digest);
            }
            _ => hash_bytes(b't', text, into),
        },
        ValueRef::Blob(blob) if rule == Rule::Geometry && is_geometry(blob) => {
            hash_geometry(blob, into);
        }
        ValueRef::Blob(blob) => hash_bytes(b'b', blob, into),
    }
}

fn hash_real(r: f64, into: &mut XxHash3_128) {
    into.write(b"r");
    // One zero.
    into.write(&(r + 0.0).to_bits().to_le_bytes());
}

fn hash_bytes(kind: u8, bytes: &[u8], into: &mut XxHash3_128) {
    into.write(&[kind]);
    into.write(&(bytes.len() as u64).to_le_bytes());
    into.write(bytes);
}

fn as_real(i: i64) -> Option<f64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "whether any was lost is asked next"
    )]
    let r = i as f64;
    (compare_numbers(i, r) == Ordering::Equal).then_some(r)
}

fn is_geometry(blob: &[u8]) -> bool {
    body(blob).is_some_and(|body| Tokens::new(body).all(|token| token.is_ok()))
}

fn hash_geometry(blob: &[u8], into: &mut XxHash3_128) {
    into.write(b"g");
    for token in Tokens::new(body(blob).unwrap_or_default()).flatten() {
        match token {
            Token::Geometry { kind, z, m, parts } => {
                into.write(&kind.to_le_bytes());
                into.write(&[z.into(), m.into()]);
                into.write(&parts.to_le_bytes());
            }
            Token::Sequence(count) => into.write(&count.to_le_bytes()),
            Token::Vertex(bits) => {
                let mut bytes = [0; 32];
                for (at, bits) in bits.into_iter().enumerate() {
                    bytes[at * 8..][..8].copy_from_slice(&bits.to_le_bytes());
                }
                into.write(&bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_is_what_is_equal_for_the_user() {
        use ValueRef::{Integer, Null, Real, Text};
        let is = |rule, a, b| {
            let digest = |value| {
                let mut hasher = XxHash3_128::with_seed(1);
                hash(rule, value, &mut hasher);
                hasher.finish_128()
            };
            let equal = equal(rule, a, b, 0.0);
            assert_eq!(equal, digest(a) == digest(b), "{rule:?} {a:?} {b:?}");
            equal
        };
        assert!(is(Rule::Real, Integer(1), Real(1.0)));
        assert!(!is(Rule::Plain, Integer(1), Real(1.0)));
        // 2^53 + 1 is no floating-point number.
        let (odd, even) = (Integer((1 << 53) + 1), Real(9_007_199_254_740_992.0));
        assert!(!is(Rule::Real, odd, even));
        assert!(is(Rule::Plain, Real(0.0), Real(-0.0)));
        assert!(!is(Rule::Plain, Null, Integer(0)) && is(Rule::Plain, Null, Null));
        let text = |text: &'static str| Text(text.as_bytes());
        for same in [
            "2024-05-01T10:00:00Z",
            "2024-05-01 10:00:00",
            "2024-05-01T12:00:00.000+02:00",
        ] {
            assert!(
                is(Rule::Instant, text("2024-05-01T10:00:00.000Z"), text(same)),
                "{same}"
            );
            assert!(!is(
                Rule::Plain,
                text("2024-05-01T10:00:00.000Z"),
                text(same)
            ));
        }
        assert!(!is(Rule::Instant, text("yesterday"), text("today")));
        assert!(!is(Rule::Plain, text("a"), ValueRef::Blob(b"a")));
    }

    #[test]
    fn rules_follow_the_declaration() {
        assert_eq!(Rule::of(["DOUBLE", "INTEGER"]), Rule::Real);
        assert_eq!(Rule::of(["POINT", "POINT"]), Rule::Plain);
        assert_eq!(Rule::of(["datetime", "TEXT"]), Rule::Instant);
        assert_eq!(Rule::of(["TEXT(10)", "TEXT"]), Rule::Plain);
    }

    #[test]
    fn keys_are_ordered_as_sqlite_does() {
        let values = [
            ValueRef::Null,
            ValueRef::Real(f64::NEG_INFINITY),
            ValueRef::Integer(i64::MIN),
            ValueRef::Real(-1.5),
            ValueRef::Integer(-1),
            ValueRef::Integer((1 << 53) + 1),
            ValueRef::Real(9_007_199_254_740_994.0),
            ValueRef::Integer(i64::MAX),
            ValueRef::Real(9.3e18),
            ValueRef::Text(b""),
            ValueRef::Text(b"a"),
            ValueRef::Blob(b""),
        ];
        for (i, a) in values.iter().enumerate() {
            for (j, b) in values.iter().enumerate() {
                assert_eq!(order(*a, *b), i.cmp(&j), "{a:?} {b:?}");
            }
        }
    }
}
