"""PyQt6 behind the names of qgis.PyQt, with stand-ins for QGIS itself: a look at enums and imports under Qt 6.

QGIS 4 is in no distribution that this project can test on. What this finds is wrong names of Qt's own;
it says nothing about QGIS's classes.
"""

import importlib
import sys
import types
from unittest.mock import MagicMock


class Standin(types.ModuleType):
    """Any name of QGIS is there. Classes that the plugin derives from are real classes of Qt."""

    def __init__(self, name, bases):
        super().__init__(name)
        self.__dict__.update(bases)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = MagicMock(name=name)
        setattr(self, name, value)
        return value


def install():
    pyqt = types.ModuleType("qgis.PyQt")
    pyqt.__path__ = []
    sys.modules["qgis.PyQt"] = pyqt
    for name in ("QtCore", "QtGui", "QtNetwork", "QtWidgets", "QtXml"):
        module = importlib.import_module("PyQt6." + name)
        sys.modules["qgis.PyQt." + name] = module
        setattr(pyqt, name, module)
    from PyQt6.QtCore import QObject
    from PyQt6.QtWidgets import QDockWidget, QWidget

    class Layer(QObject):
        pass

    class Dock(QDockWidget):
        def setUserVisible(self, on):
            self.setVisible(on)

    plain = {name: type(name, (), {"Flag": MagicMock(), "flags": lambda self: 0}) for name in ("QgsProcessingAlgorithm", "QgsProcessingProvider", "QgsProcessingException", "QgsApplicationExitBlockerInterface")}
    task = type("QgsTask", (QObject,), {"Flag": MagicMock()})
    action = type("QgsMapLayerAction", (QObject,), {"Target": MagicMock()})
    core = Standin("qgis.core", {"QgsVectorLayer": Layer, "QgsTask": task, **plain})
    gui = Standin("qgis.gui", {"QgsDockWidget": Dock, "QgsOptionsPageWidget": QWidget, "QgsOptionsWidgetFactory": QObject, "QgsMapLayerAction": action, **plain})
    gdal = Standin("osgeo.gdal", {"VersionInfo": lambda _what: "3100000"})
    osgeo = types.ModuleType("osgeo")
    osgeo.gdal = gdal
    sys.modules.update({"qgis": types.ModuleType("qgis"), "qgis.core": core, "qgis.gui": gui, "osgeo": osgeo, "osgeo.gdal": gdal})
    return core
