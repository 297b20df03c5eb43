"""What a Halo tenant holds besides tickets, as plain records; `Tenant` finds them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar


@dataclass(frozen=True, slots=True)
class Application:
    """An API application: client credentials, the agent it logs in as, and the scopes it may ask for."""

    client_id: str
    client_secret: str
    agent_id: int | None
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Client:
    """A client (customer) of the MSP."""

    id: int
    name: str
    inactive: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """A place of a client; users and assets belong to one."""

    id: int
    name: str
    client_id: int
    sla_id: int | None = None


@dataclass(frozen=True, slots=True)
class User:
    """An end user; `general` marks the nameless one that every client has."""

    id: int
    name: str
    email: str
    client_id: int
    site_id: int
    general: bool = False
    inactive: bool = False


@dataclass(frozen=True, slots=True)
class Asset:
    """A device; its host name is in `key_field`, and in `inventory_number` unless that is an asset tag."""

    id: int
    inventory_number: str
    key_field: str
    type_id: int
    type_name: str
    client_id: int
    site_id: int
    inactive: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """A ticket status."""

    id: int
    name: str
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Priority:
    """One priority of one SLA; tickets store `number`, which means something else under another SLA."""

    guid: str
    sla_id: int
    number: int
    name: str
    response_hours: float
    fix_hours: float
    colour: str


@dataclass(frozen=True, slots=True)
class Sla:
    """A service level agreement and the number of the priority it falls back to."""

    id: int
    name: str
    default_priority: int


@dataclass(frozen=True, slots=True)
class Team:
    """A team of agents; tickets name it by its text."""

    id: int
    name: str
    inactive: bool = False


@dataclass(frozen=True, slots=True)
class Agent:
    """A technician, or the account that an application logs in as."""

    id: int
    name: str
    email: str
    team: str
    disabled: bool = False
    api_only: bool = False
    may: frozenset[str] = frozenset({"all"})  # what its role allows, in the words of scopes


@dataclass(frozen=True, slots=True)
class Category:
    """A category path of one of the four category lists (`level` 1 to 4)."""

    id: int
    level: int
    path: str
    sla_id: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action on a ticket can be, such as an internal note."""

    id: int
    name: str
    button: str
    private: bool = False
    hidden: bool = False


# Numbers of look-up lists.
IMPACT, URGENCY, SOURCE, REQUEST_TYPES, EVENTS = 12, 27, 22, 21, 64


@dataclass(frozen=True, slots=True)
class LookupValue:
    """One row of a numbered look-up list."""

    lookup_id: int
    id: int
    name: str


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom ticket field; `name` is what the API calls it, `options` are id and label of a selection."""

    id: int
    name: str
    label: str
    kind: Literal["text", "memo", "single", "multiple", "date", "checkbox"]
    options: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TicketType:
    """A ticket type: what it brings along, demands and allows (no status or outcome named: all)."""

    id: int
    name: str
    sla_id: int | None
    team: str
    status_id: int
    custom_fields: tuple[int, ...] = ()
    mandatory: tuple[str, ...] = ()
    allowed_statuses: tuple[int, ...] = ()
    allowed_outcomes: tuple[int, ...] = ()
    visible: bool = True


@dataclass(frozen=True, slots=True)
class TicketRule:
    """A ticket rule of Halo's own: a new ticket whose summary holds the text goes to the team."""

    text: str
    team: str


class _HasId(Protocol):
    @property
    def id(self) -> int: ...


class _HasName(Protocol):
    @property
    def name(self) -> str: ...


Identified = TypeVar("Identified", bound=_HasId)
Named = TypeVar("Named", bound=_HasName)


def with_id(records: Iterable[Identified], wanted: int) -> Identified | None:
    """Return the record with this id."""
    return next((record for record in records if record.id == wanted), None)


def with_name(records: Iterable[Named], wanted: str) -> Named | None:
    """Return the record with this name, ignoring case as Halo's database does."""
    folded = wanted.strip().casefold()
    return next((record for record in records if record.name.casefold() == folded), None)


@dataclass(slots=True)
class Tenant:
    """One help desk's configuration, and its customers, who may come and go."""

    name: str
    applications: tuple[Application, ...]
    clients: tuple[Client, ...]
    sites: tuple[Site, ...]
    users: tuple[User, ...]
    assets: tuple[Asset, ...]
    statuses: tuple[Status, ...]
    slas: tuple[Sla, ...]
    priorities: tuple[Priority, ...]
    teams: tuple[Team, ...]
    agents: tuple[Agent, ...]
    categories: tuple[Category, ...]
    outcomes: tuple[Outcome, ...]
    lookups: tuple[LookupValue, ...]
    custom_fields: tuple[CustomField, ...]
    ticket_types: tuple[TicketType, ...]
    ticket_rules: tuple[TicketRule, ...]
    default_type_id: int
    default_sla_id: int
    catch_all_client_id: int

    def priority(self, sla_id: int, number: int) -> Priority | None:
        """Return what this number means under this SLA."""
        for priority in self.priorities:
            if (priority.sla_id, priority.number) == (sla_id, number):
                return priority
        return None

    def category(self, level: int, path: str) -> Category | None:
        """Return the category of one of the four lists by its path."""
        folded = path.strip().casefold()
        for category in self.categories:
            if category.level == level and category.path.casefold() == folded:
                return category
        return None

    def lookup(self, lookup_id: int, value_id: int) -> LookupValue | None:
        """Return one value of a look-up list."""
        for value in self.lookups:
            if (value.lookup_id, value.id) == (lookup_id, value_id):
                return value
        return None

    def main_site(self, client_id: int) -> Site | None:
        """Return the client's first site."""
        return next((site for site in self.sites if site.client_id == client_id), None)

    def general_user(self, client_id: int) -> User | None:
        """Return the client's general user."""
        return next((user for user in self.users if user.general and user.client_id == client_id), None)
