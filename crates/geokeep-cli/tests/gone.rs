//! Files that were backed up from a folder or by a pattern and no longer exist: said in each run, until
//! they are back or somebody says that it should be so; and their backups stay.

use crate::common;

use std::fs;

use common::{Desk, tiny};

const RUN: [&str; 1] = ["run"];

/// Two files that a folder holds, and two that a pattern finds; all backed up.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.build("maps/deep/a.gpkg", &tiny());
    desk.build("maps/b.gpkg", &tiny());
    desk.build("more/c.gpkg", &tiny());
    desk.build("more/e.gpkg", &tiny());
    let job = "[[job]]\nname = \"maps\"\nsources = [\"maps\", \"mo*/*.gpkg\"]\nto = \"backups\"\n";
    fs::write(desk.path("geokeep.toml"), job).unwrap();
    desk.ok(&RUN);
    desk
}

#[test]
fn it_is_said_until_it_comes_back_and_again_if_it_goes() {
    let desk = desk();
    let away = desk.path("away.gpkg");
    for name in ["maps/deep/a.gpkg", "more/c.gpkg"] {
        fs::rename(desk.path(name), &away).unwrap();
        let status = desk.run(&["status"]);
        assert_eq!(status.code, 3, "{status:?}");
        assert!(status.out.contains("OVERDUE maps: "), "{status:?}");

        let run = desk.run(&RUN);
        assert_eq!(run.code, 3, "{run:?}");
        let loud = format!("{name}' no longer exists\ncause: ");
        assert!(run.err.contains(&loud), "{run:?}");
        assert!(
            run.err
                .contains("its backups stay; the newest sound one is ")
        );
        let last = run.out.lines().last().unwrap();
        assert!(last.ends_with("0 failed, 1 gone"), "{run:?}");

        let run = desk.run(&RUN);
        assert_eq!(run.code, 3, "{run:?}");
        assert!(run.err.contains(&loud), "{run:?}");
        assert!(
            run.err.contains("that it is gone was noticed on "),
            "{run:?}"
        );
        let status = desk.run(&["status"]);
        assert_eq!(status.code, 3, "{status:?}");
        assert!(status.out.contains("GONE    maps: "), "{status:?}");
        assert!(status.out.contains("4 sources, 1 overdue"), "{status:?}");

        fs::rename(&away, desk.path(name)).unwrap();
        assert_eq!(desk.run(&RUN).err, "");
    }
    // What has come back is known to be there.
    fs::remove_file(desk.path("more/c.gpkg")).unwrap();
    assert_eq!(desk.run(&RUN).code, 3);
}

#[test]
fn json_the_hook_and_the_page_know_of_it_and_backups_stay() {
    let desk = desk();
    let job = fs::read_to_string(desk.path("geokeep.toml")).unwrap();
    let more = "report = \"r.html\"\n[job.keep]\nlast = 1\n[job.hooks]\nlog = \"log\"\n";
    fs::write(desk.path("geokeep.toml"), job + more).unwrap();
    fs::remove_file(desk.path("maps/b.gpkg")).unwrap();
    let (code, lines) = desk.json(&RUN);
    assert_eq!(code, 3);
    let gone: Vec<_> = lines.iter().filter(|l| l["status"] == "gone").collect();
    assert_eq!(gone.len(), 1, "{lines:?}");
    assert_eq!(gone[0]["name"], "b");
    assert_eq!(gone[0]["error"]["kind"], "source_gone");
    let run = lines.last().unwrap();
    assert_eq!((&run["gone"], &run["failed"]), (&1.into(), &0.into()));
    assert_eq!(desk.archives().len(), 4);
    let page = fs::read_to_string(desk.path("r.html")).unwrap();
    assert!(page.contains("no longer exists"), "{page}");
    desk.ok(&["restore", "b", "--from", "backups"]);
    assert!(desk.path("maps/b.gpkg").exists());
}

