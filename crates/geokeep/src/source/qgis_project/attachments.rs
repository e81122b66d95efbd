//! Where the attachments of a project's layers lie: photos and documents whose names stand in a field
//! that has a widget for them.

use std::path::{Path, PathBuf};

use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;

/// Where QField and QGIS put photos if nobody has chosen a folder.
const USUAL: &str = "DCIM";

/// The folder of one attachment widget, in the project's own words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Root {
    /// A path.
    Folder(String),
    /// An expression that may name another folder for each row.
    Expression(String),
    /// None is set: names are meant from the project's folder, or are whole paths.
    Unset,
}

impl Root {
    /// Its path as the project would write it; `None` if it cannot be told without asking each row.
    pub(super) fn path(&self) -> Option<String> {
        match self {
            Self::Folder(path) => Some(path.clone()),
            Self::Unset => Some(format!("./{USUAL}")),
            Self::Expression(text) => Some(format!("./{}", below_the_project(text)?)),
        }
    }
}

/// `DCIM/trees` of `@project_folder || '/DCIM/trees'`: the only thing but the project's folder in the
/// expression is one text.
fn below_the_project(expression: &str) -> Option<String> {
    let mut parts = expression.split('\'');
    let (before, text, after) = (parts.next()?, parts.next()?, parts.next()?);
    let rest = format!("{before}{after}");
    let rest: String = rest
        .chars()
        .filter(|c| !c.is_whitespace() && !"|+(),".contains(*c))
        .collect();
    let names = ["@project_folder", "@project_home", "concat@project_folder"];
    let is_known = names.contains(&&*rest) && parts.next().is_none();
    is_known.then(|| text.trim_matches('/').to_owned())
}

/// What has been read so far: `<editWidget type="ExternalResource">` and the options in it.
#[derive(Default)]
pub(super) struct Found {
    pub(super) roots: std::collections::BTreeSet<Root>,
    open: Option<(u32, Widget)>,
}

#[derive(Default)]
struct Widget {
    folder: String,
    expression: String,
}

impl Found {
    pub(super) fn begin(&mut self, depth: u32, element: &BytesStart<'_>) {
        let value = |name: &str| {
            let attribute = element.try_get_attribute(name).ok().flatten();
            let value = attribute.and_then(|a| {
                let value = a.normalized_value(XmlVersion::Implicit1_0).ok()?;
                Some(value.into_owned())
            });
            value.unwrap_or_default()
        };
        match (&mut self.open, element.name().as_ref()) {
            (None, "editWidget") if value("type") == "ExternalResource" => {
                self.open = Some((depth, Widget::default()));
            }
            (Some((_, widget)), "Option") => match &*value("name") {
                "DefaultRoot" => widget.folder = value("value"),
                // The only thing that data decides here is the folder.
                "expression" => widget.expression = value("value"),
                _ => {}
            },
            _ => {}
        }
    }

    pub(super) fn end(&mut self, depth: u32) {
        if let Some((_, widget)) = self.open.take_if(|(at, _)| *at == depth) {
            self.roots.insert(widget.root());
        }
    }
}

impl Widget {
    fn root(self) -> Root {
        if !self.expression.trim().is_empty() {
            Root::Expression(self.expression)
        } else if self.folder.trim().is_empty() {
            Root::Unset
        } else {
            Root::Folder(self.folder)
        }
    }
}

/// The folder, if it is one that may be taken whole: it does not hold the project itself, as `/` or
/// the user's home would.
pub(super) fn is_apart(root: &Path, project_folder: &Path) -> bool {
    let real =
        |path: &Path| -> Option<PathBuf> { std::fs::canonicalize(Path::new(".").join(path)).ok() };
    match (real(root), real(project_folder)) {
        (Some(root), Some(project)) => !project.starts_with(root),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_an_expression_names() {
        for (expression, expected) in [
            ("@project_folder || '/DCIM'", Some("DCIM")),
            ("@project_home + '/photos/trees/'", Some("photos/trees")),
            ("concat(@project_folder, '/DCIM')", Some("DCIM")),
            ("'/srv/photos'", None),
            ("@project_folder || '/' || \"kind\"", None),
            ("@project_folder || '/a' || '/b'", None),
            ("\"folder\"", None),
        ] {
            let found = below_the_project(expression);
            assert_eq!(found.as_deref(), expected, "{expression}");
        }
    }
}
