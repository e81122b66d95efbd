//! Lists: text files with one source a line, as people, programs and systems write them.

use std::path::{Path, PathBuf};

use super::{SourceError, address, sys};
use crate::words::as_utf8;

/// What one line stands for.
pub(super) enum Line {
    Source(PathBuf),
    List(PathBuf),
    Bad(PathBuf, SourceError),
}

/// The lines of a list that name something. Relative names start from `folder`; `~` is `home`.
pub(super) fn lines(bytes: Vec<u8>, folder: &Path, home: Option<&Path>) -> Vec<Line> {
    let bytes = as_utf8(bytes);
    let lines = bytes.split(|byte| *byte == b'\n');
    lines
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter_map(|line| read(line, folder, home))
        .collect()
}

fn read(line: &[u8], folder: &Path, home: Option<&Path>) -> Option<Line> {
    let text = trimmed(line);
    // A GeoPackage may be called '#1.gpkg', so that a comment needs '# '.
    if text.is_empty() || text == b"#" || text.starts_with(b"# ") {
        return None;
    }
    if text.contains(&0) {
        return Some(bad(
            text,
            "the line holds a zero byte: it is not a valid name",
        ));
    }
    // If a file exists under exactly the name in the line, spaces and quotes included, it is meant.
    let as_it_stands = [line, text].into_iter().find_map(|name| {
        let path = folder.join(sys::path_of_bytes(name)?);
        path.symlink_metadata().is_ok().then_some(path)
    });
    if let Some(path) = as_it_stands {
        return Some(Line::Source(path));
    }
    let text = unquoted(text);
    let (list, name) = match text.strip_prefix(b"@") {
        Some(name) if !name.is_empty() => (true, name),
        _ => (false, text),
    };
    let Some(name) = path_in(name) else {
        return Some(bad(text, "the line is not UTF-8 text"));
    };
    let path = match (name.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => folder.join(name),
    };
    Some(if list {
        Line::List(path)
    } else {
        Line::Source(path)
    })
}

fn bad(text: &[u8], why: &str) -> Line {
    let shown = String::from_utf8_lossy(text).into_owned();
    Line::Bad(shown.into(), SourceError::BadLine(why.to_owned()))
}

/// Without blanks at both ends, among them those of Unicode where the line is text.
fn trimmed(line: &[u8]) -> &[u8] {
    str::from_utf8(line).map_or(line.trim_ascii(), |text| text.trim().as_bytes())
}

/// Without the quotes that "Copy as path" of Windows, or a shell's user, puts around a name.
fn unquoted(text: &[u8]) -> &[u8] {
    match text {
        [b'"', name @ .., b'"'] | [b'\'', name @ .., b'\''] if !name.is_empty() => name,
        _ => text,
    }
}

/// A name, or the path in an address of a file as file managers copy it.
fn path_in(name: &[u8]) -> Option<PathBuf> {
    let is_address = name
        .get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"file://"));
    match str::from_utf8(name).ok().filter(|_| is_address) {
        Some(text) => address::local(text).map(PathBuf::from),
        None => sys::path_of_bytes(name),
    }
}

/// The list that an argument names: `@list.txt`, or `-` for standard input.
pub(super) fn named_by(argument: &Path) -> Option<PathBuf> {
    if argument == Path::new("-") || argument == Path::new("@-") {
        return Some(PathBuf::from("-"));
    }
    // A file that is really called '@x' wins over the list of that name.
    let name = argument.as_os_str().as_encoded_bytes().strip_prefix(b"@")?;
    let list = sys::path_of_bytes(name).filter(|_| !name.is_empty())?;
    (!argument.exists()).then_some(list)
}
