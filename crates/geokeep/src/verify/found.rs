//! What the checks find, in bounds: a hostile file may have a million faults with names as long as
//! a book.

use crate::finding::{Finding, Severity};

/// The code of what could not be checked within the limits, or at all.
pub(super) const UNCHECKED: &str = "unchecked";
/// A manifest lists no more findings than this; the last one says how many there were.
const FINDINGS_MAX: usize = 200;
/// Findings that are held until the most serious are known.
const HELD_MAX: usize = 10_000;
/// Longest message of a finding in characters.
const MESSAGE_CHARS_MAX: usize = 500;

#[derive(Debug, Default)]
pub(super) struct Found {
    held: Vec<Finding>,
    more: u64,
}

impl Found {
    pub(super) fn push(
        &mut self,
        severity: Severity,
        code: &str,
        table: Option<&str>,
        message: &str,
    ) {
        // Errors decide, and there are few: SQLite's check stops after a hundred.
        if self.held.len() >= HELD_MAX && severity != Severity::Error {
            self.more += 1;
            return;
        }
        self.held.push(finding(severity, code, table, message));
    }

    /// Something that is not known now. That is worth a warning, and no fault of the file.
    pub(super) fn unchecked(&mut self, table: Option<&str>, message: &str) {
        self.push(Severity::Warning, UNCHECKED, table, message);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.more == 0
    }

    pub(super) fn errors(&self) -> usize {
        let errors = self.held.iter();
        errors.filter(|f| f.severity == Severity::Error).count()
    }

    pub(super) fn append(&mut self, other: Self) {
        self.more += other.more;
        self.held.extend(other.held);
    }

    /// The most serious first, always in the same order, and not too many.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        let mut findings = self.held;
        findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.cmp(b)));
        findings.dedup();
        let cut = findings.len().saturating_sub(FINDINGS_MAX);
        findings.truncate(FINDINGS_MAX);
        let more = self.more + cut as u64;
        if more > 0 {
            let message = format!("{more} more findings");
            findings.push(finding(Severity::Advisory, "more", None, &message));
        }
        findings
    }
}

pub(super) fn finding(
    severity: Severity,
    code: &str,
    table: Option<&str>,
    message: &str,
) -> Finding {
    let short = |text: &str| text.chars().take(MESSAGE_CHARS_MAX).collect::<String>();
    Finding {
        severity,
        code: code.to_owned(),
        table: table.map(short),
        message: short(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_findings_are_few_and_none_of_the_serious_is_lost() {
        let mut found = Found::default();
        let long = "x".repeat(10_000);
        for n in 0..1_000_000 {
            found.push(Severity::Warning, "layer", Some(&n.to_string()), "odd");
        }
        found.push(Severity::Error, "integrity", Some(&long), &long);
        assert_eq!(found.errors(), 1);
        let findings = found.into_findings();
        assert_eq!(findings.len(), FINDINGS_MAX + 1);
        assert_eq!(findings[0].code, "integrity");
        assert_eq!(findings[0].message.len(), MESSAGE_CHARS_MAX);
        assert_eq!(findings[FINDINGS_MAX].message, "999801 more findings");
    }
}
