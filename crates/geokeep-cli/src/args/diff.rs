//! `geokeep diff`.

use std::path::PathBuf;

use clap::Args;

use super::From;

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// What it was: a backup (NAME for the newest sound one, NAME@DATE, an id or its beginning) or a file.
    /// Alone: that backup against the file it was made of, or the newest backup of that file
    /// against the file
    #[arg(value_name = "BEFORE")]
    pub(crate) before: String,

    /// What it is: a backup or a file
    #[arg(value_name = "AFTER")]
    pub(crate) after: Option<String>,

    #[command(flatten)]
    pub(crate) from: From,

    /// Only this layer or table; may be given several times
    #[arg(long = "layer", value_name = "LAYER")]
    pub(crate) layers: Vec<String>,

    /// Columns that identify the rows, in place of fids; may be given several times, as for a name that holds a comma
    #[arg(long, value_name = "COLUMN,…")]
    pub(crate) key: Vec<String>,

    /// Columns that do not matter, such as the date of the last edit; may be given several times, as for a name that
    /// holds a comma
    #[arg(long, value_name = "COLUMN,…")]
    pub(crate) ignore: Vec<String>,

    /// How far a coordinate may be from where it was, in units of the reference system
    #[arg(long, value_name = "DISTANCE", default_value_t = 0.0, value_parser = distance)]
    pub(crate) tolerance: f64,

    /// Only count; with --json, no lines of single features
    #[arg(long)]
    pub(crate) counts: bool,

    /// Show up to this many changed rows of each layer [default: none; all with --json]
    #[arg(long, value_name = "N", conflicts_with = "counts")]
    pub(crate) limit: Option<u64>,

    /// Write the differences to a file; its ending chooses the form: .gpkg (layers that QGIS shows
    /// coloured), .html (a page to read), .csv or .geojson
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,

    /// Exit with 0 if nothing differs, and with 1 if something does
    #[arg(long)]
    pub(crate) exit_code: bool,
}

fn distance(text: &str) -> Result<f64, String> {
    let distance: f64 = text.parse().map_err(|_| "it is not a number".to_owned())?;
    (distance >= 0.0 && distance.is_finite())
        .then_some(distance)
        .ok_or_else(|| "it is no distance".to_owned())
}
