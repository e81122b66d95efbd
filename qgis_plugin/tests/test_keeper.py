"""A backup at the start of editing and after each save; nothing waits, and no save fails."""

import os
import subprocess

import pytest
from qgis.core import QgsFeature, QgsGeometry, QgsProject, QgsSettings, QgsVectorLayer

from conftest import WAIT, command, make, versions_of


def square(layer, i, code=None):
    f = QgsFeature(layer.fields())
    f.setGeometry(QgsGeometry.fromWkt("POLYGON((%d 5,%d 6,%d 6,%d 5))" % (i, i, i + 1, i)))
    f.setAttribute("name", "new %d" % i)
    f.setAttribute("code", code or "n%d" % i)
    return f


def test_every_saved_state_gets_a_backup(qtbot, town, keeper, settled, add):
    path, to = town
    layer = add(path)
    settled()
    assert layer.startEditing()
    settled()
    for count in (11, 12):
        assert layer.addFeature(square(layer, count))
        assert layer.commitChanges(False), layer.commitErrors()
        settled()
    layer.rollBack()
    assert [(v.rows, v.label) for v in versions_of(path, to)] == [(12, "after save"), (11, "after save"), (10, "opened")]


@pytest.mark.parametrize("mode", ["wal", "rollback", "group"])
def test_a_save_of_a_thousand_edits_never_waits_for_us_and_loses_nothing(qtbot, tmp_path, town, program, mode):
    """The slots return before any child has ended; the rows of the file are right; and while QGIS has the file
    open, a stranger that opens and closes it does not take -wal and -shm away: QGIS still holds its locks."""
    from geokeep.keeper import Keeper

    path, to = town
    os.remove(path)
    make(path, 500)
    if mode == "rollback":
        QgsSettings().setValue("qgis/walForSqlite3", False)
    keeper = Keeper(program)
    waited = watch_slots(keeper)
    try:
        if mode == "group":
            set_group(QgsProject.instance(), True)
        layer = QgsVectorLayer(path + "|layername=houses", "houses", "ogr")
        other = QgsVectorLayer(path + "|layername=trees", "trees", "ogr")
        QgsProject.instance().addMapLayers([layer, other])
        qtbot.waitUntil(lambda: not keeper.outstanding(), timeout=WAIT)
        assert layer.startEditing()
        assert layer.addFeatures([square(layer, i) for i in range(500)])
        height = layer.fields().indexOf("height")
        for fid in range(1, 501):
            assert layer.changeAttributeValue(fid, height, 99.0)
        assert layer.commitChanges(False), layer.commitErrors()
        qtbot.waitUntil(lambda: not keeper.outstanding(), timeout=WAIT)
        assert_still_locked(path, mode)
        assert layer.addFeature(square(layer, 600))
        assert layer.commitChanges(), layer.commitErrors()
        qtbot.waitUntil(lambda: not keeper.outstanding(), timeout=WAIT)
        assert waited == [], "a slot came back only after a child had ended"
        assert count(path, "select count(*) from houses") == 1001
        assert count(path, "select count(*) from houses where height = 99") == 500
        assert [v.rows for v in versions_of(path, to)][:2] == [1001, 1000]
    finally:
        keeper.close()
        set_group(QgsProject.instance(), False)
        QgsProject.instance().clear()
        QgsSettings().remove("qgis/walForSqlite3")


def watch_slots(keeper):
    """Names of slots during which a child ended: there must be none."""
    waited = []

    def watched(name):
        slot = getattr(keeper, name)

        def call(*arguments):
            ended = []
            keeper.ended.connect(ended.append)
            before = set(keeper.running)
            slot(*arguments)
            if ended or before - set(keeper.running):
                waited.append(name)
            keeper.ended.disconnect(ended.append)

        return call

    for name in ("editing_started", "after_save", "first"):
        setattr(keeper, name, watched(name))
    return waited


def set_group(project, on):
    if hasattr(project, "setTransactionMode"):
        from qgis.core import Qgis

        project.setTransactionMode(Qgis.TransactionMode.AutomaticGroups if on else Qgis.TransactionMode.Disabled)
    else:
        project.setAutoTransaction(on)


def assert_still_locked(path, mode):
    """A stranger opens the file and closes it again. If QGIS had lost its locks, it would be the last one and would remove -wal and -shm."""
    if mode == "rollback":
        return
    sidecars = [path + "-wal", path + "-shm"]
    assert all(map(os.path.exists, sidecars)), "QGIS edits in WAL mode"
    stranger(path, "select count(*) from houses")
    assert all(map(os.path.exists, sidecars)), "the locks of QGIS are gone"


