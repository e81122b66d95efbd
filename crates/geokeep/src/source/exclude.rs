//! What is left out of folders and patterns, because somebody said so.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

/// Patterns of what is not taken, though a folder or a pattern would find it. What is named itself
/// is taken all the same.
#[derive(Debug, Clone, Default)]
pub struct Exclude {
    /// Of the name of a file, or of a folder on the way to it.
    names: Vec<Pattern>,
    /// Of the way from the folder that is a source, or of a whole path.
    paths: Vec<Pattern>,
}

/// A text that is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a pattern such as *_tmp.gpkg or old/*")]
pub struct NoPattern;

impl Exclude {
    /// `*_tmp.gpkg` and `lost+found` are names, wherever they stand; `old/*.gpkg` is meant from the
    /// folder that is a source.
    ///
    /// # Errors
    /// [`NoPattern`].
    pub fn add(&mut self, pattern: &str) -> Result<(), NoPattern> {
        let text = pattern.trim_start_matches("./").trim_end_matches('/');
        let is_path = text.contains(std::path::is_separator);
        let read = Pattern::new(text).ok().filter(|_| !text.is_empty());
        let read = read.ok_or(NoPattern)?;
        if is_path {
            self.paths.push(read);
        } else {
            self.names.push(read);
        }
        Ok(())
    }

    /// Whether nothing is excluded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.paths.is_empty()
    }

    /// Whether a file or folder is left out that lies below `top`, or a folder in which it lies.
    pub(super) fn leaves_out(&self, path: &Path, top: &Path) -> bool {
        let Ok(below) = path.strip_prefix(top) else {
            return false;
        };
        if self.is_empty() {
            return false;
        }
        let top = std::path::absolute(top).unwrap_or_else(|_| top.to_owned());
        let mut on_the_way = PathBuf::new();
        below.iter().any(|part| {
            on_the_way.push(part);
            let name = part.to_string_lossy();
            let whole = top.join(&on_the_way);
            let is = |pattern: &Pattern, path: &Path| {
                pattern.matches_with(&path.to_string_lossy(), as_a_shell())
            };
            (self.names.iter()).any(|pattern| pattern.matches_with(&name, as_a_shell()))
                || (self.paths.iter()).any(|one| is(one, &on_the_way) || is(one, &whole))
        })
    }
}

/// `*` does not stand for a folder, and names are told apart as the system usually does.
fn as_a_shell() -> MatchOptions {
    MatchOptions {
        case_sensitive: !cfg!(any(windows, target_os = "macos")),
        require_literal_separator: true,
        require_literal_leading_dot: false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    #[test]
    fn names_count_everywhere_and_paths_from_the_top() {
        for (pattern, path, is_out) in [
            ("*_tmp.gpkg", "/maps/a_tmp.gpkg", true),
            ("*_tmp.gpkg", "/maps/deep/er/a_tmp.gpkg", true),
            ("*_tmp.gpkg", "/maps/a_tmp.gpkg.gpkg", false),
            ("lost+found", "/maps/lost+found/x.gpkg", true),
            ("maps", "/maps/x.gpkg", false),
            ("old/*.gpkg", "/maps/old/x.gpkg", true),
            ("old/*.gpkg", "/maps/new/old/x.gpkg", false),
            ("./old/", "/maps/old/x.gpkg", true),
            ("**/old/*", "/maps/new/old/x.gpkg", true),
            ("/maps/x.gpkg", "/maps/x.gpkg", true),
            ("/maps/o*", "/maps/old/deep/x.gpkg", true),
            ("/maps/o*", "/maps/new/old/x.gpkg", false),
            ("[0-9]*", "/maps/2026.gpkg", true),
        ] {
            let mut exclude = Exclude::default();
            exclude.add(pattern).unwrap();
            let found = exclude.leaves_out(Path::new(path), Path::new("/maps"));
            assert_eq!(found, is_out, "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "/", "[", "a**b"] {
            assert_eq!(Exclude::default().add(text), Err(NoPattern), "{text}");
        }
    }
}
