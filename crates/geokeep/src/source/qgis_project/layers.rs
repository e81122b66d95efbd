//! The layers of a project's XML: where each says that its data lies.
//!
//! The XML is passed over once, event by event. Entities that it defines itself are never
//! expanded, and a name that needs one makes the project unreadable.

use std::collections::{BTreeSet, HashSet};

use super::attachments::{self, Root};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion, escape};

/// Elements within elements; QGIS writes about 30.
const DEPTH_MAX: u32 = 1000;

/// What one layer says of its data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct MapLayer {
    /// Which part of QGIS reads it: `ogr`, `gdal`, `postgres`, …; empty if it is not told.
    pub(super) provider: String,
    /// Where it lies, in that provider's own words.
    pub(super) source: String,
    /// What people call it.
    pub(super) name: String,
}

/// What a whole project says.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) layers: Vec<MapLayer>,
    /// Other projects whose layers it shows, in its own words.
    pub(super) embedded: BTreeSet<String>,
    /// Symbols, logos and other pictures, in its own words.
    pub(super) pictures: BTreeSet<String>,
    /// Where the attachments of its layers lie.
    pub(super) attachments: BTreeSet<Root>,
}

/// All layers of a whole project.
pub(super) fn contents(xml: &[u8]) -> Result<Contents, String> {
    let text = str::from_utf8(xml).map_err(|_| "it is not UTF-8 text".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let broken = || "its XML is broken or cut off".to_owned();
    let mut reader = Reader::from_str(text);
    let mut found = Found::default();
    loop {
        match reader.read_event().map_err(|_| broken())? {
            Event::Start(element) => found.begin(&element)?,
            Event::Empty(element) => {
                found.begin(&element)?;
                found.end();
            }
            Event::End(_) => found.end(),
            Event::Text(text) => found.text(&text.xml10_content()),
            Event::CData(text) => found.text(&text.xml10_content()),
            Event::GeneralRef(name) if found.reading.is_some() => {
                match name.resolve_char_ref().map_err(|_| broken())? {
                    Some(c) => found.text(c.encode_utf8(&mut [0; 4])),
                    None => found.text(entity(&name)?),
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    // The reader itself does not mind where the text ends.
    if found.depth > 0 || !found.is_project {
        return Err(format!("{}: it ends too early", broken()));
    }
    Ok(found.all())
}

fn entity(name: &str) -> Result<&'static str, String> {
    escape::resolve_predefined_entity(name)
        .ok_or_else(|| format!("a layer's source needs an entity of its own, {name:?}"))
}

#[derive(Debug, Clone, Copy)]
enum Field {
    Id,
    Name,
    Provider,
    Source,
}

/// A layer as the tree of layers shows it.
struct InTree {
    id: String,
    layer: MapLayer,
}

/// What has been read so far.
#[derive(Default)]
struct Found {
    depth: u32,
    is_project: bool,
    /// The layer that is being read, and how deep it stands.
    open: Option<(u32, String, MapLayer)>,
    /// The part of it that is being read: a child of the layer's element.
    reading: Option<Field>,
    ids: HashSet<String>,
    layers: Vec<MapLayer>,
    tree: Vec<InTree>,
    embedded: BTreeSet<String>,
    pictures: BTreeSet<String>,
    attachments: attachments::Found,
}

impl Found {
    fn begin(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        self.depth += 1;
        let name = element.name();
        let name: &str = name.as_ref();
        if self.depth > DEPTH_MAX {
            return Err(format!("its XML is more than {DEPTH_MAX} elements deep"));
        }
        if self.depth == 1 {
            if self.is_project || name != "qgis" {
                return Err(format!("it is XML, but no QGIS project: it holds <{name}>"));
            }
            self.is_project = true;
        }
        if let "maplayer" | "Option" | "property" = name {
            self.embedded(name, element)?;
        }
        self.pictures(element);
        self.attachments.begin(self.depth, element);
        match (&self.open, name) {
            (None, "maplayer") => {
                self.open = Some((self.depth, String::new(), MapLayer::default()))
            }
            (None, "layer-tree-layer") => self.tree.push(InTree {
                id: attribute(element, "id")?,
                layer: MapLayer {
                    provider: attribute(element, "providerKey")?,
                    source: attribute(element, "source")?,
                    name: attribute(element, "name")?,
                },
            }),
            (Some((layer, ..)), _) if self.depth == layer + 1 => {
                self.reading = match name {
                    "id" => Some(Field::Id),
                    "layername" => Some(Field::Name),
                    "provider" => Some(Field::Provider),
                    "datasource" => Some(Field::Source),
                    _ => None,
                };
            }
            _ => {}
        }
        Ok(())
    }

    /// A layer is embedded by itself, or with the group that it stands in.
    fn embedded(&mut self, name: &str, element: &BytesStart<'_>) -> Result<(), String> {
        let project = match name {
            "maplayer" => attribute(element, "project")?,
            _ if attribute(element, if name == "Option" { "name" } else { "key" })?
                == "embedded_project" =>
            {
                attribute(element, "value")?
            }
            _ => String::new(),
        };
        if !project.is_empty() {
            self.embedded.insert(project);
        }
        Ok(())
    }

    /// Whatever attribute it stands in: symbols, fills, labels, decorations and layouts have one each.
    fn pictures(&mut self, element: &BytesStart<'_>) {
        for attribute in element.attributes().with_checks(false).flatten() {
            if is_picture(&attribute.value)
                && let Ok(value) = attribute.normalized_value(XmlVersion::Implicit1_0)
            {
                self.pictures.insert(value.into_owned());
            }
        }
    }

    fn text(&mut self, text: &str) {
        let Some((_, id, layer)) = &mut self.open else {
            return;
        };
        match self.reading {
            Some(Field::Id) => id.push_str(text),
            Some(Field::Name) => layer.name.push_str(text),
            Some(Field::Provider) => layer.provider.push_str(text),
            Some(Field::Source) => layer.source.push_str(text),
            None => {}
        }
    }

    fn end(&mut self) {
        if let Some((_, id, layer)) = self.open.take_if(|(depth, ..)| *depth == self.depth) {
            self.ids.insert(id);
            self.layers.push(layer);
        }
        self.reading = None;
        self.attachments.end(self.depth);
        self.depth = self.depth.saturating_sub(1);
    }

    /// The layers, and those that only the tree knows: QGIS keeps them while their data is away.
    fn all(self) -> Contents {
        let Self {
            ids, layers, tree, ..
        } = self;
        let only_there = tree.into_iter().filter(|entry| !ids.contains(&entry.id));
        let only_there = only_there.map(|entry| entry.layer);
        Contents {
            layers: layers.into_iter().chain(only_there).collect(),
            embedded: self.embedded,
            pictures: self.pictures,
            attachments: self.attachments.roots,
        }
    }
}

/// Whether a value ends as the name of a picture does, and is neither one itself nor an address.
fn is_picture(value: &str) -> bool {
    const LONGEST: usize = 4096;
    const ENDINGS: [&str; 9] = [
        ".svg", ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".svgz",
    ];
    let ends = |ending: &str| {
        let start = value.len().checked_sub(ending.len());
        let end = start.and_then(|start| value.get(start..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(ending))
    };
    value.len() <= LONGEST
        && ENDINGS.iter().any(|ending| ends(ending))
        && !value.starts_with("base64:")
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Result<String, String> {
    let broken = || "its XML is broken".to_owned();
    match element.try_get_attribute(name).map_err(|_| broken())? {
        None => Ok(String::new()),
        Some(attribute) => {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            Ok(value.map_err(|_| broken())?.into_owned())
        }
    }
}
