"""Old versions on the map and back into the layer: one undo step, checked before, compared after, or written exactly."""

import os

import pytest
from qgis.core import QgsFeature, QgsGeometry, QgsProject, QgsVectorLayer

from conftest import WAIT, command, make, versions_of
from geokeep import edit
from geokeep.archives import Archives
from geokeep.compare import Comparison
from geokeep.preview import Preview
from geokeep.restore import Restore
from geokeep.restore_dialog import BOTH, LOST, SELECTION, RestoreDialog


def rows(path, table="houses"):
    """In another process, since closing the file in this one would drop the locks of QGIS."""
    import json
    import subprocess

    code = (
        "import sqlite3,sys,json; c=sqlite3.connect(sys.argv[1]); "
        "print(json.dumps([[x.hex() if isinstance(x,bytes) else x for x in r] for r in c.execute('select * from \"%s\" order by fid' % sys.argv[2])]))"
    )
    return json.loads(subprocess.run(["/usr/bin/python3", "-c", code, path, table], check=True, stdout=subprocess.PIPE).stdout)


@pytest.fixture
def backed_up(town, program, qgis_iface, add):
    """(layer, the version of before, its rows)"""
    path, to = town
    command("backup", path, "--to", to)
    layer = add(path)
    return layer, versions_of(path, to)[0], rows(path)


@pytest.fixture
def archives(program):
    it = Archives(program)
    yield it
    it.close()


@pytest.fixture
def preview(archives, qgis_iface):
    it = Preview(qgis_iface, archives)
    yield it
    it.close()


@pytest.fixture
def restore(program, archives):
    it = Restore(program, archives)
    yield it
    it.close()


def spoil(layer):
    """Two lost, two changed, one of them in its geometry, one new."""
    assert layer.startEditing()
    assert layer.deleteFeatures([3, 4])
    assert layer.changeAttributeValue(7, layer.fields().indexOf("name"), "spoilt")
    assert layer.changeGeometry(8, QgsGeometry.fromWkt("POLYGON((0 0,0 9,9 9,0 0))"))
    new = QgsFeature(layer.fields())
    new.setAttribute("name", "new")
    assert layer.addFeature(new)
    assert layer.commitChanges(), layer.commitErrors()


def compared(qtbot, program, version, path, table="houses"):
    it = Comparison(program, version.id, path, table)
    with qtbot.waitSignal(it.ready, timeout=WAIT) as answer:
        it.start()
    return answer.args[0]


def test_the_program_finds_what_is_lost_and_changed(qtbot, town, program, backed_up):
    layer, version, _was = backed_up
    spoil(layer)
    found = compared(qtbot, program, version, town[0])
    assert (found.lost, found.changed, found.geometry) == ([3, 4], [7, 8], {8})
    assert found.counts == (2, 2, 1) and found.matched_by == "fid" and not found.too_many


def test_an_old_version_is_a_read_only_layer_and_never_in_a_saved_project(qtbot, tmp_path, town, preview, backed_up):
    layer, version, _was = backed_up
    before = open(version.archive, "rb").read()
    project = QgsProject.instance()
    assert project.write(str(tmp_path / "clean.qgs"))
    with qtbot.waitSignal(preview.shown, timeout=WAIT) as answer:
        preview.show(version, town[0], "houses", layer)
    old = answer.args[0]
    assert old.featureCount() == 10 and old.readOnly() and not old.startEditing()
    assert old.opacity() == pytest.approx(0.6)
    assert not project.isDirty(), "looking at something is no change"
    assert project.write(str(tmp_path / "plan.qgs"))
    text = (tmp_path / "plan.qgs").read_text(encoding="utf-8")
    assert old.id() not in text and " @ " not in text and layer.id() in text
    qtbot.waitUntil(lambda: preview.layers() == [old], timeout=WAIT)
    assert project.layerTreeRoot().findLayer(old.id()).parent().customProperty("geokeep/preview")
    assert not project.isDirty()
    assert open(version.archive, "rb").read() == before
    assert os.listdir(os.path.dirname(version.archive)) == [os.path.basename(version.archive)]
    preview.clear()
    assert project.layerTreeRoot().findGroups() == [] and len(project.mapLayers()) == 1


