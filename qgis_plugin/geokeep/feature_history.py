"""“History of this feature”: its values in each version, newest first, read in one of QGIS's own tasks."""

from qgis.core import Qgis, QgsApplication, QgsFeatureRequest, QgsMapLayer, QgsTask, QgsVectorLayer
from qgis.gui import QgsGui, QgsMapLayerAction
from qgis.PyQt.QtCore import QObject, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QDialog, QDialogButtonBox, QHeaderView, QTreeWidget, QTreeWidgetItem, QVBoxLayout

from .history import History
from .icons import icon
from .pages import text
from .sources import archive_uri, file_and_table
from .words import label, sentence_of, tr, when

VECTOR = Qgis.LayerType.Vector if hasattr(Qgis, "LayerType") and hasattr(Qgis.LayerType, "Vector") else QgsMapLayer.LayerType.VectorLayer
MOST_VERSIONS = 200


class FeatureAction(QgsMapLayerAction):
    """An entry in the menus of identify results and of attribute tables, for layers of a GeoPackage only."""

    def __init__(self, parent):
        super().__init__(tr("History of this feature"), parent, VECTOR, QgsMapLayerAction.Target.SingleFeature, icon("geokeep"))

    def canRunUsingLayer(self, layer, context=None):
        return file_and_table(layer)[0] is not None


class Reading(QgsTask):
    """Opens one archive after the other and gives what it says about one feature. No live file is touched."""

    found = pyqtSignal(object, object, object)  # version, {name: text} or None, WKB or None

    def __init__(self, versions, table, fid):
        super().__init__(tr("History of a feature"), QgsTask.Flag.CanCancel)
        self.versions, self.table, self.fid = versions, table, fid

    def run(self):
        for version in self.versions[:MOST_VERSIONS]:
            if self.isCanceled():
                return False
            uri = archive_uri(version.archive, self.table)
            layer = QgsVectorLayer(uri, "old", "ogr") if uri else None
            if layer is None or not layer.isValid():
                continue
            feature = next(layer.getFeatures(QgsFeatureRequest(self.fid)), None)
            self.found.emit(version, *values_of(feature))
            del layer
        return True


def values_of(feature):
    """Its values as texts by name, and its geometry, or twice None."""
    if feature is None or not feature.isValid():
        return None, None
    values = {f.name(): shown(feature.attribute(f.name())) for f in feature.fields()}
    return values, bytes(feature.geometry().asWkb()) if feature.hasGeometry() else b""


def shown(value):
    if hasattr(value, "toString"):  # dates and times of Qt
        return value.toString(Qt.DateFormat.ISODateWithMs) if value.isValid() else "NULL"
    return str(value)


class FeatureHistory(QDialog):
    restore = pyqtSignal(object, object, list)

    def __init__(self, program, layer, feature, parent=None):
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("History of this feature"))
        self.layer, self.fid = layer, feature.id()
        self.path, self.table = file_and_table(layer)
        self.last = values_of(feature)
        self.task = None
        self._build()
        layer.willBeDeleted.connect(self.close)
        self.history = History(program, self)
        self.history.ready.connect(self._listed)
        self.history.failed.connect(lambda trouble: self.state.setText(sentence_of(trouble)))
        self.history.load(self.path, self.table)

    def _build(self):
        self.state = text(tr("Reading the versions…"))
        self.list = QTreeWidget()
        self.list.setHeaderLabels([tr("Version"), tr("What was different then"), tr("Note")])
        self.list.setRootIsDecorated(True)
        header = self.list.header()
        header.setStretchLastSection(False)
        for column, mode in enumerate((QHeaderView.ResizeMode.ResizeToContents, QHeaderView.ResizeMode.Stretch, QHeaderView.ResizeMode.ResizeToContents)):
            header.setSectionResizeMode(column, mode)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.back = self.buttons.addButton(tr("Restore…"), QDialogButtonBox.ButtonRole.ActionRole)
        self.back.setEnabled(False)
        self.back.clicked.connect(self._restore)
        self.buttons.rejected.connect(self.reject)
        self.list.itemSelectionChanged.connect(lambda: self.back.setEnabled(bool(self.list.selectedItems())))
        column = QVBoxLayout(self)
        column.addWidget(text(tr("Feature {fid} of “{layer}”").format(fid=self.fid, layer=self.table), bold=True))
        for widget in (self.state, self.list, self.buttons):
            column.addWidget(widget)
        self.resize(640, 360)

    def _listed(self, versions):
        self.task = Reading(versions, self.table, self.fid)
        self.task.found.connect(self._found)
        self.task.taskCompleted.connect(self._all_read)
        QgsApplication.taskManager().addTask(self.task)

    def _found(self, version, values, wkb):
        """Only versions in which something is different from the one after."""
        words = difference(self.last, (values, wkb))
        if not words:
            return
        item = QTreeWidgetItem([when(version.instant), words[0], label(version.label)])
        item.setData(0, Qt.ItemDataRole.UserRole, version)
        for line in words[1:]:
            item.addChild(QTreeWidgetItem(["", line, ""]))
        self.list.addTopLevelItem(item)
        self.last = (values, wkb)

    def _all_read(self):
        self.task = None
        count = self.list.topLevelItemCount()
        self.state.setText(tr("The feature is the same in all versions.") if not count else tr("Versions in which it was different, newest first:"))

    def _restore(self):
        item = self.list.selectedItems()[0]
        version = (item.parent() or item).data(0, Qt.ItemDataRole.UserRole)
        self.restore.emit(self.layer, version, [self.fid])
        self.accept()

    def done(self, result):
        if self.task is not None:
            self.task.cancel()
            self.task = None
        super().done(result)


def difference(after, before):
    """Lines that say what was different before."""
    (new, new_wkb), (old, old_wkb) = after, before
    if old is None:
        return [] if new is None else [tr("it was not there")]
    if new is None:
        return [tr("it was there: {values}").format(values=", ".join("%s %s" % pair for pair in old.items()))]
    lines = ["%s: %s" % (name, value) for name, value in old.items() if new.get(name) != value]
    if old_wkb != new_wkb:
        lines.append(tr("another geometry"))
    return lines


class FeatureMenu(QObject):
    """Puts the entry into QGIS's menus, and takes it away again."""

    asked = pyqtSignal(object, object)  # layer, feature

    def __init__(self, parent):
        super().__init__(parent)
        self.action = FeatureAction(self)
        if hasattr(self.action, "triggeredForFeatureV2"):  # QGIS 3.32 and later
            self.action.triggeredForFeatureV2.connect(lambda layer, feature, _context: self.asked.emit(layer, feature))
        else:
            self.action.triggeredForFeature.connect(lambda layer, feature: self.asked.emit(layer, feature))
        QgsGui.mapLayerActionRegistry().addMapLayerAction(self.action)

    def close(self):
        QgsGui.mapLayerActionRegistry().removeMapLayerAction(self.action)
