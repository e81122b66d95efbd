"""Back up, verify, restore a file, compare: each runs the program once, in the thread that Processing gives it."""

import json
import os

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingException,
    QgsProcessingOutputBoolean,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtCore import QProcess

from .command import environment, missing, trouble_of
from .icons import icon
from .program import find
from .sources import file_of
from .words import all_of, sentence_of, tr


def run(arguments, feedback):
    """The program's objects, and its exit code. Read as they come: a full pipe would stop it."""
    program = find()
    if program is None:
        raise QgsProcessingException(all_of(missing()))
    process = QProcess()
    process.setProcessEnvironment(environment())
    process.start(program, [*arguments, "--json"])
    if not process.waitForStarted():
        raise QgsProcessingException(all_of(missing()))
    out = b""
    while process.state() != QProcess.ProcessState.NotRunning:
        process.waitForFinished(100)
        out += bytes(process.readAllStandardOutput())
        if feedback.isCanceled():
            process.terminate() if os.name != "nt" else process.kill()
    out += bytes(process.readAllStandardOutput())
    crashed = process.exitStatus() == QProcess.ExitStatus.CrashExit
    return [o for o in map(parsed, out.splitlines()) if o], 137 if crashed else process.exitCode()


def parsed(line):
    try:
        o = json.loads(line.decode("utf-8", "replace"))
    except ValueError:
        return None
    return o if isinstance(o, dict) else None


def report(objects, feedback):
    """Every error in full."""
    errors = [trouble_of(o["error"]) for o in objects if isinstance(o.get("error"), dict)]
    for trouble in errors:
        feedback.reportError(all_of(trouble))
    return errors


def fail(errors, code):
    raise QgsProcessingException(sentence_of(errors[0]) if errors else tr("geokeep ended with code {code}.").format(code=code))


class Algorithm(QgsProcessingAlgorithm):
    def createInstance(self):
        return type(self)()

    def icon(self):
        return icon("geokeep")

    def folder(self, parameters, context):
        return self.parameterAsFile(parameters, "FOLDER", context)

    def add_folder(self):
        self.addParameter(QgsProcessingParameterFile("FOLDER", tr("Folder of backups"), QgsProcessingParameterFile.Behavior.Folder))


class Backup(Algorithm):
    def name(self):
        return "backup"

    def displayName(self):
        return tr("Back up GeoPackages")

    def shortHelpString(self):
        return tr("Makes a backup of the GeoPackage of each layer, and of further files, folders and projects, whoever has them open, and proves that each copy is whole. What has not changed since its last backup is left out.")

    def initAlgorithm(self, _config=None):
        self.addParameter(QgsProcessingParameterMultipleLayers("LAYERS", tr("Layers"), QgsProcessing.SourceType.TypeMapLayer, optional=True))
        self.addParameter(QgsProcessingParameterString("FILES", tr("Files, folders, projects or patterns, one a line"), multiLine=True, optional=True))
        self.add_folder()
        self.addParameter(QgsProcessingParameterString("LABEL", tr("Note"), optional=True))
        for name, words in (("SAVED", tr("Saved")), ("UNCHANGED", tr("Unchanged")), ("FAILED", tr("Failed"))):
            self.addOutput(QgsProcessingOutputNumber(name, words))
        self.addOutput(QgsProcessingOutputString("ARCHIVES", tr("Archives")))

    def prepareAlgorithm(self, parameters, context, feedback):
        # Layers belong to the main thread, in which this still runs.
        layers = self.parameterAsLayerList(parameters, "LAYERS", context) or []
        found = {layer.name(): file_of(layer) for layer in layers}
        for name in [name for name, path in found.items() if path is None]:
            feedback.pushWarning(tr("“{layer}” is no layer of a local GeoPackage.").format(layer=name))
        lines = self.parameterAsString(parameters, "FILES", context).splitlines()
        self.sources = sorted({path for path in found.values() if path} | {line.strip() for line in lines if line.strip()})
        if not self.sources:
            feedback.reportError(tr("There is nothing to back up: no layer lies in a local GeoPackage."), True)
        return bool(self.sources)

    def processAlgorithm(self, parameters, context, feedback):
        arguments = ["backup", *self.sources, "--to", self.folder(parameters, context)]
        label = self.parameterAsString(parameters, "LABEL", context)
        objects, code = run(arguments + (["--label=" + label] if label else []), feedback)
        errors = report(objects, feedback)
        results = [o for o in objects if o.get("kind") in ("backup", "project")]
        for o in results:
            feedback.pushInfo("%s: %s %s" % (o.get("source"), o.get("status"), o.get("path") or ""))
            if o.get("data_loss"):
                feedback.pushWarning(tr("{file} has lost something since an earlier backup.").format(file=o.get("source")))
        if errors or code not in (0, 3):
            fail(errors, code)
        counts = {name: sum(1 for o in results if o.get("status") == name.lower()) for name in ("SAVED", "UNCHANGED", "FAILED")}
        return {**counts, "ARCHIVES": "\n".join(o["path"] for o in results if o.get("path") and o.get("status") == "saved")}


