"""What the commands that decide by rules share: options that say which rules, and what settings say about them."""

# ruff: noqa: PTH110

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from dispatcher.arguments import SETTINGS_FILE, STANDARD_INPUT, add_config, add_format, names, print_json, sources
from dispatcher.errors import DispatcherError, RulesError

if TYPE_CHECKING:
    from dispatcher.ruleset import RuleSet


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


def rules_for_tickets(options: argparse.Namespace) -> tuple[RuleSet, datetime, tzinfo | None] | None:
    """Return the rules that are to decide what `--ticket` or `--tickets` names, the time of arrival, and the zone.

    None where the rules have errors, which are written. Raises DispatcherError where both come from standard input.
    """
    from dispatcher.ruleset import RuleSet

    if options.rules == STANDARD_INPUT and STANDARD_INPUT in (options.ticket, options.tickets):
        raise DispatcherError("rules and tickets cannot both come from standard input")
    ruleset_arguments, zone = ruleset_options(options)
    try:
        return RuleSet(sources(options.rules), **ruleset_arguments), arrival(options.now, zone), zone
    except RulesError as error:
        print_errors(error, options.format)
        return None


def print_errors(error: RulesError, how: str) -> None:
    """Write why rules cannot be used, as `--format` says."""
    if how == "json":
        print_json([problem.to_dict() for problem in error.diagnostics], sys.stderr)
        return
    from dispatcher.render.diagnostics import diagnostics
    from dispatcher.render.text import write

    write(diagnostics(error.diagnostics), sys.stderr)
