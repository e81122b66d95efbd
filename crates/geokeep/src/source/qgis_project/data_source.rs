//! From the words in which a layer names its data to a GeoPackage on this machine.

use std::path::{Component, Path, PathBuf};

use super::Named;
use super::layers::Layer;

/// The GeoPackage in which a layer of a project in `folder` lies. `None` if it lies in something
/// else: another format, a server, an archive.
pub(super) fn geopackage(layer: &Layer, folder: &Path) -> Option<Named> {
    let source = layer.source.trim();
    let file = match layer.provider.trim() {
        "ogr" | "gdal" | "" => raster_table(source).unwrap_or_else(|| before_bar(source)),
        "spatialite" => database_name(source)?,
        _ => return None,
    };
    let file = local(&file)?;
    let is_geopackage = ends_with(&file, ".gpkg");
    is_geopackage.then(|| place(&file, folder))
}

fn ends_with(text: &str, ending: &str) -> bool {
    text.to_ascii_lowercase().ends_with(ending)
}

/// `./town.gpkg` of `./town.gpkg|layername=roads|subset="a" = 'b'`.
fn before_bar(source: &str) -> String {
    source.split('|').next().unwrap_or_default().to_owned()
}

/// `/gis/town.gpkg` of `GPKG:/gis/town.gpkg:ortho`, also with quotes around the path.
fn raster_table(source: &str) -> Option<String> {
    let scheme = source.get(..5)?;
    let rest = scheme
        .eq_ignore_ascii_case("GPKG:")
        .then_some(&source[5..])?;
    if let Some(quoted) = rest.strip_prefix('"') {
        return quoted.split('"').next().map(str::to_owned);
    }
    let lower = rest.to_ascii_lowercase();
    let end = lower
        .rfind(".gpkg:")
        .map_or(rest.len(), |at| at + ".gpkg".len());
    Some(before_bar(&rest[..end]))
}

/// `./town.gpkg` of `dbname='./town.gpkg' table="roads" (geom)`; `\` hides a quote.
fn database_name(source: &str) -> Option<String> {
    let rest = source.split_once("dbname='")?.1;
    let mut name = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '\'' => return Some(name),
            '\\' => name.push(characters.next()?),
            c => name.push(c),
        }
    }
}

/// The path of a local file: as it is, or out of a `file:` address.
fn local(text: &str) -> Option<String> {
    if text.starts_with("/vsi") {
        return None;
    }
    match text.split_once("://") {
        None => Some(text.to_owned()),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("file") => {
            let path = percent_decoded(rest)?;
            match path.strip_prefix('/') {
                Some(path) if has_drive(path) => Some(path.to_owned()),
                Some(_) => Some(path),
                None => match path.strip_prefix("localhost/") {
                    Some(path) => Some(format!("/{path}")),
                    None => Some(format!("//{path}")),
                },
            }
        }
        Some(_) => None,
    }
}

/// `None` if what comes out is no text.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).filter(|_| *first == b'%');
        let code = code.filter(|code| code.iter().all(u8::is_ascii_hexdigit));
        let code = code.and_then(|code| str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// `C:/…` or `C:\…`.
fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic())
}

/// Where the file lies: QGIS writes `/` on every system, but older projects of Windows have `\`.
fn place(file: &str, folder: &Path) -> Named {
    let foreign = !cfg!(windows) && (has_drive(file) || file.starts_with(r"\\"));
    if foreign || cfg!(windows) && file.starts_with(r"\\") {
        let path = PathBuf::from(file);
        return Named { path, foreign };
    }
    let path = PathBuf::from(file.replace('\\', "/"));
    Named {
        path: without_dots(&folder.join(path)),
        foreign,
    }
}

/// The path with `.` and `..` taken out by name, as QGIS does: a folder that is a link is left by
/// the way that it was entered.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match plain.components().next_back() {
                Some(Component::Normal(_)) => {
                    plain.pop();
                }
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => plain.push(".."),
            },
            other => plain.push(other),
        }
    }
    plain
}
