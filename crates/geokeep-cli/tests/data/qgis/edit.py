"""Edits and saves a layer as its user does, and prints how many features it has: edit.py FILE LAYER."""

import json
import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"
from qgis.core import QgsApplication, QgsFeature, QgsVectorLayer  # noqa: E402

application = QgsApplication([], False)
application.initQgis()
layer = QgsVectorLayer("%s|layername=%s" % tuple(sys.argv[1:]), "layer", "ogr")
before = layer.featureCount()
first = next(layer.getFeatures())
layer.startEditing()
layer.changeAttributeValue(first.id(), layer.fields().indexOf("remarks"), "edited")
feature = QgsFeature(layer.fields())
feature.setAttributes([None] + first.attributes()[1:])
feature.setGeometry(first.geometry())
layer.addFeature(feature)
saved = layer.commitChanges()
print(json.dumps({"valid": layer.isValid(), "before": before, "saved": saved, "errors": layer.commitErrors(), "after": layer.featureCount()}))
sys.stdout.flush()
del layer
os._exit(0)