def stranger(path, sql):
    code = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); print(c.execute(sys.argv[2]).fetchone()[0]); c.close()"
    return subprocess.run(["/usr/bin/python3", "-c", code, path, sql], check=True, stdout=subprocess.PIPE).stdout


def count(path, sql):
    """In another process: closing the file in this one would drop the locks of QGIS."""
    return int(stranger(path, sql))


def test_one_run_a_file_and_one_waiting(qtbot, town, keeper, settled, add):
    path, to = town
    add(path)
    add(path, "trees")
    for _ in range(10):
        keeper.back_up(os.path.realpath(path), "by hand", force=True)
    assert len(keeper.running) == 1 and len(keeper.waiting) == 1
    settled()
    assert len(versions_of(path, to)) == 2


def test_forty_files_are_not_forty_programs_at_once(qtbot, tmp_path, town, keeper, settled, add):
    from geokeep.keeper import AT_ONCE

    most = []
    keeper.began.connect(lambda _path: most.append(len(keeper.running)))
    for n in range(6):
        add(make(str(tmp_path / ("f%d.gpkg" % n)), 2))
    settled()
    assert max(most) == AT_ONCE and len(command("list", "--from", town[1])) == 6


def test_a_project_is_backed_up_when_it_is_saved(qtbot, tmp_path, town, keeper, settled, add):
    path, to = town
    add(path)
    settled()
    assert QgsProject.instance().write(str(tmp_path / "plan.qgz"))
    settled()
    assert "project" in {o.get("content") for o in command("list", "--from", to)}


def test_a_project_without_a_file_and_layers_of_other_kinds_are_left_alone(qtbot, town, keeper, settled):
    memory = QgsVectorLayer("Point?crs=EPSG:3857", "in memory", "memory")
    QgsProject.instance().addMapLayer(memory)
    memory.startEditing()
    memory.commitChanges()
    keeper.project_saved()
    assert keeper.outstanding() == []


def test_the_folder_is_away_and_comes_back(qtbot, town, keeper, settled, add):
    """Nothing is written beside it, the next save tries again, and what was missed is made up for."""
    path, to = town
    os.rename(to, to + ".away")
    failures, back = [], []
    keeper.failed.connect(lambda _p, trouble: failures.append(trouble.kind))
    keeper.back.connect(lambda: back.append(True))
    layer = add(path)
    settled()
    assert failures == ["no_such_destination"] and keeper.away and not os.path.exists(to)
    layer.startEditing()
    settled()
    assert layer.addFeature(square(layer, 1)) and layer.commitChanges()
    settled()
    assert not os.path.exists(to)
    os.rename(to + ".away", to)
    keeper.try_again()
    settled()
    assert back == [True] and not keeper.away
    assert [v.rows for v in versions_of(path, to)] == [11]


def test_a_file_on_a_share_that_goes_away(qtbot, tmp_path, town, keeper, settled, add):
    """QGIS still shows it. It is said once what is wrong, older backups stay, and nothing else happens."""
    to = town[1]
    share = tmp_path / "share"
    share.mkdir()
    path = make(str(share / "field.gpkg"))
    add(path)
    settled()
    os.rename(share, tmp_path / "gone")
    failures = []
    keeper.failed.connect(lambda p, trouble: failures.append((p, trouble.kind)))
    keeper.editing_started(path)
    settled()
    assert failures == [(path, "source_unreadable")] and [v.rows for v in versions_of(path, to)] == [10]
    os.rename(tmp_path / "gone", share)


def test_a_killed_program_is_said_and_tried_again(qtbot, town, keeper, settled, add, tmp_path):
    import signal
    import stat

    path, to = town
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(slow.stat().st_mode | stat.S_IXUSR)
    good, keeper.program.path = keeper.program.path, str(slow)
    failures = []
    keeper.failed.connect(lambda _p, trouble: failures.append(trouble.kind))
    add(path)
    run = next(iter(keeper.running.values()))
    qtbot.waitUntil(lambda: run.process.processId() > 0, timeout=WAIT)
    os.kill(run.process.processId(), signal.SIGKILL)
    settled()
    assert failures == ["killed"] and versions_of(path, to) == []
    keeper.program.path = good
    keeper.try_again()
    settled()
    assert [v.rows for v in versions_of(path, to)] == [10]


