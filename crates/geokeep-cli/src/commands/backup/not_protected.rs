//! `geokeep backup`: what seems to be part of a source and is not backed up is counted and named.

use geokeep::source::{NotProtected, Project};
use geokeep::words::counted;

use super::Report;
use crate::failure::shown;
use crate::render::{self, NotProtectedLine};

/// So many are named; all of them are in JSON.
const NAMED_MAX: usize = 10;

impl Report<'_> {
    /// Links in folders.
    pub(super) fn not_followed(&self, links: &[NotProtected]) {
        if links.is_empty() {
            return;
        }
        self.progress.line(|| {
            if self.context.json {
                links
                    .iter()
                    .for_each(|link| render::json_line(&NotProtectedLine::of(link)));
            }
            let count = counted(links.len(), "link is", "links are");
            let names = in_words(links, |link| match &link.path {
                Some(path) => shown(path),
                None => link.name.clone(),
            });
            render::remark(&format!(
                "{count} not followed, and what lies there is not backed up: {names}"
            ));
        });
        self.tally().summary.not_protected += links.len();
    }

    /// Layers of a project. The caller holds the tally.
    pub(super) fn not_in_databases(project: &Project) {
        let layers = &project.not_protected;
        if layers.is_empty() {
            return;
        }
        let count = counted(layers.len(), "layer of", "layers of");
        let project = shown(&project.source.given);
        let names = in_words(layers, |layer| format!("'{}'", layer.name));
        let verb = if layers.len() == 1 { "is" } else { "are" };
        render::remark(&format!("{count} {project} {verb} not backed up: {names}"));
    }
}

fn in_words(all: &[NotProtected], name: impl Fn(&NotProtected) -> String) -> String {
    let named = all.iter().take(NAMED_MAX);
    let named = named.map(|one| format!("{} ({})", name(one), one.why.describe()));
    let mut named: Vec<_> = named.collect();
    if all.len() > NAMED_MAX {
        named.push(format!("and {} more", all.len() - NAMED_MAX));
    }
    named.join(", ")
}