def test_a_large_version_is_a_copy_where_gdal_is_old(qtbot, monkeypatch, town, preview, archives, backed_up):
    from geokeep import archives as module

    layer, version, _was = backed_up
    monkeypatch.setattr(module, "KNOWS_SOZIP", False)
    monkeypatch.setattr(module, "LARGE", 1000)
    with qtbot.waitSignal(preview.shown, timeout=WAIT) as answer:
        preview.show(version, town[0], "houses", layer)
    assert answer.args[0].source().startswith(archives.folder()) and answer.args[0].featureCount() == 10


def test_what_is_lost_and_changed_comes_back_as_one_undo_step(qtbot, town, program, restore, backed_up):
    layer, version, was = backed_up
    spoil(layer)
    found = compared(qtbot, program, version, town[0])
    done = []
    restore.prepare(layer, version, set(found.lost), set(found.changed), lambda old, plan: done.append(restore.apply(layer, old, plan, version)))
    assert done == [True]
    assert layer.undoStack().count() == 1 and layer.featureCount() == 11
    layer.undoStack().undo()
    assert layer.featureCount() == 9
    layer.undoStack().redo()
    with qtbot.waitSignal(restore.compared, timeout=WAIT) as answer:
        assert layer.commitChanges(), layer.commitErrors()
    assert answer.args[2:] == [[], 4]
    assert rows(town[0])[:-1] == was and rows(town[0])[-1][2] == "new"


def test_in_a_transaction_group(qtbot, town, program, restore, backed_up):
    """There each change goes into the file's transaction at once, and it is one undo step all the same."""
    from test_keeper import set_group

    layer, version, was = backed_up
    spoil(layer)
    QgsProject.instance().clear()
    set_group(QgsProject.instance(), True)
    try:
        layer = QgsVectorLayer(town[0] + "|layername=houses", "houses", "ogr")
        other = QgsVectorLayer(town[0] + "|layername=trees", "trees", "ogr")
        QgsProject.instance().addMapLayers([layer, other])
        done = []
        restore.prepare(layer, version, {3, 4}, {7, 8}, lambda old, plan: done.append(restore.apply(layer, old, plan, version)))
        assert done == [True] and layer.undoStack().count() == 1
        with qtbot.waitSignal(restore.compared, timeout=WAIT) as answer:
            assert layer.commitChanges(), layer.commitErrors()
        assert answer.args[2:] == [[], 4] and rows(town[0])[:-1] == was
    finally:
        set_group(QgsProject.instance(), False)
        QgsProject.instance().clear()


def test_the_whole_layer_exactly_and_back_again(qtbot, town, restore, backed_up):
    layer, version, was = backed_up
    spoil(layer)
    spoilt = rows(town[0])
    path = os.path.realpath(town[0])
    with qtbot.waitSignal(restore.written, timeout=WAIT) as answer:
        restore.exactly(version, path, "houses", what="--exact")
    assert rows(town[0]) == was and layer.featureCount() == 10
    with qtbot.waitSignal(restore.written, timeout=WAIT):
        restore.undo_exactly(answer.args[1]["undo"], path)
    assert rows(town[0]) == spoilt and layer.featureCount() == 9


def test_exactly_after_an_edit_session_of_two_layers(qtbot, town, restore, backed_up, add):
    """QGIS goes on holding such a file in WAL mode: its layers let go of it while the program writes."""
    layer, version, was = backed_up
    trees = add(town[0], "trees")
    assert trees.startEditing() and trees.deleteFeature(1)
    spoil(layer)
    assert trees.commitChanges(), trees.commitErrors()
    with qtbot.waitSignal(restore.written, timeout=WAIT):
        restore.exactly(version, os.path.realpath(town[0]), "houses", what="--exact")
    assert rows(town[0]) == was and layer.featureCount() == 10 and trees.featureCount() == 9


def test_while_the_program_writes_the_project_can_be_saved_and_nothing_is_edited_in_vain(qtbot, tmp_path, town, restore, backed_up):
    layer, version, was = backed_up
    spoil(layer)
    layer.renderer().symbol().setOpacity(0.25)
    assert restore.exactly(version, os.path.realpath(town[0]), "houses", what="--exact") is not None
    assert layer.providerType() == "memory" and not layer.startEditing()
    plan = tmp_path / "plan.qgs"
    with qtbot.waitSignal(restore.written, timeout=WAIT):
        assert QgsProject.instance().write(str(plan))
    assert rows(town[0]) == was and layer.featureCount() == 10
    saved = QgsProject()
    assert saved.read(str(plan))
    assert [(it.providerType(), it.featureCount()) for it in saved.mapLayers().values()] == [("ogr", 10)]
    assert layer.renderer().symbol().opacity() == 0.25 and layer.startEditing() and layer.rollBack()


