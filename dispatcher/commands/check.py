"""`dispatcher check`: what is wrong in rule files."""

from __future__ import annotations

import argparse
import sys

from dispatcher.arguments import print_json, sources
from dispatcher.checking import check
from dispatcher.commands.rules import add_rule_options, ruleset_options
from dispatcher.errors import DispatcherError
from dispatcher.render.diagnostics import diagnostics
from dispatcher.render.text import count, write


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    command.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a rule file, a folder of *.rules files, or - for standard input",
    )
    add_rule_options(command)
    live = command.add_argument_group("names in Halo")
    live.add_argument("--live", action="store_true", help="look up in Halo every name that the rules can set")
    live.add_argument("--snapshot", metavar="FILE", help="look them up in what `dispatcher halo snapshot` wrote")
    live.add_argument("--fix", action="store_true", help="write the new names of what was renamed in Halo")
    live.add_argument("--update-lock", action="store_true", help="take what names mean now into dispatcher.lock.json")
    live.add_argument(
        "--history", metavar="FILE", help="look up, too, what the rules set on past tickets: NDJSON, a folder, or -"
    )


def run(options: argparse.Namespace) -> int:
    """Report all problems; return 1 when one of them is an error."""
    if options.live:
        from dispatcher.commands.names import run_live  # most checks ask no Halo

        return run_live(options)
    if options.snapshot or options.fix or options.update_lock or options.history:
        raise DispatcherError("--snapshot, --fix, --update-lock and --history go with --live")
    variables = ruleset_options(options)[0]["variables"]
    files = [source for argument in options.files for source in sources(argument, whole_names=True)]
    problems = [problem for source in files for problem in check(source.text, source.filename, variables=variables)]
    if options.format == "json":
        print_json([problem.to_dict() for problem in problems], sys.stdout)
    else:
        write(diagnostics(problems), sys.stdout)
        if not problems:
            print(f"{count(len(files), 'file')}: no problems")
    return int(any(problem.severity == "error" for problem in problems))
