"""The plugin's own code under Qt 6, as far as that can be tried without QGIS 4."""

import os
import subprocess
import sys

import pytest

from conftest import GEOKEEP, HERE, command


def test_windows_and_runs_under_qt_6(town):
    done = subprocess.run([sys.executable, "-c", "import PyQt6.QtWidgets"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        pytest.skip("PyQt6 cannot be loaded here: %s" % done.stdout.decode().strip().splitlines()[-1][:100])
    path, to = town
    command("backup", path, "--to", to)
    done = subprocess.run(
        [sys.executable, os.path.join(HERE, "qt6_check.py"), GEOKEEP, to, os.path.realpath(path), "houses"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ, QT_QPA_PLATFORM="offscreen"), check=False,
    )
    text = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, text
    assert [line[3:] for line in text.splitlines() if line.startswith("ok ")] == ["imports", "program", "panel", "backup", "closing", "options", "install"], text