def test_what_was_undone_before_the_save_is_not_compared(qtbot, town, program, restore, backed_up):
    layer, version, _was = backed_up
    spoil(layer)
    restore.prepare(layer, version, {3, 4}, set(), lambda old, plan: restore.apply(layer, old, plan, version))
    layer.undoStack().undo()
    with qtbot.assertNotEmitted(restore.compared, wait=2500):
        assert layer.commitChanges()


def test_what_would_collide_is_found_before_anything_is_changed(qtbot, town, restore, backed_up):
    """A number that is taken, a value that another feature has now, and a deletion that is not saved yet."""
    layer, version, _was = backed_up
    assert layer.startEditing() and layer.deleteFeatures([3, 4, 5])
    assert layer.commitChanges(False), layer.commitErrors()
    code = layer.fields().indexOf("code")
    assert layer.changeAttributeValue(9, code, "c3")  # what the lost 4 had
    assert layer.deleteFeature(10)
    again = QgsFeature(layer.fields())
    again.setAttribute("fid", 3)
    again.setAttribute("name", "in its place")
    assert layer.addFeature(again) and layer.commitChanges(False), layer.commitErrors()
    assert layer.deleteFeature(1)
    old = QgsVectorLayer("/vsizip/{%s}/town.gpkg|layername=houses" % version.archive, "old", "ogr")
    plan = edit.check(layer, old, set(edit.with_deletions(layer, [4, 5, 10, 3])), set())
    assert plan.lost == [1, 5, 10]
    assert [fid for fid, _reason in plan.collisions] == [3, 4]
    layer.rollBack()


def test_the_dialog_offers_restores_and_writes_exactly(qtbot, town, program, restore, preview, backed_up):
    layer, version, was = backed_up
    spoil(layer)
    layer.selectByIds([7])
    dialog = RestoreDialog(restore, layer, version, preview)
    qtbot.addWidget(dialog)
    with qtbot.waitSignal(dialog.said, timeout=WAIT):
        pass
    qtbot.waitUntil(dialog.go.isEnabled, timeout=WAIT)
    texts = [radio.text() for radio in dialog.radios]
    assert ["2" in texts[LOST], "4" in texts[BOTH], "1" in texts[SELECTION]] == [True] * 3
    assert dialog.radios[LOST].isChecked() and (dialog.plan.lost, dialog.plan.changed) == ([3, 4], [])
    dialog.radios[SELECTION].click()
    assert (dialog.plan.lost, dialog.plan.changed) == ([], [7])
    dialog.radios[BOTH].click()
    with qtbot.waitSignal(restore.written, timeout=WAIT):
        dialog.exactly.click()
    assert rows(town[0])[:-1] == was
    assert layer.featureCount() == 11 and layer.getFeature(7)["name"] == "houses 6", "QGIS shows what the file holds"


def test_nothing_is_written_exactly_while_the_file_is_edited(qtbot, town, restore, backed_up):
    layer, version, was = backed_up
    layer.startEditing()
    with qtbot.waitSignal(restore.failed, timeout=WAIT) as answer:
        assert restore.exactly(version, os.path.realpath(town[0]), "houses") is None
    assert answer.args[0].kind == "being_edited"
    layer.rollBack()
    assert rows(town[0]) == was


def test_what_qgis_cannot_write_is_found_and_written_exactly(qtbot, tmp_path, town, program, restore, add):
    """A blob that begins with a zero byte becomes NULL in QGIS, and its save says that all is well."""
    path, to = town
    subprocess_sql(path, "update houses set data = x'00ff01', at = '2026-01-02T03:04:05.678Z' where fid in (2, 3)")
    command("backup", path, "--to", to)
    version, was = versions_of(path, to)[0], rows(path)
    layer = add(path)
    assert layer.startEditing() and layer.deleteFeatures([2, 5]) and layer.commitChanges()
    restore.prepare(layer, version, {2, 5}, set(), lambda old, plan: restore.apply(layer, old, plan, version))
    with qtbot.waitSignal(restore.compared, timeout=WAIT) as answer:
        assert layer.commitChanges(), layer.commitErrors()
    assert answer.args[2:] == [[2], 1]
    assert rows(path) != was
    with qtbot.waitSignal(restore.written, timeout=WAIT):
        restore.exactly(version, os.path.realpath(path), "houses", [2])
    assert rows(path) == was