/// A file that was named, one elsewhere, and one of another machine are none of this.
#[test]
fn only_what_would_be_found_has_gone() {
    let desk = desk();
    let other = desk.build("other/d.gpkg", &tiny());
    desk.ok(&["backup", "other/d.gpkg", "--to", "backups"]);
    fs::remove_file(other).unwrap();
    let run = desk.run(&RUN);
    assert_eq!((run.code, &*run.err), (0, ""), "{run:?}");
    fs::remove_file(desk.path("more/c.gpkg")).unwrap();
    let run = desk.run(&["backup", "maps", "--to", "backups"]);
    assert_eq!((run.code, &*run.err), (0, ""), "{run:?}");
}

#[test]
fn a_whole_folder_has_gone() {
    let desk = desk();
    fs::rename(desk.path("maps"), desk.path("elsewhere")).unwrap();
    let run = desk.run(&RUN);
    assert_eq!(run.code, 3, "{run:?}");
    for name in ["maps/deep/a.gpkg", "maps/b.gpkg"] {
        assert!(run.err.contains(&format!("{name}' no longer exists")));
    }
    assert!(
        run.err
            .contains("state: no backup was made of anything there")
    );
    let status = desk.run(&["status"]);
    assert_eq!(
        status.out.matches("GONE    maps: ").count(),
        2,
        "{status:?}"
    );
}

/// A file that somebody named fails, and that is enough.
#[test]
fn what_was_named_is_said_once() {
    let desk = desk();
    let job = "[[job]]\nname = \"maps\"\nsources = [\"maps\", \"maps/b.gpkg\"]\nto = \"backups\"\n";
    fs::write(desk.path("geokeep.toml"), job).unwrap();
    fs::remove_file(desk.path("maps/b.gpkg")).unwrap();
    let run = desk.run(&RUN);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(!run.err.contains("no longer"), "{run:?}");
    assert!(run.out.contains("1 failed\n"), "{run:?}");
    let status = desk.run(&["status"]);
    assert!(status.out.contains("2 sources, 1 overdue"), "{status:?}");
}

/// Whatever stands between: folders that a pattern finds, brackets, a folder in the file's place, a
/// source that was damaged when it was backed up.
#[test]
fn in_many_ways() {
    let desk = Desk::new();
    let backup = |name: &str, folder: &str| {
        let to = desk.path("backups");
        let to = to.to_str().unwrap();
        let mut command = desk.command(&["backup", name, "--to", to]);
        let run = common::ended(command.current_dir(desk.path(folder)));
        (run.code, run.err.matches("no longer exists\ncause").count())
    };
    for (folder, file, source, instead) in [
        ("p", "one/x.gpkg", "*", "no folder"),
        ("m[1]", "x.gpkg", "*.gpkg", ""),
        ("d", "x.gpkg", ".", "folder"),
        ("e", "sub/x.gpkg", ".", "file above"),
    ] {
        let path = desk.build(&format!("{folder}/{file}"), &tiny());
        desk.build(&format!("{folder}/other/y.gpkg"), &tiny());
        desk.build(&format!("{folder}/z.gpkg"), &tiny());
        assert_eq!(backup(source, folder), (0, 0), "{folder}");
        fs::remove_file(&path).unwrap();
        match instead {
            "folder" => fs::create_dir(&path).unwrap(),
            "no folder" => fs::remove_dir(path.parent().unwrap()).unwrap(),
            "file above" => {
                fs::remove_dir(path.parent().unwrap()).unwrap();
                fs::write(path.parent().unwrap(), "").unwrap();
            }
            _ => {}
        }
        assert_eq!(backup(source, folder), (3, 1), "{folder}");
        assert_eq!(backup(source, folder), (3, 1), "{folder}");
    }
    let path = desk.build("f/x.gpkg", &tiny());
    desk.build("f/y.gpkg", &tiny());
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[end - 4096..].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    assert_eq!(backup(".", "f"), (3, 0), "it is damaged");
    fs::remove_file(&path).unwrap();
    assert_eq!(backup(".", "f"), (3, 1));
    // It comes back as something else, and goes again.
    fs::write(&path, "no database").unwrap();
    assert_eq!(backup(".", "f"), (3, 0));
    fs::remove_file(&path).unwrap();
    assert_eq!(backup(".", "f"), (3, 1));
}

