//! The names of lines.

use std::path::Path;

use super::Origin;
use crate::source::{ProjectFormat, Source};
use crate::words::composed;

/// A line, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineOf {
    /// The line.
    pub line: String,
    /// Where its newest backup came from, or with which source it goes on.
    pub source: Origin,
}

/// A line that very likely holds the same file under another name or of another machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Likely {
    /// The line.
    pub line: String,
    /// Why, as a clause: "which ...".
    pub why: String,
    /// It is known by its path alone, and of another machine, or of another name of this one: there
    /// may be as many as there are files.
    pub is_of_other_machine: bool,
}

/// Longest name of a line in bytes: with instant and suffix it stays below the 255 of most systems.
const NAME_BYTES_MAX: usize = 120;

/// A name for the backups of a file called `stem` that is legal on every system: Windows forbids
/// some characters, a dot or space at the end, and the names of old devices.
#[must_use]
pub fn legal_name(stem: &str) -> String {
    let legal = |c: char| match c {
        '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' => '_',
        c if c.is_control() => '_',
        c => c,
    };
    let mut name: String = composed(stem).chars().map(legal).collect();
    while name.len() > NAME_BYTES_MAX {
        name.pop();
    }
    let trimmed = name.trim_end_matches(['.', ' ']).trim_start_matches(' ');
    // A leading dot would hide the folder, and '@' parts a name from a date.
    let name = trimmed.trim_start_matches('.').replace('@', "_");
    let device = name
        .split('.')
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase();
    let numbered = |word: &str| {
        device
            .strip_prefix(word)
            .is_some_and(|n| n.len() == 1 && n.as_bytes()[0].is_ascii_digit())
    };
    if name.is_empty() {
        "unnamed".to_owned()
    } else if matches!(&*device, "CON" | "PRN" | "AUX" | "NUL")
        || numbered("COM")
        || numbered("LPT")
    {
        format!("_{name}")
    } else {
        name
    }
}

/// Names to try for the line of a source, in order. That of a project has the ending of its format.
pub(super) fn names_for(
    source: &Source,
    origin: &Origin,
    format: Option<ProjectFormat>,
) -> impl Iterator<Item = String> + use<> {
    let folder = Path::new(origin.name()).parent().and_then(Path::file_name);
    let folder = folder.map(|name| name.to_string_lossy());
    let ending = format.map_or_else(String::new, |format| format!(".{}", format.extension()));
    candidates(&source.stem(), folder.as_deref()).map(move |name| name + &ending)
}

/// The name of the source; with its folder's; with a number.
fn candidates(stem: &str, folder: Option<&str>) -> impl Iterator<Item = String> + use<> {
    let stem = legal_name(stem);
    let with_folder = folder.map_or_else(|| stem.clone(), |f| legal_name(&format!("{stem}-{f}")));
    let numbered = (2..).map({
        let base = with_folder.clone();
        move |n: u32| format!("{base}-{n}")
    });
    [stem, with_folder].into_iter().chain(numbered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_legal_everywhere() {
        assert_eq!(legal_name("parcels"), "parcels");
        assert_eq!(legal_name("Flurstücke 🦉"), "Flurstücke 🦉");
        assert_eq!(legal_name("a\nb:c*"), "a_b_c_");
        assert_eq!(legal_name("..hidden. "), "hidden");
        assert_eq!(legal_name("..."), "unnamed");
        assert_eq!(legal_name("con"), "_con");
        assert_eq!(legal_name("com1.old"), "_com1.old");
        assert_eq!(legal_name("company"), "company");
        assert_eq!(legal_name("a@b"), "a_b");
        assert!(legal_name(&"ä".repeat(300)).len() <= NAME_BYTES_MAX);
    }

    #[test]
    fn the_folder_tells_two_of_a_name_apart() {
        let names: Vec<_> = candidates("parcels", Some("north")).take(3).collect();
        assert_eq!(names, ["parcels", "parcels-north", "parcels-north-2"]);
    }
}
