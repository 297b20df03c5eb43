"""The command line: reads flags, calls, prints, returns a code. Nothing is decided or formatted here.

Exit codes: 0 all is well, 1 problems in rules or a refused ticket, 2 usage or environment. The service and its
libraries are imported by the commands that serve, not by those that check and run; `json` and what makes the note for
Halo by those that write them. Files are found by `os`, since importing `pathlib` takes as long as checking a small one.
"""

# ruff: noqa: PTH110, PTH123

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any, TextIO

from dispatcher import render
from dispatcher.checking import check, read_sources, read_text
from dispatcher.errors import DispatcherError, RulesError, TicketError
from dispatcher.lang.source import Source

if TYPE_CHECKING:
    from pathlib import Path

    from dispatcher.ruleset import RuleSet

STANDARD_INPUT = "-"
SETTINGS_FILE = "dispatcher.toml"


def console() -> None:
    """Run the command of the process and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        # A Windows code page cannot write every character of a ticket.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = main(sys.argv[1:])
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough.
        sys.stderr.close()
        code = 0
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    options = _parser(next(iter(arguments), None)).parse_args(arguments)
    try:
        return int(options.command(options))
    except DispatcherError as error:
        print(f"dispatcher: {error}", file=sys.stderr)
        return 2


class _Help(argparse.HelpFormatter):
    """Help as wide as the terminal, which argparse left to itself imports `shutil` to find out, for each argument."""

    def __init__(self, prog: str) -> None:
        columns = os.environ.get("COLUMNS", "")
        try:
            width = int(columns) if columns.isdecimal() else os.get_terminal_size().columns
        except OSError:
            width = 0
        super().__init__(prog, width=(width or 80) - 2)


def _parser(wanted: str | None) -> argparse.ArgumentParser:
    """Return the parser of the command line; if `wanted` names a command, it knows no other."""
    parser = argparse.ArgumentParser(
        prog="dispatcher", description="Ticket rules in Python syntax, in front of Halo.", formatter_class=_Help
    )
    # Without `prog`, argparse writes help to find the name.
    commands = parser.add_subparsers(prog="dispatcher", metavar="COMMAND", required=True)
    for name in (wanted,) if wanted in _COMMANDS else _COMMANDS:
        shown, description, add_arguments, run = _COMMANDS[name]
        command = commands.add_parser(name, help=shown, description=description, formatter_class=_Help)
        add_arguments(command)
        command.set_defaults(command=run)
    return parser


def _add_check(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a rule file, a folder of *.rules files, or - for standard input",
    )
    _add_common(command)


def _add_run(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "rules", metavar="FILE", help="a rule file, a folder of *.rules files, or - for standard input"
    )
    tickets = command.add_mutually_exclusive_group(required=True)
    tickets.add_argument("--ticket", metavar="FILE", help="a ticket as a JSON object, - for standard input")
    tickets.add_argument(
        "--tickets", metavar="FILE", help="tickets as JSON objects, one a line; prints one decision a line"
    )
    command.add_argument(
        "--now", metavar="TIME", type=_time, help="the time of arrival, such as 2026-03-02T17:45+01:00"
    )
    _add_common(command)


def _add_init(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", nargs="?", type=_path, default=SETTINGS_FILE, metavar="FILE")


def _add_emulator(command: argparse.ArgumentParser) -> None:
    from service.emulator import command as emulator

    emulator.add_arguments(command)


def _add_demo(command: argparse.ArgumentParser) -> None:
    command.add_argument("--once", action="store_true", help="end when the tickets are filed")


def _add_keys(command: argparse.ArgumentParser) -> None:
    from service.commands import keys

    for action in keys.add_arguments(command):
        _add_config(action)


def _add_tickets(command: argparse.ArgumentParser) -> None:
    from service.commands import tickets

    for action in tickets.add_arguments(command):
        _add_config(action)


def _add_doctor(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--write-test-ticket",
        action="store_true",
        help="also file a ticket with a note, and delete it if that is allowed; nothing is written otherwise",
    )
    _add_format(command)
    _add_config(command)


def _add_common(command: argparse.ArgumentParser) -> None:
    _add_format(command)
    command.add_argument("--variables", metavar="NAMES", type=_names, default=(), help="ticket keys to declare: a,b")
    _add_config(command)


def _add_format(command: argparse.ArgumentParser) -> None:
    command.add_argument("--format", choices=("text", "json"), default="text", help="for people (default) or as data")


def _add_config(command: argparse.ArgumentParser) -> None:
    default = f"default: {SETTINGS_FILE} in this folder, if there is one"
    command.add_argument("--config", type=_path, metavar="FILE", help=f"the settings file ({default})")


def _path(text: str) -> Path:
    from pathlib import Path

    return Path(text)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write it as 2026-03-02T17:45+01:00") from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


# --- check and run


def _sources(argument: str, *, whole_names: bool = False) -> list[Source]:
    if argument == STANDARD_INPUT:
        return [Source(_standard_input(), "<stdin>")]
    return read_sources(argument, whole_names=whole_names)


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DispatcherError(f"standard input is not UTF-8 at byte {error.start}") from None


def _ruleset_options(options: argparse.Namespace) -> tuple[dict[str, Any], tzinfo | None]:
    """Return what the settings say about rules, and the time zone.

    Without a settings file nothing of the service is imported.
    """
    declared = options.variables
    if options.config is None and not os.path.exists(SETTINGS_FILE):
        return {"variables": declared}, None
    from service.settings import load_settings

    settings = load_settings(options.config)
    variables = tuple(dict.fromkeys((*settings.variables, *declared)))
    return {"variables": variables, "defaults": settings.defaults, "on_fault": settings.on_fault}, settings.zone


def _check(options: argparse.Namespace) -> int:
    variables = _ruleset_options(options)[0]["variables"]
    sources = [source for argument in options.files for source in _sources(argument, whole_names=True)]
    problems = [problem for source in sources for problem in check(source.text, source.filename, variables=variables)]
    if options.format == "json":
        _print_json([problem.to_dict() for problem in problems], sys.stdout)
    else:
        render.write(render.diagnostics(problems), sys.stdout)
        if not problems:
            print(f"{len(sources)} file{'' if len(sources) == 1 else 's'}: no problems")
    return int(any(problem.severity == "error" for problem in problems))


def _run(options: argparse.Namespace) -> int:
    from dispatcher.ruleset import RuleSet

    if options.rules == STANDARD_INPUT and STANDARD_INPUT in (options.ticket, options.tickets):
        raise DispatcherError("rules and tickets cannot both come from standard input")
    ruleset_options, zone = _ruleset_options(options)
    now = options.now or datetime.now(zone).astimezone(zone)
    if now.tzinfo is None:
        now = now.replace(tzinfo=zone) if zone else now.astimezone()
    try:
        ruleset = RuleSet(_sources(options.rules), **ruleset_options)
    except RulesError as error:
        if options.format == "json":
            _print_json([problem.to_dict() for problem in error.diagnostics], sys.stderr)
        else:
            render.write(render.diagnostics(error.diagnostics), sys.stderr)
        return 1
    if options.tickets is not None:
        return _run_many(ruleset, options.tickets, now)
    from dispatcher.dispatch import dry_run

    result = dry_run(ruleset, _ticket(_text(options.ticket), options.ticket), now)
    if options.format == "json":
        _print_json(result, sys.stdout)
    else:
        render.write(render.dry_run(result), sys.stdout)
    return int(result["refused"] is not None)


def _run_many(ruleset: RuleSet, tickets: str, now: datetime) -> int:
    import json

    from dispatcher.dispatch import dry_run

    code = 0
    for place, line in _lines(tickets):
        try:
            ticket = _ticket(line, place)
        except TicketError as error:
            print(f"dispatcher: {error}", file=sys.stderr)
            code = 2
            continue
        result = dry_run(ruleset, ticket, now)
        sys.stdout.write(json.dumps(result) + "\n")
        code = max(code, int(result["refused"] is not None))
    return code


def _text(argument: str) -> str:
    return _standard_input() if argument == STANDARD_INPUT else read_text(argument)


def _lines(argument: str) -> Iterator[tuple[str, str]]:
    """Yield place and text of each line that is not blank, without holding the file."""
    if argument == STANDARD_INPUT:
        yield from _numbered(argument, sys.stdin)
        return
    try:
        with open(argument, encoding="utf-8-sig", errors="replace") as file:
            yield from _numbered(argument, file)
    except OSError as error:
        raise DispatcherError(f"{argument}: cannot be read: {error.strerror}") from None


def _numbered(name: str, file: TextIO) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(file, 1):
        if line.strip():
            yield f"{name}:{number}", line


def _ticket(text: str, place: str) -> dict[str, Any]:
    import json

    try:
        ticket = json.loads(text)
    except json.JSONDecodeError as error:
        raise TicketError(f"{place}: not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):
        raise TicketError(f"{place}: the JSON nests too deep or holds a number that is too long") from None
    if not isinstance(ticket, dict):
        raise TicketError(f'{place}: a ticket is one JSON object, such as {{"email": "...", "msg": "..."}}')
    return ticket


def _print_json(data: object, output: TextIO) -> None:
    import json

    output.write(json.dumps(data, indent=2) + "\n")


# --- the service


def _init(options: argparse.Namespace) -> int:
    from service.settings import default_toml

    try:
        with options.file.open("x", encoding="utf-8") as file:
            file.write(default_toml())
    except FileExistsError:
        raise DispatcherError(f"{options.file} exists already; name another file") from None
    except OSError as error:
        raise DispatcherError(f"{options.file}: cannot be written: {error.strerror}") from None
    print(f"wrote {options.file}")
    return 0


def _serve(options: argparse.Namespace) -> int:
    from service.app import run
    from service.settings import load_settings

    return run(load_settings(options.config))


def _emulator(options: argparse.Namespace) -> int:
    from service.emulator import command as emulator

    return emulator.run(options, sys.stdout)


def _doctor(options: argparse.Namespace) -> int:
    import asyncio

    from dispatcher.halo.doctor import examine
    from service.settings import load_settings

    settings = load_settings(options.config)
    as_text = options.format == "text"
    width = os.get_terminal_size(sys.stdout.fileno()).columns if as_text and sys.stdout.isatty() else None
    found = []

    async def run() -> None:
        checks = examine(settings.halo, settings.defaults, write_test_ticket=options.write_test_ticket)
        async for finding in checks:
            found.append(finding.to_dict())
            if as_text:
                render.write(render.finding(found[-1], width), sys.stdout)
                sys.stdout.flush()

    asyncio.run(run())
    if as_text:
        render.write([[], render.verdicts(found)], sys.stdout)
    else:
        _print_json(found, sys.stdout)
    return int(any(finding["verdict"] == "failed" for finding in found))


def _demo(options: argparse.Namespace) -> int:
    from service.demo import run_demo

    return run_demo(once=options.once, out=sys.stdout)


def _keys(options: argparse.Namespace) -> int:
    from service.commands import keys

    return keys.run(options)


def _tickets(options: argparse.Namespace) -> int:
    from service.commands import tickets

    return tickets.run(options)


# For each command: its help in one line and at length, its arguments, and what runs it.
_COMMANDS = {
    "check": (
        "report what is wrong in rule files",
        "Report all problems of rule files. Exit code 1 when there are errors.",
        _add_check,
        _check,
    ),
    "run": (
        "decide a ticket without filing it",
        "Decide tickets without filing them. Exit code 1: the rules have errors, or a ticket is refused.",
        _add_run,
        _run,
    ),
    "init": ("write a commented dispatcher.toml", None, _add_init, _init),
    "serve": ("take tickets in and file them in Halo", None, _add_config, _serve),
    "tickets": ("show tickets, and file or settle those that stopped", None, _add_tickets, _tickets),
    "keys": ("create, list and revoke API keys", None, _add_keys, _keys),
    "doctor": (
        "find out whether tickets can be filed in Halo",
        "Try key, servers, permissions and settings against Halo, and say what to mend. Exit code 1: something failed.",
        _add_doctor,
        _doctor,
    ),
    "halo-emulator": (
        "imitate Halo, for trying things out",
        "Imitate Halo. While it runs, PUT /emulator/faults and POST /emulator/down let requests fail, and GET "
        "/emulator/calls counts them.",
        _add_emulator,
        _emulator,
    ),
    "demo": ("show the whole way of a few tickets, with the emulator as Halo", None, _add_demo, _demo),
}
