//! `report`.

use jiff::tz::TimeZone;
use serde::Serialize;

use super::{DataLossObject, SaidObject, utc};
use crate::destination::Layer;
use crate::report::SourceReport;

/// `report`: one source.
#[derive(Debug, Serialize)]
pub struct ReportObject<'a> {
    pub kind: &'static str,
    pub source: Option<&'a str>,
    pub host: Option<&'a str>,
    pub name: &'a str,
    pub standing: &'static str,
    pub unchanged: bool,
    /// Of the newest sound backup, as the two that follow.
    pub id: Option<&'a str>,
    pub instant: Option<String>,
    pub age_seconds: Option<i64>,
    /// Of the newest backup, as the four that follow.
    pub content: Option<&'static str>,
    pub verdict: &'static str,
    pub bytes: Option<u64>,
    pub stored_bytes: Option<u64>,
    pub layers: Option<&'a [Layer]>,
    pub backups: usize,
    pub unreadable: usize,
    pub troubles: Vec<String>,
    /// What it has lost, until that is back or accepted.
    pub data_loss: Option<DataLossObject>,
    pub gone: Option<String>,
    pub retired: Option<SaidObject>,
}

impl<'a> ReportObject<'a> {
    pub fn of(source: &'a SourceReport, now: jiff::Timestamp) -> Self {
        let sound = source.newest_sound().map(|stored| &stored.manifest);
        let newest = source.newest();
        Self {
            kind: "report",
            source: source.path.as_deref(),
            host: newest.map(|stored| &*stored.manifest.source.host),
            name: &source.name,
            standing: source.standing(now).as_str(),
            unchanged: source.unchanged,
            id: sound.map(|manifest| &*manifest.id),
            instant: sound.map(|manifest| utc(manifest.instant)),
            age_seconds: source.protection(now).age().map(|age| age.as_secs()),
            content: newest.map(|stored| stored.manifest.content.as_str()),
            verdict: newest.map_or("unreadable", |stored| stored.manifest.verdict.as_str()),
            bytes: newest.map(|stored| stored.manifest.bytes),
            stored_bytes: newest.map(|stored| stored.stored_bytes),
            layers: newest.map(|stored| &*stored.manifest.layers),
            backups: source.backups.len(),
            unreadable: source.unreadable.len(),
            troubles: source
                .troubles(now, &TimeZone::UTC)
                .into_iter()
                .map(|trouble| trouble.what)
                .collect(),
            data_loss: newest.and_then(DataLossObject::of),
            gone: source.protection(now).gone().map(utc),
            retired: source.protection(now).retired().map(SaidObject::of),
        }
    }
}
