//! GDAL's virtual files (`.vrt`): XML that names other files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use quick_xml::events::Event;
use quick_xml::{Reader, escape};

use super::layers::MapLayer;

/// Longer ones are mosaics of many images.
const BYTES_MAX: u64 = 16 << 20;

/// What a virtual file names, as layers whose paths are meant from its own folder; nothing for
/// other files, and as much as can be read of one that is broken.
pub(super) fn layers(path: &Path) -> Vec<MapLayer> {
    if !path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("vrt"))
        || !path.is_file()
    {
        return Vec::new();
    }
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text));
    if read.is_err() {
        return Vec::new();
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let named = |layer| MapLayer {
        name: name.clone().into_owned(),
        ..layer
    };
    named_in(&text).into_iter().map(named).collect()
}

fn named_in(text: &str) -> Vec<MapLayer> {
    let mut reader = Reader::from_str(text);
    let mut layers = Vec::new();
    let mut source: Option<String> = None;
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                let names: [&str; 3] = ["SrcDataSource", "SourceFilename", "SourceDataset"];
                let name = element.name();
                let name: &str = name.as_ref();
                source = names.contains(&name).then(String::new);
            }
            Ok(Event::End(_)) => {
                let source = source.take().filter(|source| !source.is_empty());
                layers.extend(source.map(|source| MapLayer {
                    source,
                    ..MapLayer::default()
                }));
            }
            Ok(Event::Text(text)) => append(&mut source, &text.xml10_content()),
            Ok(Event::CData(text)) => append(&mut source, &text.xml10_content()),
            Ok(Event::GeneralRef(name)) => {
                let character = name.resolve_char_ref().ok().flatten();
                let known = escape::resolve_predefined_entity(&name);
                match character {
                    Some(c) => append(&mut source, c.encode_utf8(&mut [0; 4])),
                    None => append(&mut source, known.unwrap_or_default()),
                }
            }
            Ok(Event::Eof) | Err(_) => return layers,
            Ok(_) => {}
        }
    }
}

fn append(source: &mut Option<String>, text: &str) {
    if let Some(source) = source {
        source.push_str(text);
    }
}