class Verify(Algorithm):
    LEVELS = ("digest", "full", "drill")

    def name(self):
        return "verify"

    def displayName(self):
        return tr("Check backups")

    def shortHelpString(self):
        return tr("Checks that backups are still whole, to the last byte: all of a folder, or one by its name or id.")

    def initAlgorithm(self, _config=None):
        self.add_folder()
        self.addParameter(QgsProcessingParameterString("BACKUP", tr("Name or id (empty: all backups)"), optional=True))
        levels = [tr("every byte"), tr("every byte, and the rules of SQLite and GeoPackage"), tr("all of it, by restoring for a test")]
        self.addParameter(QgsProcessingParameterEnum("LEVEL", tr("How thorough"), levels, defaultValue=1))
        self.addOutput(QgsProcessingOutputNumber("WHOLE", tr("Whole")))
        self.addOutput(QgsProcessingOutputNumber("DAMAGED", tr("Damaged")))

    def processAlgorithm(self, parameters, context, feedback):
        backup = self.parameterAsString(parameters, "BACKUP", context).strip()
        level = self.LEVELS[self.parameterAsEnum(parameters, "LEVEL", context)]
        arguments = ["verify", *([backup] if backup else []), "--from", self.folder(parameters, context), "--level", level]
        objects, code = run(arguments, feedback)
        errors = report(objects, feedback)
        results = [o for o in objects if o.get("kind") == "verify"]
        bad = [o for o in results if o.get("result") == "failed"]
        if code != 0:
            fail(errors, code)
        return {"WHOLE": len(results) - len(bad), "DAMAGED": len(bad)}


class RestoreFile(Algorithm):
    def name(self):
        return "restorefile"

    def displayName(self):
        return tr("Restore a file from a backup")

    def shortHelpString(self):
        return tr("Writes a GeoPackage as it was: NAME for the newest sound backup, NAME@2026-11-20 for that of a day, or an id. Nothing that exists is replaced.")

    def initAlgorithm(self, _config=None):
        self.add_folder()
        self.addParameter(QgsProcessingParameterString("BACKUP", tr("Name, NAME@DATE, or id")))
        self.addParameter(QgsProcessingParameterFileDestination("OUTPUT", tr("Restored file"), "GeoPackage (*.gpkg)"))

    def processAlgorithm(self, parameters, context, feedback):
        target = self.parameterAsFileOutput(parameters, "OUTPUT", context)
        backup = self.parameterAsString(parameters, "BACKUP", context).strip()
        objects, code = run(["restore", backup, "--from", self.folder(parameters, context), "--to", target], feedback)
        errors = report(objects, feedback)
        if code != 0:
            fail(errors, code)
        return {"OUTPUT": target}


class Compare(Algorithm):
    def name(self):
        return "compare"

    def displayName(self):
        return tr("Compare with a backup")

    def shortHelpString(self):
        return tr("What differs between two backups, or between a backup and a file: counted, and as layers that QGIS shows coloured.")

    def initAlgorithm(self, _config=None):
        self.add_folder()
        self.addParameter(QgsProcessingParameterString("BEFORE", tr("Before: a name, NAME@DATE, an id, or a file")))
        self.addParameter(QgsProcessingParameterString("AFTER", tr("After: the same (empty: the file as it is now)"), optional=True))
        self.addParameter(QgsProcessingParameterString("LAYER", tr("Only this layer"), optional=True))
        self.addParameter(QgsProcessingParameterFileDestination("OUTPUT", tr("Changes"), "GeoPackage (*.gpkg);;HTML (*.html);;CSV (*.csv)", optional=True, createByDefault=False))
        self.addParameter(QgsProcessingParameterBoolean("FAIL", tr("Fail if anything differs"), defaultValue=False))
        for name, words in (("ADDED", tr("Added")), ("DELETED", tr("Deleted")), ("CHANGED", tr("Changed"))):
            self.addOutput(QgsProcessingOutputNumber(name, words))
        self.addOutput(QgsProcessingOutputBoolean("EQUAL", tr("Nothing differs")))

    def processAlgorithm(self, parameters, context, feedback):
        before, after, layer = (self.parameterAsString(parameters, name, context).strip() for name in ("BEFORE", "AFTER", "LAYER"))
        target = self.parameterAsFileOutput(parameters, "OUTPUT", context)
        arguments = ["diff", before, *([after] if after else []), "--from", self.folder(parameters, context), "--counts"]
        arguments += (["--layer", layer] if layer else []) + (["--to", target] if target else [])
        objects, code = run(arguments, feedback)
        errors = report(objects, feedback)
        summary = next((o for o in objects if o.get("kind") == "summary"), None)
        if code not in (0, 3) or summary is None:
            fail(errors, code)
        if not summary.get("complete", True):
            feedback.pushWarning(tr("Not everything could be compared."))
        if self.parameterAsBoolean(parameters, "FAIL", context) and not summary.get("equal"):
            raise QgsProcessingException(tr("Something differs."))
        counts = {name: summary.get(name.lower()) or 0 for name in ("ADDED", "DELETED", "CHANGED")}
        return {**counts, "EQUAL": bool(summary.get("equal")), **({"OUTPUT": target} if target else {})}
