"""Runs inside the real QGIS (`--code`): a person's first minutes, by script. See run.sh for how it is started.

Pictures go to a folder.
"""

import os
import subprocess
import sys
import time

from qgis import gui
from qgis.core import QgsFeatureRequest, QgsProject, QgsRectangle, QgsSettings
from qgis.gui import QgsGui
from qgis.PyQt.QtCore import QSize, Qt, QTimer
from qgis.PyQt.QtGui import QImage
from qgis.PyQt.QtWidgets import QApplication, QDialog, QDockWidget, QMessageBox, QPushButton
from qgis.utils import iface, plugins

sys.path.insert(0, os.environ["GEOKEEP_SCRIPTS"])
from story import LIMIT, WORK, Story, check, results  # noqa: E402  (QGIS runs this as a text, without a place of its own)

TOWN = os.path.join(WORK, "town.gpkg")
BACKUPS = os.path.join(WORK, "backups")
PICTURES = os.path.join(WORK, "pictures")


def picture(widget, name):
    QApplication.processEvents()
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_Indexed8, Qt.ImageConversionFlag.ThresholdDither)
    image.save(os.path.join(PICTURES, "qgis-%s.png" % name))


def bar_texts():
    bar = iface.messageBar()
    items = bar.items() if hasattr(bar, "items") else []
    return [(item, item.text()) for item in items]


def bar_button(text):
    for item, _text in bar_texts():
        for button in item.findChildren(QPushButton):
            if text in button.text():
                return button
    return None


def told(words):
    return any(words in text for _item, text in bar_texts())


