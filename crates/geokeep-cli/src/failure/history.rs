//! What is said of histories that were not joined.

use std::path::Path;

use geokeep::words::one_line;

use super::{Exit, Failure, shown};

impl Failure {
    /// A line was not handed over while the file is there whose next backup would go to it.
    pub(crate) fn of_line_in_use(line: &str, source: &Path) -> Self {
        Self {
            kind: "usage",
            message: format!("the history '{}' was not handed over", one_line(line)),
            cause: Some(format!("the file whose backups these are is still there: {}", shown(source))),
            state: Some("nothing was done".to_owned()),
            hint: Some(
                "if that file is no longer needed, move it away; to start new backups for it: --force"
                    .to_owned(),
            ),
            exit: Exit::Usage,
        }
    }

    /// The lines of a machine are not given to one of which nothing is known.
    pub(crate) fn of_no_machine(name: &str) -> Self {
        let name = one_line(name);
        Self::usage(
            format!("no machine is known that is called '{name}'"),
            "no backups from it are there, this machine is not called so, and no job of geokeep.toml gives \
             it that name",
            "make its first backups, with: geokeep run; then join the histories",
        )
    }

    /// Backups are still made on a machine whose files are to go on elsewhere.
    pub(crate) fn of_machine_at_work(old: &str, new: &str) -> Self {
        let (old, new) = (one_line(old), one_line(new));
        Self::usage(
            format!("the histories from '{old}' were not handed over to '{new}'"),
            &format!(
                "backups from '{old}' were made after those from '{new}' had begun: two machines make backups"
            ),
            "if the names stand there the wrong way round, exchange them; if they are meant so: --force",
        )
    }
}
