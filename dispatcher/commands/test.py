"""`dispatcher test`: runs the tests beside the rules."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from dispatcher.arguments import add_format, path, print_json
from dispatcher.errors import DispatcherError
from dispatcher.render import junit
from dispatcher.render.testing import report as rendered
from dispatcher.render.text import write
from dispatcher.testing import run_tests
from dispatcher.testing.running import find_tests, rules_named

# Files whose change can change what becomes of a test.
_WATCHED = (".rules", ".toml", ".json", ".ndjson", ".jsonl")

# How often it is looked whether what is watched is still there.
_SECONDS = 0.2


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    command.add_argument(
        "path",
        metavar="DIR",
        type=path,
        help="a folder: tests.toml, *.tests.toml and test_*.toml in it and below it are run; or one such file",
    )
    command.add_argument("--filter", metavar="TEXT", default="", help="run only tests whose name contains TEXT")
    command.add_argument("--coverage", action="store_true", help="show which rules and branches no test came by")
    command.add_argument(
        "--threshold",
        metavar="PERCENT",
        type=_percent,
        help="exit with 1 where tests came by less of the rules and branches; implies --coverage",
    )
    command.add_argument("--junit", metavar="FILE", type=path, help="write the results for a CI server, too, as XML")
    command.add_argument("--watch", action="store_true", help="run again whenever a file changes, until Ctrl-C")
    add_format(command)


def run(options: argparse.Namespace) -> int:
    """Print what became of the tests; return 1 unless there are tests, and all passed and reached the threshold."""
    return _watched(options) if options.watch else _run(options)


def _run(options: argparse.Namespace) -> int:
    coverage = options.coverage or options.threshold is not None
    report = run_tests(options.path, containing=options.filter, coverage=coverage)
    data = report.to_dict()
    if options.format == "json":
        print_json(data, sys.stdout)
    else:
        write(rendered(data), sys.stdout)
    if options.junit is not None:
        _save(options.junit, junit.document(data))
    if not report.results:
        called = f" whose name contains {options.filter!r}" if options.filter else ""
        where = "tests stand in tests.toml, *.tests.toml or test_*.toml, each below a line [[test]]"
        print(f"dispatcher: {options.path}: there are no tests{called}; {where}", file=sys.stderr)
    enough = report.coverage is None or options.threshold is None or report.coverage.reaches(options.threshold)
    if not enough:
        print(f"dispatcher: the coverage is less than {options.threshold:g}%", file=sys.stderr)
    return int(not report.passed or not enough)


def _watched(options: argparse.Namespace) -> int:
    """Run the tests, and again after each change; return 0 when the user ends it."""
    find_tests(options.path)
    print(f"Watching {options.path}; Ctrl-C ends", file=sys.stderr)
    with suppress(KeyboardInterrupt):
        while True:
            _watch(options, _places(options.path))
            # What was deleted may come again.
            time.sleep(_SECONDS)
    return 0


def _watch(options: argparse.Namespace, places: list[Path]) -> None:
    """Run the tests, and again after each change; return when other places are to be watched."""
    from watchfiles import watch  # takes longer to import than most tests to run

    begun = False
    numbered = _numbered(places)
    # A place may vanish before it is watched.
    with suppress(FileNotFoundError):
        # It yields nothing, too, from time to time: first when it has begun to watch, so that no change is missed.
        for changes in watch(
            *numbered, watch_filter=_concerns_tests, rust_timeout=int(_SECONDS * 1000), yield_on_timeout=True
        ):
            # Of a place that another one was put in the place of, nothing more is heard.
            if _numbered(_places(options.path) if changes else places) != numbered:
                return
            if changes or not begun:
                begun = True
                _run_once(options)


def _places(path: Path) -> list[Path]:
    """Return what is to be watched: the folder, and rules that its tests are for and that may stand elsewhere."""
    folder = path if path.is_dir() else path.parent
    try:
        return [folder, *rules_named(path)]
    except DispatcherError:
        return [folder]


def _numbered(places: Iterable[Path]) -> dict[Path, int]:
    """Return those of the places that are there, each with the number by which the system knows it."""
    found = {}
    for place in places:
        with suppress(OSError):
            found[place] = place.stat().st_ino
    return found


def _concerns_tests(_change: object, file: str) -> bool:
    return file.endswith(_WATCHED)


def _run_once(options: argparse.Namespace) -> None:
    try:
        _run(options)
    except DispatcherError as error:
        # What is missing may be there again with the next change.
        print(f"dispatcher: {error}", file=sys.stderr)
    sys.stdout.flush()


def _percent(text: str) -> float:
    try:
        percent = float(text.removesuffix("%"))
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage; write a number from 0 to 100")
    return percent


def _save(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise DispatcherError(f"{file}: cannot be written: {error.strerror}") from None
