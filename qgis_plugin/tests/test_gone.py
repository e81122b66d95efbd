"""A layer that was dropped from its file, or a file that was deleted, comes back from the panel with one button."""

import os
import subprocess

from qgis.core import QgsProject
from qgis.PyQt.QtGui import QColor

from conftest import WAIT, make, versions_of


def drop(path, table):
    """As another program does it, with GDAL."""
    code = "import sys; from osgeo import ogr; d = ogr.Open(sys.argv[1], 1); d.ExecuteSQL('DROP TABLE \"%s\"' % sys.argv[2]); d = None"
    subprocess.run(["/usr/bin/python3", "-c", code, path, table], check=True)


def shown_tables(path):
    from geokeep.sources import file_and_table, layers_of

    return sorted(file_and_table(layer)[1] for layer in layers_of(path))


def test_a_dropped_layer_comes_back_into_the_file_and_the_project(qtbot, town, plugin, settled, add):
    path = os.path.realpath(town[0])
    houses = add(path)
    settled()
    drop(path, "trees")
    plugin.panel.set_layer(houses)
    qtbot.waitUntil(lambda: plugin.panel.gone.isVisible(), timeout=WAIT)
    assert "trees" in plugin.panel.gone.words.text() and "10" in plugin.panel.gone.button.toolTip()
    settled()
    plugin.panel.gone.button.click()
    qtbot.waitUntil(lambda: shown_tables(path) == ["houses", "trees"], timeout=WAIT)
    trees = next(layer for layer in QgsProject.instance().mapLayers().values() if layer.name() == "trees")
    assert trees.isValid() and trees.featureCount() == 10
    assert plugin.said == ["The layer “trees” is back in town.gpkg."]
    settled()
    qtbot.waitUntil(lambda: plugin.panel.gone.isHidden(), timeout=WAIT)
    assert versions_of(path, town[1])[0].tables == {"houses", "trees"}


def test_a_broken_layer_of_the_project_is_mended_with_its_style(qtbot, tmp_path, town, plugin, settled, add):
    path = os.path.realpath(town[0])
    add(path)
    trees = add(path, "trees")
    trees.renderer().symbol().setColor(QColor(1, 2, 3))
    settled()
    plan = str(tmp_path / "plan.qgs")
    assert QgsProject.instance().write(plan)
    QgsProject.instance().clear()
    settled()
    drop(path, "trees")
    assert QgsProject.instance().read(plan)
    broken = QgsProject.instance().mapLayer(trees_id(plan))
    assert not broken.isValid()
    settled()
    plugin.panel.set_layer(broken)
    qtbot.waitUntil(lambda: plugin.panel.gone.isVisible(), timeout=WAIT)
    assert not plugin.panel.give_back.isEnabled(), "there is nothing to compare with"
    plugin.panel.gone.button.click()
    qtbot.waitUntil(lambda: broken.isValid(), timeout=WAIT)
    assert broken.featureCount() == 10 and broken.renderer().symbol().color() == QColor(1, 2, 3)
    assert len(QgsProject.instance().mapLayers()) == 2, "it is mended, not added once more"


def test_after_an_edit_session_of_two_layers(qtbot, town, plugin, settled, add):
    """QGIS goes on holding such a file in WAL mode, like somebody who is still editing it."""
    path = os.path.realpath(make(os.path.join(os.path.dirname(town[0]), "three.gpkg"), 3, layers=("houses", "trees", "more")))
    layers = [add(path), add(path, "trees")]
    settled()
    for layer in layers:
        assert layer.startEditing() and layer.deleteFeature(1)
    for layer in layers:
        assert layer.commitChanges(), layer.commitErrors()
    settled()
    drop(path, "more")
    plugin.panel.set_layer(layers[0])
    qtbot.waitUntil(lambda: plugin.panel.gone.isVisible(), timeout=WAIT)
    settled()
    plugin.panel.gone.button.click()
    qtbot.waitUntil(lambda: plugin.said != [], timeout=WAIT)
    assert plugin.said == ["The layer “more” is back in three.gpkg."] and shown_tables(path) == ["houses", "more", "trees"]
    assert [layer.featureCount() for layer in layers] == [2, 2]


def trees_id(plan):
    import re

    with open(plan, encoding="utf-8") as f:
        return re.search(r"<id>(trees_[^<]+)</id>", f.read()).group(1)


