//! From what was typed to what is meant: everything that the library does not find out by itself.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use geokeep::Watch;
use geokeep::backup::{Settings, host_name};
use geokeep::destination::Machine;
use geokeep::durable::{Disk, OsDisk};
use geokeep::snapshot::Clock;

use crate::args::{Arguments, Command};
use crate::failure::Asked;
use crate::machine;

/// What every command needs.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) json: bool,
    pub(crate) asked: Asked,
    /// Standard error is a terminal: there may be a progress bar.
    pub(crate) terminal: bool,
    pub(crate) watch: Watch,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Clock,
    /// The user's home folder.
    pub(crate) home: Option<PathBuf>,
    /// Where the user's programs keep their settings.
    pub(crate) configuration: Option<PathBuf>,
    /// Where the user's programs keep what must last.
    state: Option<PathBuf>,
    /// The id of this machine, once it is asked for.
    machine_id: OnceLock<Option<String>>,
}

/// Another time to begin at than now, for tests: a year of nights should not take a year.
const CLOCK: &str = "GEOKEEP_NOW";

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
        let watch = Watch::default();
        let on_signal = watch.clone();
        // Fails only if a handler is there already, and there is none.
        let _ = ctrlc::set_handler(move || on_signal.interrupt());
        Self {
            json: arguments.json,
            asked: match arguments.command {
                Command::Run(_) | Command::Watch(_) => Asked::ByJob,
                _ => Asked::ByOptions,
            },
            terminal: std::io::stderr().is_terminal(),
            watch,
            disk: Arc::new(OsDisk),
            clock: clock(),
            home: dirs::home_dir(),
            configuration: dirs::config_dir(),
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

/// The end of the day, month or year that `date` names in local time, or the instant itself: what
/// `NAME@DATE` counts up to.
pub(crate) fn end_of(date: &str) -> Option<jiff::Timestamp> {
    use jiff::civil::Date;
    use jiff::{Span, tz::TimeZone};
    if let Ok(instant) = date.parse::<jiff::Timestamp>() {
        // The instant of a backup names that backup, also when it is written to the second.
        let step = if date.contains('.') { 1 } else { 1000 };
        return instant
            .checked_add(jiff::SignedDuration::from_millis(step))
            .ok();
    }
    let (day, span) = match date.len() {
        4 => (format!("{date}-01-01"), Span::new().years(1)),
        7 => (format!("{date}-01"), Span::new().months(1)),
        _ => (date.to_owned(), Span::new().days(1)),
    };
    let zone = TimeZone::system();
    if let Ok(day) = day.parse::<Date>() {
        let next = day.checked_add(span).ok()?;
        return Some(next.to_zoned(zone).ok()?.timestamp());
    }
    let minute: jiff::civil::DateTime = date.parse().ok()?;
    Some(minute.to_zoned(zone).ok()?.timestamp())
}
