"""`dispatcher tickets`: shows tickets, and does with those that stopped what a person says; beside a service, too."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher import arguments
from dispatcher.arguments import add_config, add_format
from dispatcher.errors import DispatcherError, SettingsError
from dispatcher.render.text import Line, write

if TYPE_CHECKING:
    from service.database import Database
    from service.tickets import Tickets

# Where the width of the terminal is not known.
USUAL_WIDTH = 100
_STYLES = {"filed": "green", "accepted": "yellow", "dead": "bold red", "review": "bold red", "failed": "red"}
# For people these stand in words.
_STATES = ("accepted", "filed", "refused", "dead", "review", "cancelled")
# What can be done with a ticket that stopped.
_REPLAY = (("to file it after all", "replay {id}"), ("to leave it", "cancel {id}"))
_FIND_TICKET = (("when Halo has it", "resolve {id} --halo-ticket N"), ("when it has not", "resolve {id} --not-in-halo"))
_FIND_NOTE = (
    ("when its note is there", "resolve {id} --halo-note N"),
    ("when it is not", "resolve {id} --not-in-halo"),
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the actions and their arguments."""
    actions = command.add_subparsers(prog="dispatcher tickets", metavar="ACTION", dest="action", required=True)

    def add(name: str, shown: str, *, takes_id: bool = True) -> argparse.ArgumentParser:
        action = actions.add_parser(name, help=shown, description=f"{shown[0].upper()}{shown[1:]}.")
        action.formatter_class = command.formatter_class
        if takes_id:
            action.add_argument("ticket_id", metavar="ID", help="as `list` shows it")
        return action

    listed = add("list", "show tickets, the newest first", takes_id=False)
    listed.add_argument(
        "--state", dest="states", action="append", choices=_STATES, help="in this state; may be given again"
    )
    listed.add_argument(
        "--limit", type=arguments.whole_number(1, 500), default=50, metavar="N", help="so many at most (default: 50)"
    )
    listed.add_argument("--before", metavar="ID", help="older than this ticket: for the next page")
    shown = add("show", "show a ticket with every attempt at filing it")
    for action in (listed, shown):
        action.add_argument(
            "--format", choices=("text", "json"), default="text", help="for people (default) or as data"
        )
    explained = add("explain", "tell why a ticket was decided as it was, by the rules of then")
    explained.add_argument("--why", metavar="VARIABLE", help="explain this variable only, such as team")
    explained.add_argument(
        "--why-not", metavar="[FILE:]LINE", type=arguments.line, help="explain why this line did not run"
    )
    add_format(explained)
    exported = add("export", "write the kept tickets with their decisions, one JSON object a line", takes_id=False)
    exported.add_argument("--since", type=arguments.time, metavar="TIME", help="those that came in then or later")
    exported.add_argument("--until", type=arguments.time, metavar="TIME", help="those that came in before")
    replay = add("replay", "file a stopped ticket after all, or all dead ones", takes_id=False)
    which = replay.add_mutually_exclusive_group(required=True)
    which.add_argument("ticket_id", nargs="?", metavar="ID", help="as `list` shows it")
    which.add_argument("--all", action="store_true", help="all dead tickets")
    replay.add_argument(
        "--default",
        dest="defaults",
        action="append",
        type=_default,
        metavar="NAME=VALUE",
        help="in place of what [defaults] says for a ticket variable; may be given again",
    )
    resolve = add("resolve", "say whether Halo has a ticket of which nobody else can tell")
    seen = resolve.add_mutually_exclusive_group(required=True)
    seen.add_argument("--halo-ticket", type=_halo_id, metavar="N", help="it is this ticket in Halo")
    seen.add_argument("--halo-note", type=_halo_id, metavar="N", help="its note is this action of the ticket in Halo")
    seen.add_argument("--not-in-halo", action="store_true", help="what is in doubt, ticket or note, is not in Halo")
    add("cancel", "stop filing a ticket")
    add("delete", "delete all that is known of a ticket; what is in Halo stays")
    for action in actions.choices.values():
        add_config(action)


def run(options: argparse.Namespace) -> int:
    """Carry out an action, and return the exit code."""
    import sqlalchemy as sa

    from service.database import Database
    from service.settings import load_settings
    from service.store import Store
    from service.tickets import Tickets

    database = Database(load_settings(options.config).database)
    _refuse_to_create(database)
    database.open(exclusive=False)
    try:
        _ACTIONS[options.action](Tickets(Store(database)), options)
    except sa.exc.DBAPIError as error:
        raise DispatcherError(f"the database {database} cannot be used: {error.orig}") from None
    finally:
        database.close()
    return 0


