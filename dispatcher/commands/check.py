"""`dispatcher check`: what is wrong in rule files."""

from __future__ import annotations

import argparse
import sys

from dispatcher.arguments import print_json, sources
from dispatcher.checking import check
from dispatcher.commands.rules import add_rule_options, ruleset_options
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


def run(options: argparse.Namespace) -> int:
    """Report all problems; return 1 when one of them is an error."""
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
