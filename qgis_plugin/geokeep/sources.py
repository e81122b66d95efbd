"""From a layer or a project to the GeoPackage files behind it, and from a backup to a data source."""

import os

from osgeo import gdal
from qgis.core import QgsDataProvider, QgsProject, QgsProviderRegistry, QgsVectorLayer
from qgis.PyQt.QtCore import QUrl

PREVIEW = "geokeep/preview"  # the custom property of everything that the plugin shows for a while


def file_of(layer):
    """The real path of the local GeoPackage that a layer shows, vector or raster, else None."""
    return _parts(layer)[0]


def file_and_table(layer):
    """(real path, table) of a vector layer in a local GeoPackage, else (None, None)."""
    if not isinstance(layer, QgsVectorLayer):
        return None, None
    path, table = _parts(layer)
    if path is None:
        return None, None
    return path, table or _only_table(layer)


def named_by(layer):
    """(real path, table) of a vector layer that QGIS cannot show, because its table or its file no longer exists."""
    if not isinstance(layer, QgsVectorLayer) or layer.isValid():
        return None, None
    path, table = _parts(layer, broken=True)
    return (path, table) if table else (None, None)


def broken_layers(path, project=None):
    """The layers of the project that name this file and cannot be shown."""
    layers = (project or QgsProject.instance()).mapLayers().values()
    return [layer for layer in layers if named_by(layer)[0] == path]


def _parts(layer, broken=False):
    if layer is None or layer.isValid() == broken or layer.customProperty(PREVIEW):
        return None, None
    provider = layer.providerType()
    if provider not in ("ogr", "gdal"):
        return None, None
    parts = QgsProviderRegistry.instance().decodeUri(provider, layer.source())
    path = parts.get("path") or ""
    # An old version that somebody dragged into QGIS is no source, and `/vsi…` is no local file.
    if parts.get("vsiPrefix") or path.startswith("/vsi") or not path.lower().endswith(".gpkg"):
        return None, None
    return os.path.realpath(path), parts.get("layerName")


def _only_table(layer):
    """A source without a layer name shows the first table."""
    sublayers = layer.dataProvider().subLayers()
    separator = QgsDataProvider.sublayerSeparator()
    fields = sublayers[0].split(separator) if sublayers else []
    return fields[1] if len(fields) > 1 else None


def layers_of(path, project=None):
    """Every layer of the project that shows this file."""
    layers = (project or QgsProject.instance()).mapLayers().values()
    return [layer for layer in layers if file_of(layer) == path]


def files_of_project(project=None):
    files = {file_of(layer) for layer in (project or QgsProject.instance()).mapLayers().values()}
    return sorted(files - {None})


def being_edited(path):
    """The layers of a file that are in an edit session."""
    return [layer for layer in layers_of(path) if isinstance(layer, QgsVectorLayer) and layer.isEditable()]


def unsaved(path):
    return [layer for layer in being_edited(path) if layer.isModified()]


def project_file(project=None):
    """The file to back up when a project was saved: its own, or the GeoPackage that holds it; None if it is in no local file."""
    name = (project or QgsProject.instance()).fileName()
    if name.startswith("geopackage:"):
        name = QUrl(name).path() or name[len("geopackage:"):].split("?")[0]
    return os.path.realpath(name) if name and os.path.isabs(name) else None


def archive_uri(archive, table):
    """An old version as a data source, straight from its archive. The braces let the archive's name end in anything."""
    inside = [name for name in gdal.ReadDir("/vsizip/{%s}" % archive) or [] if name.lower().endswith(".gpkg")]
    return file_uri("/vsizip/{%s}/%s" % (archive, inside[0]), table) if inside else None


def file_uri(path, table):
    return "%s|layername=%s" % (path, table)