def _refuse_to_create(database: Database) -> None:
    """Raise SettingsError where there is no database yet: an empty one would say that there are no tickets."""
    if database.is_sqlite and not Path(database.url.database or "").exists():
        raise SettingsError(
            f"there is no database {database.url.database}; go to the folder of the service's settings, or name them "
            "with --config"
        )


def _list(tickets: Tickets, options: argparse.Namespace) -> None:
    from service.store import State

    page = tickets.page([State(state) for state in options.states or ()], options.before, options.limit)
    if options.format == "json":
        _print_json(page)
    elif not page["tickets"]:
        sys.stdout.write(f"there are no {'such ' if options.states or options.before else ''}tickets\n")
    else:
        write(_table(page["tickets"], _width()), sys.stdout)
        if page["next"]:
            sys.stdout.write(f"\nolder ones: add --before {page['next']}\n")


def _show(tickets: Tickets, options: argparse.Namespace) -> None:
    ticket, attempts = tickets.view(options.ticket_id), tickets.attempts(options.ticket_id)
    if options.format == "json":
        _print_json(ticket | {"attempt_log": attempts})
    else:
        write([*_ticket(ticket, _width()), *_attempts(attempts, _width()), *_next(ticket)], sys.stdout)


def _explain(tickets: Tickets, options: argparse.Namespace) -> None:
    from dispatcher.render.explanations import explanation
    from service.explaining import explain_kept
    from service.versions import Versions

    versions = Versions(tickets.store.database)
    found = explain_kept(tickets.store, versions, options.ticket_id, why=options.why, why_not=options.why_not)
    if options.format == "json":
        _print_json(found)
    else:
        write(explanation(found), sys.stdout)


def _export(tickets: Tickets, options: argparse.Namespace) -> None:
    from service.history import kept_history
    from service.settings import load_settings

    zone = load_settings(options.config).zone
    since, until = (
        moment.replace(tzinfo=zone) if moment is not None and moment.tzinfo is None else moment
        for moment in (options.since, options.until)
    )
    for _, _, envelope in kept_history(tickets.store.database, since=since, until=until).lines:
        sys.stdout.write(envelope.decode("ascii") + "\n")


def _replay(tickets: Tickets, options: argparse.Namespace) -> None:
    defaults = None if options.defaults is None else dict(options.defaults)
    if options.all:
        number = tickets.replay_dead(defaults)
        said = f"{number} ticket{'' if number == 1 else 's'} will be filed" if number else "there are no dead tickets"
    else:
        said = f"the ticket {tickets.replay(options.ticket_id, defaults)['id']} will be filed"
    sys.stdout.write(f"{said}\n")


def _resolve(tickets: Tickets, options: argparse.Namespace) -> None:
    from service.store import Stage

    about_note = options.halo_note is not None
    if options.not_in_halo:
        about_note = tickets.doubt(options.ticket_id) is Stage.NOTE
    if about_note:
        ticket = tickets.resolve_note(options.ticket_id, options.halo_note)
    else:
        ticket = tickets.resolve(options.ticket_id, options.halo_ticket)
    left = "its note is added" if ticket["halo_ticket_id"] else "it is created in Halo"
    said = "is filed" if ticket["state"] == "filed" else f"goes on: {left}"
    sys.stdout.write(f"the ticket {ticket['id']} {said}\n")


def _cancel(tickets: Tickets, options: argparse.Namespace) -> None:
    sys.stdout.write(f"the ticket {tickets.cancel(options.ticket_id)['id']} is cancelled\n")


def _delete(tickets: Tickets, options: argparse.Namespace) -> None:
    tickets.delete(options.ticket_id)
    sys.stdout.write(f"the ticket {options.ticket_id} is deleted\n")


_ACTIONS = {
    "list": _list,
    "show": _show,
    "explain": _explain,
    "export": _export,
    "replay": _replay,
    "resolve": _resolve,
    "cancel": _cancel,
    "delete": _delete,
}


def _table(tickets: list[dict[str, Any]], width: int) -> list[Line]:
    lines: list[Line] = [[("bold", f"{'ID':26}  {'STATE':9}  {'CAME IN (UTC)':16}  {'HALO':>7}  SUBJECT, OR WHY NOT")]]
    for ticket in tickets:
        stopped = ticket["state"] in ("dead", "review")
        said = " ".join(((ticket["last_error"] if stopped else None) or ticket["subject"] or "").split())
        came_in, halo = _minute(ticket["created_at"]), str(ticket["halo_ticket_id"] or "")
        state = (_STYLES.get(ticket["state"], ""), f"{ticket['state']:9}")
        # What is left beside the other columns.
        rest = f"  {came_in}  {halo:>7}  {_cut(said, width - 66)}"
        lines.append([("", f"{ticket['id']}  "), state, ("", rest.rstrip())])
    return lines


