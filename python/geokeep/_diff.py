"""What has changed between two states."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ._command import Object, StrPath, Value, call, options
from ._errors import GeokeepError
from ._facts import Backup, instant_or_none


@dataclass(frozen=True)
class Side:
    """One of the two states: a backup, or a file."""

    #: Id, name and instant (UTC) of a backup.
    id: Optional[str] = None
    name: Optional[str] = None
    instant: Optional[datetime] = None
    file: Optional[Path] = None


@dataclass(frozen=True)
class FeatureDiff:
    """A row that differs."""

    #: ``added``, ``deleted``, ``changed``.
    change: str
    #: The fid, the key (a list if it has several columns), or None.
    key: Any
    #: By name: ``before`` and ``after``, one of which is absent in rows that were added or deleted.
    columns: Mapping[str, Any]
    #: None if it is as it was; else ``before`` and ``after`` (well-known binary, in hexadecimal), and
    #: how it has changed.
    geometry: Optional[Mapping[str, Any]]


@dataclass(frozen=True)
class LayerDiff:
    """A layer, or another table, that differs."""

    layer: str
    type: str
    #: ``changed``, ``added``, ``removed``, ``renamed``.
    change: str
    #: Rows before and after; None where it was not there.
    rows_before: Optional[int]
    rows_after: Optional[int]
    #: Counts of rows; those whose geometry has changed are some of the changed ones.
    added: int
    deleted: int
    changed: int
    geometry_changed: int
    #: How many of the changed rows have another value in a column.
    columns: Mapping[str, int]
    #: As many rows as were asked for.
    features: Tuple[FeatureDiff, ...]
    #: Why its rows could not be compared.
    not_compared: Optional[str]
    #: The program's own object.
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Diff:
    """What has changed."""

    before: Side
    after: Side
    #: Those that differ.
    layers: Tuple[LayerDiff, ...]
    #: Whether nothing differs, and whether everything could be compared.
    equal: bool
    complete: bool


def diff(
    before: Union[StrPath, Backup],
    after: Union[StrPath, Backup, None] = None,
    destination: Optional[StrPath] = None,
    *,
    layers: Sequence[str] = (),
    key: Sequence[str] = (),
    ignore: Sequence[str] = (),
    tolerance: float = 0.0,
    features: Optional[int] = 0,
    to: Optional[StrPath] = None,
    cancel: Optional[threading.Event] = None,
) -> Diff:
    """Compares two states, each a backup or a file, by layer and row.

    :param before: what it was: a :class:`Backup`, a name (its newest sound backup), ``NAME@DATE``, an
        id, or a file.
    :param after: what it is, in the same way. If not given: the file that the backup was made of.
    :param destination: the folder of backups; not needed with a :class:`Backup`.
    :param layers: only these layers or tables.
    :param key: columns that identify the rows, in place of fids.
    :param ignore: columns that do not matter.
    :param tolerance: how far a coordinate may be from where it was, in units of the reference system.
    :param features: how many rows of each layer to return; None: all of them, which takes memory for
        all of them.
    :param to: also write the differences to this file: ``.gpkg``, ``.html``, ``.csv``, ``.geojson``.
    :param cancel: stops it when it is set.

    Raises :class:`NoSuchBackup`, :class:`SourceUnreadable`, :class:`TargetExists`,
    :class:`Interrupted`, and others.

    >>> found = geokeep.diff("town", destination="backups")
    >>> found.equal, found.complete
    (True, True)
    """
    if destination is None:
        known = [one.destination for one in (before, after) if isinstance(one, Backup)]
        destination = known[0] if known else None
    given: Dict[str, Value] = {
        "--json": True,
        "--from": destination,
        "--layer": list(layers),
        "--key": list(key),
        "--ignore": list(ignore),
        "--tolerance": float(tolerance),
        "--counts": features == 0,
        "--limit": features or None,
        "--to": to,
    }
    both = [one for one in (before, after) if one is not None]
    sides = [one.id if isinstance(one, Backup) else os.fspath(one) for one in both]
    heard = _Heard()
    code = call(["diff", *options(given), "--", *sides], heard.take, cancel=cancel)
    return heard.diff(code)


class _Heard:
    """The objects of one comparison, as they come."""

    def __init__(self) -> None:
        self.header: Object = {}
        self.summary: Optional[Object] = None
        self.layers: List[Tuple[Object, List[FeatureDiff]]] = []

    def take(self, found: Object) -> None:
        kind = found.get("kind")
        if kind == "diff":
            self.header = found
        elif kind == "layer":
            self.layers.append((found, []))
        elif kind == "feature" and self.layers:
            self.layers[-1][1].append(
                FeatureDiff(
                    found["change"], found.get("key"), found["columns"], found.get("geometry")
                )
            )
        elif kind == "summary":
            self.summary = found

    def diff(self, code: int) -> Diff:
        if self.summary is None:
            raise GeokeepError("the program did not say what differs", exit_code=code)
        return Diff(
            before=_side(self.header.get("before") or {}),
            after=_side(self.header.get("after") or {}),
            layers=tuple(_layer(one, features) for one, features in self.layers),
            equal=self.summary["equal"],
            complete=self.summary["complete"],
        )


def _side(found: Object) -> Side:
    file = found.get("file")
    return Side(
        id=found.get("backup"),
        name=found.get("name"),
        instant=instant_or_none(found.get("instant")),
        file=Path(file) if file else None,
    )


def _layer(found: Object, features: List[FeatureDiff]) -> LayerDiff:
    before, after = found.get("rows") or (None, None)
    return LayerDiff(
        layer=found["layer"],
        type=found["type"],
        change=found["change"],
        rows_before=before,
        rows_after=after,
        added=found["added"],
        deleted=found["deleted"],
        changed=found["changed"],
        geometry_changed=found["geometry_changed"],
        columns=found["columns"],
        features=tuple(features),
        not_compared=found.get("not_compared"),
        raw=found,
    )
