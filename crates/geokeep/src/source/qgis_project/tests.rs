//! Projects as QGIS writes them, and as nobody should.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::source::Unprotected;

/// What QGIS 3.22 wrote in `/srv/town/gis` (`make.py` beside it).
fn written_by_qgis(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/qgis");
    fs::read(folder.join(name)).unwrap()
}

fn paths(bytes: &[u8], format: ProjectFormat, folder: &str) -> Result<Vec<String>, String> {
    let files = Files::of(&contents(bytes, format)?, Path::new(folder));
    let named = files.there.into_iter().chain(files.missing);
    Ok(named
        .map(|path| path.to_str().unwrap().replace('\\', "/"))
        .collect())
}

pub(super) fn layer(provider: &str, source: &str) -> String {
    let source = quick_xml::escape::escape(source);
    format!(
        "<maplayer><id>{}</id><datasource>{source}</datasource><provider>{provider}</provider></maplayer>",
        source.len()
    )
}

pub(super) fn project(body: &str) -> Vec<u8> {
    let start =
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n<qgis version=\"3.22\">";
    format!("{start}<projectlayers>{body}</projectlayers></qgis>\n").into_bytes()
}

fn files_of(provider: &str, source: &str) -> Files {
    let xml = project(&layer(provider, source));
    let contents = contents(&xml, ProjectFormat::Qgs).unwrap();
    Files::of(&contents, Path::new("gis"))
}