def _ticket(ticket: Mapping[str, Any], width: int) -> Iterator[Line]:
    yield [("bold", ticket["id"]), ("", "  "), (_STYLES.get(ticket["state"], ""), ticket["state"])]
    ids = [f"{stage} {halo_id}" for stage in ("ticket", "note") if (halo_id := ticket[f"halo_{stage}_id"])]
    yield from _fact("subject", ticket["subject"] or "", width)
    yield from _fact("came in", f"{_second(ticket['created_at'])} UTC", width)
    yield from _fact("changed", f"{_second(ticket['updated_at'])} UTC", width)
    yield from _fact("in Halo", ", ".join(ids) or "not known to be", width)
    yield from _fact("error", ticket["last_error"] or "", width)
    decision = ticket["decision"] or {}
    yield from _fact("rules", f"revision {decision['revision'][:12]}" if decision.get("revision") else "", width)
    for rule in decision.get("fired", []):
        yield from _fact("fired", f"{rule['file']}:{rule['line']} {rule['title']}", width)
    for fault in decision.get("faults", []):
        yield from _fact("fault", f"{fault['file']}:{fault['line']} {fault['type']}: {fault['message']}", width)
    yield from _fact("refused", decision.get("refused") or "", width)
    for name, value in ticket["defaults"].items():
        yield from _fact("default", f"{name} = {value!r}", width)
    for error in ticket["submission_errors"]:
        instead = f"; {error['replacement']!r} instead" if error["replacement"] is not None else ""
        yield from _fact("not taken", f"{error['variable']} {error['value']!r}: {error['reason']}{instead}", width)
    for remark in ticket["remarks"]:
        yield from _fact("remark", remark, width)


def _attempts(attempts: list[dict[str, Any]], width: int) -> Iterator[Line]:
    if attempts:
        yield from ([], [("bold", f"{'ATTEMPT':>7}  {'STAGE':6}  {'BEGUN (UTC)':19}  {'TOOK':>8}  RESULT")])
    for attempt in attempts:
        result = attempt["result"] or "no end known"
        status = f" {attempt['status']}" if attempt["status"] else ""
        begun = f"{attempt['number']:>7}  {attempt['stage']:6}  {_second(attempt['started_at'])}  {_took(attempt):>8}  "
        yield [("", begun), (_STYLES.get(result, ""), f"{result}{status}")]
        yield from _wrapped(attempt["answer"] or "", " " * 9, width)


def _next(ticket: Mapping[str, Any]) -> Iterator[Line]:
    choices: tuple[tuple[str, str], ...] = ()
    if ticket["state"] == "dead":
        choices = _REPLAY
    elif ticket["state"] == "review":
        choices = _FIND_NOTE if ticket["halo_ticket_id"] else _FIND_TICKET
    yield from ([[]] if choices else [])
    for when, what in choices:
        yield [("", f"{when}: "), ("bold", f"dispatcher tickets {what.format(id=ticket['id'])}")]


def _fact(name: str, text: str, width: int) -> Iterator[Line]:
    for number, line in enumerate(_wrapped(text, "", width - 13)):
        yield [("dim", f"  {name if number == 0 else '':9}  "), *line]


def _wrapped(text: str, indent: str, width: int) -> Iterator[Line]:
    for line in textwrap.wrap(" ".join(text.split()), max(width - len(indent), 20), break_on_hyphens=False):
        yield [("", indent + line)]


def _took(attempt: Mapping[str, Any]) -> str:
    from datetime import datetime

    if attempt["ended_at"] is None:
        return ""
    took = datetime.fromisoformat(attempt["ended_at"]) - datetime.fromisoformat(attempt["started_at"])
    return f"{took.total_seconds():.1f} s"


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


def _second(time: str) -> str:
    return time[:19].replace("T", " ")


def _cut(text: str, width: int) -> str:
    width = max(width, 20)
    return text if len(text) <= width else text[: width - 1] + "…"


def _width() -> int:
    return shutil.get_terminal_size((USUAL_WIDTH, 0)).columns


def _print_json(data: object) -> None:
    import json

    sys.stdout.write(json.dumps(data, indent=2) + "\n")


def _default(text: str) -> tuple[str, Any]:
    from service.settings import scalar

    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is no default; write it as priority=High")
    return name.strip(), scalar(value.strip())


def _halo_id(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:16]) <= 2**53:
        raise argparse.ArgumentTypeError(f"{text!r} is no id of Halo's; write a whole number")
    return int(text[:16])
