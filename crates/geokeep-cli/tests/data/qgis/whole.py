"""Makes a QGIS project whose layers lie in files of many kinds, and says what QGIS finds when it opens one.

    QT_QPA_PLATFORM=offscreen /usr/bin/python3 whole.py make FOLDER relative|absolute
    QT_QPA_PLATFORM=offscreen /usr/bin/python3 whole.py look PROJECT
"""

import json
import os
import sys
import zipfile

from osgeo import gdal, ogr, osr
from qgis.core import (
    Qgis, QgsApplication, QgsMarkerSymbol, QgsPointXY, QgsProject, QgsRasterLayer, QgsSingleSymbolRenderer, QgsSvgMarkerSymbolLayer,
    QgsVectorLayer,
)

app = QgsApplication([], False)
app.initQgis()
ogr.UseExceptions()


def reference():
    srs = osr.SpatialReference()
    srs.ImportFromEPSG(25832)
    return srs


def vector(driver, path, name, points):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    source = ogr.GetDriverByName(driver).CreateDataSource(path)
    layer = source.CreateLayer(name, reference(), ogr.wkbPoint)
    layer.CreateField(ogr.FieldDefn("kind", ogr.OFTString))
    for n in range(points):
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetField("kind", "k%d" % n)
        feature.SetGeometry(ogr.CreateGeometryFromWkt("POINT (%d 5700000)" % (500000 + n)))
        layer.CreateFeature(feature)
    source = None


def raster(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    image = gdal.GetDriverByName("GTiff").Create(path, 8, 8, 1)
    image.SetGeoTransform([500000, 1, 0, 5700000, 0, -1])
    image.SetProjection(reference().ExportToWkt())
    image.GetRasterBand(1).Fill(7)
    image = None


def make(root, absolute):
    town, shared, far = root + "/gis/town & country", root + "/gis/shared", root + "/far away"
    vector("GPKG", town + "/data/parcels.gpkg", "parcels", 3)
    vector("GPKG", far + "/höhen.gpkg", "spots", 4)
    vector("ESRI Shapefile", town + "/data/roads.shp", "roads", 5)
    vector("ESRI Shapefile", town + "/zip/inner.shp", "inner", 6)
    vector("GeoJSON", town + "/manifest.json", "json", 7)
    with zipfile.ZipFile(town + "/data/packed.zip", "w") as packed:
        for part in os.listdir(town + "/zip"):
            packed.write(town + "/zip/" + part, part)
            os.remove(town + "/zip/" + part)
    raster(town + "/data/ortho.tif")
    raster(far + "/größe & mehr.tif")
    os.makedirs(shared)
    with open(shared + "/stops.csv", "w") as stops:
        stops.write("x;y;name\n500000;5700000;a\n500001;5700000;b\n")
    with open(town + "/tree.svg", "w") as tree:
        tree.write('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4"/></svg>')
    gdal.BuildVRT(shared + "/mosaic.vrt", [town + "/data/ortho.tif"]).FlushCache()
    project = QgsProject()
    project.setFilePathStorage(Qgis.FilePathType.Absolute if absolute else Qgis.FilePathType.Relative)
    quoted = (shared + "/stops.csv").replace(" ", "%20")
    layers = [
        QgsVectorLayer(town + "/data/parcels.gpkg|layername=parcels", "parcels", "ogr"),
        QgsVectorLayer(far + "/höhen.gpkg|layername=spots", "spots", "ogr"),
        QgsVectorLayer(town + "/data/roads.shp", "roads", "ogr"),
        QgsVectorLayer("/vsizip/" + town + "/data/packed.zip/inner.shp", "inner", "ogr"),
        QgsVectorLayer(town + "/manifest.json", "json", "ogr"),
        QgsVectorLayer("file://" + quoted + "?delimiter=;&xField=x&yField=y&crs=EPSG:25832", "stops", "delimitedtext"),
        QgsRasterLayer(town + "/data/ortho.tif", "ortho", "gdal"),
        QgsRasterLayer(far + "/größe & mehr.tif", "far", "gdal"),
        QgsRasterLayer(shared + "/mosaic.vrt", "mosaic", "gdal"),
    ]
    invalid = [layer.name() for layer in layers if not layer.isValid()]
    assert not invalid, invalid
    symbol = QgsMarkerSymbol()
    symbol.changeSymbolLayer(0, QgsSvgMarkerSymbolLayer(town + "/tree.svg"))
    layers[2].setRenderer(QgsSingleSymbolRenderer(symbol))
    project.addMapLayers(layers)
    assert project.write(town + "/town.qgz")


def look(path):
    project = QgsProject()
    project.read(path)
    found = {}
    for layer in project.mapLayers().values():
        count = layer.featureCount() if isinstance(layer, QgsVectorLayer) else layer.width()
        found[layer.name()] = {"valid": layer.isValid(), "count": count, "source": layer.source()}
        if not isinstance(layer, QgsVectorLayer):
            found[layer.name()]["pixel"] = layer.dataProvider().sample(QgsPointXY(500004, 5699996), 1)[0]
        if layer.name() == "roads" and layer.isValid():
            found["roads"]["svg"] = layer.renderer().symbol().symbolLayer(0).path()
    print(json.dumps(found))


if sys.argv[1] == "make":
    make(os.path.realpath(sys.argv[2]), sys.argv[3] == "absolute")
else:
    look(sys.argv[2])
app.exitQgis()
