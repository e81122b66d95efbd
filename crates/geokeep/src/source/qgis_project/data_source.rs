//! From the words in which a layer names its data to a GeoPackage on this machine.

use std::path::{Component, Path, PathBuf};

use super::Named;
use super::layers::MapLayer;
use crate::source::Unprotected;
use crate::source::address::{has_drive, local, percent_decoded};

/// Where the data of a layer lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lies {
    /// In the first of these that is there: names may hold what else separates a name from the rest.
    In(Vec<Named>),
    /// In a file within an archive: in the first of these that is a file, which is that archive.
    Within(Vec<Named>),
    /// In files of which this one only says where they are.
    At(PathBuf, Unprotected),
    /// In no file.
    Nowhere(Unprotected),
}

/// The words that begin what stands behind a file in a source of `ogr` and `gdal`.
const AFTER_A_FILE: [&str; 8] = [
    "layername=",
    "layerid=",
    "subset=",
    "geometrytype=",
    "uniquegeometrytype=",
    "option:",
    "authcfg=",
    "credential:",
];
/// Bars in the name of a file.
const BARS_MAX: usize = 8;
/// No system has longer names, in bytes.
const NAME_MAX: usize = 4096;
/// GDAL's names for what is read over a network.
const REMOTE: [&str; 10] = [
    "curl", "s3", "gs", "az", "adls", "oss", "swift", "hdfs", "webhdfs", "subfile",
];

/// Where the layer of a project in `folder` says that its data lies; a virtual layer may lie in
/// several places, others in one, and groups in none.
pub(super) fn lies(layer: &MapLayer, folder: &Path) -> Vec<Lies> {
    let source = layer.source.trim();
    let one = match layer.provider.trim() {
        _ if source.is_empty() => return Vec::new(),
        "ogr" | "gdal" | "" => of_gdal(source, folder),
        "spatialite" => in_database(database_name(source), folder),
        "memory" => Lies::Nowhere(Unprotected::InMemory),
        "virtual" => return of_virtual(source, folder),
        "delimitedtext" | "gpx" | "mdal" | "pdal" | "copc" => of_other_format(source, folder),
        "grass" | "grassraster" | "ept" | "vpc" => match of_other_format(source, folder) {
            Lies::In(named) => named
                .into_iter()
                .next()
                .map_or(Lies::Nowhere(Unprotected::Missing), |named| {
                    Lies::At(named.path, Unprotected::OtherFormat)
                }),
            other => other,
        },
        _ if parameter(source, "type").is_some_and(|kind| kind == "mbtiles") => {
            in_database(parameter(source, "url"), folder)
        }
        // Whatever it is: its words may be those for a server, with a password among them.
        _ => Lies::Nowhere(Unprotected::Server),
    };
    vec![one]
}

fn in_database(name: Option<String>, folder: &Path) -> Lies {
    match name.and_then(|name| local(&name)) {
        Some(file) if !file.is_empty() => Lies::In(vec![place(&file, folder)]),
        _ => Lies::Nowhere(Unprotected::Server),
    }
}

fn of_gdal(source: &str, folder: &Path) -> Lies {
    if let Some(file) = raster_table(source) {
        return in_database(Some(file), folder);
    }
    if let Some(rest) = source.strip_prefix("/vsi") {
        return of_virtual_file_system(rest, folder);
    }
    if source.contains("://") {
        return in_database(Some(before_words(source).to_owned()), folder);
    }
    if let Some(lies) = of_driver(source, folder) {
        return lies;
    }
    let bars = source.match_indices('|').map(|(at, _)| &source[..at]);
    let files = [before_words(source), source]
        .into_iter()
        .chain(bars.take(BARS_MAX));
    let files = files.filter(|file| !file.is_empty() && file.len() <= NAME_MAX);
    let files: Vec<_> = files.map(|file| place(file, folder)).collect();
    match files[..] {
        [] => Lies::Nowhere(Unprotected::Missing),
        _ => Lies::In(files),
    }
}

