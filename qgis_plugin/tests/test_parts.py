"""Processing, the schedule, the options' words, the program that is missing or old, and the ZIP."""

import json
import os
import stat
import subprocess
import sys

import pytest
from qgis.core import QgsApplication, QgsProject, QgsSettings

from conftest import GEOKEEP, HERE, WAIT, command, make, versions_of


@pytest.fixture
def provider(qgis_app, qgis_processing):
    from geokeep.provider import Provider

    it = Provider()
    QgsApplication.processingRegistry().addProvider(it)
    yield it
    QgsApplication.processingRegistry().removeProvider(it)


def test_processing_backs_up_verifies_restores_and_compares(qtbot, tmp_path, town, provider, add):
    import processing

    path, to = town
    layer = add(path)
    more = make(str(tmp_path / "more.gpkg"), 4)
    out = processing.run("geokeep:backup", {"LAYERS": [layer], "FILES": more, "FOLDER": to, "LABEL": "by a model"})
    assert (out["SAVED"], out["UNCHANGED"], out["FAILED"]) == (2, 0, 0) and len(out["ARCHIVES"].splitlines()) == 2
    assert versions_of(path, to)[0].label == "by a model"
    assert processing.run("geokeep:backup", {"LAYERS": [layer], "FOLDER": to})["UNCHANGED"] == 1
    assert processing.run("geokeep:verify", {"FOLDER": to}) == {"WHOLE": 2, "DAMAGED": 0}
    target = str(tmp_path / "found.gpkg")
    assert processing.run("geokeep:restorefile", {"FOLDER": to, "BACKUP": "town", "OUTPUT": target})["OUTPUT"] == target
    assert layer.startEditing() and layer.deleteFeatures([1, 2]) and layer.commitChanges()
    changes = str(tmp_path / "changes.gpkg")
    out = processing.run("geokeep:compare", {"FOLDER": to, "BEFORE": "town", "LAYER": "houses", "OUTPUT": changes})
    assert (out["DELETED"], out["EQUAL"], os.path.exists(changes)) == (2, False, True)
    assert processing.run("geokeep:compare", {"FOLDER": to, "BEFORE": target, "AFTER": target})["EQUAL"]


def test_processing_fails_with_the_programs_own_words(qtbot, tmp_path, town, provider):
    import processing
    from qgis.core import QgsProcessingException

    (tmp_path / "no.gpkg").write_text("this is no database")
    with pytest.raises(QgsProcessingException):
        processing.run("geokeep:backup", {"FILES": str(tmp_path / "no.gpkg"), "FOLDER": town[1]})
    archive = command("backup", town[0], "--to", town[1])[0]["path"]
    with open(archive, "r+b") as f:
        f.seek(3000)
        f.write(b"x" * 500)
    with pytest.raises(QgsProcessingException):
        processing.run("geokeep:verify", {"FOLDER": town[1]})


def script(path, text):
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def asked(qtbot):
    from geokeep.program import Program

    it = Program()
    with qtbot.waitSignal(it.changed, timeout=WAIT):
        it.check()
    return it


def test_a_program_that_is_missing_old_or_something_else(qtbot, tmp_path):
    settings = QgsSettings()
    settings.setValue("plugins/geokeep/program", str(tmp_path / "nowhere"))
    assert asked(qtbot).trouble.kind == "program_missing"
    old = "#!/bin/sh\n[ \"$1\" = version ] && { echo \"error: unrecognized subcommand\" >&2; exit 2; }\n"
    settings.setValue("plugins/geokeep/program", script(tmp_path / "old", old))
    assert asked(qtbot).trouble.kind == "program_too_old"
    less = '#!/bin/sh\necho \'{"kind":"version","program":"geokeep","version":"0.1.0","json":1,"features":["diff"]}\'\n'
    settings.setValue("plugins/geokeep/program", script(tmp_path / "less", less))
    it = asked(qtbot)
    assert it.path is None and "0.1.0" in it.trouble.message
    folder = tmp_path / "bin"
    folder.mkdir()
    os.symlink(GEOKEEP, folder / "geokeep")
    settings.setValue("plugins/geokeep/program", str(folder))
    assert asked(qtbot).path == str(folder / "geokeep"), "people point at the folder"


