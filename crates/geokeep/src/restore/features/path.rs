//! The order in which a layer is put back.

use rusqlite::Connection;

use super::plan::Plan;
use super::refusal::Refusal;
use super::since::{self, Older};
use super::take_out::TakeOut;
use super::transaction::{Ended, Place, refuse};
use super::undo::{self, Undo};
use super::whole_layer::WholeLayer;
use super::write::{self, changed_since};
use super::{LayerError, Outcome, Preview, Wanted};
use crate::Monitor;
use crate::backup::Settings;
use crate::destination::{Destination, Opened, Stored, Verdict};
use crate::diff::{DiffError, LayerChange, Options, State, diff_of};
use crate::geopackage::Tables;
use crate::restore::RestoreError;
use crate::restore::over::back_up_first;
use crate::source::Source;

/// How often a plan is made anew for a file that somebody saves to meanwhile.
const ATTEMPTS: u32 = 3;

/// A backup, and the live file into which something of it is put back. The file may be open in other
/// programs.
#[derive(Debug, Clone, Copy)]
pub struct LayerRestore<'a> {
    /// Whose rows are put back.
    pub backup: &'a Opened,
    /// The file.
    pub into: &'a Source,
    /// Where the file is backed up first.
    pub destination: &'a Destination,
    /// As for a backup.
    pub settings: &'a Settings,
    /// Progress, and the wish to stop.
    pub monitor: &'a Monitor,
}

impl LayerRestore<'_> {
    /// Puts rows of a layer, or the whole layer, back. What is there is backed up first. `agree` is shown what
    /// would be done and says whether it is; it is asked again if the file changes meanwhile.
    ///
    /// # Errors
    /// [`LayerError`]; the file is then as it was, except after [`RestoreError::NotDurable`].
    pub fn put_back(
        &self,
        wanted: &Wanted,
        agree: &mut dyn FnMut(&Preview) -> bool,
    ) -> Result<Outcome, LayerError> {
        self.run(wanted, None, agree)
    }

    /// Takes back what was put back after `before` was made, as noted beside that. Rows that were
    /// edited since are not touched, and then nothing is.
    ///
    /// # Errors
    /// As [`put_back`](Self::put_back).
    pub fn undo(
        &self,
        undo: &Undo,
        before: &Opened,
        dry_run: bool,
        agree: &mut dyn FnMut(&Preview) -> bool,
    ) -> Result<Outcome, LayerError> {
        let wanted = Wanted {
            dry_run,
            ..undo.wanted.clone()
        };
        self.run(&wanted, Some((undo, before)), agree)
    }

    fn run(
        &self,
        wanted: &Wanted,
        undone: Option<(&Undo, &Opened)>,
        agree: &mut dyn FnMut(&Preview) -> bool,
    ) -> Result<Outcome, LayerError> {
        let place = Place {
            source: self.into,
            settings: self.settings,
            monitor: self.monitor,
        };
        let path = Path {
            backup: self.backup,
            undone,
            place,
            wanted,
            destination: self.destination,
        };
        for _ in 0..ATTEMPTS {
            refuse(place)?;
            let first = match wanted.dry_run {
                true => None,
                false => Some(self.back_up()?),
            };
            match path.attempt(first, agree) {
                Err(Ended::Stale) => {}
                Err(Ended::For(error)) => return Err(error),
                Ok(outcome) => return Ok(outcome),
            }
        }
        Err(Refusal::KeepsChanging.into())
    }

    /// Backs up what is there. Whoever names the file next time does not mean that, also if nothing is put back after
    /// all: the same command is to do the same. The next backup that finds it still so ends this.
    fn back_up(&self) -> Result<Stored, LayerError> {
        let made = back_up_first(self.into, self.destination, self.settings, self.monitor)?;
        if made.id != self.backup.id {
            let _ = self.destination.note_replaced(&made.id);
        }
        Ok(made)
    }
}

struct Path<'a> {
    backup: &'a Opened,
    /// What is to be undone, and what the file was before that.
    undone: Option<(&'a Undo, &'a Opened)>,
    place: Place<'a>,
    wanted: &'a Wanted,
    destination: &'a Destination,
}

/// What is to be done.
enum Todo {
    Nothing,
    /// A plan for each set of columns that is written.
    Rows(Vec<Plan>),
    Layer(Box<WholeLayer>),
    TakeOut(Box<TakeOut>),
}

