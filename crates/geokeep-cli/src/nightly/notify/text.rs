//! What people are told of a run: a subject, and at most ten lines.

use std::path::Path;

use geokeep::jobs::config::Job;
use geokeep::wire::RunObject;
use geokeep::words::{counted, one_line, shortened};

use super::super::in_short;

/// Lines of a notice.
const LINES_MAX: usize = 10;
/// Characters of a line, which may hold a whole path.
const LINE_MAX: usize = 300;

/// For people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) subject: String,
    pub(crate) lines: Vec<String>,
    /// All is well.
    pub(crate) is_good: bool,
}

impl Notice {
    /// Of a run of which this needs attention.
    pub(crate) fn of(job: &Job, run: &RunObject, attention: &[String], host: &str) -> Self {
        let is_good = run.succeeded();
        let what = match attention.len() {
            _ if is_good => "all is well".to_owned(),
            0 => "the run did not end well".to_owned(),
            1 => "1 thing needs attention".to_owned(),
            n => format!("{n} things need attention"),
        };
        let mut lines = vec![
            format!("{} on {host}, run of {}", job.name, run.started),
            in_short(run),
        ];
        let closing: Vec<_> = [
            job.report.as_deref().map(of_report),
            (!is_good).then(|| format!("Details: geokeep status {}", job.name)),
        ]
        .into_iter()
        .flatten()
        .collect();
        let room = LINES_MAX - lines.len() - closing.len();
        lines.extend(listed(attention, room));
        lines.extend(closing);
        Self {
            subject: line(&format!("geokeep: {}: {what}", job.name)),
            lines: lines.iter().map(|text| line(text)).collect(),
            is_good,
        }
    }

    /// That this is how they come.
    pub(crate) fn test(job: &Job, host: &str) -> Self {
        Self {
            subject: line(&format!("geokeep: {}: this is a test", job.name)),
            lines: vec![
                line(&format!("{} on {host}", job.name)),
                "This is how geokeep will tell you when a backup needs attention.".to_owned(),
            ],
            is_good: true,
        }
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        format!("{}\n\n{}\n", self.subject, self.lines.join("\n"))
    }
}

fn line(text: &str) -> String {
    shortened(&one_line(text), LINE_MAX)
}

fn of_report(page: &Path) -> String {
    format!("Report: {}", page.display())
}

/// At most so many, the last of which may say how many more there are.
fn listed(all: &[String], room: usize) -> Vec<String> {
    let mut lines: Vec<_> = all.iter().map(|text| format!("- {text}")).collect();
    if lines.len() > room {
        lines.truncate(room - 1);
        let more = counted(all.len() - lines.len(), "more thing", "more things");
        lines.push(format!("- and {more}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_counted() {
        let all: Vec<_> = (0..20).map(|n| format!("{n} is damaged")).collect();
        let lines = listed(&all, 6);
        assert_eq!(lines.len(), 6);
        assert_eq!(lines[4], "- 4 is damaged");
        assert_eq!(lines[5], "- and 15 more things");
        assert_eq!(listed(&all[..6], 6).len(), 6);
        assert!(listed(&[], 6).is_empty());
    }
}
