"""A QGIS that does what it is told: one JSON command a line on standard input, one answer a line on standard output.

Runs under the system's Python with PyQGIS, offscreen. It goes the way of the desktop: layers through the OGR provider
in a project, edits through the edit buffer, saving through commitChanges.
"""

import json
import os
import sys
import time
import traceback

answers = os.fdopen(os.dup(1), "wb", 0)
os.dup2(2, 1)

from qgis.core import (  # noqa: E402
    Qgis, QgsApplication, QgsFeature, QgsFeatureRequest, QgsGeometry, QgsMapRendererParallelJob, QgsMapSettings,
    QgsProject, QgsSettings, QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize  # noqa: E402

app = QgsApplication([], True)
app.initQgis()
project = QgsProject.instance()
layers = {}
warnings = []
app.messageLog().messageReceived.connect(lambda text, tag, level: warnings.append("%s: %s" % (tag, text)) if level > 0 else None)


def setting(name, value):
    QgsSettings().setValue(name, value)


def transaction_groups(on):
    project.setAutoTransaction(on)


def open_layer(path, name):
    layer = QgsVectorLayer("%s|layername=%s" % (path, name), name, "ogr")
    if not layer.isValid():
        raise RuntimeError("layer %s of %s is not valid" % (name, path))
    project.addMapLayer(layer)
    layers[name] = layer
    return layer.featureCount()


def render():
    settings = QgsMapSettings()
    settings.setLayers(list(layers.values()))
    settings.setOutputSize(QSize(300, 300))
    settings.setExtent(next(iter(layers.values())).extent())
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    return job.renderedImage().width()


def start_editing(name):
    if not layers[name].startEditing():
        raise RuntimeError("startEditing failed")


def add(name, count, val=0):
    layer = layers[name]
    features = []
    for i in range(count):
        feature = QgsFeature(layer.fields())
        if name == "parcels":
            feature.setGeometry(QgsGeometry.fromWkt("POLYGON((%d 0,%d 1,%d 1,%d 0,%d 0))" % (i % 200, i % 200, i % 200 + 1, i % 200 + 1, i % 200)))
        elif name == "poles":
            feature.setGeometry(QgsGeometry.fromWkt("POINT(%d 3)" % (i % 200)))
        feature.setAttribute("val", val)
        feature.setAttribute("txt", "added in QGIS " + "z" * 100)
        features.append(feature)
    if not layer.addFeatures(features):
        raise RuntimeError("addFeatures failed")


def change(name, count, val):
    """Sets val of the first `count` features."""
    layer = layers[name]
    index = layer.fields().indexOf("val")
    request = QgsFeatureRequest().setFilterExpression('"fid" <= %d' % count).setFlags(QgsFeatureRequest.NoGeometry)
    for feature in list(layer.getFeatures(request)):
        layer.changeAttributeValue(feature.id(), index, val)


def commit(name, stop=True):
    """Saves; answers (what QGIS said, its errors, the seconds)."""
    start = time.time()
    said = layers[name].commitChanges(stop)
    return [said, list(layers[name].commitErrors()), round(time.time() - start, 3)]


def commit_loop(name, batch, leave_editing, stop_file, progress_file, pause):
    """A person who adds, saves, adds, saves, until the stop file appears. The progress file holds the saves made."""
    layer = layers[name]
    saves, errors, longest = 0, [], 0.0
    while not os.path.exists(stop_file):
        start = time.time()
        if not layer.isEditable() and not layer.startEditing():
            errors.append("startEditing failed")
            continue
        add(name, batch, 0)
        if layer.commitChanges(leave_editing):
            saves += 1
        else:
            errors.append("; ".join(layer.commitErrors())[-200:])
        longest = max(longest, time.time() - start)
        with open(progress_file + ".new", "w") as f:
            f.write(str(saves))
        os.rename(progress_file + ".new", progress_file)
        app.processEvents()
        time.sleep(pause)
    if layer.isEditable() and not layer.commitChanges(True):
        errors.append("the last save failed")
    return {"commits": saves, "errors": errors, "longest": round(longest, 3), "warnings": warnings[-3:]}


def stop_editing(name):
    return layers[name].commitChanges(True)


def close_project():
    layers.clear()
    project.clear()


def log():
    return warnings


def version():
    return Qgis.QGIS_VERSION


def answer(value):
    answers.write(json.dumps(value, default=str).encode() + b"\n")


answer({"result": "ready"})
for line in sys.stdin:
    command, arguments = json.loads(line)
    if command == "quit":
        break
    try:
        result = globals()[command](**arguments)
        app.processEvents()
        answer({"result": result})
    except Exception:
        answer({"error": traceback.format_exc()})
close_project()
app.exitQgis()
