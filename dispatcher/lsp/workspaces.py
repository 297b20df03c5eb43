"""Workspaces: what the folder of a rule file says about it, by its settings, its snapshot of Halo and its lock file.

All are read again when they change. Without them nothing of the service and of Halo is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from pygls.uris import to_fs_path

from dispatcher.arguments import SETTINGS_FILE
from dispatcher.checking import declared_schema
from dispatcher.errors import DispatcherError
from dispatcher.lang.records import dataclass
from dispatcher.lang.schema import Schema
from dispatcher.tickets import TICKET_SCHEMA

if TYPE_CHECKING:
    from dispatcher.halo.snapshot import Snapshot
    from dispatcher.live.lock import Lock

SNAPSHOT_FILE = "halo-snapshot.json"
LOCK_FILE = "dispatcher.lock.json"

T = TypeVar("T")
# Path, time of the last change and size.
Stamp = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Halo:
    """What is known of Halo: its names, and what those of the rules meant when they were last looked up."""

    snapshot: Snapshot
    lock: Lock | None


class _Read(Generic[T]):
    """What was made of files, each read once for each of its states; failures are kept too."""

    def __init__(self, read: Callable[[Path], T]) -> None:
        self._read = read
        self._found: dict[str, tuple[Stamp, T | DispatcherError]] = {}

    def get(self, path: Path) -> T:
        """Return what a file holds; raise DispatcherError where it cannot be used."""
        try:
            state = path.stat()
        except OSError as error:
            raise DispatcherError(f"{path}: cannot be read: {error.strerror}") from None
        stamp = (str(path), state.st_mtime_ns, state.st_size)
        known = self._found.get(str(path))
        if known is None or known[0] != stamp:
            known = self._found[str(path)] = (stamp, self._result(path))
        if isinstance(known[1], DispatcherError):
            raise known[1]
        return known[1]

    def _result(self, path: Path) -> T | DispatcherError:
        try:
            return self._read(path)
        except DispatcherError as error:
            return error


class Workspaces:
    """The folders that an editor has open; `report` is told what is wrong with their files, once for each text."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self.folders: list[Path] = []
        # The file that the editor's own settings name.
        self.snapshot: str | None = None
        self._report = report
        self._reported: dict[Path, str] = {}
        self._schemas = _Read(_declared)
        self._snapshots: _Read[Snapshot | None] = _Read(_read_snapshot)
        self._locks: _Read[Lock | None] = _Read(_read_lock)

    def open(self, uris: Iterable[str | None]) -> None:
        """Take further folders."""
        self.folders += [path for uri in uris if (path := path_of(uri)) is not None and path not in self.folders]

    def close(self, uris: Iterable[str]) -> None:
        """Leave folders."""
        gone = {path_of(uri) for uri in uris}
        self.folders = [folder for folder in self.folders if folder not in gone]

    def schema(self, uri: str) -> Schema:
        """Return the ticket variables of a rule file: those of its settings too, where these can be read."""
        file = self._nearest(uri, SETTINGS_FILE)
        return self._told(self._schemas, file, TICKET_SCHEMA)

    def names(self, uri: str, variable: str) -> Sequence[str]:
        """Return the names that Halo knows for a variable, by the snapshot that belongs to a rule file."""
        found = self._snapshot(uri)
        return found.names_for(variable) if found is not None else ()

    def halo(self, uri: str) -> Halo | None:
        """Return what is known of Halo for a rule file; None without a snapshot."""
        snapshot = self._snapshot(uri)
        if snapshot is None:
            return None
        path = path_of(uri)
        lock = path.parent / LOCK_FILE if path is not None else None
        return Halo(snapshot, self._told(self._locks, lock if lock is not None and lock.is_file() else None, None))

    def _snapshot(self, uri: str) -> Snapshot | None:
        if self.snapshot:
            folder = self._folder(path_of(uri))
            file: Path | None = (folder or Path()) / self.snapshot
        else:
            file = self._nearest(uri, SNAPSHOT_FILE)
        return self._told(self._snapshots, file, None)

    def _told(self, read: _Read[T], file: Path | None, otherwise: T) -> T:
        if file is None:
            return otherwise
        try:
            found = read.get(file)
        except DispatcherError as error:
            if self._reported.get(file) != str(error):
                self._reported[file] = str(error)
                self._report(str(error))
            return otherwise
        self._reported.pop(file, None)
        return found

    def _folder(self, path: Path | None) -> Path | None:
        """Return the innermost open folder of a file; the first one for a file that is not on disk."""
        if path is None:
            return self.folders[0] if self.folders else None
        around = [folder for folder in self.folders if path.is_relative_to(folder)]
        return max(around, key=lambda folder: len(folder.parts), default=path.parent)

    def _nearest(self, uri: str, name: str) -> Path | None:
        """Return the file of a name in the folder of a rule file, or in the nearest one above it that is open."""
        path = path_of(uri)
        top = self._folder(path)
        if top is None:
            return None
        folder = path.parent if path is not None else top
        for place in (folder, *folder.parents):
            if (place / name).is_file():
                return place / name
            if place == top:
                break
        return None


def path_of(uri: str | None) -> Path | None:
    """Return the path of a file's address; None for what is not on disk."""
    try:
        path = to_fs_path(uri) if uri is not None and uri.startswith("file:") else None
        return Path(path) if path and "\0" not in path else None
    except ValueError:
        return None


def _declared(path: Path) -> Schema:
    from service.settings import load_settings

    return declared_schema(load_settings(path).variables)


def _read_snapshot(path: Path) -> Snapshot:
    from dispatcher.halo.snapshot import Snapshot

    return Snapshot.read(path)


def _read_lock(path: Path) -> Lock | None:
    from dispatcher.live.lock import Lock

    return Lock.read(path)
