"""What lies in a folder of backups."""

from __future__ import annotations

import importlib.util

import pytest
from conftest import archives

import geokeep


@pytest.fixture
def stored(desk, change):
    for number in range(3):
        change("town.gpkg", f"UPDATE owners SET name = 'state {number}' WHERE fid = 1")
        geokeep.backup("town.gpkg", to="backups")
    return geokeep.backups("backups")


def test_they_are_listed_from_the_oldest(desk, stored):
    assert len(stored) == 3 and sorted(stored, key=lambda one: one.instant) == stored
    assert geokeep.backups("backups", "town") == stored
    assert geokeep.backups("backups", "town.gpkg") == stored
    assert geokeep.backups("backups", source=desk / "town.gpkg") == stored
    assert len({hash(one) for one in stored}) == 3
    with pytest.raises(geokeep.NoSuchBackup):
        geokeep.backups("backups", "city")
    with pytest.raises(geokeep.NoSuchDestination):
        geokeep.backups("nowhere")


def test_a_damaged_archive_is_found(desk, stored):
    heard = []
    assert [one.ok for one in geokeep.verify("backups", on_result=heard.append)] == [True] * 3
    assert len(heard) == 3
    damaged = stored[1].archive
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(geokeep.VerificationFailed) as caught:
        geokeep.verify("backups", level="digest")
    assert caught.value.exit_code == 24
    assert {one.archive: one.ok for one in caught.value.results} == {
        one.archive: one.archive != damaged for one in stored
    }
    with pytest.raises(geokeep.VerificationFailed):
        stored[1].verify()
    assert stored[2].verify("drill").ok
    results = geokeep.verify("backups", check=False)
    assert sum(not one.ok for one in results) == 1
    damaged.write_bytes(b"PK")
    with pytest.raises(geokeep.VerificationFailed):
        geokeep.forget("backups", keep_last=3)
    assert len(geokeep.backups("backups")) == 2


def test_forgetting_keeps_what_is_pinned_and_the_newest(desk, stored):
    stored[0].pin("the fair")
    assert geokeep.backups("backups")[0].pinned == "the fair"
    plan = geokeep.forget("backups", keep_last=1, dry_run=True)
    assert {one.id: one.status for one in plan} == {
        stored[0].id: "kept",
        stored[1].id: "planned",
        stored[2].id: "kept",
    }
    assert len(archives(desk)) == 3
    done = geokeep.forget("backups", "town", keep_last=1)
    assert [one.id for one in done if one.status == "removed"] == [stored[1].id]
    assert next(one for one in done if one.id == stored[0].id).reasons == ("pinned",)
    stored[0].unpin()
    assert geokeep.backups("backups")[0].pinned is None
    geokeep.forget("backups", keep_last=1)
    assert geokeep.backups("backups") == [geokeep.backups("backups")[-1]]
    with pytest.raises(geokeep.WrongUsage):
        geokeep.forget("backups")


def test_one_opens_as_it_lies(desk, stored):
    pyogrio = pytest.importorskip("pyogrio", reason="archives opened by pyogrio: it is not installed")
    assert pyogrio.read_info(stored[0].uri, layer="trees")["features"] == 180
    owners = pyogrio.raw.read(stored[1].uri, layer="owners", columns=["name"], where="fid = 1")
    assert [list(column) for column in owners[3]] == [["state 1"]]


def test_one_opens_in_geopandas_if_that_is_there(desk, stored):
    if importlib.util.find_spec("geopandas") is None:
        with pytest.raises(ImportError, match="pip install geopandas"):
            stored[0].open("trees")
        return
    trees = stored[0].open("trees")
    assert type(trees).__name__ == "GeoDataFrame" and len(trees) == 180
    assert len(stored[0].open()) == 256