def test_nothing_is_lost_while_the_program_is_missing(qtbot, tmp_path, town, add):
    from geokeep.keeper import Keeper
    from geokeep.program import Program

    QgsSettings().setValue("plugins/geokeep/program", str(tmp_path / "nowhere"))
    program = Program()
    program.check()
    keeper = Keeper(program)
    layer = add(town[0])
    assert layer.startEditing() and layer.deleteFeature(1) and layer.commitChanges(), layer.commitErrors()
    qtbot.wait(700)
    assert not keeper.outstanding() and keeper.dirty == {os.path.realpath(town[0]): "after save"}
    QgsSettings().setValue("plugins/geokeep/program", GEOKEEP)
    program.check()
    qtbot.waitUntil(lambda: program.path is not None and not keeper.outstanding(), timeout=WAIT)
    assert [v.rows for v in versions_of(*town)] == [9]
    keeper.close()


@pytest.fixture
def crontab(tmp_path, monkeypatch):
    """A `crontab` that keeps its lines in a file of the test, where cron is what this machine would use."""
    bin_folder = tmp_path / "cronbin"
    bin_folder.mkdir()
    table = tmp_path / "crontab.txt"
    script(bin_folder / "crontab", "#!/bin/sh\ncase $1 in -l) cat '%s' 2>/dev/null || { echo 'no crontab for me' >&2; exit 1; };; -) cat > '%s';; -r) rm -f '%s';; *) cat \"$1\" > '%s';; esac\n" % ((table,) * 4))
    monkeypatch.setenv("PATH", "%s:%s" % (bin_folder, os.environ["PATH"]))
    (tmp_path / "any.toml").write_text('[[job]]\nname = "any"\nsources = ["%s"]\nto = "%s"\n' % (tmp_path, tmp_path / "to"))
    plan = command("schedule", "install", "--at", "02:30", "--config", str(tmp_path / "any.toml"), "--print", check=False)
    if not plan or plan[0].get("scheduler") not in ("cron",):
        pytest.skip("this machine would not use cron, and its own scheduler is left alone")
    return table


