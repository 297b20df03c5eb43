"""`dispatcher run`: what rules decide for a ticket, without filing it."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime

from dispatcher.arguments import RULES_HELP, add_now, lines, print_json, text, ticket
from dispatcher.commands.rules import add_rule_options, rules_for_tickets
from dispatcher.dispatch import dry_run
from dispatcher.errors import TicketError
from dispatcher.render import decisions
from dispatcher.render.text import write
from dispatcher.ruleset import RuleSet


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    command.add_argument("rules", metavar="FILE", help=RULES_HELP)
    tickets = command.add_mutually_exclusive_group(required=True)
    tickets.add_argument("--ticket", metavar="FILE", help="a ticket as a JSON object, - for standard input")
    tickets.add_argument(
        "--tickets", metavar="FILE", help="tickets as JSON objects, one a line; prints one decision a line"
    )
    add_now(command)
    add_rule_options(command)


def run(options: argparse.Namespace) -> int:
    """Print the decision; return 1 when the rules have errors, or the ticket is refused."""
    loaded = rules_for_tickets(options)
    if loaded is None:
        return 1
    ruleset, now, _ = loaded
    if options.tickets is not None:
        return _run_many(ruleset, options.tickets, now)
    result = dry_run(ruleset, ticket(text(options.ticket), options.ticket), now)
    if options.format == "json":
        print_json(result, sys.stdout)
    else:
        write(decisions.dry_run(result), sys.stdout)
    return int(result["refused"] is not None)


def _run_many(ruleset: RuleSet, tickets: str, now: datetime) -> int:
    import json

    code = 0
    for place, line in lines(tickets):
        try:
            given = ticket(line, place)
        except TicketError as error:
            print(f"dispatcher: {error}", file=sys.stderr)
            code = 2
            continue
        result = dry_run(ruleset, given, now)
        sys.stdout.write(json.dumps(result) + "\n")
        code = max(code, int(result["refused"] is not None))
    return code
