"""Stopping a run, and programs that are not what they should be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import archives

import geokeep

posix = pytest.mark.skipif(os.name == "nt", reason="signals as POSIX has them")


def nothing_is_left(desk: Path) -> None:
    assert archives(desk) == []
    assert list((desk.parent / "tmp").iterdir()) == []


def test_a_backup_is_cancelled(desk, large):
    cancel = threading.Event()
    with pytest.raises(geokeep.Interrupted) as caught:
        geokeep.backup(large, to="backups", cancel=cancel, on_progress=lambda _: cancel.set())
    assert caught.value.exit_code == 130
    nothing_is_left(desk)
    with pytest.raises(geokeep.Interrupted):
        geokeep.backup(large, to="backups", cancel=cancel)
    nothing_is_left(desk)
    cancel.clear()
    assert geokeep.backup("town.gpkg", to="backups", cancel=cancel).ok


def test_an_exception_in_a_callback_stops_it(desk, large):
    def stop(progress: geokeep.Progress) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        geokeep.backup(large, to="backups", on_progress=stop)
    nothing_is_left(desk)


def test_a_watch_ends_with_its_generator(desk):
    (desk / "geokeep.toml").write_text(
        '[[job]]\nname = "maps"\nsources = ["town.gpkg"]\nto = "backups"\n'
    )
    watch = geokeep.watch("maps")
    assert next(watch).results[0].status == "saved"
    before = threading.active_count()
    watch.close()
    assert threading.active_count() < before, "its threads have ended with the program"


@posix
@pytest.mark.parametrize("to_all", [True, False])
def test_ctrl_c(desk, large, to_all):
    """A terminal sends it to all processes, other senders to Python alone."""
    code = (
        "import geokeep\n"
        "say = lambda _: print('works', flush=True)\n"
        "geokeep.backup('large.gpkg', to='backups', on_progress=say)\n"
    )
    script = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert script.stdout.readline() == "works\n"
    (os.killpg if to_all else os.kill)(script.pid, signal.SIGINT)
    _, err = script.communicate(timeout=60)
    assert script.returncode != 0 and "KeyboardInterrupt" in err, err
    with pytest.raises(ProcessLookupError):
        os.killpg(script.pid, 0)  # No process of its group is left.
    nothing_is_left(desk)


def test_several_threads_at_a_time(desk, large):
    for name in ("a", "b", "c"):
        (desk / f"{name}.gpkg").write_bytes((desk / "town.gpkg").read_bytes())
    runs, errors = {}, []

    def back_up(name: str) -> None:
        try:
            runs[name] = geokeep.backup(f"{name}.gpkg", to="backups")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=back_up, args=(name,)) for name in ("a", "b", "c", "large")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [] and {name: run[0].status for name, run in runs.items()} == {
        name: "saved" for name in ("a", "b", "c", "large")
    }
    assert len(geokeep.verify("backups")) == 4


def program(desk: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """From now on this script stands for the program: kinds of the future cannot be had otherwise."""
    script = desk / "program"
    script.write_text(f"#!{sys.executable}\n{body}")
    script.chmod(0o755)
    monkeypatch.setenv("GEOKEEP", str(script))


def test_a_program_that_is_missing(desk, monkeypatch):
    monkeypatch.setenv("GEOKEEP", str(desk / "nowhere"))
    with pytest.raises(geokeep.ProgramMissing) as caught:
        geokeep.backups("backups")
    assert str(desk / "nowhere") in caught.value.cause and caught.value.hint
    shown = subprocess.run(
        [sys.executable, "-m", "geokeep", "list"], stderr=subprocess.PIPE, text=True
    )
    assert shown.returncode == 2 and "was not found" in shown.stderr
    monkeypatch.setenv("GEOKEEP", str(desk / "town.gpkg"))
    with pytest.raises(geokeep.ProgramMissing):
        geokeep.backups("backups")


@posix
def test_a_kind_that_a_newer_program_has(desk, monkeypatch):
    error = '{"kind": "too_hot", "message": "it is too hot", "cause": null, "state": null}'
    program(
        desk,
        monkeypatch,
        f"""print('{{"kind": "news", "error": null}}\\n{{"kind": "error", "error": {error}}}')\nexit(77)""",
    )
    with pytest.raises(geokeep.GeokeepError) as caught:
        geokeep.backup("town.gpkg", to="backups")
    assert type(caught.value) is geokeep.GeokeepError
    assert (caught.value.kind, caught.value.exit_code) == ("too_hot", 77)
    assert str(caught.value) == "it is too hot"


@posix
@pytest.mark.parametrize(
    "body", ["print('hello')", "print('[1]')", "import os; os.kill(os.getpid(), 9)", "exit(2)"]
)
def test_a_program_that_is_another_one(desk, monkeypatch, body):
    program(desk, monkeypatch, body)
    with pytest.raises(geokeep.GeokeepError):
        geokeep.backup("town.gpkg", to="backups")


@posix
def test_what_it_says_to_people_fills_no_pipe(desk, monkeypatch):
    """Also bytes that are no text, on both pipes."""
    program(
        desk,
        monkeypatch,
        "import sys\n"
        "sys.stderr.buffer.write(b'\\xff' * (1 << 20))\n"
        "sys.stderr.flush()\n"
        "sys.stdout.buffer.write(b'{\"kind\": \"version\", \"version\": \"\\xff\", \"json\": 1, \"features\": []}\\n')\n",
    )
    assert geokeep.version().version == "\ufffd"


@posix
def test_what_bundles_set_does_not_reach_it(desk, monkeypatch):
    for name in ("LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "PYTHONHOME", "GEOKEEP_TEST_KEPT"):
        monkeypatch.setenv(name, "")
    program(
        desk,
        monkeypatch,
        "import json, os\n"
        "names = [n for n in os.environ if n.startswith(('LD_', 'DYLD_', 'PYTHONHOME', 'GEOKEEP_TEST'))]\n"
        "print(json.dumps({'version': '', 'json': 1, 'features': names}))\n",
    )
    assert geokeep.version().features == {"GEOKEEP_TEST_KEPT"}


def test_the_program_runs_as_a_module(desk):
    shown = subprocess.run(
        [sys.executable, "-m", "geokeep", "version"], stdout=subprocess.PIPE, text=True, check=True
    )
    assert shown.stdout.startswith("geokeep ")
    failed = subprocess.run([sys.executable, "-m", "geokeep", "verify", "--from", "nowhere"])
    assert failed.returncode == 10
