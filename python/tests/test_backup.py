"""Backing up, and what is heard of it."""

from __future__ import annotations

import pickle
import zipfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from conftest import EXAMPLE, archives

import geokeep


def test_a_file_is_saved_once(desk, change):
    run = geokeep.backup("town.gpkg", to="backups")
    assert [one.status for one in run] == ["saved"]
    assert run.ok and run.exit_code == 0 and run.failed == [] and len(run.saved) == 1
    made = run[0].backup
    assert made.source == desk / "town.gpkg" == run[0].source
    assert made.archive == archives(desk / "backups")[0] and made.archive.is_absolute()
    assert made.bytes == EXAMPLE.stat().st_size
    assert made.stored_bytes == made.archive.stat().st_size
    assert made.destination == desk / "backups"
    assert (made.name, made.content, made.verdict) == ("town", "database", "sound")
    age = datetime.now(timezone.utc) - made.instant
    assert timedelta(0) <= age < timedelta(minutes=5)
    layers = {layer.name: layer for layer in made.layers}
    assert layers["trees"].rows == 180 and layers["trees"].srs_id == 25832
    assert layers["trees"].extent[0] == pytest.approx(561012.61)
    assert layers["owners"].type == "attributes" and layers["owners"].extent is None

    again = geokeep.backup(Path("town.gpkg"), to=Path("backups"), lock_wait=0)
    assert [one.status for one in again] == ["unchanged"] and again[0].backup.id == made.id
    assert repr(again) == "<Run: 0 saved, 1 unchanged, 0 failed>"
    forced = geokeep.backup("town.gpkg", to="backups", force=True, label="before the fair")
    assert forced[0].status == "saved" and forced[0].backup.label == "before the fair"
    change("town.gpkg", "DELETE FROM owners WHERE fid = 7")
    assert geokeep.backup("town.gpkg", to="backups")[0].status == "saved"


def test_names_that_look_like_something_else(desk):
    names = ["-rf.gpkg", "--to.gpkg", "Gärten und Bäume.gpkg", "100 %.gpkg", "a'b\"c.gpkg", "[x].gpkg"]
    for name in names:
        (desk / name).write_bytes((desk / "town.gpkg").read_bytes())
    run = geokeep.backup(names, to="-backups")
    assert sorted(one.source.name for one in run.saved) == sorted(names)
    for name in names:
        newest = geokeep.backups("-backups", source=name)
        assert [one.source.name for one in newest] == [name]


def test_more_sources_than_a_command_line_holds(desk):
    folder = Path(("maps with a long name " * 5).strip())
    folder.mkdir()
    for number in range(250):
        (folder / f"{number}.gpkg").symlink_to(desk / "town.gpkg")
    (folder / "other.gpkg").write_bytes((desk / "town.gpkg").read_bytes())
    run = geokeep.backup(sorted(folder.iterdir()), to="backups", jobs=2)
    assert {one.source.name for one in run} == {"town.gpkg", "other.gpkg"}
    assert run.ok


def test_no_source_at_all(desk):
    with pytest.raises(ValueError):
        geokeep.backup([], to="backups")
    assert not (desk / "backups").exists()


def test_the_error_of_the_only_source_is_raised(desk):
    with pytest.raises(geokeep.SourceUnreadable) as caught:
        geokeep.backup("nowhere.gpkg", to="backups")
    error = caught.value
    assert (error.kind, error.exit_code) == ("source_unreadable", 22)
    assert error.source.name == "nowhere.gpkg"
    assert error.cause and error.state and error.hint
    lines = str(error).splitlines()
    assert lines[0] == error.message and lines[1] == f"cause: {error.cause}" and len(lines) <= 4
    (desk / "notes.gpkg").write_text("not one")
    with pytest.raises(geokeep.NotAGeopackage):
        geokeep.backup("notes.gpkg", to="backups")


def test_a_failure_among_others_cannot_be_overlooked(desk):
    sources = ["nowhere.gpkg", "town.gpkg"]
    heard = []
    with pytest.raises(geokeep.BackupFailed) as caught:
        geokeep.backup(sources, to="backups", on_result=heard.append)
    run = caught.value.run
    assert {one.status for one in run} == {"saved", "failed"} and len(run.failed) == 1
    assert "nowhere.gpkg" in str(caught.value) and caught.value.exit_code == 3
    assert sorted(heard, key=repr) == sorted(run, key=repr)
    run = geokeep.backup(sources, to="backups", check=False)
    assert not run.ok and run.exit_code == 3
    assert isinstance(run.failed[0].error, geokeep.SourceUnreadable)


