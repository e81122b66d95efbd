//! What may stand in `geokeep.toml`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use geokeep::retention::Policy;
use toml::Spanned;
use toml::de::DeValue;

use super::read::{Expected, Given, Read, Wrong, table};
use crate::args::Method;
use crate::failure::{Failure, shown};

table! {
    /// The whole file.
    File is "the beginning of the file" {
        /// By what backups know this machine, in place of its own name and its id.
        host: Option<String> = None,
        job: Vec<Job>,
    }
}

table! {
    /// What is backed up, where to, and what else happens then.
    Job is "[[job]]" {
        name: String,
        /// As on the command line: files, folders, patterns, `@list.txt`.
        sources: Vec<PathBuf>,
        to: PathBuf,
        /// `to` is not made if it is not there.
        must_exist: bool = false,
        method: Method = Method::Auto,
        lock_wait: Duration = Duration::from_secs(30),
        label: Option<String> = None,
        /// As at the top, for this job.
        host: Option<String> = None,
        /// The name of the backups, if the job has a single source.
        line: Option<String> = None,
        any_sqlite: bool = false,
        /// Percent of its rows that a layer may lose between two backups without an alarm.
        max_loss: u8 = 20,
        /// A source whose newest sound backup is older is overdue.
        max_age: Duration = Duration::from_secs(26 * 3600),
        /// Percent of its backups that each run restores for a test, at least one.
        drill: u8 = 0,
        /// A web page that is written after each run.
        report: Option<PathBuf> = None,
        keep: Option<Keep> = None,
        watch: Pauses = Pauses::default(),
        hooks: Hooks = Hooks::default(),
    }
}

table! {
    /// Which backups stay; see `geokeep forget --help`.
    #[derive(Default)]
    Keep is "[job.keep]" {
        last: Option<u32> = None,
        hourly: Option<u32> = None,
        daily: Option<u32> = None,
        weekly: Option<u32> = None,
        monthly: Option<u32> = None,
        yearly: Option<u32> = None,
        within: Option<jiff::Span> = None,
    }
}

table! {
    /// When `geokeep watch` makes a backup.
    Pauses is "[job.watch]" {
        /// So long a file must have been left alone.
        quiet: Duration = Self::default().quiet,
        /// Not more often than once in this time.
        every: Duration = Self::default().every,
    }
}

table! {
    /// Who hears of a run.
    #[derive(Default)]
    Hooks is "[job.hooks]" {
        /// A program and its arguments; the run as JSON on its standard input.
        on_success: Option<Vec<String>> = None,
        on_failure: Option<Vec<String>> = None,
        /// A dead man's switch: asked for at the start (`/start`), at the end, and on failure
        /// (`/fail`).
        ping_url: Option<String> = None,
        /// A file to which each run adds one line of JSON.
        log: Option<PathBuf> = None,
    }
}

impl Keep {
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            last: self.last.unwrap_or(0),
            hourly: self.hourly.unwrap_or(0),
            daily: self.daily.unwrap_or(0),
            weekly: self.weekly.unwrap_or(0),
            monthly: self.monthly.unwrap_or(0),
            yearly: self.yearly.unwrap_or(0),
            within: self.within,
        }
    }
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            quiet: Duration::from_secs(10),
            every: Duration::from_secs(300),
        }
    }
}

impl File {
    /// What no type says.
    pub(super) fn check(&self, path: &Path) -> Result<(), Failure> {
        let wrong = |cause: String, hint: &str| {
            Err(Failure::usage(
                format!("{} cannot be used", shown(path)),
                &cause,
                hint,
            ))
        };
        for (n, job) in self.job.iter().enumerate() {
            if job.name.is_empty() {
                return wrong(format!("job {} has an empty name", n + 1), "give it a name");
            }
            if self.job[..n].iter().any(|other| other.name == job.name) {
                return wrong(
                    format!("two jobs are called '{}'", job.name),
                    "give each job a name of its own",
                );
            }
            if job
                .keep
                .as_ref()
                .is_some_and(|keep| keep.policy().is_empty())
            {
                return wrong(
                    format!("job '{}' keeps nothing by its 'keep'", job.name),
                    "name a rule such as daily = 7, or leave the table out",
                );
            }
            for (key, name) in [
                ("host", &job.host),
                ("line", &job.line),
                ("host", &self.host),
            ] {
                if name.as_ref().is_some_and(|name| name.trim().is_empty()) {
                    return wrong(
                        format!("'{key}' of job '{}' is empty", job.name),
                        "give it a name, or leave it out",
                    );
                }
            }
            if job.sources.is_empty() {
                return wrong(
                    format!("job '{}' has no sources", job.name),
                    "name a file, a folder or a pattern in 'sources'",
                );
            }
        }
        if self.job.is_empty() {
            return wrong(
                "it has no [[job]]".to_owned(),
                "see an example: geokeep init",
            );
        }
        Ok(())
    }

    /// Makes paths absolute: they are meant from the file's own folder, `~` is the user's home.
    pub(super) fn resolve(&mut self, folder: &Path, home: Option<&Path>) {
        let resolved = |path: &Path| match (path.strip_prefix("~"), home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => folder.join(path),
        };
        for job in &mut self.job {
            job.host = job.host.take().or_else(|| self.host.clone());
            job.to = resolved(&job.to);
            for source in &mut job.sources {
                let text = source.to_string_lossy();
                *source = match text.strip_prefix('@') {
                    Some(list) => {
                        let mut at = std::ffi::OsString::from("@");
                        at.push(resolved(Path::new(list)));
                        at.into()
                    }
                    None => resolved(source),
                };
            }
            let files = [&mut job.report, &mut job.hooks.log];
            for file in files.into_iter().flatten() {
                *file = resolved(file);
            }
        }
    }
}
