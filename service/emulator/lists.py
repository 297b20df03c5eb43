"""Reading: one table of everything that can be listed, and how lists are filtered, searched and paged.

A query parameter that the table does not name is ignored, as Halo does: a misspelt filter answers everything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from service.emulator.behaviour import Behaviour
from service.emulator.records import Tenant, TicketType, with_id
from service.emulator.refusals import invalid
from service.emulator.rows import (
    Row,
    agent_row,
    asset_row,
    category_row,
    client_row,
    custom_field_row,
    field_row,
    lookup_row,
    outcome_row,
    priority_row,
    site_row,
    sla_row,
    status_row,
    team_row,
    ticket_type_detail,
    ticket_type_row,
    user_row,
)
from service.emulator.wire import read_query_number

Record = TypeVar("Record")

_EQUALS = 2
_DEFAULT_PAGE_SIZE = 50


class Query:
    """The parameters of a request; their names are case-insensitive."""

    def __init__(self, parameters: Iterable[tuple[str, str]]) -> None:
        self._values = {name.lower(): value for name, value in parameters}

    def text(self, name: str) -> str:
        """Return a parameter, '' when it is missing."""
        return self._values.get(name, "").strip()

    def flag(self, name: str) -> bool:
        """Tell whether a parameter says yes."""
        return self.text(name).lower() in {"true", "1"}

    def number(self, name: str) -> int | None:
        """Return a parameter as a whole number; refuse anything else."""
        text = self.text(name)
        return read_query_number(name, text) if text else None


@dataclass(frozen=True, slots=True)
class Filters:
    """Which parameters narrow a list, each with the row's field that it looks at."""

    search: tuple[str, ...] = ()
    numbers: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)  # like `texts`, but a part of the field will do
    exact: frozenset[str] = frozenset()  # fields that advanced_search takes


@dataclass(frozen=True, slots=True)
class Listing:
    """One path that lists records: how its rows are made, found and wrapped."""

    path: str
    rows: Callable[[Tenant, Behaviour], list[Row]]
    envelope: str | None = None  # the key of the rows; None: a bare array
    scope: str | None = None
    detail: Callable[[Tenant, Behaviour], list[Row]] | None = None
    visible: Callable[[Row, Query], bool] = lambda _row, _query: True
    of_type: Callable[[TicketType], tuple[int, ...]] | None = None  # the ids that a ticket type allows; empty: all
    only_when_asked: Mapping[str, str] = field(default_factory=dict)  # field of listed rows -> parameter
    filters: Filters = Filters()

    def found(self, tenant: Tenant, behaviour: Behaviour, query: Query) -> list[Row]:
        """Return the rows that a query asks for, all pages of them."""
        every = [row for row in self.rows(tenant, behaviour) if self.visible(row, query)]
        allowed = self._allowed(tenant, query)
        left_out = {name for name, parameter in self.only_when_asked.items() if not query.flag(parameter)}
        return [
            {name: value for name, value in row.items() if name not in left_out}
            for row in select(self.filters, every, query)
            if not allowed or row["id"] in allowed
        ]

    def _allowed(self, tenant: Tenant, query: Query) -> tuple[int, ...]:
        number = query.number("tickettype_id") if self.of_type is not None else None
        ticket_type = with_id(tenant.ticket_types, number or 0)
        return self.of_type(ticket_type) if self.of_type is not None and ticket_type is not None else ()


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the rows that matched, and how many there were."""

    rows: list[Row]
    record_count: int
    page_no: int
    page_size: int

    def in_envelope(self, key: str) -> Row:
        """Return the page as Halo's views wrap it."""
        return {
            "page_no": self.page_no,
            "page_size": self.page_size,
            "record_count": self.record_count,
            "columns": [],
            key: self.rows,
        }


def select(filters: Filters, rows: Iterable[Row], query: Query) -> list[Row]:
    """Return the rows that a query asks for, all pages of them."""
    kept = list(rows)
    for parameter, name in filters.numbers.items():
        wanted = query.number(parameter)
        if wanted is not None:
            kept = [row for row in kept if row[name] == wanted]
    for parameter, name in filters.texts.items():
        text = query.text(parameter).casefold()
        if text:
            kept = [row for row in kept if row[name].casefold() == text]
    for parameter, name in filters.parts.items():
        text = query.text(parameter).casefold()
        kept = [row for row in kept if text in row[name].casefold()]
    for name, value in _advanced(query, filters.exact):
        kept = [row for row in kept if row[name].casefold() == value]
    return _search(filters, kept, query)


def _search(filters: Filters, rows: list[Row], query: Query) -> list[Row]:
    part = query.text("search").casefold()
    if not part or not filters.search:
        return rows
    fields = filters.search
    if "inventory_number" in fields and query.flag("search_inventory_number_only"):
        fields = ("inventory_number",)
    return [row for row in rows if any(part in row[name].casefold() for name in fields)]


def paginate(rows: Sequence[Row], query: Query, behaviour: Behaviour) -> Page:
    """Cut out the page that was asked for; no list is longer than the cap."""
    cap = behaviour.page_size_cap
    size_asked = query.number("page_size")
    if query.flag("pageinate") or (size_asked and not behaviour.page_size_needs_pageinate):
        size = min(max(size_asked or _DEFAULT_PAGE_SIZE, 1), cap)
        number = max(query.number("page_no") or 1, 1)
        return Page(list(rows[(number - 1) * size : number * size]), len(rows), number, size)
    count = query.number("count")
    size = min(count, cap) if count and count > 0 else cap
    return Page(list(rows[:size]), len(rows), 1, size)


