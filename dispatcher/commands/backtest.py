"""`dispatcher backtest`: which tickets of the past new rules would decide otherwise."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dispatcher.arguments import RULES_HELP, STANDARD_INPUT, add_now, print_json, sources, time, whole_number
from dispatcher.backtest import Report, When, backtest
from dispatcher.commands.rules import add_rule_options, arrival, print_errors, ruleset_options
from dispatcher.errors import DispatcherError, RulesError
from dispatcher.history import SERVICE, History, open_history
from dispatcher.render import backtest as render
from dispatcher.render.progress import progress
from dispatcher.render.text import count, write
from dispatcher.ruleset import RuleSet

KEPT = "kept"
_MOST = 1_000_000_000


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    command.add_argument("new", metavar="NEW", help=f"the new rules: {RULES_HELP}")
    command.add_argument(
        "--against",
        required=True,
        metavar="OLD",
        help=f"the old rules, named likewise; or `{KEPT}`: the decisions that were kept with the tickets",
    )
    command.add_argument(
        "--history",
        required=True,
        metavar="PAST",
        help="tickets of the past, one JSON object a line: a file, a folder of them, - for standard input, or "
        f"`{SERVICE}`: those that the service keeps",
    )
    command.add_argument(
        "--examples",
        type=whole_number(0, _MOST),
        default=5,
        metavar="N",
        help="tickets to name of each kind (default: 5)",
    )
    command.add_argument(
        "--limit",
        type=whole_number(1, _MOST),
        metavar="N",
        help="compare so many tickets at the most: the first of a file, the newest of the service",
    )
    command.add_argument("--since", type=time, metavar="TIME", help="tickets that came in then or later")
    command.add_argument("--until", type=time, metavar="TIME", help="tickets that came in before")
    add_now(command)
    add_rule_options(command)


def run(options: argparse.Namespace) -> int:
    """Print what changes; return 1 when something does, 2 when it cannot be told."""
    if [options.new, options.against, options.history].count(STANDARD_INPUT) > 1:
        raise DispatcherError("only one of new rules, old rules and history can come from standard input")
    ruleset_arguments, zone = ruleset_options(options)
    try:
        new = RuleSet(sources(options.new), **ruleset_arguments)
        old = None if options.against == KEPT else RuleSet(sources(options.against), **ruleset_arguments)
    except RulesError as error:
        # 1 would say that tickets change.
        print_errors(error, options.format)
        return 2
    since, until = (moment and arrival(moment, zone) for moment in (options.since, options.until))
    when = When(arrival(options.now, zone), zone, since, until)
    with _history(options, when) as history:
        report = _compared(options, new, old, history, when)
    found = report.to_dict()
    if options.format == "json":
        print_json(found, sys.stdout)
    else:
        write(render.backtest(found), sys.stdout)
    if report.unreadable:
        print(f"dispatcher: {count(report.unreadable, 'line')} of the history could not be read", file=sys.stderr)
    if report.changed:
        return 1
    # Nobody has seen that nothing changes where nothing, or not everything, could be compared.
    return 0 if report.tickets > report.nothing_known and not report.unreadable else 2


def _compared(options: argparse.Namespace, new: RuleSet, old: RuleSet | None, history: History, when: When) -> Report:
    with progress("Comparing", history.total, history.unit, sys.stderr) as advance:
        return backtest(
            new,
            old,
            history.lines,
            when,
            limit=options.limit,
            examples=options.examples,
            tell=lambda line: advance(history.share(line)),
            more=history.more,
        )


@contextmanager
def _history(options: argparse.Namespace, when: When) -> Iterator[History]:
    if options.history != SERVICE:
        yield open_history(options.history)
        return
    from service.history import kept_history, reading

    with reading(options.config) as database:
        yield kept_history(database, since=when.since, until=when.until, newest=options.limit)
