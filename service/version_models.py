"""Requests and answers of the interface to versions of rules, as OpenAPI shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service import examples
from service.models import Diagnostic
from service.publishing import LONGEST_COMMENT
from service.testing_routes import RunTestsAnswer
from service.versions import Origin

_REVISION = examples.DECISION["revision"]
_OLD_REVISION = "41f3c7ad" * 8
_VERSION: dict[str, Any] = {
    "number": 12,
    "revision": _REVISION,
    "active": True,
    "since": "2026-11-21T08:12:44.031Z",
    "origin": "publish",
    "by": "rules repository",
    "comment": "Emergencies are critical",
    "settings": {"variables": [], "defaults": {"priority": 3}, "on_fault": "absent"},
    "checks": {"warnings": 0, "tests": {"passed": 14, "failed": 0, "errors": 0}},
}
_REPLACED = {
    **_VERSION,
    "number": 11,
    "revision": _OLD_REVISION,
    "active": False,
    "since": "2026-11-02T15:30:02.700Z",
    "origin": "folder",
    "by": "folder",
    "comment": "",
    "checks": {},
}
_CHANGE = {
    "file": "10-emergencies.rules",
    "change": "changed",
    "lines_added": 1,
    "lines_removed": 1,
    "diff": "--- a/10-emergencies.rules\n+++ b/10-emergencies.rules\n@@ -1,3 +1,3 @@\n # Emergencies first\n"
    " if 'This is an emergency' in selections:\n-    priority = 2\n+    priority = 1\n",
}
_FILES = {"10-emergencies.rules": examples.RULES}


def _example(value: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [value]})


class PublishRequest(BaseModel):
    """Rules to put in force."""

    model_config = _example({"files": _FILES, "comment": "Emergencies are critical"})

    files: dict[str, str] = Field(description="The rule files by name; they run in the order of their names.")
    comment: str = Field("", max_length=LONGEST_COMMENT, description="Why; shown in the history.")
    tests: str | None = Field(None, description="Tests that the rules must pass, as a tests file has them (TOML).")
    tickets: dict[str, dict[str, Any]] = Field({}, description="The tickets that tests name as files, by name.")
    allow_failing_tests: bool = Field(False, description="Whether the rules are published even if tests fail.")
    dry_run: bool = Field(False, description="Whether everything is checked and compared, and nothing is published.")


class ActivateRequest(BaseModel):
    """Why earlier rules come into force again."""

    model_config = _example({"comment": "Printers went to the wrong team"})

    comment: str = Field("", max_length=LONGEST_COMMENT, description="Shown in the history.")


class Version(BaseModel):
    """Rules that came into force."""

    model_config = _example(_VERSION)

    number: int = Field(description="The first version is 1; each change of the rules in force adds one.")
    revision: str = Field(description="Digest of the files: what decisions name.")
    active: bool = Field(description="Whether this version is in force.")
    since: datetime
    origin: Origin = Field(
        description="publish; rollback; folder: a start found changed files; settings: a start found changed settings."
    )
    by: str = Field(description="Name of the API key, user of the command line, or `folder` or `settings`.")
    comment: str
    settings: dict[str, Any] = Field(description="The settings by which these rules decide.")
    checks: dict[str, Any] = Field(description="What was checked before: number of warnings, outcome of the tests.")


class History(BaseModel):
    """Versions, the newest first."""

    model_config = _example({"versions": [_VERSION, _REPLACED], "next": 11})

    versions: list[Version]
    next: int | None = Field(description="What to give as `before` for the next page; null: this is the last.")


class Revision(BaseModel):
    """Rule files, and when they were in force."""

    model_config = _example({"revision": _REVISION, "active": True, "files": _FILES, "versions": [_VERSION]})

    revision: str
    active: bool
    files: dict[str, str]
    versions: list[Version]


class FileChange(BaseModel):
    """A file that is different."""

    file: str
    change: Literal["added", "removed", "changed"]
    lines_added: int
    lines_removed: int
    diff: str = Field(description="Both sides as a unified diff.")


class Difference(BaseModel):
    """What is different between two revisions."""

    model_config = _example({"old": _OLD_REVISION, "new": _REVISION, "changes": [_CHANGE]})

    old: str | None = Field(description="Null: there was none before.")
    new: str
    changes: list[FileChange]


class Backtest(BaseModel):
    """What rules change on the newest tickets, against those that were in force: numbers of tickets."""

    tickets: int
    changed: int
    variables: dict[str, int] = Field(description="On how many a variable gets another value.")
    refused: dict[Literal["new", "gone"], int]
    faults: dict[Literal["new", "gone"], int]
    cut: Literal["limit", "time"] | None = Field(description="Why not all were decided; null: all were.")


class Publication(BaseModel):
    """What coming into force changed, or would change."""

    model_config = _example(
        {
            "revision": _REVISION,
            "changed": True,
            "version": _VERSION,
            "replaced": _REPLACED,
            "changes": [_CHANGE],
            "diagnostics": [],
            "tests": None,
            "backtest": {
                "tickets": 1000,
                "changed": 31,
                "variables": {"priority": 31},
                "refused": {"new": 0, "gone": 0},
                "faults": {"new": 0, "gone": 0},
                "cut": None,
            },
        }
    )

    revision: str
    changed: bool = Field(description="False: these rules are in force already.")
    version: Version | None = Field(description="Null when nothing came into force.")
    replaced: Version | None = Field(description="The version that was in force when this was found out.")
    changes: list[FileChange]
    diagnostics: list[Diagnostic] = Field(description="Warnings; rules with errors are not published.")
    tests: RunTestsAnswer | None = Field(description="What became of the tests; null: there are none.")
    backtest: Backtest | None = Field(
        description="What would be decided otherwise of the newest 1000 tickets, within 3 s; null: nothing to compare."
    )