def _advanced(query: Query, exact: frozenset[str]) -> list[tuple[str, str]]:
    """Return the fields and values that an advanced search wants to be equal."""
    text = query.text("advanced_search")
    if not text or not exact:
        return []
    try:
        conditions = json.loads(text)
        if not isinstance(conditions, list):
            raise TypeError
        found = [
            (str(row["filter_name"]), str(row["filter_value"]).strip().casefold(), row["filter_type"])
            for row in conditions
        ]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise invalid("Invalid advanced search parameter") from None
    if any(name not in exact or kind != _EQUALS for name, _, kind in found):
        raise invalid("Invalid advanced search parameter")
    return [(name, value) for name, value, _ in found]


def _each(
    records: Callable[[Tenant], Iterable[Record]], to_row: Callable[[Record, Tenant], Row]
) -> Callable[[Tenant, Behaviour], list[Row]]:
    """Return a function that makes a row of each of a tenant's records."""
    return lambda tenant, _behaviour: [to_row(record, tenant) for record in records(tenant)]


def _active(row: Row, query: Query) -> bool:
    """Tell whether a record is listed: inactive ones when asked for, active ones unless declined."""
    return query.flag("includeinactive") if row["inactive"] else query.text("includeactive").lower() != "false"


def _visible_agent(row: Row, query: Query) -> bool:
    if row["id"] == 1:
        return query.flag("includeunassigned")
    return query.flag("includedisabled") or not row["isdisabled"]


# The fields that rules of the admin set, as far as they are fields of every ticket.
_FIELDS = (
    "summary",
    "details",
    "tickettype_id",
    "status_id",
    "priority_id",
    "team",
    "agent_id",
    "category_1",
    "category_2",
    "category_3",
    "category_4",
    "impact",
    "urgency",
    "source",
)

LISTINGS: tuple[Listing, ...] = (
    Listing(
        "client",
        _each(lambda tenant: tenant.clients, client_row),
        "clients",
        "read:customers",
        visible=_active,
        filters=Filters(search=("name",), numbers={"toplevel_id": "toplevel_id"}),
    ),
    Listing(
        "site",
        _each(lambda tenant: tenant.sites, site_row),
        "sites",
        "read:customers",
        filters=Filters(search=("name", "client_name"), numbers={"client_id": "client_id"}),
    ),
    Listing(
        "users",
        _each(lambda tenant: tenant.users, user_row),
        "users",
        "read:customers",
        visible=_active,
        filters=Filters(
            search=("name", "emailaddress", "login"),
            numbers={"client_id": "client_id", "site_id": "site_id"},
            exact=frozenset({"emailaddress"}),
        ),
    ),
    Listing(
        "asset",
        _each(lambda tenant: tenant.assets, asset_row),
        "assets",
        "read:assets",
        visible=_active,
        filters=Filters(
            search=("inventory_number", "key_field", "assettype_name"),
            numbers={"client_id": "client_id", "site_id": "site_id", "assettype_id": "assettype_id"},
        ),
    ),
    Listing(
        "tickettype",
        lambda tenant, behaviour: [ticket_type_row(each, tenant, behaviour) for each in tenant.ticket_types],
        detail=lambda tenant, behaviour: [ticket_type_detail(each, tenant, behaviour) for each in tenant.ticket_types],
        visible=lambda row, query: query.flag("showall") or query.flag("showinactive") or row["visible"],
    ),
    Listing(
        "status",
        _each(lambda tenant: tenant.statuses, status_row),
        visible=lambda row, query: not (query.flag("excludeclosed") and row["type"]),
        of_type=lambda ticket_type: ticket_type.allowed_statuses,
    ),
    Listing(
        "team",
        _each(lambda tenant: tenant.teams, team_row),
        visible=lambda row, query: query.flag("showall") or not row["inactive"],
        only_when_asked={"agents": "includeagentsforteams"},
    ),
    Listing(
        "priority",
        _each(lambda tenant: tenant.priorities, priority_row),
        filters=Filters(numbers={"slaid": "slaid"}),
    ),
    Listing(
        "sla",
        lambda tenant, behaviour: [sla_row(sla, tenant, behaviour) for sla in tenant.slas],
        only_when_asked={"priorities": "showpriorities"},
    ),
    Listing(
        "agent",
        _each(lambda tenant: tenant.agents, agent_row),
        visible=_visible_agent,
        filters=Filters(search=("name", "email"), texts={"team": "team"}),
    ),
    Listing(
        "category",
        lambda tenant, behaviour: [category_row(category, tenant, behaviour) for category in tenant.categories],
        filters=Filters(numbers={"type_id": "type_id"}),
    ),
    Listing(
        "outcome",
        _each(lambda tenant: tenant.outcomes, outcome_row),
        visible=lambda row, query: query.flag("showhidden") or not row["hidden"],
        of_type=lambda ticket_type: ticket_type.allowed_outcomes,
    ),
    Listing(
        "lookup",
        _each(lambda tenant: tenant.lookups, lookup_row),
        visible=lambda row, query: row["lookupid"] == query.number("lookupid"),
    ),
    Listing("fieldinfo", _each(lambda tenant: tenant.custom_fields, custom_field_row)),
    Listing("field", _each(lambda _tenant: enumerate(_FIELDS, start=1), field_row)),
)
