"""Lets QGIS close a file that its layers show, and open it again, for as long as the file is replaced.

The program refuses to replace a file that somebody has open, and QGIS keeps its own locks on a file
with several layers after an edit session. A layer whose source is another one closes the file for real.
"""

from qgis.core import QgsDataProvider, QgsMapLayerStyle, QgsProject, QgsVectorLayer, QgsWkbTypes

from .sources import layers_of


class Detached:
    def __init__(self, path):
        self.kept = []
        self.project = QgsProject.instance()
        self.project.writeProject.connect(self.put_back)
        for layer in layers_of(path):
            style = QgsMapLayerStyle()
            style.readFromLayer(layer)
            self.kept.append((layer, layer.source(), layer.providerType(), style, layer.readOnly()))
            layer.setDataSource(*nowhere(layer), QgsDataProvider.ProviderOptions())
            layer.setReadOnly(True)  # What was edited now would be edited nowhere.

    def attach(self):
        self.project.writeProject.disconnect(self.put_back)
        self.put_back()
        self.kept = []

    def put_back(self, *_):
        """Also when the project is saved meanwhile: it must not be saved with sources that are none."""
        for layer, source, provider, style, read_only in self.kept:
            try:
                layer.setDataSource(source, layer.name(), provider, QgsDataProvider.ProviderOptions())
                style.writeToLayer(layer)
                layer.setReadOnly(read_only)
                layer.triggerRepaint()
            except RuntimeError:
                continue  # It was removed from the project meanwhile.


def nowhere(layer):
    """An empty source of the same kind."""
    if not isinstance(layer, QgsVectorLayer):
        return "", layer.name(), layer.providerType()
    kind = QgsWkbTypes.displayString(layer.wkbType()) if layer.isSpatial() else "None"
    crs = layer.crs().authid()
    return kind + ("?crs=%s" % crs if crs and layer.isSpatial() else ""), layer.name(), "memory"
