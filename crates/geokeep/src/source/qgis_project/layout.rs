//! How a project and what it names lie to each other: a restored project finds its files by the same
//! way from its own folder.

use std::path::{Component, Path, PathBuf};

use super::Project;
use super::data_source::without_dots;
use crate::source::text;

/// The folder for what is not named by its way from the project, and lies outside of the folder that
/// holds all that is.
pub(crate) const OUTSIDE: &str = "_outside";

/// The folder that holds the project and everything that it names by the way from its own folder.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The project by the name under which it was reached, without dots: QGIS looks from there.
    project: PathBuf,
    base: PathBuf,
}

/// The whole path by name.
fn whole(path: &Path) -> PathBuf {
    without_dots(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

impl Layout {
    pub(super) fn of(given: &Path, relative: &[PathBuf]) -> Self {
        let project = whole(given);
        let mut base = project.parent().unwrap_or(Path::new("")).to_owned();
        for path in relative {
            let path = whole(path);
            while !path.starts_with(&base) && base.pop() {}
        }
        Self { project, base }
    }

    fn place(&self, path: &Path) -> Option<String> {
        let path = whole(path);
        let (outside, below) = match path.strip_prefix(&self.base) {
            Ok(below) => (None, below),
            Err(_) => (Some(OUTSIDE), &*path),
        };
        let mut parts: Vec<&str> = outside.into_iter().collect();
        for component in below.components() {
            match component {
                Component::Normal(part) => parts.push(part.to_str()?),
                // A drive of Windows has a letter and a colon, which is no name.
                Component::Prefix(drive) => {
                    parts.push(drive.as_os_str().to_str()?.trim_end_matches(':'));
                }
                _ => {}
            }
        }
        Some(parts.join("/"))
    }
}

impl Project {
    /// Where a file lies in a folder that holds the project and all that it names, in parts with `/`
    /// between them; `None` if that is no text.
    pub(crate) fn place(&self, path: &Path) -> Option<String> {
        self.layout.place(path)
    }

    /// The same for the project.
    pub(crate) fn own_place(&self) -> Option<String> {
        self.layout.place(&self.layout.project)
    }

    /// The whole path of a file by name, as the project would write it.
    pub(crate) fn whole_name(path: &Path) -> String {
        text(&whole(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_is_named_by_its_way_keeps_it() {
        let project = Path::new("/gis/town/maps/town.qgz");
        let place = |relative: &[&str], path: &str| {
            let relative: Vec<PathBuf> = relative.iter().map(PathBuf::from).collect();
            Layout::of(project, &relative).place(Path::new(path))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(place(&[], "/gis/town/maps/town.qgz"), some("town.qgz"));
        let near = ["/gis/town/maps/data/a.csv"];
        assert_eq!(place(&near, near[0]), some("data/a.csv"));
        let up = ["/gis/town/data/a.csv", "/gis/town/maps/b.csv"];
        assert_eq!(place(&up, up[0]), some("data/a.csv"));
        assert_eq!(place(&up, "/gis/town/maps/town.qgz"), some("maps/town.qgz"));
        assert_eq!(place(&up, "/gis/c.csv"), some("_outside/gis/c.csv"));
        let far = ["/etc/a.csv"];
        assert_eq!(place(&far, far[0]), some("etc/a.csv"));
        assert_eq!(
            place(&far, "/gis/town/maps/town.qgz"),
            some("gis/town/maps/town.qgz")
        );
    }
}