def steps():
    plugin = plugins.get("geokeep")
    check("the plugin is loaded", plugin is not None)
    panel, keeper = plugin.panel, plugin.keeper
    window = iface.mainWindow()
    window.resize(1280, 800)
    for dock in window.findChildren(QDockWidget):
        if dock.objectName() == "Browser":
            dock.hide()
    check("nothing modal at start", QApplication.activeModalWidget() is None)

    # The program is not there
    QgsSettings().setValue("plugins/geokeep/program", os.path.join(WORK, "nowhere"))
    plugin.program.check()
    yield lambda: panel.stack.currentWidget() is panel.missing
    check("a missing program is said in the panel", "not installed" in panel.missing.message.text(), panel.missing.message.text())
    panel.resize(QSize(330, 420))
    yield 0.3
    picture(panel, "program-missing")
    QgsSettings().setValue("plugins/geokeep/program", os.environ["GEOKEEP"])
    plugin.program.check()
    yield lambda: panel.stack.currentWidget() is panel.setup
    check("then it asks for a folder", panel.isVisible())
    yield 0.3
    picture(panel, "set-up")

    # The project, and the first backup
    layer = iface.addVectorLayer(TOWN + "|layername=buildings", "buildings", "ogr")
    trees = iface.addVectorLayer(TOWN + "|layername=trees", "trees", "ogr")
    iface.setActiveLayer(layer)
    check("nothing is backed up before a folder is chosen", not keeper.outstanding() and os.listdir(BACKUPS) == [])
    plugin.choose_folder(BACKUPS)
    yield lambda: told("is backed up") and not keeper.outstanding()
    check("the first backup is told", told("town.gpkg is backed up"), str([t for _i, t in bar_texts()]))
    yield lambda: panel.list.topLevelItemCount() == 1
    yield lambda: plugin.light.colour == "good"
    check("the light is green", True)

    # Forty features are lost
    iface.messageBar().clearWidgets()
    iface.setActiveLayer(layer)
    check("editing starts at once", layer.startEditing())
    yield lambda: not keeper.outstanding()
    area = layer.extent()
    lost = [f.id() for f in layer.getFeatures(QgsFeatureRequest().setFilterRect(QgsRectangle(area.xMinimum(), area.yMinimum(), area.center().x(), area.center().y())))][:40]
    spoilt = [f.id() for f in layer.getFeatures() if f.id() not in lost][:3]
    layer.deleteFeatures(lost)
    for fid in spoilt:
        layer.changeAttributeValue(fid, layer.fields().indexOf("use"), "?")
    check("the save succeeds", layer.commitChanges(), str(layer.commitErrors()))
    yield lambda: told("lost 40 features") and panel.list.topLevelItemCount() == 2
    check("the bar offers them back", told("buildings lost 40 features."), str([t for _i, t in bar_texts()]))
    check("the list shows the loss", panel.list.topLevelItem(0).text(2) == "−40", panel.list.topLevelItem(0).text(2))
    iface.setActiveLayer(layer)
    iface.zoomToActiveLayer()
    yield lambda: not iface.mapCanvas().isDrawing()
    yield 0.5
    picture(window, "offer")

    # The bar's own way back
    bar_button("Restore").click()
    yield lambda: plugin.actions.dialog is not None and plugin.actions.dialog.go.isEnabled()
    dialog = plugin.actions.dialog
    check("the bar offers just those", dialog.radios[2].isChecked() and "only these 40 features" in dialog.radios[2].text(), dialog.radios[2].text())
    dialog.go.click()
    check("and they are back", layer.isEditable() and set(lost) <= {f["fid"] for f in layer.getFeatures()})
    layer.undoStack().undo()
    check("and gone again after an undo", layer.featureCount() == 216)
    layer.rollBack()
    yield lambda: not keeper.outstanding()
    iface.messageBar().clearWidgets()
    plugin.actions.dialog = None
    iface.setActiveLayer(layer)
    yield lambda: panel.list.topLevelItemCount() == 2

    # Show as layer
    before = panel.list.all()[1]
    panel.list.select(before.id)
    panel.show_it.click()
    yield lambda: len(plugin.preview.of(before.id)) == 1
    old = plugin.preview.of(before.id)[0]
    check("the old version is shown read-only", old.featureCount() == layer.featureCount() + 40 and old.readOnly())
    iface.setActiveLayer(layer)
    yield lambda: not iface.mapCanvas().isDrawing() and panel.list.topLevelItemCount() == 2
    yield 0.7
    picture(window, "show-as-layer")
    QgsProject.instance().write(os.path.join(WORK, "plan.qgs"))
    with open(os.path.join(WORK, "plan.qgs"), encoding="utf-8") as f:
        saved = f.read()
    check("it is in no saved project", old.id() not in saved and " @ " not in saved and layer.id() in saved, str([line for line in saved.splitlines() if old.id() in line or " @ " in line][:5]))
    yield lambda: plugin.preview.of(before.id) != [] and not keeper.outstanding()
    check("and on the map again afterwards", plugin.preview.of(before.id) == [old])
    plugin.preview.clear()

    # What has changed
    iface.setActiveLayer(layer)
    yield lambda: panel.list.topLevelItemCount() >= 2
    panel.list.select(before.id)
    panel.actions_of["changes"].trigger()
    yield lambda: len(plugin.preview.layers()) > 0
    yield lambda: not iface.mapCanvas().isDrawing()
    yield 0.7
    picture(window, "what-changed")
    check("what has changed is shown as layers", any(it.name() == "changes" for it in plugin.preview.layers()), str([it.name() for it in plugin.preview.layers()]))
    plugin.preview.clear()

    # The history of one feature, from the menu of the identify results
    actions = [a for a in QgsGui.mapLayerActionRegistry().mapLayerActions(layer) if a is plugin.feature_menu.action]
    check("the identify menu has the entry", len(actions) == 1)
    feature = layer.getFeature(spoilt[0])
    if hasattr(plugin.feature_menu.action, "triggeredForFeatureV2"):
        plugin.feature_menu.action.triggerForFeature(layer, feature, gui.QgsMapLayerActionContext())
    else:
        plugin.feature_menu.action.triggerForFeature(layer, feature)
    yield lambda: window.findChild(FeatureHistoryClass()) is not None and window.findChild(FeatureHistoryClass()).list.topLevelItemCount() == 1
    history = window.findChild(FeatureHistoryClass())
    history.list.topLevelItem(0).setExpanded(True)
    yield 0.3
    picture(history, "feature-history")
    check("it says what was different", history.list.topLevelItem(0).text(1).startswith("use: "), history.list.topLevelItem(0).text(1))
    history.close()

    # Restore
    iface.messageBar().clearWidgets()
    iface.setActiveLayer(layer)
    yield lambda: panel.list.topLevelItemCount() >= 2
    panel.list.select(before.id)
    panel.give_back.click()
    yield lambda: plugin.actions.dialog is not None and plugin.actions.dialog.go.isEnabled()
    dialog = plugin.actions.dialog
    check("the dialog counts", "40" in dialog.radios[0].text() and "43" in dialog.radios[1].text(), dialog.radios[0].text() + dialog.radios[1].text())
    dialog.radios[1].click()
    yield 0.3
    picture(dialog, "restore")
    dialog.go.click()
    check("they are back in the edit session", layer.isEditable() and layer.undoStack().count() == 1 and set(lost) <= {f["fid"] for f in layer.getFeatures()})
    check("and the save succeeds", layer.commitChanges(), str(layer.commitErrors()))
    yield lambda: not keeper.outstanding() and panel.list.topLevelItemCount() >= 3
    yield lambda: plugin.light.colour == "good"
    check("the light is green again", True)

    # A backup is checked, and the report is written; the browser itself stays closed
    plugin.actions.do("verify", [before])
    yield lambda: told("whole, to the last byte")
    from geokeep import actions

    opened_urls = []
    actions.QDesktopServices = type("Browser", (), {"openUrl": staticmethod(lambda url: opened_urls.append(url.toLocalFile()))})
    plugin.actions.do("report", [])
    yield lambda: bool(opened_urls)
    check("the report is written and opened", os.path.getsize(opened_urls[0]) > 1000)
    iface.messageBar().clearWidgets()

    # A layer is dropped by another program, and brought back with one button
    drop("owners")
    iface.setActiveLayer(trees)
    iface.setActiveLayer(layer)
    yield lambda: panel.gone.isVisible() and not keeper.outstanding()
    check("the panel says what is gone", "owners" in panel.gone.words.text(), panel.gone.words.text())
    yield 0.3
    picture(panel, "gone")
    panel.gone.button.click()
    yield lambda: told("“owners” is back") and not keeper.outstanding()
    owners = [it for it in QgsProject.instance().mapLayers().values() if it.name() == "owners"]
    check("and it is in the project", [it.featureCount() for it in owners] == [120], str(owners))
    yield lambda: panel.gone.isHidden()
    iface.messageBar().clearWidgets()
    iface.setActiveLayer(layer)

    # Names that look like markup
    plugin.bar.push("<b>no markup</b> & 🗺 <img src=x>")
    check("the bar shows names as they are", any("&lt;b&gt;" in text for _item, text in bar_texts()))
    iface.messageBar().clearWidgets()

    # Options
    opened, since = [], time.monotonic()

    def watch_options():
        """Closes the dialog once the page is there, however long QGIS takes to build it: until then the script stands still."""
        from geokeep.options import OptionsPage

        if opened:
            return
        dialog = QApplication.activeModalWidget()
        late = time.monotonic() - since > LIMIT
        if isinstance(dialog, QDialog) and (late or any(page.isVisible() for page in dialog.findChildren(OptionsPage))):
            # What comes with the page, such as its answer from the program, comes a moment later.
            QTimer.singleShot(500, lambda: opened.append(options_picture()))
        else:
            QTimer.singleShot(50, watch_options)

    QTimer.singleShot(50, watch_options)
    plugin.actions.do("options", [])
    opened += [] if opened else ["it opened nothing"]
    check("the options page", opened == [True], str(opened))

    # A file that is damaged already
    damaged = iface.addVectorLayer(os.path.join(WORK, "damaged.gpkg") + "|layername=trees", "damaged", "ogr")
    yield lambda: told("damaged.gpkg is damaged") and not keeper.outstanding()
    check("a damaged file is said", told("There is no sound backup of it"), str([t for _i, t in bar_texts()]))
    QgsProject.instance().removeMapLayer(damaged)
    iface.messageBar().clearWidgets()

    # The folder is away, and comes back
    os.rename(BACKUPS, BACKUPS + ".away")
    trees.startEditing()
    trees.deleteFeature(next(trees.getFeatures()).id())
    check("a save succeeds without the folder", trees.commitChanges(), str(trees.commitErrors()))
    yield lambda: told("is not there") and not keeper.outstanding()
    check("the light is red", plugin.light.colour == "bad" or (plugin.light.look() or plugin.light.colour == "bad"))
    check("nothing was made in its place", not os.path.exists(BACKUPS))
    os.rename(BACKUPS + ".away", BACKUPS)
    keeper.try_again()
    yield lambda: told("Backups go on") and not keeper.outstanding()
    check("and then backups go on", not keeper.away)

    # Reloaded while a backup runs
    from qgis.utils import reloadPlugin

    keeper.back_up(os.path.realpath(TOWN), "by hand", force=True)
    number = len(panel.list.all())
    reloadPlugin("geokeep")
    plugin = plugins["geokeep"]
    yield lambda: plugin.program.path is not None and not plugin.keeper.outstanding()
    iface.setActiveLayer(layer)
    yield lambda: len(plugin.panel.list.all()) > number
    check("a backup goes on while the plugin is reloaded", True)

    # QGIS closes while a backup runs
    trees.startEditing()
    trees.deleteFeature(next(trees.getFeatures()).id())
    trees.commitChanges()
    check("a backup is due", plugin.keeper.outstanding() != [])
    QgsProject.instance().setDirty(False)
    QTimer.singleShot(0, watch_closing)
    results.write("ok the end of the script\n")
    iface.actionExit().trigger()