def test_every_night_without_breaking_a_schedule_that_is_there(qtbot, tmp_path, town, program, crontab, add):
    from geokeep.schedule import Schedule

    path, to = town
    add(path)
    assert QgsProject.instance().write(str(tmp_path / 'a "plan" & more.qgz'))
    schedule = Schedule(program)
    schedule.config = str(tmp_path / "nightly.toml")
    with qtbot.waitSignal(schedule.done, timeout=WAIT):
        schedule.set_up("02:30")
    assert "30 2 * * *" in crontab.read_text() and schedule.config in crontab.read_text()
    done = subprocess.run([GEOKEEP, "run", "--config", schedule.config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout
    assert {o["content"] for o in command("list", "--from", to)} == {"database", "project"}
    assert QgsProject.instance().write(str(tmp_path / "second.qgz"))
    with qtbot.waitSignal(schedule.done, timeout=WAIT):
        schedule.set_up("03:00")
    text = open(schedule.config, encoding="utf-8").read()
    assert text.count("[[job]]") == 2 and "0 3 * * *" in crontab.read_text()
    theirs = "# geokeep schedule: begin\n# 'geokeep schedule remove' removes these lines.\n0 1 * * * geokeep run --config /etc/geokeep.toml >/dev/null\n# geokeep schedule: end\n"
    crontab.write_text(theirs)
    with qtbot.waitSignal(schedule.lines, timeout=WAIT) as lines:
        schedule.set_up("02:30")
    assert "[[job]]" in lines.args[0] and crontab.read_text() == theirs


def test_old_backups_go_by_the_rules_and_only_of_files_that_are_kept_here(qtbot, town, keeper, settled, add, tmp_path):
    from geokeep.retention import Retention, rules

    retention = Retention(keeper)
    assert rules() == ["--keep-within", "2d", "--keep-daily", "7", "--keep-weekly", "5", "--keep-monthly", "12"]
    add(town[0])
    settled()
    qtbot.wait(300)
    assert list(retention.thinned) == ["town"] and len(versions_of(*town)) == 1
    QgsSettings().setValue("plugins/geokeep/keep", False)
    retention.thinned.clear()
    keeper.back_up(os.path.realpath(town[0]), "by hand", force=True)
    settled()
    assert retention.thinned == {}


def test_a_folder_on_another_disk(tmp_path, town, add):
    from geokeep.options import disk_words

    add(town[0])
    assert "same disk" in disk_words(town[1]) and "not there" in disk_words(str(tmp_path / "away"))
    assert "nothing is backed up" in disk_words("")


def test_two_machines_and_two_files_of_a_name_are_not_mixed_up(town, tmp_path):
    path, to = town
    command("backup", path, "--to", to, "--host", "elsewhere")
    (tmp_path / "other").mkdir()
    command("backup", make(str(tmp_path / "other" / "town.gpkg"), 3), "--to", to)
    assert versions_of(path, to) == []
    command("backup", path, "--to", to)
    assert [v.rows for v in versions_of(path, to)] == [10]


def test_texts_of_strangers_are_no_markup():
    from geokeep.words import plain, sentence

    assert plain("<b>x</b> & y\nz") == "&lt;b&gt;x&lt;/b&gt; &amp; y<br>z"
    assert sentence("could not read 'x'") == "Could not read 'x'." and sentence("geokeep is old.") == "geokeep is old."


def test_the_zip_is_what_the_plugin_repository_takes(tmp_path):
    """One folder, no caches, no binaries, LICENSE and metadata in it, and every file of the plugin."""
    import zipfile

    target = tmp_path / "geokeep.zip"
    done = subprocess.run([sys.executable, os.path.join(HERE, "..", "package.py"), str(target)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout
    names = zipfile.ZipFile(target).namelist()
    assert {name.split("/")[0] for name in names} == {"geokeep"}
    assert {"geokeep/metadata.txt", "geokeep/LICENSE", "geokeep/__init__.py", "geokeep/help/index.html"} <= set(names)
    assert not [name for name in names if name.endswith((".pyc", ".so", ".pyd", ".dll", ".exe", ".ts", "/")) or "__pycache__" in name or "/." in name]


def test_no_module_opens_what_it_must_not_or_waits():
    """The rules of the house, over every line: no subprocess, no waiting in the main thread, no GeoPackage opened as a file."""
    import ast

    allowed_to_wait = {"algorithms.py"}  # runs in a thread of Processing's
    allowed_to_open = {"schedule.py", "install.py"}  # its own configuration and what a scheduler keeps; the program and the wheel it came in
    unpacks = {"install.py": {"zipfile"}}
    for name in sorted(os.listdir(os.path.join(HERE, "..", "geokeep"))):
        if not name.endswith(".py"):
            continue
        with open(os.path.join(HERE, "..", "geokeep", name), encoding="utf-8") as f:
            tree = ast.parse(f.read())
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
                assert not {m.split(".")[0] for m in modules} & ({"subprocess", "sqlite3", "threading", "zipfile", "PyQt5", "PyQt6"} - unpacks.get(name, set())), name
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                assert called not in ("waitForFinished", "waitForStarted", "sleep") or name in allowed_to_wait, (name, called)
                assert not (isinstance(node.func, ast.Name) and called == "open") or name in allowed_to_open, name


def test_json_of_a_killed_program_may_end_in_the_middle(qtbot):
    from geokeep.command import Run

    run = Run(GEOKEEP, ["version"])
    run._take(b'{"kind":"backup","sou')
    run._take(b"\xff\xfe")
    run._take(json.dumps({"kind": "x"}).encode())
    assert run.objects == [{"kind": "x"}]


def test_translations_are_whole_and_the_plugin_speaks_them(qtbot, tmp_path):
    """Each text is in each language with the same places to fill in, and a compiled file is taken."""
    import re
    import zipfile
    from xml.etree import ElementTree

    from qgis.PyQt.QtCore import QCoreApplication, QTranslator

    from geokeep.words import tr

    tool = os.path.join(HERE, "..", "translate.py")
    done = subprocess.run([sys.executable, tool, "--check"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout
    for language in ("de", "es", "fr"):
        path = os.path.join(HERE, "..", "geokeep", "i18n", "geokeep_%s.ts" % language)
        for message in ElementTree.parse(path).iter("message"):
            source, text = message.findtext("source"), message.findtext("translation")
            assert text and sorted(re.findall(r"\{\w+\}", source)) == sorted(re.findall(r"\{\w+\}", text)), (language, source)
    target = tmp_path / "geokeep.zip"
    subprocess.run([sys.executable, os.path.join(HERE, "..", "package.py"), str(target)], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    names = [name for name in zipfile.ZipFile(target).namelist() if name.endswith("_de.qm")]
    if not names:
        pytest.skip("no lrelease on this machine: translations cannot be compiled")
    compiled = zipfile.ZipFile(target).extract(names[0], tmp_path)
    translator = QTranslator()
    assert translator.load(compiled) and QCoreApplication.installTranslator(translator)
    try:
        assert tr("Choose a folder…") == "Ordner wählen…"
    finally:
        QCoreApplication.removeTranslator(translator)
