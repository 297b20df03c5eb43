"""`dispatcher rules`: publishes rules, shows their history, and goes back; straight on the database of a service."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher.arguments import add_config, add_format, print_json
from dispatcher.errors import DispatcherError, RulesError, SettingsError
from dispatcher.render.text import Line, write

if TYPE_CHECKING:
    from dispatcher.testing import Report
    from service.publishing import ChangeRequest, Publication, Publisher, RejectedRulesError
    from service.versions import Versions

_REVISION = "as `history` shows it: eight characters or more"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the actions and their arguments."""
    actions = command.add_subparsers(prog="dispatcher rules", metavar="ACTION", dest="action", required=True)

    def add(name: str, shown: str, more: str = "") -> argparse.ArgumentParser:
        description = f"{shown[0].upper()}{shown[1:]}. {more}".strip()
        return actions.add_parser(name, help=shown, description=description, formatter_class=command.formatter_class)

    publish = add(
        "publish",
        "put rules in force, without a restart",
        "Rules with errors, or whose tests fail, are not published: exit code 1.",
    )
    publish.add_argument(
        "rules",
        nargs="?",
        type=Path,
        metavar="DIR",
        help="a folder of *.rules files, or one rule file (default: what the settings name)",
    )
    publish.add_argument("--allow-failing-tests", action="store_true", help="publish whatever becomes of the tests")
    publish.add_argument("--dry-run", action="store_true", help="check, test and compare, and publish nothing")
    history = add("history", "show which rules were in force since when, the newest first")
    history.add_argument("--limit", type=_limit, default=20, metavar="N", help="so many at most (default: 20)")
    history.add_argument("--before", type=_number, metavar="N", help="before this one: for the next page")
    show = add("show", "show the files of a revision")
    show.add_argument("revision", nargs="?", metavar="REVISION", help=f"{_REVISION} (default: the one in force)")
    show.add_argument("--output", type=Path, metavar="DIR", help="write the files into a new or empty folder")
    diff = add("diff", "show what is different between two revisions")
    diff.add_argument("old", nargs="?", metavar="OLD", help=f"{_REVISION} (default: the one before)")
    diff.add_argument("new", nargs="?", metavar="NEW", help=f"{_REVISION} (default: the one in force)")
    rollback = add("rollback", "put earlier rules in force again", "The settings stay as they are.")
    rollback.add_argument(
        "revision", nargs="?", metavar="REVISION", help=f"{_REVISION} (default: the one that was in force before)"
    )
    for action in (publish, rollback):
        action.add_argument("--comment", default="", metavar="TEXT", help="why; the history shows it")
        action.add_argument(
            "--expect-active", metavar="REVISION", help="change nothing if another revision is in force by now"
        )
    for action in actions.choices.values():
        add_format(action)
        add_config(action)


def run(options: argparse.Namespace) -> int:
    """Carry out an action, and return the exit code."""
    import sqlalchemy as sa

    from service.database import Database
    from service.publishing import Publisher
    from service.settings import load_settings
    from service.versions import RuleSettings, Versions

    settings = load_settings(options.config)
    if options.action == "publish":
        options.rules = options.rules or settings.rules
        if options.rules is None:
            raise SettingsError("name the rules to publish: a folder of *.rules files, or one rule file")
        options.in_folder = settings.rules is not None and options.rules.resolve() == settings.rules.resolve()
    database = Database(settings.database)
    if database.is_sqlite and not Path(database.url.database or "").exists():
        raise SettingsError(
            f"there is no database {database.url.database}; go to the folder of the service's settings, or name them "
            "with --config"
        )
    database.open(exclusive=False)
    versions = Versions(database)
    try:
        publisher = Publisher(versions, RuleSettings.of(settings), settings.zone)
        return int(_ACTIONS[options.action](versions, publisher, options))
    except sa.exc.DBAPIError as error:
        raise DispatcherError(f"the database {database} cannot be used: {error.orig}; try again") from None
    finally:
        database.close()


def _publish(versions: Versions, publisher: Publisher, options: argparse.Namespace) -> int:
    from dispatcher.checking import read_sources
    from service.publishing import RejectedRulesError

    try:
        done = publisher.publish(
            {source.filename: source.text for source in read_sources(options.rules)},
            _change(versions, options, dry_run=options.dry_run, in_folder=options.in_folder),
            lambda: _tests_beside(options.rules),
            allow_failing_tests=options.allow_failing_tests,
        )
    except RulesError as error:
        return _print_errors(error, options)
    except RejectedRulesError as error:
        return _print_rejection(error, options)
    return _print_publication(done, options)


