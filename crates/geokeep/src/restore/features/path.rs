//! The order in which a layer is put back.

use super::plan::Plan;
use super::refusal::Refusal;
use super::whole_layer::WholeLayer;
use super::write::{self, Ended, Place, changed_since};
use super::{LayerError, Outcome, Preview, Wanted};
use crate::Watch;
use crate::backup::Settings;
use crate::destination::{Destination, Opened, Stored};
use crate::diff::{DiffError, LayerChange, Options, State, diff_of};
use crate::restore::RestoreError;
use crate::restore::over::back_up_first;
use crate::source::Source;

/// How often a plan is made anew for a file that somebody saves to meanwhile.
const ATTEMPTS: u32 = 3;

/// Puts rows of a layer of `backup`, or the whole layer, back into the file `into`, which may be open in
/// other programs. What is there is backed up first. `agree` is shown what would be done and says whether it
/// is; it may be asked again if the file changes meanwhile.
///
/// # Errors
/// [`LayerError`]; the file is then as it was, except after [`RestoreError::NotDurable`].
pub fn restore_layer(
    backup: &Opened,
    into: &Source,
    wanted: &Wanted,
    destination: &Destination,
    settings: &Settings,
    watch: &Watch,
    agree: &mut dyn FnMut(&Preview) -> bool,
) -> Result<Outcome, LayerError> {
    let place = Place {
        source: into,
        settings,
        watch,
    };
    let path = Path {
        backup,
        place,
        wanted,
        destination,
    };
    for _ in 0..ATTEMPTS {
        write::refuse(place)?;
        let before = match wanted.dry_run {
            true => None,
            false => Some(back_up_first(into, destination, settings, watch)?),
        };
        match path.attempt(before, agree) {
            Err(Ended::Stale) => {}
            Err(Ended::For(error)) => return Err(error),
            Ok(outcome) => return Ok(outcome),
        }
    }
    Err(Refusal::KeepsChanging.into())
}

struct Path<'a> {
    backup: &'a Opened,
    place: Place<'a>,
    wanted: &'a Wanted,
    destination: &'a Destination,
}

/// What is to be done.
enum Todo {
    Nothing,
    Rows(Plan),
    Layer(WholeLayer),
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
            watch,
        } = self.place;
        let old = State::of_backup(self.backup, watch).map_err(LayerError::from)?;
        let live = match &before {
            Some(stored) => {
                let opened = self.destination.open_backup(&stored.id);
                let opened = opened
                    .map_err(RestoreError::from)
                    .map_err(LayerError::from)?;
                State::of_backup(&opened, watch)
            }
            None => State::of_file(source, settings, watch),
        };
        let live = live.map_err(LayerError::from)?;
        let todo = self.plan(&old, &live)?;
        let preview = match &todo {
            Todo::Nothing => Preview {
                layer: self.wanted.layer.clone(),
                ..Preview::default()
            },
            Todo::Rows(plan) => plan.preview.clone(),
            Todo::Layer(layer) => layer.preview.clone(),
        };
        let mut outcome = Outcome {
            done: false,
            skipped: 0,
            backup_before: before,
            locked: std::time::Duration::ZERO,
            changed_since: 0,
            preview,
        };
        if let Todo::Rows(plan) = &todo {
            outcome.skipped = plan.skipped;
        }
        if outcome.preview.is_empty() || !agree(&outcome.preview) || self.wanted.dry_run {
            return Ok(outcome);
        }
        let alone = outcome.preview.adds_or_deletes() && !self.wanted.while_editing;
        let ((), locked) = self.place.transaction(alone, |file| match &todo {
            Todo::Nothing => Ok(()),
            Todo::Rows(plan) => write::rows(file, plan, watch),
            Todo::Layer(layer) => layer.make(file, old.connection(), watch),
        })?;
        (outcome.done, outcome.locked) = (true, locked);
        if let Todo::Rows(plan) = &todo {
            outcome.changed_since = changed_since(self.place, plan)?;
        }
        Ok(outcome)
    }

    fn plan(&self, old: &State, live: &State) -> Result<Todo, LayerError> {
        let (wanted, watch) = (self.wanted, self.place.watch);
        let states = [old.connection(), live.connection()];
        if wanted.as_name.is_some() {
            return Ok(Todo::Layer(WholeLayer::plan(states, wanted, watch)?));
        }
        let options = Options {
            layers: vec![wanted.layer.clone()],
            ..Options::default()
        };
        let found = match diff_of(old, live, &options, watch) {
            Err(DiffError::NoSuchLayer(layer)) => return Err(Refusal::NoSuchLayer(layer).into()),
            other => other?,
        };
        let is_it = |name: &str| name.eq_ignore_ascii_case(&wanted.layer);
        let mut layers = found.layers.iter();
        let layer = layers.find(|layer| layer.before.as_deref().map_or(is_it(&layer.layer), is_it));
        let Some(layer) = layer else {
            return Ok(Todo::Nothing);
        };
        if let Some(why) = &layer.not_compared {
            let (layer, why) = (wanted.layer.clone(), why.clone());
            return Err(Refusal::NotComparable { layer, why }.into());
        }
        match layer.change {
            LayerChange::Removed => Ok(Todo::Layer(WholeLayer::plan(states, wanted, watch)?)),
            LayerChange::Added => Err(Refusal::NoSuchLayer(wanted.layer.clone()).into()),
            LayerChange::Changed | LayerChange::Renamed => Ok(Todo::Rows(Plan::make(
                &found, layer, states, wanted, watch,
            )?)),
        }
    }
}
