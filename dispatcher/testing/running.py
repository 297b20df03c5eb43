"""Running tests: finds tests files, and decides their tickets by the rules that they are for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from dispatcher.checking import read_text
from dispatcher.errors import DispatcherError, RulesError
from dispatcher.lang.records import dataclass, field
from dispatcher.lang.source import Source
from dispatcher.plain import Room
from dispatcher.ruleset import RuleSet
from dispatcher.testing.coverage import Recorder, Watch
from dispatcher.testing.definitions import TIME_IS_OVER, Definition, Entry, Settings, read_settings, read_test
from dispatcher.testing.document import Document, TooManyProblemsError
from dispatcher.testing.expectations import Comparison, Words
from dispatcher.testing.reasons import why_not
from dispatcher.testing.results import Failure, Problem, Report, Result, failure
from dispatcher.testing.tickets import RULES_SUFFIX, Carried, Folder, Given, Surroundings, Unreadable, portable

# Of each test as many failing tickets are told, and as many problems; the rest is counted.
MOST_TOLD = 5
# Of rules that have errors.
_CHECK = "`dispatcher check` shows more"


def run_tests(path: str | Path, *, containing: str = "", coverage: bool = False) -> Report:
    """Run the tests of a folder and all folders below it, or of one tests file, and tell what became of them.

    Only tests whose name contains a text are run. Raises DispatcherError where there is no such folder or file; what is
    wrong in a file is a result.
    """
    path = Path(path)
    recorder = Recorder() if coverage else None
    results = []
    for file in find_tests(path):
        run = _Run(str(file), Folder(file.parent), recorder)
        try:
            results += run.results(read_text(file), containing)
        except DispatcherError as error:
            results.append(run.unusable(Problem(str(file), None, str(error))))
    if recorder is not None and path.is_dir():
        _note_untested(path, recorder)
    return Report(tuple(results), recorder.coverage() if recorder is not None else None)


def run_given(
    rules: Mapping[str, str],
    tests: str,
    tickets: Mapping[str, Mapping[str, Any]],
    *,
    coverage: bool = False,
    go_on: Callable[[], bool] = lambda: True,
) -> Report:
    """Run the tests of a text on rules and tickets that are given by name; until `go_on` says no, each ticket."""
    recorder = Recorder() if coverage else None
    results = _Run("tests.toml", Carried(rules, tickets), recorder, go_on).results(tests, "")
    return Report(tuple(results), recorder.coverage() if recorder is not None else None)


def find_tests(path: Path) -> list[Path]:
    """Return the tests files at a path, in order: the file itself, or all below a folder that are called like tests."""
    if path.is_dir():
        return [file for file in _below(path) if is_tests_file(file.name)]
    if not path.is_file():
        raise DispatcherError(f"{path}: there is no such folder or tests file")
    if path.suffix != ".toml":
        raise DispatcherError(f"{path}: this is no tests file; name a *.toml file, or the folder that has one")
    return [path]


def rules_named(path: Path) -> Iterator[Path]:
    """Yield the rule files and folders that the tests at a path are for by name, as far as that can be told."""
    for file in find_tests(path):
        with suppress(DispatcherError):
            named = Document(str(file), read_text(file)).values.get("rules")
            if isinstance(named, str):
                yield file.parent / portable(named)


def is_tests_file(name: str) -> bool:
    """Tell whether a file is called like one of tests."""
    return name == "tests.toml" or name.endswith(".tests.toml") or (name.startswith("test_") and name.endswith(".toml"))


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder, onerror=_unreadable):
        # Of version control and of environments nothing is anybody's rules.
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        yield from (Path(place, name) for name in sorted(files))


def _unreadable(error: OSError) -> None:
    raise DispatcherError(f"{error.filename}: cannot be read: {error.strerror}")


def _note_untested(folder: Path, recorder: Recorder) -> None:
    """Have rule files that no test is for counted as well."""
    known = {Path(path).resolve() for path in recorder.paths()}
    for file in _below(folder):
        if file.suffix == RULES_SUFFIX and file.resolve() not in known:
            try:
                recorder.watch(RuleSet.load(file), [str(file)])
            except DispatcherError:
                recorder.unread(str(file))


class _Run:
    """The tests of one file."""

    def __init__(
        self, file: str, surroundings: Surroundings, recorder: Recorder | None, go_on: Callable[[], bool] = lambda: True
    ) -> None:
        self._file = file
        self._surroundings = surroundings
        self._recorder = recorder
        self._go_on = go_on

    def unusable(self, *problems: Problem) -> Result:
        """Return the result of a file of which no test can be run."""
        return Result(self._file, None, None, problems=problems)

    def results(self, text: str, containing: str) -> list[Result]:
        """Return what became of the tests of the file whose name contains a text."""
        document = Document(self._file, text)
        with suppress(TooManyProblemsError):
            settings = read_settings(document.top())
            tables = document.tests()
        if problems := document.take_problems():
            return [self.unusable(*problems)]
        try:
            files = self._surroundings.rules(settings.rules)
        except DispatcherError as error:
            return [self.unusable(Problem(self._file, document.top().line_of("rules"), str(error)))]
        try:
            ruleset = RuleSet(
                [source for _, source in files],
                variables=settings.variables,
                defaults=settings.defaults,
                on_fault=settings.on_fault,
            )
        except RulesError as error:
            return [self.unusable(*self._errors(error, files))]
        watch = self._recorder.watch(ruleset, [path for path, _ in files]) if self._recorder is not None else None
        words = Words(ruleset)
        deciding = _Deciding(ruleset, settings, self._surroundings, watch, self._go_on)
        results = []
        for table in tables:
            name = str(table.values.get("name", ""))
            if containing in name:
                with suppress(TooManyProblemsError):
                    definition = read_test(table, settings, words, self._go_on)
                if problems := document.take_problems():
                    results.append(Result(self._file, table.line, name, problems=problems))
                else:
                    results.append(deciding.result(self._file, definition))
        return results

    def _errors(self, error: RulesError, files: Iterable[tuple[str, Source]]) -> tuple[Problem, ...]:
        """Return the errors of rules as problems, the first ones of many."""
        paths = {source.filename: path for path, source in files}
        errors = [diagnostic for diagnostic in error.diagnostics if diagnostic.severity == "error"]
        if self._recorder is not None:
            for diagnostic in errors:
                self._recorder.unread(paths[diagnostic.filename])
        found = [
            Problem(
                paths[diagnostic.filename],
                diagnostic.line,
                f"{diagnostic.message}{f'; {diagnostic.help}' if diagnostic.help else ''}",
            )
            for diagnostic in errors[:MOST_TOLD]
        ]
        if any(diagnostic.code == "unknown-name" for diagnostic in errors):
            message = 'ticket keys that rules read are declared at the top of the tests file: variables = ["asset_tag"]'
            found.append(Problem(self._file, None, message))
        if len(errors) > MOST_TOLD:
            found.append(Problem(self._file, None, f"the rules have {len(errors)} errors; {_CHECK}"))
        return tuple(found)


@dataclass(slots=True)
class _Tally:
    """What became of the tickets of a test so far."""

    tickets: int = 0
    failed: int = 0
    unreadable: int = 0
    failures: list[Failure] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class _Deciding:
    """Decides the tickets of tests by one rule set."""

    def __init__(
        self,
        ruleset: RuleSet,
        settings: Settings,
        surroundings: Surroundings,
        watch: Watch | None,
        go_on: Callable[[], bool],
    ) -> None:
        self._ruleset = ruleset
        self._settings = settings
        self._surroundings = surroundings
        self._watch = watch
        self._go_on = go_on
        # For what all failures of the file tell.
        self._room = Room()

    def result(self, file: str, definition: Definition) -> Result:
        """Return what became of a test."""
        tally = _Tally()
        for entry, given in self._tickets(definition):
            if not self._go_on():
                tally.problems.append(TIME_IS_OVER)
                break
            self._decide(given, entry, tally)
        if tally.unreadable > MOST_TOLD:
            tally.problems.append(f"{tally.unreadable} tickets cannot be read")
        return Result(
            file=file,
            line=definition.line,
            name=definition.name,
            tickets=tally.tickets,
            failed=tally.failed,
            failures=tuple(tally.failures),
            problems=tuple([Problem(file, definition.line, message) for message in tally.problems]),
        )

    def _tickets(self, definition: Definition) -> Iterator[tuple[Entry, Given | Unreadable]]:
        """Yield the tickets of a test, each with what is said of it."""
        for number, entry in enumerate(definition.entries, 1):
            if not isinstance(entry.ticket, str):
                yield entry, Given(f"ticket {number}" if len(definition.entries) > 1 else "the ticket", entry.ticket)
                continue
            empty = True
            for given in self._surroundings.tickets(entry.ticket, self._settings.zone):
                empty = False
                yield entry, given
            if empty:
                yield entry, Unreadable(entry.ticket, "there is no ticket in it")

    def _decide(self, given: Given | Unreadable, entry: Entry, tally: _Tally) -> None:
        if isinstance(given, Unreadable):
            tally.unreadable += 1
            if tally.unreadable <= MOST_TOLD:
                tally.problems.append(f"{given.place}: {given.reason}")
            return
        # As at intake, what Halo knows fills in what the sender left out.
        looked_up = {name: value for name, value in entry.looked_up.items() if not given.ticket.get(name)}
        ticket = {**given.ticket, **looked_up}
        now = entry.now or given.received_at or self._settings.now
        decision, outcome = self._ruleset.evaluate(ticket, now=now)
        if self._watch is not None:
            self._watch.note(outcome, ticket, now)
        tally.tickets += 1
        compared = Comparison(
            entry.expected, self._ruleset, ticket, decision, partial(why_not, self._ruleset, ticket, now, decision)
        )
        differences = compared.differences()
        if tally.failed < MOST_TOLD:
            found = list(differences)
            if found:
                tally.failures.append(failure(given.place, found, decision.fired, self._room))
            tally.failed += bool(found)
        else:
            tally.failed += next(differences, None) is not None
