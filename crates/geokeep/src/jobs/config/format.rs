//! What may stand in `geokeep.toml`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::fault::{Expected, Unusable, Wrong};
use super::read::{Bytes, Given, Read, table};
use super::way::Way;
use crate::retention::Policy;
use crate::snapshot::Method;
use crate::source::{Exclude, FILE_LIMIT};

table! {
    /// The whole file.
    pub(super) File is "the beginning of the file" {
        /// By what backups know this machine, in place of its own name and its id.
        host: Option<String> = None,
        /// How people hear of runs.
        notices: Option<Notices> = None,
        /// What is to be done.
        job: Vec<Job>,
    }
}

table! {
    /// What is backed up, where to, and what else happens then.
    pub Job is "[[job]]" {
        /// By what it is asked for.
        name: String,
        /// As on the command line: files, folders, patterns, `@list.txt`.
        sources: Vec<PathBuf>,
        /// What is left out of folders and patterns.
        exclude: Exclude = Exclude::default(),
        /// The folder of backups.
        to: PathBuf,
        /// `to` is not made if it is not there; `None`: if it seems to lie on a disk that is not
        /// mounted.
        must_exist: Option<bool> = None,
        /// How snapshots are taken; `None` is `auto`.
        method: Option<Method> = None,
        /// How long to wait for another program's lock.
        lock_wait: Duration = Duration::from_secs(30),
        /// Kept with the backups.
        label: Option<String> = None,
        /// As at the top, for this job.
        host: Option<String> = None,
        /// The name of the backups, if the job has a single source.
        line: Option<String> = None,
        /// Take SQLite databases that are no GeoPackages, too.
        any_sqlite: bool = false,
        /// A file that a project names is taken with it up to this length.
        max_file: Bytes = Bytes(FILE_LIMIT),
        /// Take the attachment folders of a project's layers, too.
        attachments: bool = false,
        /// Percent of its rows that a layer may lose between two backups without an alarm.
        max_loss: u8 = 20,
        /// A source whose newest sound backup is older is overdue.
        max_age: Duration = Duration::from_secs(26 * 3600),
        /// Percent of its backups that each run restores for a test, at least one.
        drill: u8 = 0,
        /// A web page that is written after each run.
        report: Option<PathBuf> = None,
        /// What stays after each run; without it nothing is forgotten.
        keep: Option<Keep> = None,
        /// When `watch` makes a backup.
        watch: Pauses = Pauses::default(),
        /// Which programs hear of a run. The caller tells them.
        hooks: Hooks = Hooks::default(),
        /// By which ways people hear of a run in which anything is wrong.
        notify: Vec<Way> = Vec::new(),
        /// As at the top, for this job.
        notices: Option<Notices> = None,
    }
}

table! {
    /// Which backups stay; see `geokeep forget --help`.
    #[derive(Default)]
    pub Keep is "[job.keep]" {
        /// The newest ones.
        last: Option<u32> = None,
        /// The newest of each of so many hours.
        hourly: Option<u32> = None,
        /// The newest of each of so many days.
        daily: Option<u32> = None,
        /// The newest of each of so many weeks.
        weekly: Option<u32> = None,
        /// The newest of each of so many months.
        monthly: Option<u32> = None,
        /// The newest of each of so many years.
        yearly: Option<u32> = None,
        /// All that are younger.
        within: Option<jiff::Span> = None,
    }
}

table! {
    /// When `geokeep watch` makes a backup.
    pub Pauses is "[job.watch]" {
        /// So long a file must have been left alone.
        quiet: Duration = Self::default().quiet,
        /// Not more often than once in this time.
        every: Duration = Self::default().every,
    }
}

table! {
    /// Who hears of a run.
    #[derive(Default)]
    pub Hooks is "[job.hooks]" {
        /// A program and its arguments; the run as JSON on its standard input.
        on_success: Option<Vec<String>> = None,
        /// The same for a run in which anything is wrong.
        on_failure: Option<Vec<String>> = None,
        /// A dead man's switch: asked for at the start (`/start`), at the end, and on failure
        /// (`/fail`).
        ping_url: Option<String> = None,
        /// A file to which each run adds one line of JSON.
        log: Option<PathBuf> = None,
    }
}

table! {
    /// How people hear of runs.
    #[derive(Default, Clone)]
    pub Notices is "[notices]" {
        /// Also of runs in which all is well.
        success: bool = false,
        /// Who gets mails.
        mail_to: Vec<String> = Vec::new(),
        /// From whom they come.
        mail_from: Option<String> = None,
        /// `smtps://` or `smtp://`, a server and perhaps a port; without it the system's sendmail.
        smtp: Option<String> = None,
        /// Who we are to that server.
        smtp_user: Option<String> = None,
        /// A file that holds the password.
        smtp_password_file: Option<PathBuf> = None,
        /// A program and its arguments; the text on its standard input.
        command: Vec<String> = Vec::new(),
    }
}

impl Keep {
    /// The rules.
    #[must_use]
    pub fn policy(&self) -> Policy {
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
    pub(super) fn check(&self) -> Result<(), Unusable> {
        let is_empty = |name: &Option<String>| name.as_ref().is_some_and(|n| n.trim().is_empty());
        for (n, job) in self.job.iter().enumerate() {
            let name = || job.name.clone();
            if job.name.is_empty() {
                return Err(Unusable::NoName(n + 1));
            }
            if self.job[..n].iter().any(|other| other.name == job.name) {
                return Err(Unusable::SameName(name()));
            }
            let keep = job.keep.as_ref();
            if keep.is_some_and(|keep| keep.policy().is_empty()) {
                return Err(Unusable::KeepsNothing(name()));
            }
            let names = [
                ("host", &job.host),
                ("line", &job.line),
                ("host", &self.host),
            ];
            if let Some((key, _)) = names.into_iter().find(|(_, name)| is_empty(name)) {
                return Err(Unusable::EmptyKey { key, job: name() });
            }
            if job.sources.is_empty() {
                return Err(Unusable::NoSources(name()));
            }
            if let Some((way, key)) = self.lacking(job) {
                let (way, job) = (way.as_str(), name());
                return Err(Unusable::NoWay { way, key, job });
            }
        }
        if self.job.is_empty() {
            return Err(Unusable::NoJob);
        }
        Ok(())
    }

    /// A way by which a job is to notify, and what it needs and has not.
    fn lacking(&self, job: &Job) -> Option<(Way, &'static str)> {
        let notices = job.notices.as_ref().or(self.notices.as_ref());
        let lacks = |way: &Way| match way {
            Way::Mail => notices
                .is_none_or(|n| n.mail_to.is_empty())
                .then_some("mail_to"),
            Way::Command => notices
                .is_none_or(|n| n.command.is_empty())
                .then_some("command"),
            Way::Desktop => None,
        };
        job.notify.iter().find_map(|way| Some((*way, lacks(way)?)))
    }

    /// Makes paths absolute: they are meant from the file's own folder, `~` is the user's home.
    pub(super) fn resolve(&mut self, folder: &Path, home: Option<&Path>) {
        let resolved = |path: &Path| match (path.strip_prefix("~"), home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => folder.join(path),
        };
        for job in &mut self.job {
            job.host = job.host.take().or_else(|| self.host.clone());
            job.notices = job.notices.take().or_else(|| self.notices.clone());
            let notices = job.notices.as_mut();
            if let Some(file) = notices.and_then(|n| n.smtp_password_file.as_mut()) {
                *file = resolved(file);
            }
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
