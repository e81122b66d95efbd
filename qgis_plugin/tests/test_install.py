"""From “missing” to “working” with one click, or with a file that was handed over: no terminal, and nothing that was not asked for."""

import os
import zipfile

import pytest
from qgis.core import QgsSettings

from conftest import GEOKEEP, WAIT
from geokeep import install
from geokeep.install import Installer, runs_here
from index import Index, tag, wheel_of


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel that GEOKEEP_WHEEL names, or the program laid out as in it."""
    if os.environ.get("GEOKEEP_WHEEL"):
        return os.environ["GEOKEEP_WHEEL"]
    return wheel_of(GEOKEEP, tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def index(monkeypatch, tmp_path):
    it = Index()
    monkeypatch.setattr(install, "INDEX", it.address + "/geokeep/json")
    monkeypatch.setattr(install, "folder", lambda: str(tmp_path / "profile" / "geokeep" / "program"))
    QgsSettings().remove("plugins/geokeep/program")
    yield it
    it.close()


@pytest.fixture
def nowhere_else(monkeypatch):
    """A computer on which there is no geokeep."""
    from geokeep import program

    monkeypatch.setattr(program, "places", lambda: [])


@pytest.fixture
def missing(qtbot, index, nowhere_else):
    """The plugin's page and what stands behind it, on such a computer."""
    import types

    from geokeep.actions import Actions
    from geokeep.pages import MissingPage
    from geokeep.program import Program

    it = types.SimpleNamespace(program=Program(), installer=Installer(), iface=types.SimpleNamespace(mainWindow=lambda: None))
    page = MissingPage()
    qtbot.addWidget(page)
    it.panel = types.SimpleNamespace(missing=page)
    it.actions = Actions(it)
    page.get.connect(it.installer.download)
    page.stop.connect(it.installer.stop)
    page.locate.connect(it.actions.locate_program)
    it.installer.failed.connect(page.failed)
    it.installer.progress.connect(page.progress)
    it.installer.installed.connect(it.actions.installed)
    it.program.check()
    assert it.program.trouble.kind == "program_missing"
    page.show_trouble(it.program.trouble)
    page.show()
    return it


def failure(qtbot, missing):
    with qtbot.waitSignal(missing.installer.failed, timeout=WAIT):
        missing.panel.missing.fetch.click()
    assert missing.program.path is None and not os.path.exists(install.folder()), "nothing was changed"
    assert missing.panel.missing.failure.isVisible() and missing.panel.missing.bar.isHidden()
    return missing.panel.missing.failure.text()


def test_one_click_from_missing_to_working(qtbot, index, missing, wheel):
    index.have(wheel, ["geokeep-0.1.0-py3-none-win_riscv.whl", os.path.basename(wheel), "geokeep-0.1.0.tar.gz"])
    qtbot.wait(100)
    assert index.asked == [], "nothing is fetched before somebody asks"
    with qtbot.waitSignal(missing.program.changed, timeout=WAIT):
        missing.panel.missing.fetch.click()
    qtbot.waitUntil(lambda: missing.program.path is not None, timeout=WAIT)
    assert missing.program.path.startswith(install.folder()) and missing.program.version
    assert index.asked == ["/geokeep/json", "/" + os.path.basename(wheel)]


def test_a_file_that_was_handed_over(qtbot, monkeypatch, index, missing, wheel):
    monkeypatch.setattr("geokeep.actions.QFileDialog.getOpenFileName", lambda *_: (wheel, ""))
    missing.panel.missing.locate.emit()
    qtbot.waitUntil(lambda: missing.program.path is not None, timeout=WAIT)
    assert missing.program.path.startswith(install.folder()) and index.asked == []


def test_the_index_does_not_have_it(qtbot, missing):
    assert "geokeep was not found at 127.0.0.1." in failure(qtbot, missing) and "whl" in missing.panel.missing.failure.text()


def test_there_is_no_network(qtbot, index, missing):
    index.close()
    assert "could not be downloaded from 127.0.0.1" in failure(qtbot, missing)


