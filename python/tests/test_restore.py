"""Getting files, layers and features back."""

from __future__ import annotations

import sqlite3

import pytest
from conftest import EXAMPLE

import geokeep


@pytest.fixture
def lost(desk, change):
    """A backup, and the file without three owners and with another one changed."""
    (saved,) = geokeep.backup("town.gpkg", to="backups")
    change(
        "town.gpkg",
        "DELETE FROM owners WHERE fid IN (3, 5, 8)",
        "UPDATE owners SET name = 'another' WHERE fid = 9",
    )
    return saved.backup


def owners(file="town.gpkg"):
    database = sqlite3.connect(file)
    rows = dict(database.execute("SELECT fid, name FROM owners"))
    database.close()
    return rows


def test_a_file_is_restored_beside(desk, lost):
    restored = geokeep.restore("town", "backups", to="found.gpkg")
    assert restored.path == desk / "found.gpkg" and restored.status == "restored"
    assert (restored.id, restored.verdict) == (lost.id, "sound")
    assert restored.bytes == restored.path.stat().st_size
    assert owners("found.gpkg") == owners(EXAMPLE)
    with pytest.raises(geokeep.TargetExists) as caught:
        lost.restore(to="found.gpkg")
    assert caught.value.exit_code == 25
    with pytest.raises(geokeep.NoSuchBackup):
        geokeep.restore("city", "backups", to="x.gpkg")


def test_a_file_that_is_replaced_is_backed_up_first(desk, lost):
    plan = geokeep.restore(lost, force=True, dry_run=True)
    assert (plan.status, plan.path) == ("planned", desk / "town.gpkg") and len(owners()) == 117
    progress = []
    restored = geokeep.restore(lost, force=True, on_progress=progress.append)
    assert owners() == owners(EXAMPLE)
    assert progress[-1].fraction == 1.0
    before = {one.id: one for one in geokeep.backups("backups")}[restored.replaced]
    before.restore(to="before.gpkg")
    assert len(owners("before.gpkg")) == 117


def test_lost_features_come_back(desk, lost):
    plan = geokeep.restore(lost, layer="owners", dry_run=True)
    assert (plan.status, plan.inserted, plan.updated) == ("planned", 3, 0) and len(owners()) == 117
    done = lost.restore_layer("owners", fids=[3, 5])
    assert (done.status, done.inserted) == ("restored", 2) and len(owners()) == 119
    assert done.into == desk / "town.gpkg" and done.backup_before
    done = geokeep.restore(lost.id, "backups", layer="owners", into="town.gpkg", mode="lost")
    assert done.inserted == 1 and owners()[9] == "another"
    done = geokeep.restore(lost, layer="owners", mode="changed", columns=["name"])
    assert (done.inserted, done.updated) == (0, 1)
    assert owners() == owners(EXAMPLE)
    assert geokeep.restore(lost, layer="owners", mode="exact").status == "unchanged"


def test_what_was_put_back_is_taken_back(desk, lost):
    before = owners()
    done = geokeep.restore(lost, layer="owners", mode="changed")
    assert owners() != before
    undone = geokeep.undo(done.undo, "backups")
    assert (undone.deleted, undone.updated) == (3, 1) and owners() == before


def test_a_layer_comes_back_under_another_name(desk, lost):
    done = geokeep.restore(lost, layer="trees", as_name="old_trees")
    assert done.status == "restored"
    names = {layer.name for layer in geokeep.inspect("town.gpkg").layers}
    assert names == {"buildings", "old_trees", "owners", "trees"}


def test_arguments_that_do_not_fit(desk, lost):
    with pytest.raises(ValueError):
        geokeep.restore("town", to="x.gpkg")
    with pytest.raises(ValueError):
        geokeep.restore(lost, layer="owners", mode="all")
    with pytest.raises(ValueError):
        geokeep.restore(lost, into="town.gpkg")
    with pytest.raises(geokeep.WrongUsage):
        geokeep.restore(lost, layer="owners", to="x.gpkg")
    with pytest.raises(geokeep.GeokeepError):
        geokeep.restore(lost, layer="no such layer")
    assert len(owners()) == 117
