//! From what was typed to what is meant: everything that the library does not find out by itself.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use geokeep::Monitor;
use geokeep::backup::{Settings, host_name};
use geokeep::destination::{Asking, Machine};
use geokeep::durable::{Disk, OsDisk};
use geokeep::jobs::Memory;
use geokeep::snapshot::Clock;
use jiff::tz::TimeZone;

use crate::args::{Arguments, Command};
use crate::failure::Asked;
use crate::machine;

/// What every command needs.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) json: bool,
    /// Programs also want to hear of the work as it goes on.
    pub(crate) events: bool,
    pub(crate) asked: Asked,
    /// Standard error is a terminal: there may be a progress bar.
    pub(crate) terminal: bool,
    pub(crate) monitor: Monitor,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Clock,
    /// The user's home folder.
    pub(crate) home: Option<PathBuf>,
    /// Where the user's programs keep their settings.
    pub(crate) configuration: Option<PathBuf>,
    /// The folder of backups that the environment names.
    pub(crate) destination: Option<PathBuf>,
    /// Where the user's programs keep what must last.
    state: Option<PathBuf>,
    /// The id of this machine, once it is asked for.
    machine_id: OnceLock<Option<String>>,
}

/// Another time to begin at than now, for tests: a year of nights should not take a year.
const CLOCK: &str = "GEOKEEP_NOW";

/// Names the folder of backups where a command does not.
const DESTINATION: &str = "GEOKEEP_DESTINATION";

fn clock() -> Clock {
    let began = std::time::Instant::now();
    let now = std::env::var(CLOCK).ok().and_then(|now| now.parse().ok());
    match now {
        None => Clock::new(jiff::Timestamp::now),
        Some(then) => Clock::new(move || {
            let then: jiff::Timestamp = then;
            then.checked_add(began.elapsed()).unwrap_or(then)
        }),
    }
}

impl Context {
    pub(crate) fn new(arguments: &Arguments) -> Self {
        let monitor = Monitor::default();
        let on_signal = monitor.clone();
        // Fails only if a handler is there already, and there is none.
        let _ = ctrlc::set_handler(move || on_signal.interrupt());
        let events = arguments.command.has_events();
        Self {
            json: arguments.json || events,
            events,
            asked: match arguments.command {
                Command::Run(_) | Command::Watch(_) => Asked::ByJob,
                _ => Asked::ByOptions,
            },
            terminal: console::Term::stderr().features().is_attended(),
            monitor,
            disk: Arc::new(OsDisk),
            clock: clock(),
            home: dirs::home_dir(),
            configuration: dirs::config_dir(),
            destination: std::env::var_os(DESTINATION)
                .filter(|folder| !folder.is_empty())
                .map(PathBuf::from),
            state: dirs::state_dir().or_else(dirs::data_local_dir),
            machine_id: OnceLock::new(),
        }
    }

    /// This machine, by the name that the user gave it or by what lasts of it.
    pub(crate) fn machine(&self, given: Option<&str>) -> Machine {
        let id = self.machine_id.get_or_init(|| {
            let folder = self.state.as_ref().map(|folder| folder.join("geokeep"));
            machine::id(folder.as_deref(), &self.disk)
        });
        Machine {
            host: given.map_or_else(host_name, str::to_owned),
            id: id.clone(),
            given: given.is_some(),
        }
    }

    /// What names of files and dates are seen from.
    pub(crate) fn asking(&self) -> Asking {
        Asking {
            folder: std::env::current_dir().unwrap_or_default(),
            machine: self.machine(None),
            now: self.clock.now().to_zoned(TimeZone::system()),
        }
    }

    /// What this user's geokeep remembers from run to run, if there is a place for that.
    pub(crate) fn memory(&self) -> Option<Memory> {
        Some(Memory {
            folder: self.state.as_ref()?.join("geokeep"),
            disk: Arc::clone(&self.disk),
        })
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            lock_wait: Duration::from_secs(30),
            at_once: processors(),
            threads: processors(),
            label: None,
            max_loss: None,
            force: false,
            any_sqlite: false,
            take: geokeep::source::Take::default(),
            method: None,
            lock_ceiling: Duration::from_millis(250),
            ogr2ogr: None,
            file_system: None,
            staging: std::env::temp_dir(),
            machine: self.machine(None),
            line: None,
            clock: self.clock.clone(),
            disk: Arc::clone(&self.disk),
        }
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
