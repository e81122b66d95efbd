//! Files that are taken with a project, and what belongs to them.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::fs;
use std::path::PathBuf;

use super::super::files::Files;
use super::super::tests::{layer, project};
use super::super::{ProjectFormat, contents};
use crate::source::Unprotected;

/// A folder with files, and a project in it; what is found, by its way from there.
fn found_beside(names: &[&str], body: &str) -> (tempfile::TempDir, Files) {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    let contents = contents(&project(body), ProjectFormat::Qgs).unwrap();
    let files = Files::of(&contents, folder.path());
    (folder, files)
}

fn names_of(folder: &tempfile::TempDir, paths: &[PathBuf]) -> Vec<String> {
    let below = |path: &PathBuf| path.strip_prefix(folder.path()).unwrap().to_owned();
    let text = |path: &PathBuf| below(path).to_str().unwrap().replace('\\', "/");
    paths.iter().map(text).collect()
}

#[test]
fn a_file_is_taken_with_all_its_parts() {
    let names = [
        "roads.shp",
        "roads.SHX",
        "roads.dbf",
        "roads.shp.xml",
        "roads.cpg",
        "roads2.dbf",
        "roads.txt",
        "a/img.tif",
        "a/img.tfw",
        "a/img.tif.aux.xml",
        "a/img.tif.ovr",
        "a/img.doc",
        "t.csv",
        "t.csvt",
        "z.zip",
        "g.gdb/a1.gdbtable",
        "g.gdb/in/x",
        "many/1.shp",
        "many/1.dbf",
        "many/in/no.shp",
    ];
    let body = [
        layer("ogr", "./roads.shp|layerid=0"),
        layer("gdal", "./a/img.tif"),
        layer("delimitedtext", "file:./t.csv?delimiter=;"),
        layer("ogr", "/vsizip/./z.zip/in/x.shp"),
        layer("ogr", "./g.gdb|layername=x"),
        layer("ogr", "./many|layername=1"),
    ];
    let (folder, files) = found_beside(&names, &body.concat());
    let expected = [
        "roads.shp",
        "roads.SHX",
        "roads.cpg",
        "roads.dbf",
        "roads.shp.xml",
        "a/img.tif",
        "a/img.tfw",
        "a/img.tif.aux.xml",
        "a/img.tif.ovr",
        "t.csv",
        "t.csvt",
        "z.zip",
        "g.gdb/a1.gdbtable",
        "g.gdb/in/x",
        "many/1.dbf",
        "many/1.shp",
    ];
    assert_eq!(names_of(&folder, &files.others), expected);
    assert_eq!(files.not_protected, []);
    assert!(files.there.is_empty() && files.missing.is_empty());
}

#[test]
fn pictures_and_attachments() {
    let names = [
        "tree.svg",
        "img/logo.PNG",
        "DCIM/1.jpg",
        "photos/2.jpg",
        "elsewhere/3.jpg",
        "odd.gpkg.svg",
    ];
    let body = "<Option name=\"name\" value=\"./tree.svg\"/><LayoutItem file=\"./img/logo.PNG\"/>\
        <Option name=\"name\" value=\"arrows/Arrow_01.svg\"/><Option value=\"./gone.svg\"/>\
        <Option value=\"https://example.org/a.svg\"/><Option value=\"base64:QQ==.svg\"/>\
        <maplayer><editWidget type=\"ExternalResource\"><config><Option type=\"Map\">\
        <Option name=\"DefaultRoot\" value=\"./photos\"/></Option></config></editWidget>\
        <editWidget type=\"ExternalResource\"/><editWidget type=\"TextEdit\">\
        <Option name=\"DefaultRoot\" value=\"./elsewhere\"/></editWidget>\
        <editWidget type=\"ExternalResource\"><Option name=\"expression\" value=\"&quot;a&quot;\"/></editWidget>\
        </maplayer>";
    let (folder, files) = found_beside(&names, body);
    assert_eq!(
        names_of(&folder, &files.others),
        ["img/logo.PNG", "tree.svg"]
    );
    assert_eq!(names_of(&folder, &files.attachments), ["photos", "DCIM"]);
    let named: Vec<_> = files
        .not_protected
        .iter()
        .map(|one| (&*one.name, one.why))
        .collect();
    let expected = [
        ("gone.svg", Unprotected::Missing),
        ("\"a\"", Unprotected::AttachmentsElsewhere),
    ];
    assert_eq!(named, expected);
}
