"""Versions as the command line and REST show them: JSON data."""

from __future__ import annotations

from typing import Any

from service.comparing import compare
from service.versions import NoRevisionError, Version, Versions

MOST = 500


def history(versions: Versions, limit: int, before: int | None = None) -> dict[str, Any]:
    """Return the newest versions, those with a number below `before`, and where the next page begins."""
    active = versions.active()
    found = versions.history(limit + 1, before)
    more = found[limit - 1].number if len(found) > limit else None
    return {"versions": [_version(version, active) for version in found[:limit]], "next": more}


def revision(versions: Versions, text: str | None) -> dict[str, Any]:
    """Return the files of a revision and when they were in force, the newest first; by default of the one in force.

    A text is a beginning of the revision.
    """
    active = versions.active()
    wanted = _in_force(active).revision if text is None else versions.resolve(text)
    return {
        "revision": wanted,
        "active": active is not None and wanted == active.revision,
        "files": versions.files(wanted),
        "versions": [_version(version, active) for version in versions.of_revision(wanted)],
    }


def difference(versions: Versions, old: str | None = None, new: str | None = None) -> dict[str, Any]:
    """Return what is different between two revisions, by default the one in force and the one before the other."""
    newer = _in_force(versions.active()) if new is None else versions.of_revision(versions.resolve(new))[0]
    if old is not None:
        older: str | None = versions.resolve(old)
    else:
        before = versions.before(newer)
        older = None if before is None else before.revision
    changes = compare({} if older is None else versions.files(older), versions.files(newer.revision))
    return {"old": older, "new": newer.revision, "changes": [change.to_dict() for change in changes]}


def _in_force(active: Version | None) -> Version:
    if active is None:
        raise NoRevisionError("no rules are in force yet: start the service, or publish some")
    return active


def _version(version: Version, active: Version | None) -> dict[str, Any]:
    return version.to_dict(active=active is not None and version.number == active.number)