/// `zip/./a.zip/roads.shp` of `/vsizip/./a.zip/roads.shp`; they may stand in each other, and braces
/// around the archive.
fn of_virtual_file_system(rest: &str, folder: &Path) -> Lies {
    let (kind, inner) = rest.split_once('/').unwrap_or((rest, ""));
    let kind = kind.trim_end_matches("_streaming");
    if kind == "mem" {
        return Lies::Nowhere(Unprotected::InMemory);
    }
    if REMOTE.contains(&kind) {
        return Lies::Nowhere(Unprotected::Server);
    }
    let nested = inner.strip_prefix("/vsi").or(inner.strip_prefix("vsi"));
    if let Some(nested) = nested {
        return of_virtual_file_system(nested, folder);
    }
    let whole = before_words(inner).replace(['{', '}'], "");
    let all = [&whole, inner].map(|text| place(text, folder));
    let above = all.iter().flat_map(|named| {
        let paths = named.path.ancestors();
        let paths = paths.take_while(|path| !path.as_os_str().is_empty() && *path != folder);
        paths.map(|path| Named {
            path: path.to_owned(),
            ..named.clone()
        })
    });
    Lies::Within(above.collect())
}

/// `NETCDF:"./a.nc":depth` and `PG:dbname=…`: a file of another format, or what may hold a
/// password. A drive of Windows has one letter.
fn of_driver(source: &str, folder: &Path) -> Option<Lies> {
    let (driver, rest) = source.split_once(':')?;
    let is_driver = driver.len() > 1
        && driver
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    is_driver.then(
        || match rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
            Some((file, _)) => Lies::In(vec![place(file, folder)]),
            None => Lies::Nowhere(Unprotected::Server),
        },
    )
}

/// `./town.csv` of `file:./town.csv?delimiter=;`, `./mesh.nc` of `Ugrid:"./mesh.nc"`.
fn of_other_format(source: &str, folder: &Path) -> Lies {
    let file = match source
        .split_once('"')
        .and_then(|(_, rest)| rest.split_once('"'))
    {
        Some((file, _)) => file,
        None => source.split('?').next().unwrap_or_default(),
    };
    let file = match file.strip_prefix("file:") {
        Some(path) if !path.starts_with("//") => path,
        _ => file,
    };
    match local(file) {
        Some(file) => Lies::In(vec![place(&file, folder)]),
        None => Lies::Nowhere(Unprotected::Server),
    }
}

/// `?layer=ogr:./a.gpkg%7Clayername%3Droads:name:UTF-8&query=…`; layers that it takes from the
/// project (`layer_ref`) stand there themselves.
fn of_virtual(source: &str, folder: &Path) -> Vec<Lies> {
    let (file, items) = source.split_once('?').unwrap_or((source, ""));
    let mut all = Vec::new();
    if !file.is_empty() {
        all.push(in_database(Some(file.to_owned()), folder));
    }
    for item in items.split('&') {
        let Some(text) = item.strip_prefix("layer=") else {
            continue;
        };
        let text = percent_decoded(text).unwrap_or_default();
        let mut parts = text.split(':');
        let provider = parts.next().unwrap_or_default().to_owned();
        let source = parts.next().and_then(percent_decoded).unwrap_or_default();
        if provider != "virtual" {
            let name = String::new();
            let layer = MapLayer {
                provider,
                source,
                name,
            };
            all.extend(lies(&layer, folder));
        }
    }
    all
}

/// A value of `type=mbtiles&url=./a.mbtiles`.
fn parameter(source: &str, name: &str) -> Option<String> {
    let mut items = source.trim_start_matches('?').split('&');
    let value = items.find_map(|item| item.strip_prefix(name)?.strip_prefix('='))?;
    percent_decoded(value)
}

/// `./town.gpkg` of `./town.gpkg|layername=roads|subset="a" = 'b'`.
fn before_words(source: &str) -> &str {
    let is_word = |at: usize| {
        let begins = |word: &&str| {
            let start = source[at + 1..].get(..word.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(word))
        };
        AFTER_A_FILE.iter().any(begins)
    };
    let mut bars = source.match_indices('|').map(|(at, _)| at);
    bars.find(|at| is_word(*at))
        .map_or(source, |at| &source[..at])
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
    Some(before_words(&rest[..end]).to_owned())
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

/// Where the file lies: QGIS writes `/` on every system, but older projects of Windows have `\`.
pub(super) fn place(file: &str, folder: &Path) -> Named {
    let foreign = !cfg!(windows) && (has_drive(file) || file.starts_with(r"\\"));
    if foreign || cfg!(windows) && file.starts_with(r"\\") {
        let path = PathBuf::from(file);
        return Named {
            path,
            foreign,
            relative: false,
        };
    }
    let path = PathBuf::from(file.replace('\\', "/"));
    Named {
        relative: !path.has_root(),
        path: without_dots(&folder.join(path)),
        foreign,
    }
}

/// The path with `.` and `..` taken out by name, as QGIS does: a folder that is a link is left by
/// the way that it was entered.
pub(super) fn without_dots(path: &Path) -> PathBuf {
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