def drop(table):
    code = "import sys; from osgeo import ogr; d = ogr.Open(sys.argv[1], 1); d.ExecuteSQL('DROP TABLE ' + sys.argv[2]); d = None"
    subprocess.run(["/usr/bin/python3", "-c", code, TOWN, table], check=True)


def FeatureHistoryClass():
    from geokeep.feature_history import FeatureHistory

    return FeatureHistory


def watch_closing():
    """The box while QGIS waits for the last backup. It closes by itself."""
    box = QApplication.activeModalWidget()
    if isinstance(box, QMessageBox) and box.objectName() == "geokeepClosing":
        results.write("ok closing waits for the last backup\n")
        picture(box, "closing")
    elif box is not None and time.monotonic() - story.since > LIMIT:
        results.write("FAILED closing: %s %s is in the way\n" % (type(box).__name__, box.windowTitle()))
        picture(box, "in-the-way")
        box.reject()
    else:
        QTimer.singleShot(5, watch_closing)


def options_picture():
    dialog = QApplication.activeModalWidget()
    if not isinstance(dialog, QDialog):
        return "no dialog"
    dialog.resize(900, 640)
    from geokeep.options import OptionsPage

    pages = dialog.findChildren(OptionsPage)
    if not pages:
        dialog.reject()
        return "no page in %s" % type(dialog).__name__
    right = len(pages) == 1 and pages[0].isVisible() and pages[0].folder.text() == BACKUPS
    # The picture shows a folder as people have it, not that of this test.
    pages[0].folder.setText("/media/disk/backups")
    pages[0].disk.setText("On another disk than the maps.")
    pages[0].program.setText("")
    pages[0].program.setPlaceholderText("/usr/local/bin/geokeep")
    pages[0].version.setText("geokeep %s, /usr/local/bin/geokeep" % plugins["geokeep"].program.version)
    picture(pages[0], "options")
    dialog.reject()
    return right


story = None


def begin():
    global story
    story = Story(steps())


QTimer.singleShot(2000, begin)
