"""Whether what came out is what was expected. Every function answers a list of problems; an empty list is a pass."""

import os
import shutil
import zipfile

import gpkg
import look
from expectations import CP_IS_WRONG, HONEST, LOCKED, METHODS, SAVED, TABLE

SAVED_CODES = (0,)
LONGEST_LOCK = 2_000  # ms that auto and pages may hold a lock in rollback mode
TOO_SLOW = "too slow: "  # begins a problem that a busy machine alone may cause
UNTYPED_CODES = (0, 1, 2, 101)  # a refusal has a code of its own; 1 is "unexpected", 2 wrong usage, 101 a Rust panic


def outcome_problems(outcome, expected, state, method, takes=None):
    problems = list(outcome.problems)
    if problems:
        return problems
    if outcome.stray:
        problems.append("left in its temporary folder: %s" % ", ".join(outcome.stray))
    if outcome.saved:
        if expected == LOCKED:
            problems.append("saved something where the source was locked")
        problems += saved_problems(outcome, state, method)
        if takes and method == "auto" and outcome.answer.get("method") != takes:
            problems.append("auto took %s, the table says %s" % (outcome.answer.get("method"), takes))
    else:
        if expected == SAVED:
            problems.append("not saved: %s (exit code %s) %s" % (outcome.kind, outcome.code, message(outcome)))
        problems += refusal_problems(outcome, expected, state)
    return problems


def message(outcome):
    error = outcome.answer.get("error") or {}
    told = "; ".join(str(error[k]) for k in ("message", "cause") if error.get(k)) or "; ".join(outcome.errors.strip().splitlines()[:2])
    return str(told)[:300]


def refusal_problems(outcome, expected, state):
    problems = []
    if outcome.archives:
        problems.append("failed, yet %s lies in the destination" % os.path.basename(outcome.archives[0]))
    if not outcome.kind:
        problems.append("failed without a typed error")
    if outcome.code in UNTYPED_CODES:
        problems.append("failed with exit code %s (%s)" % (outcome.code, outcome.kind))
    if outcome.kind == "source_locked" and outcome.code != 20:
        problems.append("source_locked with exit code %s" % outcome.code)
    if expected == LOCKED and outcome.kind != "source_locked":
        problems.append("refused as %s, not as source_locked" % outcome.kind)
    if expected == LOCKED:
        asked = float(state.lock_wait.rstrip("s"))
        if outcome.seconds < asked - 0.1:
            problems.append("waited %.1f s, was asked to wait %s" % (outcome.seconds, state.lock_wait))
        if outcome.seconds > asked + 5.0:
            problems.append(TOO_SLOW + "waited %.1f s, was asked to wait %s" % (outcome.seconds, state.lock_wait))
    return problems


def saved_problems(outcome, state, method):
    """Opens what was stored with nothing of ours: Python's zipfile, and SQLite."""
    problems = []
    answer = outcome.answer
    if outcome.code not in SAVED_CODES:
        problems.append("saved, with exit code %s" % outcome.code)
    if len(outcome.archives) != 1:
        return problems + ["%d archives in the destination" % len(outcome.archives)]
    archive = outcome.archives[0]
    if not os.path.exists(answer.get("path") or "") or not os.path.samefile(answer["path"], archive):
        problems.append("the path it names is not the archive: %s" % answer.get("path"))
    if answer.get("verdict") != "sound":
        problems.append("verdict %s: %s" % (answer.get("verdict"), str(answer.get("findings"))[:200]))
    if not answer.get("digest"):
        problems.append("no digest")
    if not answer.get("method_reason"):
        problems.append("no reason for the method")
    if method != "auto" and answer.get("method") != method:
        problems.append("asked for %s, took %s" % (method, answer.get("method")))
    held = answer.get("lock_ms")
    if method in ("auto", "pages") and isinstance(held, (int, float)) and held > LONGEST_LOCK and look.mode(state.path) == "delete" and state.size != gpkg.HUGE:
        problems.append(TOO_SLOW + "held a lock for %.0f ms" % held)
    folder = archive + ".unpacked"
    try:
        with zipfile.ZipFile(archive) as z:
            bad = z.testzip()
            if bad:
                problems.append("the archive is damaged at %s" % bad)
            names = [n for n in z.namelist() if n.endswith(".gpkg")]
            if len(names) != 1 or "manifest.json" not in z.namelist():
                return problems + ["the archive holds %s" % z.namelist()]
            z.extract(names[0], folder)
        problems += file_problems(os.path.join(folder, names[0]), state)
        if answer.get("layers") is not None and not problems:
            told = {layer.get("name"): layer.get("rows") for layer in answer["layers"]}
            held = gpkg.faults_of(os.path.join(folder, names[0]))[1].rows()
            wrong = {name: told.get(name) for name, rows in held.items() if told.get(name) != rows}
            if wrong:
                problems.append("tells of rows that differ from what it stored: %s, held %s" % (wrong, held))
        if answer.get("method") == "ogr":
            told = str(answer.get("findings"))
            problems += ["findings are silent on %s" % n for n in gpkg.LEFT_BEHIND_BY_OGR if n not in told]
    except (zipfile.BadZipFile, OSError) as error:
        problems.append("the archive cannot be read: %s" % error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return problems


def file_problems(path, state):
    """The copy itself: whole, opens anywhere, one committed state."""
    problems, found = gpkg.faults_of(path)
    if look.mode(path) != "delete":
        problems.append("the copy bears a %s header: opening it would leave files beside it" % look.mode(path))
    if found is not None:
        wrong = state.judge(found)
        if wrong:
            problems.append(wrong)
    return problems


def inspect_problems(code, objects, errors, stray, state):
    """`inspect`: answers, tells the journal mode and the sidecars that are there, and says of each method whether it is safe."""
    problems = []
    if code != 0 or len(objects) != 1:
        return ["inspect ended with %s and %d objects: %s" % (code, len(objects), errors.strip()[-160:])]
    told = objects[0]
    mode = look.mode(state.path)
    if mode not in str(told.get("journal_mode")).lower() and not (mode == "delete" and "rollback" in str(told.get("journal_mode")).lower()):
        problems.append("journal_mode %r, the header says %s" % (told.get("journal_mode"), mode))
    there = {s for s in look.sidecars(state.given if not os.path.islink(state.given) else state.path)}
    unnamed = [s for s in there if s not in str(told.get("sidecars")) and s.lstrip("-") not in str(told.get("sidecars"))]
    if unnamed:
        problems.append("silent on %s (it names %s)" % (", ".join(unnamed), told.get("sidecars")))
    safe = {method.get("method"): method.get("safe") for method in told.get("methods") or ()}
    missing = [m for m in METHODS if m != "auto" and not isinstance(safe.get(m), bool)]
    if missing:
        problems.append("does not say whether these are safe: %s" % ", ".join(missing))
    name = state.__class__.__name__
    takes = TABLE[name]["takes"]
    if takes and safe.get(takes) is not True:
        problems.append("says that %s, which auto takes, is not safe" % takes)
    if TABLE[name]["cells"]["auto"] == LOCKED and any(safe.get(m) for m in METHODS):
        problems.append("says that something is safe while the file is locked: %s" % safe)
    if name in CP_IS_WRONG and safe.get("plain copy") is not False:
        problems.append("says that a plain copy is safe")
    if stray:
        problems.append("left in its temporary folder: %s" % ", ".join(stray))
    return problems


__all__ = ["outcome_problems", "inspect_problems", "HONEST", "LOCKED", "SAVED"]
