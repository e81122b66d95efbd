//! `geokeep forget`.

use clap::Args;

use super::From;
use geokeep::retention::{Policy, parse_span};

#[derive(Debug, Args)]
pub(crate) struct Forget {
    /// Only backups of these names [default: all]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,

    #[command(flatten)]
    pub(crate) from: From,

    #[command(flatten)]
    pub(crate) keep: Keep,

    /// Forget backups of the machine of this name [default: of this machine alone]
    #[arg(long, value_name = "NAME", value_parser = super::name)]
    pub(crate) host: Option<String>,

    /// Forget backups of every machine
    #[arg(long, conflicts_with = "host")]
    pub(crate) all_hosts: bool,

    /// Only show what would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What stays. A backup stays if any of the rules keeps it.
#[derive(Debug, Args)]
pub(crate) struct Keep {
    /// Keep the N newest
    #[arg(long, value_name = "N", value_parser = number())]
    keep_last: Option<u32>,

    /// Keep the newest of each of the last N hours that have any
    #[arg(long, value_name = "N", value_parser = number())]
    keep_hourly: Option<u32>,

    /// Keep the newest of each of the last N days that have any
    #[arg(long, value_name = "N", value_parser = number())]
    keep_daily: Option<u32>,

    /// Keep the newest of each of the last N weeks that have any
    #[arg(long, value_name = "N", value_parser = number())]
    keep_weekly: Option<u32>,

    /// Keep the newest of each of the last N months that have any
    #[arg(long, value_name = "N", value_parser = number())]
    keep_monthly: Option<u32>,

    /// Keep the newest of each of the last N years that have any
    #[arg(long, value_name = "N", value_parser = number())]
    keep_yearly: Option<u32>,

    /// Keep all backups younger than SPAN, counted back from the newest: 30d, 2y5m7d3h
    #[arg(long, value_name = "SPAN", value_parser = span)]
    keep_within: Option<jiff::Span>,
}

impl Keep {
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            last: self.keep_last.unwrap_or(0),
            hourly: self.keep_hourly.unwrap_or(0),
            daily: self.keep_daily.unwrap_or(0),
            weekly: self.keep_weekly.unwrap_or(0),
            monthly: self.keep_monthly.unwrap_or(0),
            yearly: self.keep_yearly.unwrap_or(0),
            within: self.keep_within,
        }
    }
}

fn number() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..)
}

fn span(text: &str) -> Result<jiff::Span, String> {
    parse_span(text).ok_or_else(|| {
        format!("'{text}' is not a span of years, months, days and hours such as 30d or 2y5m7d3h")
    })
}
