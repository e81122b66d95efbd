"""What other libraries have locked in the same process stays locked: closing a file here would drop
all their locks on it, and a stranger could write in the middle of their transaction."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import geokeep

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX locks are those of a process")

#: The Python that GDAL's own bindings are installed for.
SYSTEM = "/usr/bin/python3"


#: Another process that wants to write, and says what it hears.
STRANGER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
try:
    database.execute("SELECT count(*) FROM owners").fetchall()
    database.execute("BEGIN " + (sys.argv[2:] or ["IMMEDIATE"])[0])
    print("not locked")
except sqlite3.OperationalError as error:
    print(error)
"""


def stranger(file: str, *begin: str) -> str:
    """What it hears."""
    command = [sys.executable, "-c", STRANGER, file, *begin]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def everything(file: str) -> None:
    """All that looks at a file or reads it."""
    (result,) = geokeep.backup(file, to="backups", force=True)
    geokeep.inspect(file)
    geokeep.diff(result.backup, file)
    geokeep.restore(result.backup, layer="owners", into=file, dry_run=True)


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_transaction_of_sqlite3(desk, journal):
    database = sqlite3.connect("town.gpkg", isolation_level=None)
    database.execute(f"PRAGMA journal_mode = {journal}")
    database.execute("BEGIN IMMEDIATE")
    database.execute("UPDATE owners SET name = 'mine' WHERE fid = 1")
    assert stranger("town.gpkg") == "database is locked"
    everything("town.gpkg")
    assert stranger("town.gpkg") == "database is locked"
    assert Path("town.gpkg-wal").exists() == (journal == "wal")
    database.execute("COMMIT")
    assert database.execute("SELECT name FROM owners WHERE fid = 1").fetchone() == ("mine",)
    database.close()


def test_a_file_that_nobody_else_may_read(desk):
    database = sqlite3.connect("town.gpkg", isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    with pytest.raises(geokeep.SourceLocked) as caught:
        geokeep.backup("town.gpkg", to="backups", lock_wait=0.3)
    assert caught.value.exit_code == 20 and str(os.getpid()) in caught.value.cause
    assert stranger("town.gpkg") == "database is locked"
    database.close()


def test_a_layer_that_pyogrio_reads(desk):
    pyogrio = pytest.importorskip("pyogrio", reason="locks of pyogrio: it is not installed")
    with pyogrio.open_arrow("town.gpkg", layer="owners", batch_size=10, use_pyarrow=False) as (_, stream):
        # It has a read transaction from its first batch on, which is asked for here.
        held = _first_batch(stream)
        assert stranger("town.gpkg", "EXCLUSIVE") == "database is locked"
        (result,) = geokeep.backup("town.gpkg", to="backups")
        geokeep.inspect("town.gpkg")
        assert result.status == "saved"
        assert stranger("town.gpkg", "EXCLUSIVE") == "database is locked"
        del held
    assert stranger("town.gpkg", "EXCLUSIVE") == "not locked"


def _first_batch(stream):
    pyarrow = pytest.importorskip("pyarrow", reason="locks of pyogrio: pyarrow is not installed")
    reader = pyarrow.RecordBatchReader.from_stream(stream)
    return reader, reader.read_next_batch()


#: Run by the Python that GDAL's own bindings are installed for.
WITH_GDAL = """
import subprocess, sys
from osgeo import ogr
import geokeep
ogr.UseExceptions()
stranger = [sys.executable, "-c", sys.argv[1], "town.gpkg"]
def heard():
    return subprocess.run(stranger, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
data = ogr.Open("town.gpkg", 1)
data.StartTransaction()
layer = data.GetLayerByName("owners")
feature = layer.GetFeature(1)
feature.SetField("name", "mine")
layer.SetFeature(feature)
print(heard())
geokeep.backup("town.gpkg", to="backups")
geokeep.inspect("town.gpkg")
print(heard())
data.CommitTransaction()
data = None
print(heard())
"""


def test_a_transaction_of_gdal(desk):
    can = [SYSTEM, "-c", "import osgeo.ogr"]
    if not os.access(SYSTEM, os.X_OK) or subprocess.run(can, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("locks of GDAL: its Python bindings (python3-gdal) are not installed")
    # The package alone, without whatever else is installed beside it for this Python.
    (desk / "packages").mkdir()
    (desk / "packages" / "geokeep").symlink_to(Path(geokeep.__file__).parent)
    settings = {
        **os.environ,
        "PYTHONPATH": str(desk / "packages"),
        "GEOKEEP": str(geokeep._command.find()),
    }
    run = subprocess.run(
        [SYSTEM, "-c", WITH_GDAL, STRANGER], env=settings, stdout=subprocess.PIPE, text=True, check=True
    )
    assert run.stdout.splitlines() == ["database is locked", "database is locked", "not locked"]
    database = sqlite3.connect("town.gpkg")
    assert database.execute("SELECT name FROM owners WHERE fid = 1").fetchone() == ("mine",)
    database.close()
