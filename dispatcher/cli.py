"""The command line: finds the command, runs it, and returns its code.

Exit codes: 0 all is well, 1 problems in rules or a refused ticket, 2 usage or environment. A command is a module with
`add_arguments` and `run`, which is imported when it is asked for: what checks and runs rules waits for no service.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from dispatcher.errors import DispatcherError


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
        place, shown, description = _COMMANDS[name]
        command = commands.add_parser(name, help=shown, description=description, formatter_class=_Help)
        if name == wanted:
            module = import_module(place)
            module.add_arguments(command)
            command.set_defaults(command=module.run)
    return parser


# For each command: its module, and its help in one line and at length.
_COMMANDS = {
    "check": (
        "dispatcher.commands.check",
        "report what is wrong in rule files",
        "Report all problems of rule files. Exit code 1 when there are errors.",
    ),
    "run": (
        "dispatcher.commands.run",
        "decide a ticket without filing it",
        "Decide tickets without filing them. Exit code 1: the rules have errors, or a ticket is refused.",
    ),
    "test": (
        "dispatcher.commands.test",
        "run the tests beside the rules",
        "Run the tests that stand beside rules, as TOML. Exit code 1: one failed or has errors, there are none, or the "
        "coverage is below the threshold.",
    ),
    "explain": (
        "dispatcher.commands.explain",
        "tell why a ticket is decided as it is",
        "Tell why each variable is what it is, and why rules did not fire. Exit code 1: the rules have errors.",
    ),
    "backtest": (
        "dispatcher.commands.backtest",
        "tell which past tickets new rules would change",
        "Decide past tickets by new rules and by old ones, and tell which of them change, how, and by which line. Exit "
        "code 1: some change; 2: it cannot be told, as rules have errors or tickets cannot be read.",
    ),
    "audit": (
        "dispatcher.commands.audit",
        "tell what rules did to past tickets, and which do nothing of use",
        "Over past tickets: rules that do not fire or fail, values that are always overwritten, pairs of rules whose "
        "order decides, and fields that fell back in Halo. Exit code 1: there is something that --fail-on names.",
    ),
    "lsp": (
        "dispatcher.commands.lsp",
        "help to write rules in an editor",
        "Speak the language server protocol: an editor starts this. grammar/vscode/ is an extension that does.",
    ),
    "init": ("dispatcher.commands.init", "write a commented dispatcher.toml", None),
    "rules": ("service.commands.rules", "publish rules, show their history, and go back", None),
    "serve": ("dispatcher.commands.serve", "take tickets in and file them in Halo", None),
    "tickets": ("service.commands.tickets", "show tickets, and file or settle those that stopped", None),
    "keys": ("service.commands.keys", "create, list and revoke API keys", None),
    "doctor": (
        "dispatcher.commands.doctor",
        "find out whether tickets can be filed in Halo",
        "Try key, servers, permissions and settings against Halo, and say what to mend. Exit code 1: something failed.",
    ),
    "halo": ("dispatcher.commands.halo", "write Halo's names into a file", None),
    "halo-emulator": (
        "service.emulator.command",
        "imitate Halo, for trying things out",
        "Imitate Halo. While it runs, PUT /emulator/faults and POST /emulator/down let requests fail, and GET "
        "/emulator/calls counts them.",
    ),
    "demo": ("dispatcher.commands.demo", "show the whole way of a few tickets, with the emulator as Halo", None),
}
