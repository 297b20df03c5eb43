"""A tests file -> its settings and its tests, checked: every key is known, every value of the right type.

What is wrong is noted as a problem of the document with its line, and the test in question is not run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, cast, get_args
from zoneinfo import ZoneInfo

from dispatcher.checking import declared_schema
from dispatcher.errors import DispatcherError
from dispatcher.halo.requester import Known
from dispatcher.lang.records import dataclass
from dispatcher.plain import to_json_safe
from dispatcher.ruleset import OnFault
from dispatcher.testing.document import Table, kind_of
from dispatcher.testing.expectations import Expected, Words, read_expected, whole

TIME_IS_OVER = "not all of its tickets were decided: the time for these tests is over"
# When a ticket arrives for which nothing says when: a Monday morning, in the time zone of the tests file.
ARRIVAL = datetime(2026, 3, 2, 9, 0)

_FILE_KEYS = ("rules", "variables", "defaults", "on_fault", "timezone", "now", "test")
_TEST_KEYS = ("name", "ticket", "tickets", "now", "looked_up", "expect")
_TICKET_KEYS = ("ticket", "now", "looked_up", "expect")
_NOW = "a date with a time, such as 2026-03-02T17:45:00+01:00"
_TICKET = 'the name of a file in tickets/, or the ticket itself: { email = "...", msg = "..." }'
# What Halo is asked for at intake.
_LOOKED_UP = Known.__match_args__


@dataclass(frozen=True, slots=True)
class Settings:
    """What the top of a tests file says, for all of its tests: what `dispatcher.toml` says where the rules are live."""

    rules: str | None
    variables: tuple[str, ...]
    defaults: Mapping[str, Any]
    on_fault: OnFault
    zone: tzinfo
    now: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """Tickets of a test, by the name of their file or the ticket itself, and what is expected of each of them."""

    ticket: str | Mapping[str, Any]
    now: datetime | None
    looked_up: Mapping[str, str]
    expected: Expected


@dataclass(frozen=True, slots=True)
class Definition:
    """One test."""

    name: str
    line: int | None
    entries: tuple[Entry, ...]


def read_settings(top: Table) -> Settings:
    """Return what the top of a tests file says; with problems it is not to be used."""
    top.refuse_others(_FILE_KEYS)
    variables = top.texts("variables", 'the names of ticket keys, such as ["asset_tag"]') or ()
    try:
        declared_schema(variables)
    except DispatcherError as error:
        top.problem("variables", str(error))
        variables = ()
    zone = _zone(top)
    on_fault = top.get("on_fault", (str,), '"absent" or "refuse"') or "absent"
    if on_fault not in get_args(OnFault):
        top.problem("on_fault", f'`on_fault` is "{on_fault}"; write "absent" or "refuse"')
    return Settings(
        rules=top.get("rules", (str,), 'the path of a rule file or a folder, such as "../my.rules"'),
        variables=variables,
        defaults=_defaults(top),
        on_fault=cast("OnFault", on_fault),
        zone=zone,
        now=_now(top, zone) or ARRIVAL.replace(tzinfo=zone),
    )


def read_test(table: Table, settings: Settings, words: Words, go_on: Callable[[], bool]) -> Definition:
    """Return a test, read until `go_on` says no; with problems it is not to be run."""
    table.refuse_others(_TEST_KEYS)
    name = table.get("name", (str,), "what holds, as a sentence")
    if not name and type(table.values.get("name", "")) is str:
        table.problem("name", 'a test has a name that says what holds, such as name = "an emergency comes first"')
    if ("ticket" in table.values) == ("tickets" in table.values):
        says = "both `ticket` and `tickets`" if "ticket" in table.values else "no ticket"
        table.problem("ticket", f"the test has {says}; write `ticket` for one, or `tickets` for several")
        return Definition(name or "", table.line, ())
    if "ticket" in table.values:
        found = table.get("ticket", (str, dict), _TICKET)
        given = [found] if found is not None else []
    else:
        given = _several(table)
    entries: list[Entry] = []
    shared: Expected | None = None
    for item in given:
        if not go_on():
            table.problem("tickets", TIME_IS_OVER)
            break
        entry = _entry(table, item, settings, words, shared)
        if not _says_more(item):
            shared = entry.expected
        entries.append(entry)
    return Definition(name or "", table.line, tuple(entries))


def _several(table: Table) -> list[Any]:
    found = table.get("tickets", (list,), "an array of tickets, each as `ticket` is written")
    if found == []:
        table.problem("tickets", "`tickets` is empty")
    for item in found or ():
        if not isinstance(item, str | dict):
            table.problem("tickets", f"`tickets` holds {kind_of(item)}; write {_TICKET}")
            return []
    return found or []


def _entry(test: Table, given: Any, settings: Settings, words: Words, shared: Expected | None) -> Entry:
    """Return a ticket of a test, of which the test says what it does not say itself.

    `shared` is what the test expects of tickets that say nothing of that, once that has been read.
    """
    own = given if _says_more(given) else {"ticket": given}
    values = {key: test.values[key] for key in _TICKET_KEYS if key in test.values} | own
    # What the test and the ticket expect or look up is meant together.
    for key in ("expect", "looked_up"):
        if isinstance(test.values.get(key), dict) and isinstance(own.get(key), dict):
            values[key] = test.values[key] | own[key]
    table = Table(test.document, values, "a ticket of a test", test.span)
    table.refuse_others(_TICKET_KEYS)
    expect = table.table("expect", "what is expected as a table, `[test.expect]`")
    if "expect" not in values:
        table.problem("expect", "nothing is expected; write `[test.expect]`, and below it what the decision must be")
    ticket = values["ticket"]
    return Entry(
        ticket=whole(ticket) if isinstance(ticket, dict) else ticket,
        now=_now(table, settings.zone),
        looked_up=_looked_up(table),
        expected=shared
        if shared is not None and given is not own
        else read_expected(expect or Table(test.document, {}, "`expect`", test.span), words),
    )


def _says_more(given: Any) -> bool:
    """Tell whether a ticket is written as a table that holds it, with what is said of it alone."""
    return isinstance(given, dict) and isinstance(given.get("ticket"), str | dict)


def _zone(top: Table) -> tzinfo:
    name = top.get("timezone", (str,), 'the name of a time zone, such as "Europe/Berlin"')
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        top.problem("timezone", f"there is no time zone `{name}`; write one such as `Europe/Berlin`")
        return UTC


def _defaults(top: Table) -> Mapping[str, Any]:
    table = top.table("defaults", 'the defaults of ticket variables, such as { priority = "Medium" }')
    if table is None:
        return {}
    known = [variable.name for variable in declared_schema(()).variables if variable.writable]
    table.refuse_others(known)
    return {name: to_json_safe(value) for name, value in table.values.items()}


def _now(table: Table, zone: tzinfo) -> datetime | None:
    now: datetime | None = table.get("now", (datetime,), _NOW)
    return now if now is None or now.tzinfo is not None else now.replace(tzinfo=zone)


def _looked_up(table: Table) -> Mapping[str, str]:
    found = table.table("looked_up", 'what Halo knows of the requester, such as { business_name = "Contoso Ltd." }')
    if found is None:
        return {}
    found.refuse_others(_LOOKED_UP)
    return {key: text for key in _LOOKED_UP if (text := found.get(key, (str,), "a text")) is not None}
