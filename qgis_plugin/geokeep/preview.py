"""Old versions and differences on the map: read-only layers in a group that never ends up in a saved project."""

import os

from qgis.core import QgsLayerTreeLayer, QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from .command import Trouble
from .sources import PREVIEW
from .words import tr, when

VERSION = "geokeep/backup"
OPACITY = 0.6


class Preview(QObject):
    shown = pyqtSignal(object)  # the layer
    failed = pyqtSignal(object)  # a Trouble

    def __init__(self, iface, archives, parent=None):
        super().__init__(parent)
        self.iface, self.archives = iface, archives
        self.project = QgsProject.instance()
        self._away = []  # [(layer, group name, checked)] while the project is written
        self.project.writeProject.connect(self.leave_out)

    # Showing

    def show(self, version, path, table, live=None):
        self.archives.open(version, table, lambda uri, trouble: self._open(uri, trouble, version, path, table, live))

    def _open(self, uri, trouble, version, path, table, live):
        if trouble is not None:
            self.failed.emit(trouble)
            return
        layer = QgsVectorLayer(uri, "%s @ %s" % (table, when(version.instant)), "ogr")
        if not layer.isValid():
            self._second_try(version, path, table, live, uri)
            return
        layer.setReadOnly(True)
        layer.setCustomProperty(VERSION, version.id)
        if live is not None and live.renderer() is not None and live.geometryType() == layer.geometryType():
            layer.setRenderer(live.renderer().clone())
            layer.setOpacity(OPACITY)
        self.add([layer], "%s @ %s" % (os.path.basename(path), when(version.instant)))

    def _second_try(self, version, path, table, live, uri):
        """Some releases of GDAL cannot open a GeoPackage in a ZIP at all: then a copy is opened."""
        if not uri.startswith("/vsizip/") or (version.tables and table not in version.tables):
            self.failed.emit(no_such_layer(table))
            return
        self.archives.copy(version, lambda copy, trouble: self._open(copy and "%s|layername=%s" % (copy, table), trouble, version, path, table, live))

    def add(self, layers, group_name):
        was_dirty = self.project.isDirty()
        group = self.group(group_name)
        for layer in layers:
            layer.setCustomProperty(PREVIEW, True)
            layer.setCustomProperty("skipMemoryLayersCheck", 1)
            self.project.addMapLayer(layer, False)
            group.addChildNode(QgsLayerTreeLayer(layer))
            self.shown.emit(layer)
        self.project.setDirty(was_dirty)

    def group(self, name):
        for group in self.groups():
            if group.name() == name:
                return group
        group = self.project.layerTreeRoot().insertGroup(0, name)
        group.setCustomProperty(PREVIEW, True)
        return group

    def layers(self):
        return [layer for layer in self.project.mapLayers().values() if layer.customProperty(PREVIEW)]

    def of(self, version_id):
        return [layer for layer in self.layers() if layer.customProperty(VERSION) == version_id]

    def clear(self):
        was_dirty = self.project.isDirty()
        self.project.removeMapLayers([layer.id() for layer in self.layers()])
        self.remove_groups()
        self.project.setDirty(was_dirty)

    def groups(self):
        return [g for g in self.project.layerTreeRoot().findGroups() if g.customProperty(PREVIEW)]

    def remove_groups(self):
        for group in self.groups():
            group.parent().removeChildNode(group)

    # Never in a saved project

    def leave_out(self, document):
        """The tree is in the document already, the layers are written after this signal: they leave the project for that long."""
        layers = self.layers()
        if not layers:
            return
        strip(document.documentElement(), {layer.id() for layer in layers}, {g.name() for g in self.groups()})
        for layer in layers:
            node = self.project.layerTreeRoot().findLayer(layer.id())
            place = (node.parent().name(), node.itemVisibilityChecked()) if node is not None else ("", True)
            self._away.append((self.project.takeMapLayer(layer), *place))
        self.remove_groups()  # the tree is looked at once more, for the legend
        QTimer.singleShot(0, self.put_back)

    def put_back(self):
        was_dirty = self.project.isDirty()
        while self._away:
            layer, name, checked = self._away.pop(0)
            self.project.addMapLayer(layer, False)
            node = QgsLayerTreeLayer(layer)
            self.group(name).addChildNode(node)
            node.setItemVisibilityChecked(checked)
        self.project.setDirty(was_dirty)

    def close(self):
        self.project.writeProject.disconnect(self.leave_out)
        self.put_back()
        self.clear()


def strip(element, ids, groups):
    """Removes every element that names one of these layers, and the groups."""
    child = element.firstChildElement()
    while not child.isNull():
        after = child.nextSiblingElement()
        if names_one(child, ids) or is_group(child, groups):
            element.removeChild(child)
        else:
            strip(child, ids, groups)
        child = after


def names_one(element, ids):
    attributes = element.attributes()
    values = {attributes.item(i).nodeValue() for i in range(attributes.count())}
    return bool(values & ids) or (element.firstChildElement().isNull() and element.text() in ids)


def is_group(element, groups):
    if element.tagName() != "layer-tree-group" or element.attribute("name") not in groups:
        return False
    properties = element.firstChildElement("customproperties")
    options = properties.elementsByTagName("Option")
    return any(options.item(i).toElement().attribute("name") == PREVIEW for i in range(options.count()))


def no_such_layer(table):
    return Trouble("no_such_layer", tr("This version does not have the layer “{layer}”.").format(layer=table), "", tr("Nothing was changed."), "")
