"""Looking at a live file, and at the program itself."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, FrozenSet, List, Mapping, Optional, Tuple

from ._command import Object, StrPath, call
from ._errors import from_json
from ._facts import Layer, layers_of


@dataclass(frozen=True)
class Holder:
    """A program that has a file open."""

    pid: int
    program: Optional[str]
    #: Its locks on the file, in words; empty of a program that holds none.
    locks: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Method:
    """A way of copying a file, judged for the state in which it is."""

    #: ``pages``, ``online``, ``vacuum``, ``copy``, ``ogr``; or ``plain copy``, as by a file manager.
    method: str
    #: Whether it gives a consistent copy and leaves the file as it is.
    safe: bool
    #: Whether :func:`geokeep.backup` would take it.
    chosen: bool
    why: str


@dataclass(frozen=True)
class Inspection:
    """What can be seen of a file from outside, without changing anything."""

    file: Path
    #: Its length.
    bytes: int
    #: Whether it begins as an SQLite database does.
    is_sqlite: bool
    #: ``rollback`` or ``wal``; None of other files.
    journal_mode: Optional[str]
    #: In bytes.
    page_size: Optional[int]
    file_system: str
    #: In words for people.
    state: str
    #: Programs that hold locks on it.
    holders: Tuple[Holder, ...]
    #: Programs that have it open and hold none; None where the system does not tell.
    open_without_lock: Optional[Tuple[Holder, ...]]
    #: None if they cannot be read without changing something.
    layers: Optional[Tuple[Layer, ...]]
    methods: Tuple[Method, ...]
    #: The program's own object.
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


def inspect(file: StrPath) -> Inspection:
    """Says who has a file open, and which ways of copying it are safe now. Nothing is changed.

    :param file: a GeoPackage, or another file.

    Raises :class:`SourceUnreadable`, :class:`NotAGeopackage`, :class:`SourceLocked`.

    >>> seen = geokeep.inspect("town.gpkg")
    >>> seen.journal_mode, seen.holders
    ('rollback', ())
    >>> [method.method for method in seen.methods if method.chosen]
    ['pages']
    """
    found: List[Object] = []
    code = call(["inspect", "--json", "--", os.fspath(file)], found.append)
    one = found[0]
    if one.get("error"):
        error = from_json(one["error"], Path(file))
        error.exit_code = code
        raise error
    openers = one.get("open_without_lock")
    layers = one.get("layers")
    return Inspection(
        file=Path(one["file"]),
        bytes=one["bytes"],
        is_sqlite=one["is_sqlite"],
        journal_mode=one.get("journal_mode"),
        page_size=one.get("page_size"),
        file_system=one["file_system"],
        state=one["state"],
        holders=tuple(
            Holder(holder["pid"], holder.get("program"), tuple(holder["locks"]))
            for holder in one["holders"]
        ),
        open_without_lock=None
        if openers is None
        else tuple(Holder(opener["pid"], opener.get("program")) for opener in openers),
        layers=None if layers is None else layers_of(layers),
        methods=tuple(
            Method(way["method"], way["safe"], way["chosen"], way["why"]) for way in one["methods"]
        ),
        raw=one,
    )


@dataclass(frozen=True)
class Version:
    """Which program is at work, and what it can do."""

    version: str
    #: The version of what it prints for programs.
    json: int
    features: FrozenSet[str]


def version() -> Version:
    """The version of the program that does the work, which may be newer than this module.

    >>> "events" in geokeep.version().features
    True
    """
    found: List[Object] = []
    call(["version", "--json"], found.append)
    one = found[0]
    return Version(one["version"], one["json"], frozenset(one["features"]))
