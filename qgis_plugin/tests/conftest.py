"""The real program, real GeoPackages, the real PyQGIS without windows. GEOKEEP names the program."""

import json
import os
import shutil
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
sys.dont_write_bytecode = True

GEOKEEP = os.path.abspath(os.environ["GEOKEEP"]) if os.environ.get("GEOKEEP") else shutil.which("geokeep")

WAIT = 30000  # how long a test waits for a child before it fails; none takes that long


def pytest_configure(config):
    if not GEOKEEP or not os.access(GEOKEEP, os.X_OK):
        pytest.exit("no geokeep program: set GEOKEEP", returncode=2)


def command(*arguments, check=True):
    done = subprocess.run([GEOKEEP, *arguments, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if check and done.returncode:
        raise AssertionError(done.stderr.decode("utf-8", "replace"))
    return [json.loads(line) for line in done.stdout.splitlines()]


def make(path, houses=10, layers=("houses", "trees"), rollback=True):
    """A GeoPackage of squares and points with columns that QGIS has something to do with."""
    from osgeo import ogr, osr

    srs = osr.SpatialReference()
    srs.ImportFromEPSG(3857)
    data = ogr.GetDriverByName("GPKG").CreateDataSource(path)
    for table in layers:
        point = table == "trees"
        layer = data.CreateLayer(table, srs, ogr.wkbPoint if point else ogr.wkbPolygon)
        for name, kind in (("name", ogr.OFTString), ("code", ogr.OFTString), ("height", ogr.OFTReal), ("data", ogr.OFTBinary), ("at", ogr.OFTDateTime)):
            field = ogr.FieldDefn(name, kind)
            if name == "code":
                field.SetUnique(True)
            if name == "name":
                field.SetNullable(0)
            layer.CreateField(field)
        layer.StartTransaction()
        for i in range(houses):
            f = ogr.Feature(layer.GetLayerDefn())
            f.SetField("name", "%s %d" % (table, i))
            f.SetField("code", "c%d" % i)
            f.SetField("height", 3.5 + i)
            x, y = i % 40, i // 40
            f.SetGeometry(ogr.CreateGeometryFromWkt("POINT(%d %d)" % (x, y) if point else "POLYGON((%d %d,%d %d,%d %d,%d %d,%d %d))" % (x, y, x, y + 1, x + 1, y + 1, x + 1, y, x, y)))
            layer.CreateFeature(f)
        layer.CommitTransaction()
    del layer, data
    return path


@pytest.fixture(autouse=True)
def clean(qgis_app, tmp_path):
    """Settings of no other test, and no project left over."""
    from qgis.core import QgsProject, QgsSettings

    QgsSettings().remove("plugins/geokeep")
    QgsSettings().setValue("plugins/geokeep/program", GEOKEEP)
    QgsProject.instance().clear()
    yield
    QgsProject.instance().clear()
    QgsSettings().remove("plugins/geokeep")


@pytest.fixture
def town(tmp_path):
    """(path, folder of backups): a file that is not backed up yet."""
    from qgis.core import QgsSettings

    to = str(tmp_path / "backups")
    os.mkdir(to)
    QgsSettings().setValue("plugins/geokeep/destination", to)
    return make(str(tmp_path / "town.gpkg")), to


@pytest.fixture
def program(qgis_app, qtbot):
    from geokeep.program import Program

    it = Program()
    with qtbot.waitSignal(it.changed, timeout=WAIT):
        it.check()
    assert it.path == GEOKEEP
    return it


@pytest.fixture
def keeper(program):
    from geokeep.keeper import Keeper

    it = Keeper(program)
    yield it
    it.close()


@pytest.fixture
def settled(qtbot, keeper):
    def wait():
        qtbot.waitUntil(lambda: not keeper.outstanding(), timeout=WAIT)

    return wait


@pytest.fixture
def plugin(qtbot, qgis_iface, town, program, keeper):
    """The parts that the panel works with, put together as the plugin does it."""
    import types

    from qgis.PyQt.QtWidgets import QWidget

    from geokeep.actions import Actions
    from geokeep.archives import Archives
    from geokeep.history import History
    from geokeep.panel import Panel
    from geokeep.restore import Restore
    from geokeep.standing import Standing

    window = QWidget()
    qtbot.addWidget(window)
    iface = types.SimpleNamespace(mainWindow=lambda: window, currentLayerChanged=qgis_iface.currentLayerChanged, activeLayer=lambda: None, mapCanvas=qgis_iface.mapCanvas)
    it = types.SimpleNamespace(iface=iface, program=program, keeper=keeper, said=[])
    it.bar = types.SimpleNamespace(push=lambda words, *_more, **_named: it.said.append(words), trouble=lambda trouble: it.said.append(trouble.message))
    standing = Standing(keeper)
    archives = Archives(program)
    it.restore = Restore(program, archives)
    it.panel = Panel(iface, keeper, standing, History(program))
    it.actions = Actions(it)
    it.panel.wanted.connect(it.actions.do)
    it.panel.gone.layer_wanted.connect(it.actions.bring_layer_back)
    it.panel.gone.file_wanted.connect(it.actions.bring_file_back)
    it.restore.written.connect(it.actions.written)
    it.restore.failed.connect(it.bar.trouble)
    qtbot.addWidget(it.panel)
    it.panel.show()
    yield it
    it.panel.close_down()
    it.restore.close()
    archives.close()


@pytest.fixture
def add():
    """Adds a layer of the file to the project."""
    from qgis.core import QgsProject, QgsVectorLayer

    def add(path, table="houses"):
        layer = QgsVectorLayer("%s|layername=%s" % (path, table), table, "ogr")
        assert layer.isValid()
        QgsProject.instance().addMapLayer(layer)
        return layer

    return add


def versions_of(path, to, table="houses"):
    from geokeep.history import versions

    return versions(command("list", "--from", to), os.path.realpath(path), table)
