//! Absolute paths in a restored project: they lead to where the files lay once. Each that names a
//! file which was restored is replaced by the path of the restored one, so that the project shows
//! what was restored, and nothing else in the text is touched.
//!
//! The text is XML; paths stand in it as they are, with entities, or percent-encoded in addresses.

use std::collections::HashMap;
use std::io::Cursor;
use std::path::Path;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::escape;

use crate::source::{PROJECT_BYTES_MAX, ProjectFormat};

/// What stands encoded in the path of an address.
const IN_ADDRESS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'\'')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b']')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// The same where slashes are encoded, too.
const IN_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Where a path leads now.
struct To {
    path: String,
    is_folder: bool,
}

/// Old paths and new ones.
#[derive(Default)]
pub(super) struct Repoint {
    to: HashMap<Vec<u8>, To>,
    longest: usize,
}

/// A path in the text.
struct Match<'a> {
    end: usize,
    to: &'a To,
    percent: bool,
}

impl Repoint {
    /// A file of the path `from`, and the folder that it lay in, lie at `to` now.
    pub(super) fn add(&mut self, from: &str, to: &Path) {
        let drive = matches!(from.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
        let from = if drive || from.starts_with('\\') {
            from.replace('\\', "/")
        } else {
            from.to_owned()
        };
        let Some(to) = to.to_str() else {
            return;
        };
        let to = if cfg!(windows) {
            to.replace('\\', "/")
        } else {
            to.to_owned()
        };
        if !(from.starts_with('/') || drive) || from == to {
            return;
        }
        if let (Some((from, _)), Some((to, _))) = (from.rsplit_once('/'), to.rsplit_once('/')) {
            self.insert(from, to, true);
        }
        self.insert(&from, &to, false);
    }

    fn insert(&mut self, from: &str, to: &str, is_folder: bool) {
        // `/` and `C:` stand for too much.
        if from.len() < 3 {
            return;
        }
        self.longest = self.longest.max(from.len());
        let path = to.to_owned();
        self.to.insert(from.into(), To { path, is_folder });
    }

    /// The bytes of a project with its paths replaced; `None` if there are none, or it cannot be
    /// written anew.
    pub(super) fn project(&self, bytes: &[u8], format: ProjectFormat) -> Option<Vec<u8>> {
        match format {
            ProjectFormat::Qgs => Some(self.text(str::from_utf8(bytes).ok()?)?.into_bytes()),
            ProjectFormat::Qgz => self.packed(bytes),
        }
    }

    fn packed(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let archive = sozip::Archive::open(bytes).ok()?;
        let mut writer = sozip::ArchiveWriter::new(Cursor::new(Vec::new()));
        let mut any = false;
        for entry in archive
            .entries()
            .iter()
            .filter(|entry| !entry.name.ends_with('/'))
        {
            let mut plain = archive.read_small(entry, PROJECT_BYTES_MAX).ok()?;
            if ProjectFormat::of(Path::new(&entry.name)) == Some(ProjectFormat::Qgs)
                && let Some(text) = self.text(str::from_utf8(&plain).ok()?)
            {
                (any, plain) = (true, text.into_bytes());
            }
            let options = sozip::Options::default();
            let input = &mut &plain[..];
            writer
                .add(&entry.name, None, input, None, &options, None, &mut |_| {})
                .ok()?;
        }
        any.then(|| writer.finish().ok().map(Cursor::into_inner))?
    }

    /// The text with its paths replaced; `None` if there are none.
    pub(super) fn text(&self, text: &str) -> Option<String> {
        let mut new = String::new();
        let (mut at, mut copied) = (0, 0);
        while at < text.len() {
            match self.path_at(text, at) {
                Some(found) => {
                    new.push_str(&text[copied..at]);
                    new.push_str(&found.written(text, at));
                    at = found.end;
                    copied = at;
                }
                None => at += 1,
            }
        }
        (copied > 0).then(|| new + &text[copied..])
    }

    fn path_at(&self, text: &str, at: usize) -> Option<Match<'_>> {
        let bytes = text.as_bytes();
        let begins = match bytes[at] {
            b'/' => true,
            b'%' => text.get(at..at + 3)?.eq_ignore_ascii_case("%2f"),
            letter => {
                letter.is_ascii_alphabetic() && matches!(bytes.get(at + 1), Some(b':' | b'%'))
            }
        };
        if self.to.is_empty() || !begins || !may_begin(bytes, at) {
            return None;
        }
        let plain = || (bytes[at] != b'%').then(|| self.longest_at(text, at, false))?;
        plain().or_else(|| self.longest_at(text, at, true))
    }

    fn longest_at(&self, text: &str, at: usize, percent: bool) -> Option<Match<'_>> {
        let decoded = Decoded::of(text, at, self.longest + 1, percent);
        (1..=decoded.bytes.len()).rev().find_map(|len| {
            let next = decoded.bytes.get(len).copied();
            let to = self.to.get(&decoded.bytes[..len]).filter(|to| match next {
                None => true,
                // What lies within an archive.
                Some(b'/') => !to.is_folder,
                Some(next) => !is_of_name(next),
            })?;
            let end = decoded.ends[len - 1];
            Some(Match { end, to, percent })
        })
    }
}

impl Match<'_> {
    /// The new path as it is to stand in the text.
    fn written(&self, text: &str, at: usize) -> String {
        let path = &self.to.path;
        if text.as_bytes()[at] == b'%' {
            utf8_percent_encode(path, IN_VALUE).to_string()
        } else if self.percent || text[..at].ends_with("file://") {
            utf8_percent_encode(path, IN_ADDRESS).to_string()
        } else {
            escape::escape(path.as_str()).into_owned()
        }
    }
}

