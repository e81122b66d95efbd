//! `geokeep report`: text, JSON and page of the same backups, and the exit code.

use crate::common;

use std::fs;

use common::{Desk, tiny};

fn desk() -> Desk {
    let desk = Desk::new();
    desk.build("gis/parcels.gpkg", &tiny());
    desk.build("gis/roads.gpkg", &tiny());
    desk.ok(&["backup", "gis", "--to", "backups", "--label", "<b>note</b>"]);
    desk
}

#[test]
fn says_in_a_line_how_each_file_is_protected() {
    let desk = desk();
    let out = desk.ok(&["report", "--from", "backups"]);
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines.len(), 3, "{out}");
    assert!(
        lines[0].starts_with("fresh  parcels ") && lines[0].contains(" 40 rows "),
        "{out}"
    );
    assert!(
        lines[1].starts_with("fresh  roads ") && lines[1].ends_with("  sound"),
        "{out}"
    );
    assert_eq!(
        lines[2],
        "Both files have a sound backup from the last 24 hours."
    );
}

#[test]
fn the_page_is_written_and_written_again() {
    let desk = desk();
    let arguments = ["report", "--from", "backups", "--html", "report.html"];
    let out = desk.ok(&arguments);
    assert!(
        out.starts_with("report of 2 files -> report.html\n"),
        "{out}"
    );
    let page = fs::read_to_string(desk.path("report.html")).unwrap();
    assert!(page.contains("Both files have a sound backup from the last 24 hours."));
    assert!(page.contains("&lt;b&gt;note&lt;/b&gt;") && !page.contains("<b>note"));
    // Relative to nothing: whoever reads the page is in another folder.
    let destination = std::path::absolute(desk.path("backups")).unwrap();
    assert!(
        page.contains(&format!("--from {}", destination.display())),
        "{page}"
    );
    desk.ok(&arguments);
    let (code, lines) = desk.json(&arguments);
    assert_eq!((code, lines.len()), (0, 2));
    assert!(desk.temporaries().is_empty());
}

#[test]
fn the_command_on_the_page_gives_the_file_back() {
    let desk = desk();
    desk.ok(&["report", "--from", "backups", "--html", "report.html"]);
    let page = fs::read_to_string(desk.path("report.html")).unwrap();
    let command = page
        .split("<pre tabindex=\"0\"><code>geokeep ")
        .nth(1)
        .unwrap();
    let command = command.split("</code>").next().unwrap();
    desk.ok(&command.split(' ').collect::<Vec<_>>());
    let restored = fs::read(desk.path("parcels-restored.gpkg")).unwrap();
    assert_eq!(restored, fs::read(desk.path("gis/parcels.gpkg")).unwrap());
}

#[test]
fn a_file_that_is_no_report_stays() {
    let desk = desk();
    let before = fs::read(desk.path("gis/roads.gpkg")).unwrap();
    let ended = desk.run(&["report", "--from", "backups", "--html", "gis/roads.gpkg"]);
    assert_eq!(ended.code, 25);
    assert_eq!(
        ended.err,
        "error: could not write the report 'gis/roads.gpkg'\n\
         cause: another file is there, which is not a report of geokeep\n\
         state: that file is as it was\n\
         hint:  choose another name with --html\n"
    );
    assert_eq!(fs::read(desk.path("gis/roads.gpkg")).unwrap(), before);
    let nowhere = desk.run(&[
        "report",
        "--from",
        "backups",
        "--html",
        "missing/report.html",
    ]);
    assert_eq!(nowhere.code, 1, "{nowhere:?}");
}

#[test]
fn a_source_without_a_sound_backup_is_exit_3_and_said_first() {
    let desk = desk();
    for archive in desk.archives() {
        if archive.to_string_lossy().contains("roads_") {
            fs::write(archive, "cut off").unwrap();
        }
    }
    let (code, lines) = desk.json(&["report", "--from", "backups"]);
    assert_eq!(code, 3);
    assert_eq!(lines[0]["kind"], "report");
    assert_eq!(
        (&lines[0]["standing"], &lines[0]["verdict"]),
        (&"fresh".into(), &"sound".into())
    );
    assert!(lines[0]["age_seconds"].as_i64().unwrap() < 600);
    assert_eq!(lines[0]["layers"][1]["name"], "parcels");
    assert_eq!(lines[0]["layers"][1]["srs_id"], 25832);
    assert_eq!(lines[0]["layers"][1]["extent"].as_array().unwrap().len(), 4);
    assert!(lines[0]["layers"][0]["extent"].is_null());
    assert_eq!(
        (&lines[1]["name"], &lines[1]["standing"]),
        (&"roads".into(), &"none".into())
    );
    assert_eq!(
        (&lines[1]["unreadable"], &lines[1]["verdict"]),
        (&1.into(), &"unreadable".into())
    );
    assert!(lines[1]["id"].is_null() && lines[1]["layers"].is_null());
    let ended = desk.run(&["report", "--from", "backups"]);
    assert_eq!(ended.code, 3);
    assert!(
        ended
            .out
            .ends_with("1 of 2 files is not protected: roads.\n"),
        "{ended:?}"
    );
}

#[test]
fn a_folder_without_backups_and_no_folder_are_different() {
    let desk = Desk::new();
    fs::create_dir_all(desk.path("backups/strange")).unwrap();
    assert_eq!(
        desk.ok(&["report", "--from", "backups"]),
        "There are no backups here yet.\n"
    );
    assert_eq!(desk.run(&["report", "--from", "nowhere"]).code, 10);
}
