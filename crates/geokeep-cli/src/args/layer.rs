//! `geokeep restore --layer`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use geokeep::restore::features::{OnConflict, Wanted, What};

#[derive(Debug, Args)]
#[command(next_help_heading = "One layer, into a file that goes on")]
pub(crate) struct Layer {
    /// Put back this layer alone, into the live file, which is backed up first; all else in it stays. A
    /// layer that was deleted comes back with everything that belongs to it
    #[arg(long, value_name = "LAYER", conflicts_with_all = ["to", "force", "undo"])]
    pub(crate) layer: Option<String>,

    /// The file to put it into [default: where the backup came from]
    #[arg(long, value_name = "FILE")]
    pub(crate) into: Option<PathBuf>,

    /// Put back features that the file lacks, and no others [default]
    #[arg(long, requires = "layer", conflicts_with_all = ["changed", "exact"])]
    lost: bool,

    /// Put back features that the file lacks, and give changed ones the values of the backup
    #[arg(long, requires = "layer", conflicts_with = "exact")]
    changed: bool,

    /// Make the layer as it was: features that were added since are deleted
    #[arg(long, requires = "layer")]
    exact: bool,

    /// Only the features with these numbers (fid)
    #[arg(long, value_name = "N,…", value_delimiter = ',', requires = "layer")]
    fid: Vec<i64>,

    /// Only these columns
    #[arg(
        long,
        value_name = "COLUMN,…",
        value_delimiter = ',',
        requires = "layer"
    )]
    columns: Vec<String>,

    /// Put the whole layer beside what is there, under this name
    #[arg(long = "as", value_name = "NAME", requires = "layer", conflicts_with_all = ["lost", "changed", "exact", "fid", "columns"])]
    as_name: Option<String>,

    /// What to do where another feature bears the number of a lost one
    #[arg(long, value_enum, default_value_t = Conflict::Refuse, requires = "layer")]
    on_conflict: Conflict,

    /// Add and delete features though somebody is editing the file: a program that counts them itself may note
    /// a wrong number
    #[arg(long)]
    while_editing: bool,

    /// Take back what was put back: by the id of the backup that was made first. Features that were edited since stay,
    /// and then all do
    #[arg(long, value_name = "ID", conflicts_with_all = ["to", "force"])]
    pub(crate) undo: Option<String>,

    /// Do not ask
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
}

/// Where another feature bears the number of a lost one.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Conflict {
    /// Put nothing back
    Refuse,
    /// Leave that feature out
    Skip,
    /// Give it a new number
    NewFid,
}

impl Layer {
    /// What is to be put back.
    pub(crate) fn wanted(&self, layer: &str, dry_run: bool) -> Wanted {
        Wanted {
            layer: layer.to_owned(),
            what: match (self.changed, self.exact) {
                (_, true) => What::Exact,
                (true, _) => What::Changed,
                _ => What::Lost,
            },
            fids: self.fid.clone(),
            columns: self.columns.clone(),
            on_conflict: match self.on_conflict {
                Conflict::Refuse => OnConflict::Refuse,
                Conflict::Skip => OnConflict::Skip,
                Conflict::NewFid => OnConflict::NewFid,
            },
            as_name: self.as_name.clone(),
            while_editing: self.while_editing,
            dry_run,
        }
    }
}