def test_nothing_for_this_kind_of_computer(qtbot, index, missing, wheel):
    index.have(wheel, ["geokeep-0.1.0-py3-none-win_riscv.whl"])
    assert "no geokeep for this kind of computer" in failure(qtbot, missing)


def test_what_comes_is_not_what_was_promised(qtbot, index, missing, wheel):
    index.have(wheel, sha256="0" * 64)
    assert "not what the index promises" in failure(qtbot, missing)


def test_what_comes_has_no_program_in_it(qtbot, index, missing, tmp_path):
    for content in (b"", b"PK\x03\x04 no archive", b"<html>log in first</html>"):
        path = tmp_path / ("geokeep-0.1.0-py3-none-%s.whl" % tag())
        path.write_bytes(content)
        index.have(str(path))
        assert "does not have the program geokeep in it" in failure(qtbot, missing)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("geokeep-../../x.data/scripts/" + install.EXE, "no")
    index.have(str(path))
    assert "does not have the program" in failure(qtbot, missing)


def test_an_answer_that_is_none(qtbot, index, missing):
    for content in (b"", b"[]", b'{"urls": [{}]}', b"\xff"):
        index.answers = {"/geokeep/json": content}
        assert "no answer that can be read" in failure(qtbot, missing)


def test_it_can_be_stopped(qtbot, index, missing, wheel):
    index.have(wheel)
    missing.panel.missing.fetch.click()
    assert missing.installer.busy
    missing.panel.missing.fetch.click()
    qtbot.wait(300)
    assert not missing.installer.busy and not os.path.exists(install.folder()) and missing.panel.missing.bar.isHidden()


def test_the_newest_of_those_that_were_fetched_is_taken(index, tmp_path):
    for version in ("0.9.0", "0.10.0"):
        (tmp_path / "profile" / "geokeep" / "program" / version).mkdir(parents=True)
    assert [os.path.basename(os.path.dirname(path)) for path in install.own()] == ["0.10.0", "0.9.0"]


@pytest.mark.parametrize(
    ("system", "machine", "version", "fits"),
    [
        ("linux", "x86_64", (2, 31), {"manylinux2014_x86_64", "manylinux_2_17_x86_64.manylinux2014_x86_64"}),
        ("linux", "x86_64", (2, 36), {"manylinux2014_x86_64", "manylinux_2_17_x86_64.manylinux2014_x86_64", "manylinux_2_35_x86_64"}),
        ("linux", "aarch64", (2, 36), {"manylinux_2_28_aarch64"}),
        ("linux", "x86_64", (0, 0), set()),
        ("darwin", "arm64", (14, 2), {"macosx_11_0_arm64", "macosx_10_12_universal2"}),
        ("darwin", "x86_64", (10, 15), {"macosx_10_12_universal2"}),
        ("win32", "AMD64", (0, 0), {"win_amd64"}),
    ],
)
def test_which_file_is_for_this_computer(monkeypatch, system, machine, version, fits):
    import types

    monkeypatch.setattr(install, "platform", types.SimpleNamespace(machine=lambda: machine, mac_ver=lambda: ("%d.%d" % version, "", "")))
    monkeypatch.setattr(install, "sys", types.SimpleNamespace(platform=system))
    monkeypatch.setattr(install, "glibc", lambda: version)
    monkeypatch.setattr(install, "os", types.SimpleNamespace(name="nt" if system == "win32" else "posix"))
    tags = ["manylinux2014_x86_64", "manylinux_2_17_x86_64.manylinux2014_x86_64", "manylinux_2_35_x86_64", "manylinux_2_28_aarch64", "musllinux_1_2_x86_64", "macosx_11_0_arm64", "macosx_10_12_universal2", "win_amd64", "win32", "any"]
    assert {t for t in tags if runs_here("geokeep-0.1.0-py3-none-%s.whl" % t)} == fits
    assert not runs_here("geokeep-0.1.0.tar.gz")
