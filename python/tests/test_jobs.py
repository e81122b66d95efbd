"""The jobs of a geokeep.toml."""

from __future__ import annotations

import threading

import pytest

import geokeep

JOBS = """
[[job]]
name = "maps"
sources = ["town.gpkg"]
to = "backups"

[job.watch]
quiet = "1s"
every = "1s"

[job.keep]
last = 2
"""


@pytest.fixture
def jobs(desk):
    (desk / "geokeep.toml").write_text(JOBS)
    return desk


def test_a_job_runs(jobs, change):
    results, progress = [], []
    (run,) = geokeep.run_jobs(on_result=results.append, on_progress=progress.append)
    assert run.ok and (run.job, run.status, run.exit_code) == ("maps", "ok", 0)
    assert [one.status for one in run.results] == ["saved"] == [one.status for one in results]
    assert run.started <= run.ended and run.stored_bytes > 0 and progress
    for number in range(2):
        change("town.gpkg", f"UPDATE owners SET name = 'state {number}' WHERE fid = 1")
        (run,) = geokeep.run_jobs("maps", config=jobs / "geokeep.toml")
    assert run.forgotten == 1 and len(geokeep.backups("backups")) == 2


def test_a_job_that_fails_cannot_be_overlooked(jobs):
    second = '\n[[job]]\nname = "gone"\nsources = ["nowhere.gpkg"]\nto = "backups"\n'
    (jobs / "geokeep.toml").write_text(JOBS + second)
    with pytest.raises(geokeep.JobsFailed) as caught:
        geokeep.run_jobs()
    assert [job.ok for job in caught.value.jobs] == [True, False]
    assert "gone" in str(caught.value) and "maps" not in str(caught.value)
    jobs_run = geokeep.run_jobs("gone", check=False)
    assert isinstance(jobs_run[0].results[0].error, geokeep.SourceUnreadable)
    with pytest.raises(geokeep.WrongUsage):
        geokeep.run_jobs("no such job")


def test_a_job_whose_disk_is_away(jobs):
    (jobs / "geokeep.toml").write_text(JOBS.replace('to = "backups"', 'to = "disk"\nmust_exist = true'))
    with pytest.raises(geokeep.JobsFailed) as caught:
        geokeep.run_jobs()
    assert isinstance(caught.value.jobs[0].error, geokeep.NoSuchDestination)


def test_how_well_sources_are_protected(jobs):
    before = geokeep.status()
    assert not before.ok and [one.overdue for one in before.sources] == [True]
    assert before.last_runs == ()
    geokeep.run_jobs()
    after = geokeep.status("maps")
    assert after.ok and after.exit_code == 0
    (source,) = after.sources
    assert source.source == jobs / "town.gpkg" and source.id == geokeep.backups("backups")[0].id
    assert not source.overdue and source.age_seconds < 300 < source.max_age_seconds
    (last,) = after.last_runs
    assert (last.job, last.state, last.exit_code) == ("maps", "ended", 0)


def test_a_job_is_run_after_each_edit(jobs, change):
    cancel = threading.Event()
    heard = []
    for run in geokeep.watch("maps", cancel=cancel):
        heard += [result.status for result in run.results]
        if len(heard) == 1:
            change("town.gpkg", "UPDATE owners SET name = 'edited' WHERE fid = 1")
        if len(heard) == 2:
            cancel.set()
    assert heard == ["saved", "saved"] and len(geokeep.backups("backups")) == 2


def test_a_watch_of_nothing(desk):
    with pytest.raises(geokeep.WrongUsage):
        next(geokeep.watch("maps"))
