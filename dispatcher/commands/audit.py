"""`dispatcher audit`: what rules did to the tickets of the past, and what about that is odd."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

from dispatcher.arguments import STANDARD_INPUT, add_now, names, print_json, sources, time, whole_number
from dispatcher.audit import KINDS, TOP, Case, Period, Report, Skipped, audit, cases_of
from dispatcher.commands.rules import add_rule_options, arrival, print_errors, ruleset_options
from dispatcher.errors import DispatcherError, RulesError
from dispatcher.history import SERVICE, History, Line, open_history
from dispatcher.render import audit as render
from dispatcher.render.progress import progress
from dispatcher.render.text import write
from dispatcher.ruleset import RuleSet


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    command.add_argument(
        "rules",
        nargs="?",
        metavar="RULES",
        help="a rule file, a folder of *.rules files, or - for standard input (default: the rules that are in force)",
    )
    command.add_argument(
        "--history",
        metavar="FILE",
        default=SERVICE,
        help="past tickets: a file or a folder of NDJSON, - for standard input, or `service` for those that it keeps "
        "(the default)",
    )
    command.add_argument("--days", type=whole_number(1, 99_999), metavar="N", help="tickets of the last N days")
    command.add_argument("--since", type=time, metavar="TIME", help="tickets from then on, such as 2026-03-02")
    command.add_argument("--until", type=time, metavar="TIME", help="tickets before then")
    command.add_argument(
        "--anew", action="store_true", help="decide all tickets by these rules, also those whose decision is kept"
    )
    command.add_argument(
        "--top",
        type=whole_number(1, 99_999),
        default=TOP,
        metavar="N",
        help=f"list so many of each kind (default: {TOP})",
    )
    command.add_argument(
        "--fail-on", type=_kinds, default=(), metavar="KINDS", help=f"exit code 1 when there are: {', '.join(KINDS)}"
    )
    add_now(command)
    add_rule_options(command)


def run(options: argparse.Namespace) -> int:
    """Print the audit; return 1 when something was found that `--fail-on` names, and 2 when the rules have errors."""
    if options.rules == options.history == STANDARD_INPUT:
        raise DispatcherError("rules and tickets cannot both come from standard input")
    if options.days is not None and options.since is not None:
        raise DispatcherError("--days and --since both say from when on: give one of them")
    ruleset_arguments, zone = ruleset_options(options)
    now = arrival(options.now, zone)
    try:
        since = now - timedelta(days=options.days) if options.days else options.since and arrival(options.since, zone)
    except OverflowError:
        raise DispatcherError(f"there was no time {options.days} days before {now.isoformat()}") from None
    period = Period(now, zone, since, options.until and arrival(options.until, zone))
    try:
        if options.history == SERVICE:
            report = _of_service(options, ruleset_arguments, period)
        else:
            report = _of_history(options, ruleset_arguments, period)
    except RulesError as error:
        print_errors(error, options.format)
        return 2
    found = report.to_dict()
    if options.format == "json":
        print_json(found, sys.stdout)
    else:
        width = os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else None
        write(render.audit(found, options.top, width), sys.stdout)
    return int(any(report.found(kind) for kind in options.fail_on))


def _of_history(options: argparse.Namespace, ruleset_arguments: dict[str, Any], period: Period) -> Report:
    """Return the audit of a history; rules of older decisions are found by their titles."""
    if options.rules is None:
        raise DispatcherError("which rules? write `dispatcher audit RULES --history FILE`")
    ruleset = RuleSet(sources(options.rules), **ruleset_arguments)
    with _cases(open_history(options.history), ruleset, period, anew=options.anew) as cases:
        return audit(ruleset, cases, top=options.top)


def _of_service(options: argparse.Namespace, ruleset_arguments: dict[str, Any], period: Period) -> Report:
    """Return the audit of the tickets that the service keeps; there, earlier rules are found by their texts, too."""
    from service.audit import former, rules_in_force
    from service.history import kept_history, reading
    from service.versions import Versions

    given = None if options.rules is None else RuleSet(sources(options.rules), **ruleset_arguments)
    with reading(options.config) as database:
        versions = Versions(database)
        ruleset = given or rules_in_force(versions)
        history = kept_history(database, since=period.since, until=period.until)
        with _cases(history, ruleset, period, anew=options.anew) as cases:
            return audit(ruleset, cases, former=former(versions), top=options.top)


@contextmanager
def _cases(history: History, ruleset: RuleSet, period: Period, *, anew: bool) -> Iterator[Iterable[Case | Skipped]]:
    """The cases of a history; a bar shows how far they are read."""
    with progress("Reading", history.total, history.unit, sys.stderr) as advance:

        def tell(line: Line) -> None:
            advance(history.share(line))

        with closing(cases_of(history.lines, ruleset, period, anew=anew, tell=tell)) as cases:
            yield cases


def _kinds(text: str) -> tuple[str, ...]:
    kinds = names(text)
    for kind in kinds:
        if kind not in KINDS:
            raise argparse.ArgumentTypeError(f"there is no {kind!r}; write one or more of {','.join(KINDS)}")
    return kinds
