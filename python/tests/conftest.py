"""A desk to work at: a folder of its own with the example, as each test finds it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Callable

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "town.gpkg"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the test runs; nothing of the user's is seen or written from there."""
    (tmp_path / "machine-id").write_text("a" * 32)
    (tmp_path / "tmp").mkdir()
    settings = {
        "GEOKEEP_MACHINE_ID": tmp_path / "machine-id",
        "XDG_STATE_HOME": tmp_path / "state",
        "XDG_CONFIG_HOME": tmp_path / "configuration",
        "TMPDIR": tmp_path / "tmp",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("GEOKEEP_DESTINATION", raising=False)
    folder = tmp_path / "desk"
    folder.mkdir()
    shutil.copy(EXAMPLE, folder / "town.gpkg")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def change() -> Callable[..., None]:
    """Runs statements on a file, as another program that saves."""

    def run(file: "os.PathLike[str] | str", *statements: str) -> None:
        database = sqlite3.connect(file)
        with database:
            for statement in statements:
                database.execute(statement)
        database.close()

    return run


@pytest.fixture
def large(desk: Path) -> Path:
    """A GeoPackage that takes a while."""
    file = desk / "large.gpkg"
    shutil.copy(EXAMPLE, file)
    database = sqlite3.connect(file)
    database.execute("PRAGMA synchronous = OFF")
    database.execute("PRAGMA journal_mode = OFF")
    with database:
        database.execute("CREATE TABLE photos (fid INTEGER PRIMARY KEY, photo BLOB)")
        rows = ((os.urandom(1 << 20),) for _ in range(80))
        database.executemany("INSERT INTO photos (photo) VALUES (?)", rows)
    database.close()
    return file


def archives(folder: Path) -> "list[Path]":
    """The archives below a folder, and what was begun of others."""
    return sorted(one for one in folder.rglob("*") if one.name.endswith((".gpkg.zip", ".tmp")))
