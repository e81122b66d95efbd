//! What is said where a layer could not be put back into a file.

use std::path::Path;

use geokeep::restore::RestoreError;
use geokeep::restore::features::{LayerError, Refusal};
use geokeep::source::Holder;
use geokeep::words::one_line;

use super::{Failure, shown};

impl Failure {
    /// A layer that was not put back into `file`.
    pub(crate) fn of_layer(error: &LayerError, layer: &str, file: &Path) -> Self {
        let layer = one_line(layer);
        let message = format!("could not put '{layer}' back into {}", shown(file));
        Self::of_writing(error, message, file)
    }

    /// The numbers of features that were not put right in `file`.
    pub(crate) fn of_recount(error: &LayerError, file: &Path) -> Self {
        let message = format!("could not count anew in {}", shown(file));
        let failure = Self::of_writing(error, message, file);
        match error {
            LayerError::Refused(Refusal::BeingEdited { .. }) => {
                failure.hint("save and end editing there first")
            }
            _ => failure,
        }
    }

    fn of_writing(error: &LayerError, message: String, file: &Path) -> Self {
        let failure = Self::new(error.kind(), message)
            .state("the file is as it was; the backups are untouched");
        match error {
            LayerError::Refused(refusal) => of_refusal(refusal, failure),
            LayerError::Diff(e) => {
                let Self { cause, hint, .. } = Self::of_diff(e);
                Self {
                    cause,
                    hint,
                    ..failure
                }
            }
            LayerError::Restore(e) => of_file(e, file, failure),
            other => failure.cause(other.to_string()).hint(
                "geokeep inspect says what the file is; restore the layer beside it with --as NAME",
            ),
        }
    }
}

/// What a restore of the whole file may meet as well: here no other file can be written instead.
fn of_file(error: &RestoreError, file: &Path, failure: Failure) -> Failure {
    let hint = match error {
        // The file is no longer as it was.
        RestoreError::NotDurable { .. } => return Failure::of_restore(error, file),
        RestoreError::Full { .. } => "make room where the file lies, and try again",
        RestoreError::NotBackedUp(_) => {
            "see that this can be put right; another file is named with --into"
        }
        RestoreError::Write { .. } => "check that this user may write to the file and its folder",
        RestoreError::SharedJournal(_) => "open the file in that program once, and try again",
        _ => return Failure::of_restore(error, file),
    };
    let cause = match error {
        RestoreError::Full { .. } => Some("no space is left where the file lies".to_owned()),
        _ => Failure::of_restore(error, file).cause,
    };
    Failure { cause, ..failure }.hint(hint)
}

fn of_refusal(refusal: &Refusal, failure: Failure) -> Failure {
    let failure = match refusal {
        Refusal::BeingEdited { holder } => {
            failure.cause(format!("{} has it open for editing", who(holder)))
        }
        Refusal::Locked { holder } => failure.cause(format!("{} keeps it locked", who(holder))),
        other => failure.cause(other.to_string()),
    };
    failure.hint(match refusal {
        Refusal::NoSuchLayer(_) => "geokeep list --json shows the layers of each backup",
        Refusal::NotComparable { .. } | Refusal::NoIdentity(_) => "put the whole layer beside it: --as NAME",
        Refusal::NotRows { .. } => "restore the whole file under another name with --to, and copy the tiles in QGIS",
        Refusal::DeclaredOtherwise { .. } => "put the old layer beside it with --as NAME, and copy what you need in QGIS",
        Refusal::ColumnGone { .. } => "name the columns that are to be put back with --columns, or the whole layer beside it with --as NAME",
        Refusal::ColumnUnfilled { .. } => "give that column a default, or put the old layer beside it with --as NAME",
        Refusal::NoSuchColumn { .. } => "check the name with geokeep diff",
        Refusal::NotSettable { .. } => "name another column or another value with --set COLUMN=VALUE",
        Refusal::Condition(_) => "write it as in a filter of QGIS: --where \"owner = 'Smith' AND area > 100\"",
        Refusal::NoGeometry(_) => "choose its rows with --fid or --where",
        Refusal::OnlyWhole(_) => "put the whole layer back first, with --layer alone",
        Refusal::NoneSince(_) => "name an earlier date; geokeep list shows the backups",
        Refusal::Renumbered { .. } => "put them back from one backup after the other: geokeep restore NAME@DATE --layer LAYER",
        Refusal::BackupGone(_) => "what was there before is in the backup: compare with geokeep diff",
        Refusal::LayerEdited(_) => "delete the layer in QGIS if it is not needed any more",
        Refusal::ReferredTo { .. } => "delete those rows first, or keep the layer",
        Refusal::Unreadable(_) => "geokeep inspect says what is wrong with it; restore the whole file with --force",
        Refusal::UnknownExtension { .. } => "put the old layer beside it with --as NAME",
        Refusal::Taken { .. } => "give them new numbers with --on-conflict new-fid, or leave them out with --on-conflict skip",
        Refusal::NameTaken(_) => "choose another name with --as",
        Refusal::OddDefinition(_) => "restore the whole file under another name with --to, and copy the layer in QGIS",
        Refusal::ReferenceSystem(_) => "restore the whole file under another name with --to, and export the layer in QGIS",
        Refusal::Rule(_) => "look at what the layer refers to; put the old layer beside it with --as NAME",
        Refusal::BeingEdited { .. } => "save and end editing there first, or say --while-editing",
        Refusal::Locked { .. } | Refusal::KeepsChanging => "let that program finish, and try again",
        Refusal::UncertainLocks(_) => "copy the file to a local disk, put the layer back there, and copy it back when nobody has it open",
        Refusal::HotJournal => "open the file once in QGIS, which brings the last saved state back, and try again",
        Refusal::EditedSince { .. } => "what was there before is in the backup: compare with geokeep diff",
        Refusal::NotUndoable(_) => "delete the layer in QGIS, or put the whole file back with --force",
        _ => "restore the whole file under another name with --to",
    })
}

fn who(holder: &Option<Holder>) -> String {
    holder
        .as_ref()
        .map_or_else(|| "another program".to_owned(), Holder::describe)
}