/// The one path that a layer of a project in `gis` leads to.
fn one(provider: &str, source: &str) -> Option<PathBuf> {
    let files = files_of(provider, source);
    let mut named = files.there.into_iter().chain(files.missing);
    let first = named.next();
    assert_eq!(named.next(), None);
    first
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = sozip::ArchiveWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = sozip::Options::default();
        writer
            .add(name, None, &mut &**bytes, None, &options, None, &mut |_| {})
            .unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn what_qgis_writes() {
    for name in ["relative.qgz", "absolute.qgz"] {
        let bytes = written_by_qgis(name);
        let mut found = paths(&bytes, ProjectFormat::Qgz, "/srv/town/gis").unwrap();
        found.sort();
        let expected = [
            "/srv/town/away/Höhen.gpkg",
            "/srv/town/gis/data/gone.gpkg",
            "/srv/town/gis/data/ortho.gpkg",
            "/srv/town/gis/data/town & country.gpkg",
        ];
        assert_eq!(found, expected, "{name}");
        let xml = unpack(&bytes).unwrap();
        let mut of_xml = paths(&xml, ProjectFormat::Qgs, "/srv/town/gis").unwrap();
        of_xml.sort();
        assert_eq!(of_xml, expected, "{name}");
    }
    // Relative to the project, wherever it lies.
    let bytes = written_by_qgis("relative.qgz");
    let moved = paths(&bytes, ProjectFormat::Qgz, "elsewhere/gis").unwrap();
    assert!(moved.contains(&"elsewhere/away/Höhen.gpkg".to_owned()));
    let moved = paths(&bytes, ProjectFormat::Qgz, "").unwrap();
    assert!(moved.contains(&"../away/Höhen.gpkg".to_owned()));
}

#[test]
fn ways_to_name_a_geopackage() {
    let cases = [
        ("ogr", "./a.gpkg|layername=roads", "gis/a.gpkg"),
        (
            "ogr",
            "./a.gpkg|layerid=0|subset=x = 'b.gpkg'",
            "gis/a.gpkg",
        ),
        ("ogr", "data/A.GPKG", "gis/data/A.GPKG"),
        ("ogr", r".\data\a.gpkg|layername=x", "gis/data/a.gpkg"),
        ("ogr", "../../away/a.gpkg", "../away/a.gpkg"),
        ("ogr", "/srv/../../a.gpkg", "/a.gpkg"),
        ("ogr", "file:///srv/a%20%C3%A4.gpkg", "/srv/a ä.gpkg"),
        (
            "ogr",
            "FILE://localhost/srv/100%.gpkg|layerid=0",
            "/srv/100%.gpkg",
        ),
        ("gdal", "GPKG:./a.gpkg:ortho", "gis/a.gpkg"),
        ("gdal", "gpkg:/srv/a.gpkg", "/srv/a.gpkg"),
        ("gdal", "GPKG:\"/srv/a:b.gpkg\":ortho", "/srv/a:b.gpkg"),
        ("gdal", "./a.gpkg|option:NOLOCK=YES", "gis/a.gpkg"),
        (
            "spatialite",
            r"dbname='./it\'s.gpkg' table=x (g) sql=",
            "gis/it's.gpkg",
        ),
        ("", "./old.gpkg", "gis/old.gpkg"),
        ("ogr", "./a|b.gpkg|layername=x|y", "gis/a|b.gpkg"),
        ("ogr", "./a.gpkg|unheard=of", "gis/a.gpkg"),
        (
            "virtual",
            "?layer=ogr:.%2Fa%20b.gpkg%257Clayername%3Dx:n:UTF-8&query=SELECT%201",
            "gis/a b.gpkg",
        ),
        (
            "virtual",
            "?query=x&layer=ogr:./a%252Eb.gpkg%7Clayerid%3D0:n:",
            "gis/a.b.gpkg",
        ),
        (
            "mbtilesvectortiles",
            "type=mbtiles&url=.%2Fa.gpkg",
            "gis/a.gpkg",
        ),
        (
            "wms",
            "url=file:///srv/a%2520b.gpkg&type=mbtiles",
            "/srv/a b.gpkg",
        ),
    ];
    for (provider, source, path) in cases {
        assert_eq!(one(provider, source), Some(path.into()), "{source}");
    }
}

#[test]
fn what_is_no_database_here_is_named() {
    use Unprotected::{InArchive, InMemory, Missing, OtherFormat, Server};
    let named = |provider: &str, source: &str| {
        let body = layer(provider, source).replace("<id>", "<layername>roads</layername><id>");
        let contents = contents(&project(&body), ProjectFormat::Qgs).unwrap();
        let files = Files::of(&contents, Path::new("gis"));
        assert!(
            files.there.is_empty() && files.missing.is_empty(),
            "{source}"
        );
        files.not_protected
    };
    for (provider, source, name, why) in [
        ("ogr", "./a.shp", "a.shp", Missing),
        ("ogr", "./a.db|layername=x", "a.db", Missing),
        ("ogr", "./a.gpkg.zip", "a.gpkg.zip", Missing),
        (
            "ogr",
            "/vsizip/./a.zip/a.gpkg|layername=x",
            "a.gpkg",
            InArchive,
        ),
        ("gdal", "/vsitar//srv/a.tgz/a.tif", "a.tif", InArchive),
        (
            "ogr",
            "/vsicurl/https://example.org/a.gpkg?key=SECRET",
            "roads",
            Server,
        ),
        (
            "ogr",
            "https://me:SECRET@example.org/a.gpkg",
            "roads",
            Server,
        ),
        ("ogr", "PG:host=db password=SECRET", "roads", Server),
        (
            "postgres",
            "dbname='a.gpkg' host=db password='SECRET'",
            "roads",
            Server,
        ),
        (
            "WFS",
            "url='https://example.org/a.gpkg?SECRET'",
            "roads",
            Server,
        ),
        ("memory", "Point?crs=EPSG:4326", "roads", InMemory),
        ("ogr", "/vsimem/a.gpkg", "roads", InMemory),
        (
            "delimitedtext",
            "file:///srv/a%20b.csv?delimiter=;",
            "a b.csv",
            Missing,
        ),
        ("delimitedtext", "file:./c.csv?type=csv", "c.csv", Missing),
        ("gdal", "NETCDF:\"./sea.nc\":depth", "sea.nc", Missing),
        ("mdal", "Ugrid:\"/srv/mesh.nc\"", "mesh.nc", Missing),
        ("pdal", "./cloud.laz", "cloud.laz", Missing),
        ("ept", "./cloud/ept.json", "ept.json", OtherFormat),
        ("spatialite", "table=x", "roads", Server),
    ] {
        let found = named(provider, source);
        assert_eq!(found.len(), 1, "{source}");
        assert_eq!((&*found[0].name, found[0].why), (name, why), "{source}");
    }
    // A group, or a layer that only embeds another.
    assert!(named("", "").is_empty());
}

#[test]
fn what_is_no_database_gives_no_path() {
    let cases = [
        ("postgres", "dbname='a.gpkg' host=db table=x"),
        ("WFS", "url='https://example.org/a.gpkg'"),
        ("ogr", "https://example.org/a.gpkg"),
        ("ogr", "/vsizip/./a.zip/a.gpkg|layername=x"),
        ("ogr", "/vsicurl/https://example.org/a.gpkg"),
        ("ogr", "./a.shp"),
        ("ogr", "./a.gpkg.zip"),
        ("ogr", "file:///srv/%ff.gpkg"),
        ("ogr", ""),
        ("gdal", "GPKG:"),
        ("gdal", "GPKG:\""),
        ("gdal", "GPK\u{e4}:"),
        ("spatialite", "table=x"),
        ("spatialite", r"dbname='a.gpkg\"),
    ];
    for (provider, source) in cases {
        assert_eq!(one(provider, source), None, "{source}");
    }
}

#[test]
#[cfg(unix)]
fn a_path_of_windows_is_missing_whatever_lies_here() {
    for source in [
        r"C:\gis\a.gpkg|layerid=0",
        "c:/gis/a.gpkg",
        r"\\nas\gis\a.gpkg",
        "file:///C:/a.gpkg",
    ] {
        assert_eq!(files_of("ogr", source).missing.len(), 1, "{source}");
    }
}

#[test]
fn a_file_is_named_once_and_the_tree_tells_of_lost_layers() {
    let body = format!(
        "{}{}{}<layer-tree-layer id=\"11\" providerKey=\"ogr\" source=\"/stale/a.gpkg\"/>\
         <layer-tree-layer id=\"lost\" providerKey=\"ogr\" source=\"./b &amp; c.gpkg|layerid=0\"><x/></layer-tree-layer>",
        layer("ogr", "./a.gpkg|layerid=0"),
        layer("ogr", "./x/../a.gpkg|layername=other"),
        "<maplayer><id>11</id><x><datasource>./deep.gpkg</datasource></x></maplayer>",
    );
    let found = paths(&project(&body), ProjectFormat::Qgs, "gis").unwrap();
    assert_eq!(found, ["gis/a.gpkg", "gis/b & c.gpkg"]);
    let text =
        "<maplayer><datasource>./a<![CDATA[&]]>&#98;&amp;.gp<!-- x -->kg</datasource></maplayer>";
    let found = paths(&project(text), ProjectFormat::Qgs, "gis").unwrap();
    assert_eq!(found, ["gis/a&b&.gpkg"]);
}

#[test]
fn projects_that_are_none() {
    let whole = project(&layer("ogr", "./a.gpkg"));
    assert!(paths(&whole, ProjectFormat::Qgs, "").is_ok());
    let deep = "<a>".repeat(5000);
    let laughs = "<!DOCTYPE qgis [<!ENTITY a \"./a\"><!ENTITY b \"&a;&a;\">]><qgis><maplayer>\
                  <datasource>&b;.gpkg</datasource></maplayer></qgis>";
    let cases: [(&[u8], &str); 9] = [
        (b"", "ends too early"),
        (b"not a project", "ends too early"),
        (b"<html></html>", "no QGIS project"),
        (b"<qgis></qgis><qgis></qgis>", "no QGIS project"),
        (b"<qgis><a></qgis>", "broken"),
        (b"<qgis>\xff</qgis>", "not UTF-8"),
        (&whole[..whole.len() - 9], "broken or cut off"),
        (laughs.as_bytes(), "entity of its own"),
        (&project(&deep), "elements deep"),
    ];
    for (bytes, expected) in cases {
        let error = paths(bytes, ProjectFormat::Qgs, "").unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let many = |count| {
        let layer = |n| layer("ogr", &format!("./{n}.gpkg"));
        let layers: String = (0..count).map(layer).collect();
        paths(&project(&layers), ProjectFormat::Qgs, "")
    };
    assert_eq!(many(NAMED_MAX).unwrap().len(), NAMED_MAX);
    assert!(many(NAMED_MAX + 1).unwrap_err().contains("more than 10000"));
    let bomb = vec![b' '; usize::try_from(PROJECT_BYTES_MAX).unwrap() + 1];
    let (one, two): (&[u8], &[u8]) = (&whole, b"<qgis/>");
    let mut tricky = zip(&[("xx_xx.qgs", one)]);
    for at in 0..tricky.len() - 9 {
        if &tricky[at..at + 9] == b"xx_xx.qgs" {
            tricky[at..at + 9].copy_from_slice(b"../xx.qgs");
        }
    }
    let mut damaged = zip(&[("a.qgs", one)]);
    damaged[60] ^= 1;
    let cases = [
        (one.to_vec(), "its ZIP cannot be read"),
        (zip(&[("a.txt", two)]), "without a .qgs"),
        (zip(&[("a.qgs", two), ("b.QGS", two)]), "more than one .qgs"),
        (zip(&[("a.qgs", &bomb)]), "over the limit"),
        (tricky, "unsafe entry name"),
        (damaged, "its ZIP cannot be read"),
    ];
    for (bytes, expected) in cases {
        let error = paths(&bytes, ProjectFormat::Qgz, "").unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let more = zip(&[("a.qgs", one), ("a.qgd", b"notes"), ("img/a.png", b"")]);
    assert_eq!(paths(&more, ProjectFormat::Qgz, "").unwrap(), ["a.gpkg"]);
}

/// A cut or changed project gives an answer, and one that is cut off is never taken for whole.
#[test]
fn every_beginning_of_a_project_is_refused() {
    let whole = project(&layer("ogr", "./a.gpkg"));
    let end = whole.len() - 1;
    for len in 0..end {
        assert!(
            paths(&whole[..len], ProjectFormat::Qgs, "").is_err(),
            "{len}"
        );
    }
    let packed = written_by_qgis("relative.qgz");
    for len in (0..packed.len()).step_by(7) {
        assert!(
            paths(&packed[..len], ProjectFormat::Qgz, "").is_err(),
            "{len}"
        );
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        at in 0..2000usize,
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "<qgis>", "</qgis>", "<maplayer>", "</maplayer>", "<datasource>", "</datasource>",
                "<id>", "</id>", "<layer-tree-layer source='./a.gpkg' id=", "'x'/>", "&amp;", "&x;",
                "&#0;", "&#xD800;", "<![CDATA[", "]]>", "<!--", "-->", "<!DOCTYPE", ">", "./a.gpkg|",
                "GPKG:", "dbname='", "\u{20ac}", "\"", "<provider>spatialite</provider>",
            ]),
            0..40,
        ),
    ) {
        let _ = paths(&bytes, ProjectFormat::Qgs, "");
        let _ = paths(&bytes, ProjectFormat::Qgz, "");
        let _ = paths(pieces.concat().as_bytes(), ProjectFormat::Qgs, "");
        let _ = paths(&project(&pieces.concat()), ProjectFormat::Qgs, "");
        for name in ["relative.qgz", "absolute.qgz"] {
            let mut packed = written_by_qgis(name);
            let mut xml = unpack(&packed).unwrap();
            for (n, byte) in bytes.iter().take(5).enumerate() {
                let last = packed.len() - 1;
                packed[(at * 7 + n).min(last)] = *byte;
                xml[at + n] = *byte;
            }
            let _ = paths(&packed, ProjectFormat::Qgz, "");
            let _ = paths(&xml, ProjectFormat::Qgs, "");
        }
    }

    /// Whatever a layer says comes out of the XML as it went in.
    #[test]
    fn any_source_is_read_as_it_is(name in "[a-zA-Zäöü€<>&\"' ]{1,20}") {
        let expected = Path::new("gis").join(format!("x{name}.gpkg"));
        prop_assert_eq!(one("ogr", &format!("./x{name}.gpkg|layerid=0")), Some(expected));
    }
}
