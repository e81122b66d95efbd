//! `geokeep restore --layer`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use geokeep::restore::features::{OnConflict, Wanted, What};
use jiff::Timestamp;

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

    /// Put back the newest version of every feature that the file lacks, from all backups made since then
    #[arg(long, value_name = "DATE", requires = "layer", conflicts_with_all = ["changed", "exact", "as_name"])]
    pub(crate) deleted_since: Option<String>,

    /// Only the features with these numbers (fid)
    #[arg(
        long,
        value_name = "N,…",
        value_delimiter = ',',
        allow_hyphen_values = true,
        requires = "layer"
    )]
    fid: Vec<i64>,

    /// Only features for which this condition in SQL holds, by their values in the backup: "owner = 'Smith'"
    #[arg(long = "where", value_name = "SQL", requires = "layer")]
    condition: Option<String>,

    /// Only features that reach into this box, in the reference system of the layer
    #[arg(
        long,
        value_name = "MINX,MINY,MAXX,MAXY",
        value_parser = bbox,
        allow_hyphen_values = true,
        requires = "layer"
    )]
    bbox: Option<Bbox>,

    /// Only these columns; may be given several times, as for a name that holds a comma
    #[arg(long, value_name = "COLUMN,…", requires = "layer")]
    columns: Vec<String>,

    /// Give the features that are put back this value in a column; NULL for none. More than once for more columns
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = assignment, requires = "layer")]
    set: Vec<(String, String)>,

    /// Put the whole layer beside what is there, under this name
    #[arg(long = "as", value_name = "NAME", requires = "layer", conflicts_with_all = ["lost", "changed", "exact", "fid", "condition", "bbox", "columns", "set"])]
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

/// Min x, min y, max x, max y.
#[derive(Debug, Clone, Copy)]
struct Bbox([f64; 4]);

fn bbox(text: &str) -> Result<Bbox, String> {
    let numbers = text.split(',').map(|part| part.trim().parse::<f64>());
    let numbers: Vec<f64> = numbers
        .collect::<Result<_, _>>()
        .map_err(|_| "four numbers are needed: 4,51.5,6,53".to_owned())?;
    let [min_x, min_y, max_x, max_y] = numbers[..] else {
        return Err("four numbers are needed: 4,51.5,6,53".to_owned());
    };
    if !numbers.iter().all(|number| number.is_finite()) || min_x > max_x || min_y > max_y {
        return Err("the smaller x and y come first, then the larger ones".to_owned());
    }
    Ok(Bbox([min_x, min_y, max_x, max_y]))
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (column, value) = text
        .split_once('=')
        .ok_or("a column and its value are written as column=value")?;
    Ok((column.trim().to_owned(), value.to_owned()))
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
    /// What is to be put back; `deleted_since` and `until` are what the dates mean that were written.
    pub(crate) fn wanted(
        &self,
        layer: &str,
        dry_run: bool,
        [deleted_since, until]: [Option<Timestamp>; 2],
    ) -> Wanted {
        Wanted {
            layer: layer.to_owned(),
            what: match (self.changed, self.exact) {
                (_, true) => What::Exact,
                (true, _) => What::Changed,
                _ => What::Lost,
            },
            deleted_since,
            until: until.filter(|_| deleted_since.is_some()),
            fids: self.fid.clone(),
            condition: self.condition.clone(),
            within: self.bbox.map(|Bbox(bounds)| bounds),
            set: self.set.clone(),
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
