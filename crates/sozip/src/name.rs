//! Which entry names are written and read: relative paths that stay below the folder they are
//! unpacked to, on every system.

/// Whether `name` is a path of plain components, as entries have them; a folder may end in a slash.
#[must_use]
pub fn is_safe(name: &str) -> bool {
    let path = name.strip_suffix('/').unwrap_or(name);
    // "C:x" is absolute on Windows, and so is everything with a backslash in front.
    let drive = matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    !path.contains(['\\', '\0'])
        && !drive
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::is_safe;

    #[test]
    fn only_plain_relative_paths_are_safe() {
        for good in [
            "a",
            "a.gpkg",
            "dir/a",
            "dir/",
            "ä ö/日本.gpkg",
            "..a",
            "a..",
            "...",
            ".a",
        ] {
            assert!(is_safe(good), "{good:?}");
        }
        for bad in [
            "", "/", "/a", "a//b", "//a", ".", "..", "../a", "a/..", "a/../b", "./a", "a/.",
            "a\\b", "\\a", "..\\a", "a\0", "C:a", "C:/a", "C:\\a", "a/../", "a//",
        ] {
            assert!(!is_safe(bad), "{bad:?}");
        }
    }
}