/// Names that are no text, and differ only there, are two sources.
#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let desk = Desk::new();
    let plain = desk.build("k/plain.gpkg", &tiny());
    for byte in [0xe8, 0xe9] {
        let name = [b"caf", &[byte][..], b".gpkg"].concat();
        let path = desk.path("k").join(std::ffi::OsStr::from_bytes(&name));
        fs::copy(&plain, path).unwrap();
    }
    for status in ["saved", "unchanged"] {
        // Young files are read again.
        let (code, lines) = desk.json(&["backup", "k", "--to", "backups"]);
        assert_eq!(code, 0, "{lines:?}");
        let names: std::collections::BTreeSet<_> = lines
            .iter()
            .map(|line| line["name"].as_str().unwrap())
            .collect();
        assert_eq!(names.len(), 3, "{lines:?}");
        assert!(
            lines.iter().all(|line| line["status"] == status),
            "{lines:?}"
        );
    }
    let job = "[[job]]\nname = \"k\"\nsources = [\"k\"]\nto = \"backups\"\n";
    fs::write(desk.path("geokeep.toml"), job).unwrap();
    let status = desk.ok(&["status"]);
    assert!(status.ends_with("3 sources, 0 overdue\n"), "{status}");
}

/// The commands that a hint offers, run as they stand.
fn offered(desk: &Desk, hint: &str, before: &str) -> common::Ended {
    let command = hint
        .split(before)
        .nth(1)
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    let words: Vec<_> = command
        .trim()
        .trim_matches('\'')
        .split(' ')
        .map(|word| word.trim_matches('\''))
        .collect();
    desk.run(&words[1..])
}

/// To a restore, a machine that is given a name is another one: the command says where to.
#[test]
fn the_way_back_that_is_offered_works_for_a_machine_that_is_given_a_name() {
    let desk = Desk::new();
    let path = desk.build("maps/a.gpkg", &tiny());
    desk.build("maps/b.gpkg", &tiny());
    let was = fs::read(&path).unwrap();
    let job = "[[job]]\nname = \"maps\"\nsources = [\"maps\"]\nto = \"backups\"\nhost = \"one\"\n";
    fs::write(desk.path("geokeep.toml"), job).unwrap();
    desk.ok(&RUN);
    fs::remove_file(&path).unwrap();
    let run = desk.run(&RUN);
    assert_eq!(run.code, 3, "{run:?}");
    let back = offered(&desk, &run.err, "if that was not meant: ");
    assert_eq!(back.code, 0, "{run:?} {back:?}");
    assert!(fs::read(&path).unwrap() == was);
}

/// Of several layers the whole file comes back, and it is there.
#[test]
fn the_way_back_that_is_offered_works_for_a_loss_in_several_layers() {
    let desk = Desk::new();
    let path = desk.path("maps/town.gpkg");
    fs::create_dir(desk.path("maps")).unwrap();
    let town = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/town.gpkg");
    fs::copy(town, &path).unwrap();
    desk.ok(&["backup", "maps/town.gpkg", "--to", "backups"]);
    let db = rusqlite::Connection::open(&path).unwrap();
    testkit::gpkg::register_spatial_functions(&db).unwrap();
    db.execute_batch("DELETE FROM trees; DELETE FROM owners")
        .unwrap();
    drop(db);
    let run = desk.run(&["backup", "maps/town.gpkg", "--to", "backups"]);
    assert_eq!(run.code, 3, "{run:?}");
    let back = offered(&desk, &run.err, "get it back: ");
    assert_eq!(back.code, 0, "{run:?} {back:?}");
    let db = rusqlite::Connection::open(&path).unwrap();
    let trees: i64 = db
        .query_row("SELECT count(*) FROM trees", [], |row| row.get(0))
        .unwrap();
    assert_eq!(trees, 180);
}