def _tests_beside(rules: Path) -> Report:
    """Return what becomes of the tests of a folder, and those below it; for a file, of those in its folder alone."""
    from dispatcher.testing import Report, run_tests
    from dispatcher.testing.running import is_tests_file

    if rules.is_dir():
        return run_tests(rules)
    beside = sorted(file for file in rules.parent.iterdir() if is_tests_file(file.name))
    return Report(tuple(result for file in beside for result in run_tests(file).results))


def _print_errors(error: RulesError, options: argparse.Namespace) -> int:
    if options.format == "json":
        print_json([problem.to_dict() for problem in error.diagnostics], sys.stderr)
    else:
        from dispatcher.render.diagnostics import diagnostics

        write(diagnostics(error.diagnostics), sys.stderr)
    return 1


def _print_rejection(error: RejectedRulesError, options: argparse.Namespace) -> int:
    if error.report is not None and options.format == "json":
        print_json(error.report.to_dict(), sys.stderr)
        return 1
    if error.report is not None:
        from dispatcher.render.testing import report

        write(report(error.report.to_dict()), sys.stderr)
    sys.stderr.write(f"dispatcher: {error}\n")
    return 1


def _history(versions: Versions, _publisher: Publisher, options: argparse.Namespace) -> int:
    from dispatcher.render.versions import history
    from service import viewing

    page = viewing.history(versions, options.limit, options.before)
    return _print(page, history(page, older=options.before is not None), options)


def _show(versions: Versions, _publisher: Publisher, options: argparse.Namespace) -> int:
    from dispatcher.render.versions import revision
    from service import viewing

    shown = viewing.revision(versions, options.revision)
    if options.output is not None:
        _write_files(options.output, shown["files"])
    return _print(shown, revision(shown), options)


def _diff(versions: Versions, _publisher: Publisher, options: argparse.Namespace) -> int:
    from dispatcher.render.versions import difference
    from service import viewing

    found = viewing.difference(versions, options.old, options.new)
    return _print(found, difference(found), options)


def _rollback(versions: Versions, publisher: Publisher, options: argparse.Namespace) -> int:
    change = _change(versions, options)
    if options.revision is not None:
        revision = versions.resolve(options.revision)
    else:
        active = versions.active()
        before = None if active is None else versions.before(active)
        if before is None:
            raise DispatcherError("there is nothing to go back to: no other rules were in force before")
        revision = before.revision
    return _print_publication(publisher.activate(revision, change), options)


_ACTIONS = {"publish": _publish, "history": _history, "show": _show, "diff": _diff, "rollback": _rollback}


def _change(
    versions: Versions, options: argparse.Namespace, *, dry_run: bool = False, in_folder: bool = False
) -> ChangeRequest:
    from service.publishing import ChangeRequest

    expected = None if options.expect_active is None else versions.resolve(options.expect_active)
    return ChangeRequest(_user(), options.comment, expected, dry_run, in_folder)


def _user() -> str:
    import getpass

    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        # A container may have no user of this number.
        return "unknown user"
    return "".join(character if character.isprintable() else "?" for character in name)


def _print_publication(done: Publication, options: argparse.Namespace) -> int:
    from dispatcher.render.versions import publication

    data = done.to_dict()
    dry_run = options.action == "publish" and options.dry_run
    return _print(data, publication(data, dry_run=dry_run), options)


def _print(data: dict[str, Any], lines: Iterable[Line], options: argparse.Namespace) -> int:
    if options.format == "json":
        print_json(data, sys.stdout)
    else:
        write(lines, sys.stdout)
    return 0


def _write_files(folder: Path, files: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise DispatcherError(f"{folder}: the folder holds files already; name a new or empty one")
        for name, text in files.items():
            # Two names may be one for this file system: nothing is written over.
            with (folder / name).open("xb") as file:
                file.write(text.encode("utf-8", "replace"))
    except OSError as error:
        raise DispatcherError(f"{folder}: cannot be written: {error.strerror}") from None


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 15 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text[:30]!r} is no number of a version, as the end of a page shows it")
    return int(text)


def _limit(text: str) -> int:
    from service.viewing import MOST

    if not text.isascii() or not text.isdecimal() or len(text) > 3 or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {MOST}")
    return int(text)
