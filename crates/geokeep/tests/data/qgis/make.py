"""Wrote the projects beside it, with QGIS 3.22, in the empty folder /srv/town:

    QT_QPA_PLATFORM=offscreen python3 make.py
"""

import os

from osgeo import gdal, ogr, osr
from qgis.core import Qgis, QgsApplication, QgsDataSourceUri, QgsProject, QgsRasterLayer, QgsVectorLayer

app = QgsApplication([], False)
app.initQgis()
root = os.getcwd()
os.makedirs("gis/data")
os.makedirs("away")


def vector(path, layers):
    source = ogr.GetDriverByName("GPKG").CreateDataSource(path)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(25832)
    for name in layers:
        layer = source.CreateLayer(name, reference, ogr.wkbPoint)
        layer.CreateField(ogr.FieldDefn("kind", ogr.OFTString))
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(ogr.CreateGeometryFromWkt("POINT (500000 5700000)"))
        layer.CreateFeature(feature)


vector("gis/data/town & country.gpkg", ["roads", "houses"])
vector("gis/data/gone.gpkg", ["gone"])
vector("away/Höhen.gpkg", ["spots"])
memory = gdal.GetDriverByName("MEM").Create("", 8, 8, 3)
memory.SetGeoTransform([500000, 1, 0, 5700000, 0, -1])
reference = osr.SpatialReference()
reference.ImportFromEPSG(25832)
memory.SetProjection(reference.ExportToWkt())
gdal.GetDriverByName("GPKG").CreateCopy("gis/data/ortho.gpkg", memory, options=["RASTER_TABLE=ortho"])
memory = None
with open("gis/data/notes.csv", "w") as notes:
    notes.write("a,b\n1,2\n")


def project(name, absolute):
    p = QgsProject()
    p.setFilePathStorage(Qgis.FilePathType.Absolute if absolute else Qgis.FilePathType.Relative)
    town = root + "/gis/data/town & country.gpkg"
    layers = [
        QgsVectorLayer(town + "|layername=roads", "roads", "ogr"),
        QgsVectorLayer(town + "|layername=houses|subset=\"kind\" IS NULL OR \"kind\" = 'a|b'", "houses", "ogr"),
        QgsVectorLayer(root + "/away/Höhen.gpkg|layerid=0", "spots", "ogr"),
        QgsVectorLayer(root + "/gis/data/gone.gpkg|layername=gone", "gone", "ogr"),
        QgsRasterLayer("GPKG:" + root + "/gis/data/ortho.gpkg:ortho", "ortho", "gdal"),
        QgsVectorLayer(root + "/gis/data/notes.csv", "notes", "ogr"),
        QgsVectorLayer("Point?crs=EPSG:25832&field=id:integer", "scratch", "memory"),
        QgsRasterLayer("type=xyz&url=https://tile.example.org/{z}/{x}/{y}.png&zmax=19", "tiles", "wms"),
    ]
    uri = QgsDataSourceUri()
    uri.setDatabase(town)
    uri.setDataSource("", "roads", "geom", "")
    layers.append(QgsVectorLayer(uri.uri(), "by spatialite", "spatialite"))
    p.addMapLayers(layers)
    assert p.write(root + "/gis/" + name)


project("relative.qgz", False)
project("absolute.qgz", True)
app.exitQgis()
