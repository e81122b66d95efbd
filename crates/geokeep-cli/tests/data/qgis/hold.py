"""A QGIS that holds a layer and does what it is told: hold.py FILE LAYER. One JSON list a line on standard input, one answer
a line on standard output."""

import json
import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"
answers = os.fdopen(os.dup(1), "w", 1)
os.dup2(2, 1)
from qgis.core import QgsApplication, QgsFeature, QgsProject, QgsVectorLayer  # noqa: E402

application = QgsApplication([], False)
application.initQgis()
project = QgsProject.instance()
layer = QgsVectorLayer("%s|layername=%s" % tuple(sys.argv[1:]), "layer", "ogr")
assert layer.isValid()
project.addMapLayer(layer)


def group():
    project.setAutoTransaction(True)
    return True


def edit():
    return layer.startEditing()


def change(fid, column, value):
    return layer.changeAttributeValue(fid, layer.fields().indexOf(column), value)


def add():
    first = next(layer.getFeatures())
    feature = QgsFeature(layer.fields())
    feature.setAttributes([None] + first.attributes()[1:])
    feature.setGeometry(first.geometry())
    return layer.addFeature(feature)


def remove(fid):
    return layer.deleteFeature(fid)


def save():
    saved = layer.commitChanges()
    return [saved, [] if saved else layer.commitErrors()]


def rows():
    return sum(1 for _ in layer.getFeatures())


def found():
    """Features that a request by place finds."""
    return sum(1 for _ in layer.getFeatures(layer.extent()))


def reload():
    layer.dataProvider().reloadData()
    layer.reload()
    return layer.featureCount()


print("ready", file=answers)
for line in sys.stdin:
    name, *arguments = json.loads(line)
    if name == "leave":
        break
    print(json.dumps(globals()[name](*arguments)), file=answers)
os._exit(0)
