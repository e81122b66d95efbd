"""What is heard while the program works."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Callable, Optional

from ._command import Object
from ._facts import instant_of


@dataclass(frozen=True)
class Progress:
    """How far the work on one file is."""

    #: The file that is read: of a verification the archive, of a restore the file that is written.
    source: Path
    #: ``reading``, ``checking`` (what was written), ``writing``.
    phase: str
    #: Bytes: what is read twice by intention counts twice.
    bytes_done: int
    #: Of so many; of a backup it is twice the length of the file.
    bytes_total: int

    @property
    def fraction(self) -> float:
        """From 0.0 to 1.0."""
        return self.bytes_done / self.bytes_total if self.bytes_total else 1.0


@dataclass(frozen=True)
class Snapshot:
    """The state of a source has been read whole: whatever is saved from now on does not change its
    backup."""

    source: Path
    #: That of the backup, in UTC.
    instant: datetime


OnProgress = Optional[Callable[[Progress], None]]
OnSnapshot = Optional[Callable[[Snapshot], None]]


class Events:
    """Hands events over to those who want them."""

    def __init__(self, on_progress: OnProgress = None, on_snapshot: OnSnapshot = None) -> None:
        self._on_progress, self._on_snapshot = on_progress, on_snapshot

    def option(self) -> str:
        """What the program must be told."""
        return "--events" if self._on_progress or self._on_snapshot else "--json"

    def take(self, found: Object) -> bool:
        """Whether it was an event."""
        kind = found.get("kind")
        if kind == "progress":
            if self._on_progress:
                self._on_progress(
                    Progress(
                        Path(found["source"]),
                        found["phase"],
                        found["bytes_done"],
                        found["bytes_total"],
                    )
                )
        elif kind == "snapshot":
            if self._on_snapshot:
                self._on_snapshot(Snapshot(Path(found["source"]), instant_of(found["instant"])))
        else:
            return False
        return True
