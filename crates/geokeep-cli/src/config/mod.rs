//! Where the `geokeep.toml` lies, and what is said of one that is not used.

mod fault;
mod trust;

use std::path::{Path, PathBuf};

use geokeep::jobs::config::{Job, parse};
use geokeep::source::is_same_file;
use geokeep::words::why;

use crate::failure::{Failure, shown};
use crate::settings::Context;

/// The name that is looked for in the working folder and in the user's configuration folder.
pub(crate) const FILE_NAME: &str = "geokeep.toml";
const OR_ANOTHER: &str = "name another with --config, or make one: geokeep init";

/// The jobs of one file.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) path: PathBuf,
    jobs: Vec<Job>,
}

impl Config {
    /// Reads the file that was named, else the one in the working folder, else the user's own.
    pub(crate) fn find(named: Option<&Path>, context: &Context) -> Result<Self, Failure> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => usual_places(context)
                .into_iter()
                .find(|path| path.is_file())
                .ok_or_else(|| none_found(&usual_places(context)))?,
        };
        Self::load(&path, context)
    }

    /// Whether there is one in the usual places.
    pub(crate) fn is_there(context: &Context) -> bool {
        usual_places(context).iter().any(|path| path.is_file())
    }

    /// The folder that the jobs, or the one of that name, back up to.
    pub(crate) fn destination(&self, job: Option<&str>, option: &str) -> Result<PathBuf, Failure> {
        if let Some(job) = job {
            return Ok(self.job_named(job)?.to.clone());
        }
        let first = self.jobs.first().map(|job| &job.to);
        match first.filter(|to| self.jobs.iter().all(|job| job.to == **to)) {
            Some(to) => Ok(to.clone()),
            None => {
                let all: Vec<_> = self.jobs.iter().map(|job| job.name.as_str()).collect();
                Err(Failure::usage(
                    format!("{} names several folders of backups", shown(&self.path)),
                    &format!("its jobs are: {}", all.join(", ")),
                    &format!("choose one with --job NAME, or name a folder with {option} DEST"),
                ))
            }
        }
    }

    /// Whether one of its jobs gives the machine this name.
    pub(crate) fn gives_name(&self, name: &str) -> bool {
        let mut names = self.jobs.iter().filter_map(|job| job.host.as_deref());
        names.any(|host| host == name)
    }

    /// Whether a job that backs up to this folder gives the machine this name.
    pub(crate) fn gives_name_for(&self, folder: &Path, name: &str) -> bool {
        let mut jobs = self.jobs.iter();
        jobs.any(|job| job.host.as_deref() == Some(name) && is_same_file(&job.to, folder))
    }

    fn load(path: &Path, context: &Context) -> Result<Self, Failure> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        trust::check(&path)?;
        let bytes = std::fs::read(&path).map_err(|e| {
            let message = format!("{} cannot be read", shown(&path));
            Failure::usage(message, &why(&e), OR_ANOTHER)
        })?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        let jobs = parse(bytes, folder, context.home.as_deref());
        let jobs = jobs.map_err(|error| fault::explain(&error, &path))?;
        Ok(Self { path, jobs })
    }

    /// The jobs of these names, or all of them.
    pub(crate) fn chosen(&self, names: &[String]) -> Result<Vec<&Job>, Failure> {
        if names.is_empty() {
            return Ok(self.jobs.iter().collect());
        }
        names.iter().map(|name| self.job_named(name)).collect()
    }

    pub(crate) fn job_named(&self, name: &str) -> Result<&Job, Failure> {
        let found = self.jobs.iter().find(|job| job.name == name);
        found.ok_or_else(|| {
            let all: Vec<_> = self.jobs.iter().map(|job| job.name.as_str()).collect();
            Failure::usage(
                format!("{} has no job '{name}'", shown(&self.path)),
                &format!("its jobs are: {}", all.join(", ")),
                &fault::did_you_mean(name, all.iter().copied())
                    .unwrap_or_else(|| "name one of these, or none for all of them".to_owned()),
            )
        })
    }
}

fn usual_places(context: &Context) -> Vec<PathBuf> {
    let mut places = vec![PathBuf::from(FILE_NAME)];
    places.extend(
        context
            .configuration
            .iter()
            .map(|folder| folder.join("geokeep").join(FILE_NAME)),
    );
    places
}

fn none_found(places: &[PathBuf]) -> Failure {
    let places: Vec<_> = places.iter().map(|path| shown(path)).collect();
    Failure::usage(
        format!("there is no {FILE_NAME}"),
        &format!("looked for {}", places.join(" and ")),
        "make one: geokeep init; or name one: --config FILE",
    )
}
