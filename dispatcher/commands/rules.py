"""What the commands that decide by rules share: options that say which rules, and what settings say about them."""

# ruff: noqa: PTH110

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from dispatcher.arguments import SETTINGS_FILE, add_config, add_format, names, print_json

if TYPE_CHECKING:
    from dispatcher.errors import RulesError


def add_rule_options(command: argparse.ArgumentParser) -> None:
    """Add the options of all commands that read rules."""
    add_format(command)
    command.add_argument("--variables", metavar="NAMES", type=names, default=(), help="ticket keys to declare: a,b")
    add_config(command)


def ruleset_options(options: argparse.Namespace) -> tuple[dict[str, Any], tzinfo | None]:
    """Return what the settings say about rules, as RuleSet takes it, and the time zone.

    Without a settings file nothing of the service is imported.
    """
    declared = options.variables
    if options.config is None and not os.path.exists(SETTINGS_FILE):
        return {"variables": declared}, None
    from service.settings import load_settings

    settings = load_settings(options.config)
    variables = tuple(dict.fromkeys((*settings.variables, *declared)))
    return {"variables": variables, "defaults": settings.defaults, "on_fault": settings.on_fault}, settings.zone


def arrival(now: datetime | None, zone: tzinfo | None) -> datetime:
    """Return the time of arrival: the present where none is given, in the zone of the settings where it names none."""
    if now is None:
        return datetime.now(zone).astimezone(zone)
    if now.tzinfo is not None:
        return now
    return now.replace(tzinfo=zone) if zone else now.astimezone()


def print_errors(error: RulesError, how: str) -> None:
    """Write why rules cannot be used, as `--format` says."""
    if how == "json":
        print_json([problem.to_dict() for problem in error.diagnostics], sys.stderr)
        return
    from dispatcher.render.diagnostics import diagnostics
    from dispatcher.render.text import write

    write(diagnostics(error.diagnostics), sys.stderr)