def test_a_loss_is_an_alarm_until_it_is_back(desk, change):
    geokeep.backup("town.gpkg", to="backups")
    change("town.gpkg", "DELETE FROM owners WHERE fid > 20")
    for _ in range(2):
        with pytest.raises(geokeep.BackupFailed) as caught:
            geokeep.backup("town.gpkg", to="backups")
        (result,) = caught.value.run
        assert result.error is None and not result.ok
        assert any("owners" in alarm for alarm in result.alarms), result.alarms
        assert result.backup.losses == result.alarms
    assert geokeep.backup("town.gpkg", to="other", max_loss=100).ok


def test_how_far_it_is(desk, large):
    progress, snapshots = [], []
    run = geokeep.backup(
        [large, "town.gpkg"],
        to="backups",
        on_progress=progress.append,
        on_snapshot=snapshots.append,
    )
    instants = {one.source: one.backup.instant for one in run}
    assert {one.source: one.instant for one in snapshots} == instants
    of_large = [one for one in progress if one.source == large]
    assert of_large[0].fraction == 0.0 and of_large[-1].fraction == 1.0
    (made,) = [one.backup for one in run if one.source == large]
    assert of_large[-1].bytes_total == 2 * made.bytes and len(of_large) > 2
    done = [one.bytes_done for one in of_large]
    assert done == sorted(done)
    assert {one.phase for one in progress} <= {"reading", "checking", "writing"}


def test_what_is_saved_after_the_snapshot_is_not_in_it(desk, large, change):
    def save(snapshot: geokeep.Snapshot) -> None:
        change(large, "UPDATE owners SET name = 'after' WHERE fid = 1")

    change(large, "UPDATE owners SET name = 'before' WHERE fid = 1")
    (result,) = geokeep.backup(large, to="backups", on_snapshot=save)
    found = geokeep.diff(result.backup, large, layers=["owners"], features=None)
    ((row,),) = (layer.features for layer in found.layers)
    assert row.columns == {"name": {"before": "before", "after": "after"}}


def test_a_destination_that_must_exist(desk):
    with pytest.raises(geokeep.NoSuchDestination) as caught:
        geokeep.backup("town.gpkg", to="disk/backups", must_exist=True)
    assert caught.value.exit_code == 10 and not (desk / "disk").exists()
    (desk / "disk" / "backups").mkdir(parents=True)
    assert geokeep.backup("town.gpkg", to="disk/backups", must_exist=True).ok


def test_folders_patterns_and_what_is_left_out(desk):
    (desk / "maps").mkdir()
    for name in ("a", "b", "old_tmp"):
        (desk / "maps" / f"{name}.gpkg").write_bytes((desk / "town.gpkg").read_bytes())
    (desk / "maps" / "up").symlink_to(desk, target_is_directory=True)
    run = geokeep.backup("maps", to="backups", exclude=["*_tmp.gpkg"], check=False)
    assert sorted(one.source.name for one in run.saved) == ["a.gpkg", "b.gpkg"]
    assert [(one.name, one.reason) for one in run.not_protected] == [("up", "link_upwards")]
    run = geokeep.backup("maps/*.gpkg", to="other", exclude=["*_tmp.gpkg"], check=False)
    assert len(run.saved) == 2


def test_a_project_comes_with_all_that_it_names(desk):
    project = """<!DOCTYPE qgis><qgis version="3.34"><projectlayers><maplayer type="vector">
        <layername>trees</layername><provider>ogr</provider>
        <datasource>./town.gpkg|layername=trees</datasource></maplayer></projectlayers></qgis>"""
    with zipfile.ZipFile("town.qgz", "w") as packed:
        packed.writestr("town.qgs", project)
    run = geokeep.backup("town.qgz", to="backups")
    assert {one.backup.content for one in run} == {"project", "database"}
    whole = next(one.backup for one in run if one.backup.content == "project")
    restored = whole.restore(to="elsewhere/")
    assert restored.path == desk / "elsewhere" / "town.qgz"
    assert restored.files == (desk / "elsewhere" / "town.gpkg",)
    assert restored.path.is_file() and restored.files[0].is_file()


def test_what_is_known_goes_to_other_processes(desk):
    with pytest.raises(geokeep.BackupFailed) as caught:
        geokeep.backup(["nowhere.gpkg", "town.gpkg"], to="backups")
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value) and again.exit_code == 3
    error = next(one.error for one in again.run if one.error)
    assert type(error) is geokeep.SourceUnreadable and error.cause and error.source
    made = caught.value.run.saved[0].backup
    assert pickle.loads(pickle.dumps(made)) == made


def test_arguments_that_do_not_fit(desk):
    with pytest.raises(geokeep.WrongUsage) as caught:
        geokeep.backup("town.gpkg", to="backups", method="guess")
    assert "guess" in str(caught.value)
    with pytest.raises(geokeep.WrongUsage):
        geokeep.backup("town.gpkg", to=".")
    assert archives(desk) == []
