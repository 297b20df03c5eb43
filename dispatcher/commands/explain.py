"""`dispatcher explain`: why a ticket is decided as it is."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from dispatcher.arguments import (
    RULES_HELP,
    add_now,
    line,
    print_json,
    text,
    ticket,
)
from dispatcher.commands.rules import add_rule_options, rules_for_tickets
from dispatcher.errors import TicketError
from dispatcher.explain import Explainer
from dispatcher.history import Line, PastTicket, open_history, place, read
from dispatcher.render.explanations import explanation
from dispatcher.render.text import write


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    command.add_argument("rules", metavar="FILE", help=RULES_HELP)
    tickets = command.add_mutually_exclusive_group(required=True)
    tickets.add_argument(
        "--ticket",
        metavar="FILE[:LINE]",
        help="a ticket as a JSON object, - for standard input; or the one on a line of a history",
    )
    tickets.add_argument(
        "--tickets",
        metavar="FILE",
        help="tickets of the past, one JSON object a line, or a folder of such files; prints one explanation a line",
    )
    command.add_argument("--why", metavar="VARIABLE", help="explain this variable only, such as team")
    command.add_argument("--why-not", metavar="[FILE:]LINE", type=line, help="explain why this line did not run")
    add_now(command)
    add_rule_options(command)


def run(options: argparse.Namespace) -> int:
    """Print the explanation; return 1 when the rules have errors."""
    loaded = rules_for_tickets(options)
    if loaded is None:
        return 1
    ruleset, now, zone = loaded
    explainer = Explainer(ruleset)
    questions = {"why": options.why, "why_not": options.why_not}
    if options.tickets is not None:
        return _explain_many(explainer, options.tickets, now, zone, questions)
    given, received_at = _one(options.ticket, zone)
    found = explainer.explain(given, now=now if options.now else received_at or now, **questions).to_dict()
    if options.format == "json":
        print_json(found, sys.stdout)
    else:
        write(explanation(found), sys.stdout)
    return 0


def _one(argument: str, zone: tzinfo | None) -> tuple[Mapping[str, Any], datetime | None]:
    """Return the ticket that an argument names, and when it arrived, if that is told."""
    file, _, number = argument.rpartition(":")
    # A file whose name ends in a colon and a number is that file.
    if not file or not number.isdecimal() or os.path.exists(argument):  # noqa: PTH110
        given = ticket(text(argument), argument)
        # What is kept of a ticket may stand around it.
        return _past((argument, 0, json.dumps(given).encode()), zone)
    for found in open_history(file).lines:
        if found[1] == int(number):
            return _past(found, zone)
    raise TicketError(f"{argument}: the file has no ticket on that line")


def _past(found: Line, zone: tzinfo | None) -> tuple[Mapping[str, Any], datetime | None]:
    past = read(found[2], zone)
    if not isinstance(past, PastTicket):
        raise TicketError(f"{place(found)}: {past.reason}")
    if past.ticket is None:
        raise TicketError(f"{place(found)}: what the ticket said is no longer kept")
    return past.ticket, past.received_at


def _explain_many(
    explainer: Explainer, tickets: str, now: datetime, zone: tzinfo | None, questions: Mapping[str, Any]
) -> int:
    code = 0
    for found in open_history(tickets).lines:
        try:
            given, received_at = _past(found, zone)
        except TicketError as error:
            print(f"dispatcher: {error}", file=sys.stderr)
            code = 2
            continue
        told = explainer.explain(given, now=received_at or now, **questions)
        sys.stdout.write(json.dumps({"place": place(found), **told.to_dict()}) + "\n")
    return code