def subprocess_sql(path, sql):
    """Before QGIS has the file open. The triggers of the spatial index need functions that SQLite lacks, and do not stand in the way of other columns."""
    import sqlite3

    c = sqlite3.connect(path)
    c.create_function("ST_IsEmpty", 1, lambda _g: 0)
    for name in ("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
        c.create_function(name, 1, lambda _g: 0.0)
    c.execute(sql)
    c.commit()
    c.close()


def test_the_whole_file_comes_back_while_qgis_shows_it(qtbot, town, restore, backed_up, add):
    """Also after an edit session of two of its layers, which leaves locks of QGIS on the file."""
    layer, version, was = backed_up
    other = add(town[0], "trees")
    layer.setOpacity(0.3)
    layer.setFieldAlias(1, "what people call it")
    spoil(layer)
    assert other.startEditing() and other.deleteFeature(1) and other.commitChanges()
    with qtbot.waitSignal(restore.written, timeout=WAIT):
        restore.whole_file(version, os.path.realpath(town[0]))
    assert (layer.featureCount(), other.featureCount()) == (10, 10) and rows(town[0]) == was
    assert layer.opacity() == pytest.approx(0.3) and layer.attributeAlias(1) == "what people call it"
    assert layer.startEditing() and layer.deleteFeature(1) and layer.commitChanges()
    assert len(rows(town[0])) == 9, "the next edit goes to the file that is there now"


def test_a_whole_file_that_cannot_come_back_leaves_the_layers_as_they_were(qtbot, town, restore, backed_up):
    layer, version, was = backed_up
    os.remove(version.archive)
    with qtbot.waitSignal(restore.failed, timeout=WAIT):
        restore.whole_file(version, os.path.realpath(town[0]))
    assert layer.isValid() and layer.featureCount() == 10 and rows(town[0]) == was


def test_a_damaged_archive_is_said_and_nothing_changes(qtbot, town, preview, restore, backed_up):
    layer, version, was = backed_up
    with open(version.archive, "r+b") as f:
        f.truncate(200)
    with qtbot.waitSignal(preview.failed, timeout=WAIT):
        preview.show(version, town[0], "houses", layer)
    failures = []
    restore.failed.connect(failures.append)
    restore.prepare(layer, version, {1}, set(), lambda *_: pytest.fail("there is nothing to prepare"))
    qtbot.waitUntil(lambda: bool(failures), timeout=WAIT)
    assert rows(town[0]) == was


def test_what_changed_as_layers(qtbot, town, program, archives, preview, backed_up):
    from geokeep.changes import Changes

    layer, version, _was = backed_up
    spoil(layer)
    changes = Changes(program, archives, preview)
    with qtbot.waitSignal(changes.shown, timeout=WAIT) as answer:
        changes.since(version, town[0], "houses")
    shown = {it.name(): it for it in answer.args[0]}
    assert "changes" in shown and len(shown) == 2
    with qtbot.waitSignal(changes.nothing, timeout=WAIT):
        changes.since(version, town[0], "trees")


def test_the_history_of_a_feature(qtbot, town, program, backed_up):
    from geokeep.feature_history import FeatureHistory

    path, to = town
    layer, _version, _was = backed_up
    for name in ("first", "second"):
        assert layer.startEditing() and layer.changeAttributeValue(7, layer.fields().indexOf("name"), name) and layer.commitChanges()
        command("backup", path, "--to", to, "--force")
    dialog = FeatureHistory(program, layer, layer.getFeature(7))
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: dialog.list.topLevelItemCount() == 2, timeout=WAIT)
    assert [dialog.list.topLevelItem(i).text(1) for i in range(2)] == ["name: first", "name: houses 6"]


def test_a_layer_of_another_version_of_the_table(qtbot, town, program, restore, backed_up, add):
    """A column that came later stays as it is; one that went does not matter."""
    layer, version, _was = backed_up
    from qgis.core import QgsField
    from qgis.PyQt.QtCore import QVariant

    assert layer.startEditing() and layer.addAttribute(QgsField("later", QVariant.String)) and layer.deleteFeature(3) and layer.commitChanges()
    done = []
    restore.prepare(layer, version, {3}, set(), lambda old, plan: done.append(restore.apply(layer, old, plan, version)))
    assert done == [True] and layer.commitChanges(), layer.commitErrors()
    assert layer.getFeature(3)["name"] == "houses 2"


def test_make_is_the_file_that_the_tests_think(tmp_path):
    assert len(rows(make(str(tmp_path / "x.gpkg")))) == 10
