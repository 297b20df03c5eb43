"""`dispatcher demo`: the whole way of a few tickets, with the emulator as Halo."""

from __future__ import annotations

import argparse
import sys


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    command.add_argument("--once", action="store_true", help="end when the tickets are filed")


def run(options: argparse.Namespace) -> int:
    """Show it; return the exit code."""
    from service.demo import run_demo

    return run_demo(once=options.once, out=sys.stdout)