def test_a_backup_goes_on_when_the_plugin_is_unloaded(qtbot, town, program, add):
    from geokeep.keeper import Keeper

    path, to = town
    keeper = Keeper(program)
    add(path)
    assert keeper.running
    keeper.close()
    qtbot.waitUntil(lambda: len(versions_of(path, to)) == 1, timeout=WAIT)


def test_names_with_quotes_emoji_and_markup(qtbot, tmp_path, town, keeper, settled, add):
    to = town[1]
    path = make(str(tmp_path / "a'b \"c\" <b>d & 🗺.gpkg"), 3, layers=("x<i>\"'🗺 &",))
    layer = add(path, "x<i>\"'🗺 &")
    settled()
    layer.startEditing()
    settled()
    assert layer.deleteFeature(1) and layer.commitChanges(), layer.commitErrors()
    settled()
    assert [v.rows for v in versions_of(path, to, "x<i>\"'🗺 &")] == [2, 3]


@pytest.mark.parametrize("answer", ["wait", "leave"])
def test_qgis_closes_while_a_backup_runs(qtbot, tmp_path, town, keeper, settled, add, answer):
    """The box closes by itself when the backup is done; after “Leave” the backup is made without QGIS."""
    from qgis.PyQt.QtCore import QTimer
    from qgis.PyQt.QtWidgets import QPushButton, QWidget

    from geokeep.closing import ExitBlocker

    path, to = town
    window = QWidget()
    qtbot.addWidget(window)
    layer = add(path)
    settled()
    layer.startEditing()
    settled()
    assert layer.deleteFeature(1) and layer.commitChanges()
    assert list(keeper.due) == [os.path.realpath(path)], "the save is half a second ago at most"
    blocker = ExitBlocker(window, keeper)
    if answer == "leave":
        QTimer.singleShot(0, lambda: [b.click() for b in blocker.box.findChildren(QPushButton)])
    assert blocker.allowExit() is True and blocker.box is None
    if answer == "wait":
        assert not keeper.outstanding()
    qtbot.waitUntil(lambda: [v.rows for v in versions_of(path, to)][:1] == [9], timeout=WAIT)


def test_two_qgis_at_once(qtbot, town, program, add):
    """Two keepers of two processes look alike to the program: both are content, and there is one backup of each state."""
    from geokeep.keeper import Keeper

    path, to = town
    first, second = Keeper(program), Keeper(program)
    layer = add(path)
    qtbot.waitUntil(lambda: not first.outstanding() and not second.outstanding(), timeout=WAIT)
    troubles = []
    for it in (first, second):
        it.failed.connect(lambda _p, trouble: troubles.append(trouble))
    layer.startEditing()
    assert layer.deleteFeature(1) and layer.commitChanges(), layer.commitErrors()
    qtbot.waitUntil(lambda: not first.outstanding() and not second.outstanding(), timeout=WAIT)
    found = versions_of(path, to)
    assert troubles == [] and {v.rows for v in found} == {10, 9}
    # GDAL may write to the file once more after the save, so that there are two states with nine rows.
    digests = [v.raw["digest"] for v in found]
    assert len(set(digests)) == len(digests), digests
    first.close()
    second.close()


def test_the_light_is_amber_after_a_loss_until_it_is_accepted(qtbot, town, keeper, settled, add):
    from geokeep.standing import CARE, GOOD, Standing

    path, to = town
    standing = Standing(keeper)
    layer = add(path)
    settled()
    real = os.path.realpath(path)
    assert standing.of(real)[0] == GOOD
    layer.startEditing()
    settled()
    assert standing.of(real)[0] == GOOD and layer.deleteFeature(1)
    assert standing.of(real)[0] == CARE, "unsaved edits are in no backup"
    assert layer.deleteFeatures([2, 3, 4, 5, 6]) and layer.commitChanges()
    settled()
    colour, words = standing.of(real)
    assert colour == CARE and "4 rows are left of 10" in words
    command("accept", real, "--from", to)
    keeper.back_up(real, "by hand")
    settled()
    assert standing.of(real)[0] == GOOD


def test_a_program_that_is_chosen_while_another_one_is_asked(qtbot, tmp_path, program):
    import stat

    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nsleep 1\n")
    slow.chmod(slow.stat().st_mode | stat.S_IXUSR)
    good = QgsSettings().value("plugins/geokeep/program")
    QgsSettings().setValue("plugins/geokeep/program", str(slow))
    program.check()
    QgsSettings().setValue("plugins/geokeep/program", good)
    program.check()
    qtbot.waitUntil(lambda: program.path == good, timeout=WAIT)
    qtbot.wait(1300)
    assert program.path == good and program.trouble is None
