//! What is said where nobody is notified, and of patterns that are none.

use std::path::Path;

use geokeep::words::one_line;

use super::{Exit, Failure, shown};

impl Failure {
    /// Nobody would be notified.
    pub(crate) fn of_no_notice(config: &Path) -> Self {
        Self::usage(
            "there is nothing to try".to_owned(),
            &format!("no such job in {} notifies anybody", shown(config)),
            "say by which ways, in the job: notify = [\"mail\", \"desktop\", \"command\"]",
        )
    }

    /// A notice that did not get through.
    pub(crate) fn of_notice(job: &str, way: &str, cause: &str) -> Self {
        Self {
            kind: "not_notified",
            message: format!("{}: nobody was notified by {way}", one_line(job)),
            cause: Some(cause.to_owned()),
            state: None,
            hint: Some("put [notices] in the configuration right, then try again".to_owned()),
            exit: Exit::Incomplete,
        }
    }

    /// A pattern that is none.
    pub(crate) fn of_pattern(pattern: &str, cause: &str) -> Self {
        Self::usage(
            format!("'{}' cannot be excluded", one_line(pattern)),
            cause,
            "* stands for any characters, ? for one, [ab] for one of these",
        )
    }
}