impl Todo {
    fn preview(&self, wanted: &Wanted) -> Preview {
        match self {
            Self::Nothing => Preview {
                layer: wanted.as_name.as_ref().unwrap_or(&wanted.layer).clone(),
                ..Preview::default()
            },
            Self::Rows(plans) => {
                let mut previews = plans.iter().map(|plan| &plan.preview);
                let mut all = previews.next().cloned().unwrap_or_default();
                previews.for_each(|preview| all.take_in(preview));
                all
            }
            Self::Layer(layer) => layer.preview.clone(),
            Self::TakeOut(layer) => layer.preview.clone(),
        }
    }
}

impl Path<'_> {
    fn attempt(
        &self,
        before: Option<Stored>,
        agree: &mut dyn FnMut(&Preview) -> bool,
    ) -> Result<Outcome, Ended> {
        let Place {
            source,
            settings,
            monitor,
        } = self.place;
        let old = State::of_backup(self.backup, monitor).map_err(LayerError::from)?;
        let live = match &before {
            Some(stored) => {
                let opened = self.destination.open_backup(&stored.id);
                let opened = opened
                    .map_err(RestoreError::from)
                    .map_err(LayerError::from)?;
                State::of_backup(&opened, monitor)
            }
            None => State::of_file(source, settings, monitor),
        };
        let live = live.map_err(LayerError::from)?;
        let todo = self.todo(&old, &live, before.as_ref())?;
        let mut outcome = Outcome {
            done: false,
            skipped: 0,
            backup_before: before,
            locked: std::time::Duration::ZERO,
            changed_since: 0,
            can_undo: false,
            preview: todo.preview(self.wanted),
        };
        if let Todo::Rows(plans) = &todo {
            outcome.skipped = plans.iter().map(|plan| plan.skipped).sum();
        }
        if outcome.preview.is_empty() || !agree(&outcome.preview) || self.wanted.dry_run {
            return Ok(outcome);
        }
        let alone = outcome.preview.adds_or_deletes() && !self.wanted.while_editing;
        let attached = match &todo {
            Todo::Layer(_) => old.uri(),
            _ => None,
        };
        let ((), locked) =
            self.place
                .transaction(alone, attached.as_deref(), |file| match &todo {
                    Todo::Nothing => Ok(()),
                    Todo::Rows(plans) => plans
                        .iter()
                        .try_for_each(|plan| write::rows(file, plan, monitor)),
                    Todo::Layer(layer) => layer.make(file, old.connection(), monitor),
                    Todo::TakeOut(layer) => layer.carry_out(file, old.connection(), monitor),
                })?;
        (outcome.done, outcome.locked) = (true, locked);
        if let Todo::Rows(plans) = &todo {
            for plan in plans {
                outcome.changed_since += changed_since(self.place, plan)?;
            }
        }
        outcome.can_undo = self.note_undo(&outcome, &todo);
        Ok(outcome)
    }

    /// Notes beside the backup that was made first what was put back after it. What cannot be noted cannot
    /// be undone by itself; the backup is there all the same.
    fn note_undo(&self, outcome: &Outcome, todo: &Todo) -> bool {
        let can_be_undone = match todo {
            Todo::Rows(plans) => plans.iter().all(Plan::is_numbered_as_before),
            Todo::Layer(_) => true,
            Todo::Nothing | Todo::TakeOut(_) => false,
        };
        // Rows that have the same columns are planned together, whichever backup they come from.
        let mut from: Vec<_> = outcome.preview.from.iter().collect();
        from.sort_by_key(|from| std::cmp::Reverse(from.instant));
        let layers = from.iter().filter_map(|from| {
            let layer = from.layer.clone()?;
            Some((from.id.clone(), layer))
        });
        let layers = layers.collect();
        let mut from = from.into_iter().map(|from| from.id.clone());
        match &outcome.backup_before {
            Some(before) if self.undone.is_none() && can_be_undone => {
                let undo = Undo {
                    from: from
                        .next()
                        .unwrap_or_else(|| self.backup.manifest.id.clone()),
                    more: from.collect(),
                    layers,
                    wanted: self.noted(&outcome.preview),
                };
                undo::note(self.destination, &before.id, &undo)
            }
            _ => false,
        }
    }

    /// What was wanted, of the layer as the file names it if it was found under an older name.
    fn noted(&self, preview: &Preview) -> Wanted {
        let mut wanted = self.wanted.clone();
        if wanted.deleted_since.is_some() {
            wanted.layer.clone_from(&preview.layer);
        }
        wanted
    }

    fn todo(
        &self,
        old: &State,
        live: &State,
        just_made: Option<&Stored>,
    ) -> Result<Todo, LayerError> {
        let monitor = self.place.monitor;
        let Some((undo, then)) = self.undone else {
            if self.wanted.deleted_since.is_some() {
                let line = self.backup.id.line();
                let but = just_made.map(|stored| &stored.id);
                let backups = since::backups(self.destination, line, self.wanted, but)?;
                return self.since(&backups, live);
            }
            return self.plan(old, live);
        };
        let then = State::of_backup(then, monitor)?;
        let todo = match self.wanted.deleted_since {
            None => self.plan(old, &then)?,
            Some(_) => {
                let backups = since::noted(self.destination, self.backup.id.line(), undo)?;
                self.since(&backups, &then)?
            }
        };
        Ok(match todo {
            Todo::Nothing | Todo::TakeOut(_) => Todo::Nothing,
            Todo::Rows(plans) => {
                let reversed = plans
                    .iter()
                    .map(|plan| undo::reversed(plan, live.connection(), monitor));
                Todo::Rows(reversed.collect::<Result<_, _>>()?)
            }
            Todo::Layer(layer) => {
                let states = [old.connection(), live.connection()];
                let take_out = TakeOut::plan(*layer, then, states, monitor)?;
                take_out.map_or(Todo::Nothing, |take_out| Todo::TakeOut(Box::new(take_out)))
            }
        })
    }

    /// What was deleted from the file since these backups were made.
    fn since(&self, backups: &[Older], live: &State) -> Result<Todo, LayerError> {
        let monitor = self.place.monitor;
        let plans = since::plans(self.destination, backups, live, self.wanted, monitor)?;
        Ok(match plans.is_empty() {
            true => Todo::Nothing,
            false => Todo::Rows(plans),
        })
    }

    /// How many rows a layer of the backup has, as that says of itself.
    fn rows_of(&self, layer: &str) -> Option<u64> {
        let mut layers = self.backup.manifest.layers.iter();
        layers
            .find(|other| other.name.eq_ignore_ascii_case(layer))?
            .rows
    }

    fn whole_layer(&self, states: [&Connection; 2]) -> Result<Todo, LayerError> {
        let rows = self.rows_of(&self.wanted.layer);
        let layer = WholeLayer::plan(states, self.wanted, rows, self.place.monitor)?;
        let is_sound = self.backup.manifest.verdict == Verdict::Sound;
        Ok(Todo::Layer(Box::new(layer.if_sound(is_sound))))
    }

    fn plan(&self, old: &State, live: &State) -> Result<Todo, LayerError> {
        let (wanted, monitor) = (self.wanted, self.place.monitor);
        let states = [old.connection(), live.connection()];
        if wanted.as_name.is_some() || is_dropped(states, &wanted.layer)? {
            return self.whole_layer(states);
        }
        let options = Options {
            layers: vec![wanted.layer.clone()],
            ..Options::default()
        };
        let found = match diff_of(old, live, &options, monitor) {
            Err(DiffError::NoSuchLayer(layer)) => return Err(Refusal::NoSuchLayer(layer).into()),
            other => other?,
        };
        let is_it = |name: &str| name.eq_ignore_ascii_case(&wanted.layer);
        let mut layers = found.layers.iter();
        let layer = layers.find(|layer| layer.before.as_deref().map_or(is_it(&layer.layer), is_it));
        let Some(layer) = layer else {
            Plan::check([old, live], [&wanted.layer, &wanted.layer], wanted, monitor)?;
            return Ok(Todo::Nothing);
        };
        if let Some(why) = &layer.not_compared {
            let (layer, why) = (wanted.layer.clone(), why.clone());
            return Err(Refusal::NotComparable { layer, why }.into());
        }
        match layer.change {
            LayerChange::Removed => self.whole_layer(states),
            LayerChange::Added => Err(Refusal::NoSuchLayer(wanted.layer.clone()).into()),
            LayerChange::Changed | LayerChange::Renamed => {
                let plan = Plan::make(&found, layer, states, wanted, None, monitor)?;
                Ok(Todo::Rows(vec![plan]))
            }
        }
    }
}

/// Whether the backup has the layer, and the file has neither it nor any table that it could have
/// become: then nothing need be compared.
fn is_dropped(states: [&Connection; 2], layer: &str) -> Result<bool, LayerError> {
    let [backup, file] = states.map(Tables::read);
    let which = "in the backup";
    let backup = backup.map_err(|error| DiffError::Unreadable { which, error })?;
    let file = file?;
    let name = layer.to_ascii_lowercase();
    let is_new = |name: &String| !backup.all.contains_key(name);
    Ok(backup.all.contains_key(&name)
        && !file.all.contains_key(&name)
        && !file
            .unreadable
            .keys()
            .any(|other| other.eq_ignore_ascii_case(layer))
        && !file.all.keys().any(is_new))
}