def test_of_several_one_is_chosen(qtbot, tmp_path, town, plugin, settled, add):
    to = town[1]
    path = os.path.realpath(make(str(tmp_path / "many.gpkg"), 3, layers=("houses", "b & <i>c</i>", "trees")))
    houses = add(path)
    settled()
    drop(path, "b & <i>c</i>")
    drop(path, "trees")
    plugin.panel.set_layer(houses)
    qtbot.waitUntil(lambda: plugin.panel.gone.isVisible(), timeout=WAIT)
    settled()
    choice = plugin.panel.gone.button.menu().actions()
    assert len(choice) == 2 and plugin.panel.gone.words.text().startswith("2 layers")
    next(a for a in choice if "<i>" in a.text()).trigger()
    qtbot.waitUntil(lambda: shown_tables(path) == ["b & <i>c</i>", "houses"], timeout=WAIT)
    settled()
    qtbot.waitUntil(lambda: "trees" in plugin.panel.gone.words.text(), timeout=WAIT)
    assert [v.tables for v in versions_of(path, to)][0] == {"houses", "b & <i>c</i>"}


def test_the_only_layer_of_a_file_that_is_in_no_project_any_more(qtbot, monkeypatch, tmp_path, town, plugin, settled, add):
    path = os.path.realpath(make(str(tmp_path / "one.gpkg"), 3, layers=("houses",)))
    layer = add(path)
    settled()
    QgsProject.instance().removeMapLayer(layer.id())
    drop(path, "houses")
    offered = []
    monkeypatch.setattr("geokeep.actions.QInputDialog.getItem", lambda _w, _t, _l, names, *_: (offered.extend(names) or names[0], True))
    plugin.panel.refresh()
    plugin.panel._ask("other")
    qtbot.waitUntil(lambda: plugin.panel.gone.isVisible(), timeout=WAIT)
    assert offered[0].startswith("one.gpkg (")
    settled()
    plugin.panel.gone.button.click()
    qtbot.waitUntil(lambda: shown_tables(path) == ["houses"], timeout=WAIT)


def test_a_deleted_file_comes_back(qtbot, tmp_path, town, plugin, settled, add):
    path = os.path.realpath(town[0])
    add(path)
    settled()
    plan = str(tmp_path / "plan.qgs")
    assert QgsProject.instance().write(plan)
    settled()
    QgsProject.instance().clear()
    os.remove(path)
    assert QgsProject.instance().read(plan)
    broken = next(iter(QgsProject.instance().mapLayers().values()))
    plugin.panel.set_layer(broken)
    qtbot.waitUntil(lambda: plugin.panel.gone.isVisible(), timeout=WAIT)
    assert plugin.panel.gone.words.text() == "town.gpkg no longer exists."
    plugin.panel.gone.button.click()
    qtbot.waitUntil(lambda: broken.isValid(), timeout=WAIT)
    assert os.path.exists(path) and broken.featureCount() == 10


def test_nothing_is_brought_back_into_a_file_that_is_being_edited(qtbot, town, plugin, settled, add):
    path = os.path.realpath(town[0])
    houses = add(path)
    settled()
    drop(path, "trees")
    plugin.panel.set_layer(houses)
    qtbot.waitUntil(lambda: plugin.panel.gone.isVisible(), timeout=WAIT)
    settled()
    assert houses.startEditing()
    plugin.panel.gone.button.click()
    assert plugin.said == ["A layer of this file is being edited."]
    houses.rollBack()


def test_what_another_program_did_is_backed_up_when_the_user_looks(qtbot, town, plugin, settled, add):
    path = os.path.realpath(town[0])
    houses = add(path)
    settled()
    plugin.panel.set_layer(houses)
    assert plugin.keeper.outstanding() == [], "nothing has happened to it"
    subprocess.run(["/usr/bin/python3", "-c", "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('create table notes (n)'); c.commit()", path], check=True)
    plugin.panel.set_layer(houses)
    settled()
    assert [v.label for v in versions_of(path, town[1])] == ["found changed", "opened"]


def test_what_is_gone_is_what_the_newest_version_lacks():
    from collections import namedtuple

    from geokeep.history import gone

    V = namedtuple("V", "instant verdict tables")
    new, old, older = V("3", "sound", {"a"}), V("2", "sound", {"a", "b"}), V("1", "sound", {"a", "b", "c"})
    assert gone([new, old, older]) == [("b", old), ("c", older)]
    assert gone([]) == [] and gone([V("3", "damaged", set()), old]) == [], "what is damaged tells nothing"
    assert gone([new, V("2", "damaged", {"a", "b"}), older]) == [("c", older), ("b", older)]
