"""What is written about the package is true of it."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

import geokeep

PAGE = ROOT / "docs" / "python.md"
SCRIPT = ROOT / "examples" / "nightly.py"
MODULES = sorted(one.name for one in pkgutil.iter_modules(geokeep.__path__) if one.name != "__main__")


@pytest.fixture
def town(desk):
    """What the examples are about: a file, a backup of it, and a job."""
    (desk / "geokeep.toml").write_text(
        '[[job]]\nname = "maps"\nsources = ["town.gpkg"]\nto = "backups"\n'
    )
    geokeep.backup("town.gpkg", to="backups")
    return desk


@pytest.mark.parametrize("module", ["", *MODULES])
def test_examples_in_docstrings(town, module):
    found = importlib.import_module(f"geokeep.{module}" if module else "geokeep")
    result = doctest.testmod(found, extraglobs={"geokeep": geokeep}, optionflags=doctest.ELLIPSIS)
    assert result.failed == 0


def test_examples_on_the_page(town):
    result = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert result.failed == 0 and result.attempted > 10


def test_the_page_names_everything():
    page = PAGE.read_text(encoding="utf-8")
    missing = [name for name in geokeep.__all__ if f"`{name}" not in page]
    for name in ("uri", "open", "restore", "restore_layer", "verify", "pin", "unpin"):
        assert hasattr(geokeep.Backup, name)
        missing += [] if f"`.{name}" in page else [f"Backup.{name}"]
    assert missing == []


def test_everything_public_is_described():
    for name in geokeep.__all__:
        one = getattr(geokeep, name)
        text = inspect.getdoc(one)
        assert text and not text.startswith(f"{name}("), f"{name} has no text"
        if inspect.isfunction(one):
            assert ">>> " in text or name == "undo", f"{name} has no example"
            for parameter in inspect.signature(one).parameters:
                described = f":param {parameter}:" in text or f"``{parameter}``" in text
                assert described, f"{name} does not say what {parameter} is"
    hidden = {name for name in vars(geokeep) if not name.startswith("_")} - set(geokeep.__all__)
    assert {name for name in hidden if not inspect.ismodule(getattr(geokeep, name))} == set()


def test_each_kind_has_a_class():
    scripting = (ROOT / "docs" / "scripting.md").read_text(encoding="utf-8")
    table = scripting.split("## Kinds of error")[1].split("##")[0]
    documented = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", table, re.M))
    classes = {
        one.kind: one.exit_code
        for one in vars(geokeep).values()
        if inspect.isclass(one) and issubclass(one, geokeep.GeokeepError)
    }
    own = {"backup_failed", "jobs_failed", "program_missing"}
    assert {kind: str(code) for kind, code in classes.items() if kind not in own} == documented


def test_the_nightly_script_runs_as_it_is_shown(town):
    script = SCRIPT.read_text(encoding="utf-8")
    shown = [PAGE, ROOT / "README.md"]
    for page in shown:
        text = page.read_text(encoding="utf-8")
        assert script.strip() in text or "geokeep.forget(" not in text, f"{page} shows another one"
    assert script.strip() in PAGE.read_text(encoding="utf-8")
    assert len(script.strip().splitlines()) <= 5
    # Only the place is another one.
    assert script.count('"/mnt/backup"') == 2
    Path("maps").mkdir()
    Path("town.gpkg").rename("maps/town.gpkg")
    Path("town.qgs").write_text('<qgis version="3.34"><projectlayers/></qgis>')
    with zipfile.ZipFile("town.qgz", "w") as project:
        project.write("town.qgs")
    Path("nightly.py").write_text(script.replace("/mnt/backup", "nightly"))

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "nightly.py"], stdout=subprocess.PIPE, text=True)

    first = run()
    assert (first.returncode, first.stdout) == (0, "")
    made = {one.source.name for one in geokeep.backups("nightly")}
    assert made == {"town.gpkg", "town.qgz"}
    Path("maps/broken.gpkg").write_text("no database")
    second = run()
    assert second.returncode == 3 and "broken.gpkg" in second.stdout


def test_no_geopackage_is_opened_in_this_process():
    """The modules know no way to open a file: a lock of somebody else would go with it."""
    opening = {"open", "read_bytes", "read_text", "copy", "copyfile", "connect", "ZipFile"}
    for source in Path(geokeep.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                assert name not in opening, f"{source.name}:{node.lineno}: {name}"


def test_the_oldest_python_can_read_it():
    for source in Path(geokeep.__file__).parent.glob("*.py"):
        text = source.read_text(encoding="utf-8")
        ast.parse(text, feature_version=(3, 9))
        assert "from __future__ import annotations" in text or "__" in source.name, source.name
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'requires-python = ">=3.9"' in project
