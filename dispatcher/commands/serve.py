"""`dispatcher serve`: takes tickets in and files them in Halo."""

from __future__ import annotations

import argparse

from dispatcher.arguments import add_config


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config(command)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal comes; return the exit code."""
    from service import app
    from service.settings import load_settings

    return app.run(load_settings(options.config))
