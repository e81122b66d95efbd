"""A stored backup, and what is known of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Sequence, Tuple

from ._command import Object, StrPath, Value, call, options

if TYPE_CHECKING:
    from ._events import Progress
    from ._restore import Restored, RestoredLayer
    from ._stored import Verified


@dataclass(frozen=True)
class Layer:
    """A layer, or another table, as a backup or a file holds it."""

    name: str
    #: ``features``, ``attributes``, ``tiles``, or what an extension calls it; ``table`` in a database
    #: that is no GeoPackage.
    type: str
    #: None if they could not be counted.
    rows: Optional[int]
    #: ``(min_x, min_y, max_x, max_y)`` in units of the reference system ``srs_id``.
    extent: Optional[Tuple[float, float, float, float]] = None
    srs_id: Optional[int] = None
    #: The GeoPackage names it, and there is no such table.
    missing: bool = False


@dataclass(frozen=True)
class Finding:
    """One thing that a check found."""

    #: ``advisory``, ``warning`` or ``error``.
    severity: str
    #: Which check: ``integrity``, ``geopackage``, ``loss``, and others.
    code: str
    #: The table that it is about.
    table: Optional[str]
    #: What it found.
    message: str

    def __str__(self) -> str:
        return f"{self.table}: {self.message}" if self.table else self.message


@dataclass(frozen=True)
class Backup:
    """One stored backup: :func:`geokeep.backups` lists them, :func:`geokeep.backup` makes them.

    >>> newest = geokeep.backups("backups", "town")[-1]
    >>> newest.name, newest.verdict, newest.instant.tzname()
    ('town', 'sound', 'UTC')
    >>> [layer.name for layer in newest.layers]
    ['buildings', 'owners', 'trees']
    """

    #: By which it is asked for; 16 hexadecimal digits.
    id: str
    #: The name under which the backups of a file stand: most of the time that of the file.
    name: str
    #: The moment whose committed state it holds, in UTC.
    instant: datetime
    #: The file as it was, by its absolute path on :attr:`host`.
    source: Path
    host: str
    #: The ``.gpkg.zip`` in which it lies.
    archive: Path
    #: ``database`` or ``project``.
    content: str
    #: Length of the file, in bytes.
    bytes: int
    #: Length of the archive, in bytes.
    stored_bytes: int
    #: ``sound``, or ``damaged`` if the file was damaged when it was backed up.
    verdict: str
    layers: Tuple[Layer, ...]
    #: The note that was given when it was made.
    label: Optional[str]
    #: Why it is pinned (``""`` if no reason was given), or None.
    pinned: Optional[str]
    #: When it was last verified since it was made, in UTC.
    verified: Optional[datetime]
    #: What the checks found.
    findings: Tuple[Finding, ...]
    #: What it lacks of earlier backups, in sentences, unless somebody has accepted that.
    losses: Tuple[str, ...]
    #: The program's own object.
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def destination(self) -> Path:
        """The folder of backups in which it lies."""
        return self.archive.parent.parent

    @property
    def uri(self) -> str:
        """Opens in GDAL, QGIS, geopandas and pyogrio as it lies, read-only.

        GDAL 3.7 and later read what they need; earlier ones read all of it, which is slow above some
        50 MB: restore a copy then.

        >>> geokeep.backups("backups", "town")[-1].uri
        '/vsizip/{...town_....gpkg.zip}/town.gpkg'
        """
        ending = "gpkg" if self.content == "database" else self.archive.name.split(".")[-2]
        return f"/vsizip/{{{self.archive}}}/{self.name}.{ending}"

    def open(self, layer: Optional[str] = None, **options: Any) -> Any:
        """A layer as a ``GeoDataFrame``: the first one, unless another is named. For this geopandas
        must be installed; ``options`` go to its ``read_file``.

        Raises ImportError without geopandas.
        """
        try:
            import geopandas  # type: ignore[import-not-found, import-untyped, unused-ignore]
        except ImportError as error:
            raise ImportError(
                "Backup.open() needs geopandas: pip install geopandas; Backup.uri opens in "
                "whatever reads GeoPackages through GDAL"
            ) from error
        return geopandas.read_file(self.uri, layer=layer, **options)

    def restore(
        self, to: Optional[StrPath] = None, *, force: bool = False, dry_run: bool = False
    ) -> Restored:
        """The file, written to ``to``, or to where it was. As :func:`geokeep.restore`."""
        from ._restore import restore  # which knows this class

        return restore(self, to=to, force=force, dry_run=dry_run)

    def restore_layer(self, layer: str, into: Optional[StrPath] = None, **options: Any) -> RestoredLayer:
        """One layer, put into a live file. ``options`` as of :func:`geokeep.restore` with ``layer``."""
        from ._restore import restore

        return restore(self, layer=layer, into=into, **options)

    def verify(
        self, level: str = "full", *, on_progress: Optional[Callable[[Progress], None]] = None
    ) -> Verified:
        """Checks that it is still whole. Raises as :func:`geokeep.verify`."""
        from ._stored import verify

        return verify(self.destination, self.id, level=level, on_progress=on_progress)[0]

    def pin(self, reason: str = "") -> None:
        """Keeps it whatever the rules of :func:`geokeep.forget` say."""
        self._call("pin", reason)

    def unpin(self) -> None:
        """Allows it to be removed again."""
        self._call("unpin")

    def _call(self, verb: str, reason: Optional[str] = None) -> None:
        given: Dict[str, Value] = {
            "--json": True,
            "--from": self.destination,
            "--reason": reason,
        }
        call([verb, *options(given), "--", self.id], lambda _: None)


def backup_of(found: Object) -> Backup:
    """The backup that an object of the program tells of."""
    # A folder of backups is named as it was given, which means another one later in another folder.
    archive = Path(os.path.abspath(found["path"]))
    findings = tuple(finding_of(one) for one in found.get("findings") or ())
    loss = found.get("data_loss") or {}
    return Backup(
        id=found["id"],
        name=found["name"],
        instant=instant_of(found["instant"]),
        source=Path(found["source"]),
        host=found["host"] or "",
        archive=archive,
        content=found.get("content") or "database",
        bytes=found["bytes"],
        stored_bytes=found["stored_bytes"],
        verdict=found["verdict"],
        layers=layers_of(found.get("layers")),
        label=found.get("label"),
        pinned=found.get("pinned"),
        verified=instant_or_none(found.get("verified")),
        findings=findings,
        losses=tuple(str(finding_of(one)) for one in loss.get("lost") or ()),
        raw=found,
    )


def layers_of(found: Optional[Sequence[Object]]) -> Tuple[Layer, ...]:
    """Layers, as far as they are known."""
    return tuple(
        Layer(
            name=one["name"],
            type=one["type"],
            rows=one.get("rows"),
            extent=_extent(one.get("extent")),
            srs_id=one.get("srs_id"),
            missing=bool(one.get("missing")),
        )
        for one in found or ()
    )


def finding_of(found: Object) -> Finding:
    """What a check found."""
    return Finding(found["severity"], found["code"], found.get("table"), found["message"])


def instant_of(text: str) -> datetime:
    """An instant of the program: UTC, with milliseconds."""
    # Python before 3.11 does not know the 'Z'.
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def instant_or_none(text: Optional[str]) -> Optional[datetime]:
    """An instant, if there is one."""
    return instant_of(text) if text else None


def _extent(found: Optional[Sequence[float]]) -> Optional[Tuple[float, float, float, float]]:
    if not found:
        return None
    min_x, min_y, max_x, max_y = found
    return (min_x, min_y, max_x, max_y)