/// Whether a path may begin here: not within a name, nor in a tag that ends.
fn may_begin(text: &[u8], at: usize) -> bool {
    let before = &text[..at];
    let last = match before {
        [] => return true,
        [.., b'%', a, b] => hex(*a, *b).unwrap_or(*b),
        [.., last] => *last,
    };
    if last != b'/' {
        return last != b'<' && !is_of_name(last) && last != b'\\';
    }
    before.ends_with(b"file://") || before.ends_with(b"file:///") || is_virtual(before)
}

/// Whether this ends with `/vsizip/` or another of GDAL's.
fn is_virtual(before: &[u8]) -> bool {
    let name = before.strip_suffix(b"/").unwrap_or(before);
    let kind = name.iter().rposition(|byte| *byte == b'/');
    kind.is_some_and(|at| name[at + 1..].starts_with(b"vsi"))
}

/// Whether a name that stands before this byte most likely goes on.
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-. /".contains(&byte) || byte >= 0x80
}

fn hex(a: u8, b: u8) -> Option<u8> {
    let digit = |c: u8| char::from(c).to_digit(16);
    u8::try_from(digit(a)? * 16 + digit(b)?).ok()
}

/// What the text says from some place on, byte by byte, and where each byte ends in it.
struct Decoded {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Decoded {
    fn of(text: &str, mut at: usize, most: usize, percent: bool) -> Self {
        let mut decoded = Self {
            bytes: Vec::new(),
            ends: Vec::new(),
        };
        let bytes = text.as_bytes();
        while decoded.bytes.len() < most && at < bytes.len() {
            at = match bytes[at] {
                b'<' | b'>' | b'"' | 0..=31 => break,
                b'&' => match entity(&text[at..]) {
                    Some((character, len)) => {
                        let mut buffer = [0; 4];
                        decoded.push(character.encode_utf8(&mut buffer).as_bytes(), at + len)
                    }
                    None => break,
                },
                b'%' if percent && at + 2 < bytes.len() => {
                    match hex(bytes[at + 1], bytes[at + 2]) {
                        Some(byte) => decoded.push(&[byte], at + 3),
                        None => decoded.push(b"%", at + 1),
                    }
                }
                byte => decoded.push(&[byte], at + 1),
            };
        }
        decoded
    }

    fn push(&mut self, bytes: &[u8], end: usize) -> usize {
        self.bytes.extend_from_slice(bytes);
        self.ends.resize(self.bytes.len(), end);
        end
    }
}

/// The character that an entity at the beginning of a text stands for, and the length of that.
fn entity(text: &str) -> Option<(char, usize)> {
    const LONGEST: usize = 12;
    let end = text.bytes().take(LONGEST).position(|byte| byte == b';')?;
    let name = &text[1..end];
    let character = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix('x') {
            Some(digits) => char::from_u32(u32::from_str_radix(digits, 16).ok()?)?,
            None => char::from_u32(number.parse().ok()?)?,
        },
        None => escape::resolve_predefined_entity(name)?.chars().next()?,
    };
    Some((character, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repoint() -> Repoint {
        let mut repoint = Repoint::default();
        for (from, to) in [
            ("/gis/a.csv", "/new home/a.csv"),
            ("/gis/tür & tor/b.shp", "/new home/tür & tor/b.shp"),
            ("/gis/a.csv.gz", "/new home/z.gz"),
            ("/gis/100%.zip", "/new home/p.zip"),
            (r"C:\gis\w.gpkg", "/new home/w.gpkg"),
            ("/gis/x.gdb/a01", "/new home/x.gdb/a01"),
        ] {
            repoint.add(from, Path::new(to));
        }
        repoint
    }

    #[test]
    fn what_names_a_restored_file_leads_to_it() {
        for (text, expected) in [
            ("<d>/gis/a.csv</d>", "<d>/new home/a.csv</d>"),
            (
                "<d>/gis/a.csv|layername=a</d>",
                "<d>/new home/a.csv|layername=a</d>",
            ),
            (
                "file:///gis/a.csv?delimiter=;",
                "file:///new%20home/a.csv?delimiter=;",
            ),
            (
                "file:///gis/t%C3%BCr%20%26%20tor/b.shp",
                "file:///new%20home/t%C3%BCr%20%26%20tor/b.shp",
            ),
            (
                "\"/gis/tür &amp; tor/b.shp\"",
                "\"/new home/tür &amp; tor/b.shp\"",
            ),
            ("ogr:%2Fgis%2Fa.csv:n", "ogr:%2Fnew%20home%2Fa.csv:n"),
            ("dbname='/gis/a.csv' x", "dbname='/new home/a.csv' x"),
            (
                "/vsizip//gis/100%.zip/in.shp",
                "/vsizip//new home/p.zip/in.shp",
            ),
            ("/gis/a.csv.gz", "/new home/z.gz"),
            ("GPKG:C:/gis/w.gpkg:t", "GPKG:/new home/w.gpkg:t"),
            ("source=\"/gis/x.gdb\"", "source=\"/new home/x.gdb\""),
            ("/gis/x.gdb|layername=y", "/new home/x.gdb|layername=y"),
            ("&quot;/gis/a.csv&quot;", "&quot;/new home/a.csv&quot;"),
        ] {
            assert_eq!(repoint().text(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_touched() {
        for text in [
            "./gis/a.csv",
            "../gis/a.csv",
            "/gis/a.csvx",
            "/gis/a",
            "/other/gis/a.csv",
            "</gis/a.csv>",
            "https://host/gis/a.csv",
            "/gis/a.csv2",
            "/gis/a.csv b",
            "%",
            "&#x2",
            "/gis/x.gdb/other",
            "",
        ] {
            assert_eq!(repoint().text(text), None, "{text}");
        }
    }
}
