"""Looking at files and comparing them."""

from __future__ import annotations

import os
import sqlite3

import pytest

import geokeep


def test_what_can_be_seen_of_a_file(desk):
    seen = geokeep.inspect("town.gpkg")
    assert seen.is_sqlite and seen.journal_mode == "rollback" and seen.page_size == 4096
    assert [layer.name for layer in seen.layers] == ["buildings", "owners", "trees"]
    assert [way.method for way in seen.methods if way.chosen] == ["pages"]
    with pytest.raises(geokeep.SourceUnreadable) as caught:
        geokeep.inspect("nowhere.gpkg")
    assert caught.value.exit_code == 22


@pytest.mark.skipif(os.name == "nt", reason="locks are seen on POSIX systems only")
def test_who_has_it_open(desk):
    database = sqlite3.connect("town.gpkg", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    holders = geokeep.inspect("town.gpkg").holders
    assert [holder.pid for holder in holders] == [os.getpid()] and holders[0].locks
    database.close()


def test_what_has_changed(desk, change):
    (saved,) = geokeep.backup("town.gpkg", to="backups")
    assert geokeep.diff(saved.backup).equal
    change(
        "town.gpkg",
        "DELETE FROM owners WHERE fid IN (3, 5)",
        "UPDATE owners SET name = 'another' WHERE fid = 9",
        "INSERT INTO owners (name) VALUES ('new')",
    )
    found = geokeep.diff(saved.backup)
    assert (found.equal, found.complete) == (False, True)
    assert found.before.id == saved.backup.id and found.before.instant == saved.backup.instant
    assert found.after.file == desk / "town.gpkg"
    (layer,) = found.layers
    assert (layer.layer, layer.change, layer.type) == ("owners", "changed", "attributes")
    assert (layer.rows_before, layer.rows_after) == (120, 119)
    assert (layer.added, layer.deleted, layer.changed) == (1, 2, 1)
    assert layer.columns == {"name": 1} and layer.features == ()
    every = geokeep.diff("town", destination="backups", features=None).layers[0].features
    assert sorted(one.change for one in every) == ["added", "changed", "deleted", "deleted"]
    assert {one.key for one in every} == {3, 5, 9, 121}
    assert len(geokeep.diff(saved.backup, features=1).layers[0].features) == 1
    assert geokeep.diff(saved.backup, layers=["trees"]).equal
    second = geokeep.backup("town.gpkg", to="backups")[0].backup
    assert geokeep.diff(saved.backup, second).layers == found.layers
    geokeep.diff(saved.backup, to="changes.csv")
    assert (desk / "changes.csv").is_file()
    with pytest.raises(geokeep.NoSuchBackup):
        geokeep.diff("city", destination="backups")


def test_two_files_without_any_backup(desk, change):
    (desk / "other.gpkg").write_bytes((desk / "town.gpkg").read_bytes())
    change("other.gpkg", "DELETE FROM trees WHERE fid = 1")
    found = geokeep.diff("town.gpkg", "other.gpkg")
    assert [(layer.layer, layer.deleted) for layer in found.layers] == [("trees", 1)]
    assert (found.before.file, found.before.id) == (desk / "town.gpkg", None)


def test_what_the_program_can_do():
    version = geokeep.version()
    assert version.json == 1 and {"events", "must_exist", "diff"} <= version.features
