"""What is not known for certain about a real Halo, or differs between versions and tenants: one switch each.

Fields that Halo knows and the emulator does nothing with, such as `_isimport` and `_dont_fire_automations`,
need no switch: they are ignored like unknown ones.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, get_args, get_type_hints

from pydantic import Field, TypeAdapter, ValidationError

from dispatcher.errors import DispatcherError

# Requests in five minutes: 300 in 2022, then 450 and 500, and 700 by the newest source.
DEFAULT_RATE_LIMIT = 700

Count = Annotated[int, Field(ge=0)]
Size = Annotated[int, Field(ge=1)]
RefusalShape = Literal["exception", "message", "error", "result", "html", "empty"]
Wording = Literal["plain", "quoted", "type-first", "german", "unnamed"]
Status = Annotated[int, Field(ge=400, le=599)]


class SwitchError(DispatcherError):
    """A switch that does not exist, or a value that it does not take; the text says what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How the emulator acts where sources are silent or disagree; defaults are the stricter reading."""

    # OAuth
    token_seconds: Annotated[Size, "how long a token is good; every source reports an hour"] = 3600
    invalid_scope_status: Annotated[Status, "status for an unknown scope; 400 is the OAuth standard's"] = 400
    unauthorised_body: Annotated[str, "body of a 401, which is reported as often empty"] = ""
    forbidden_body: Annotated[str, "body of a 403, which is reported as often empty"] = ""
    agent_me: Annotated[
        Literal["agent", "claims"], "what /Agent/me answers: the agent, or the token's claims as the newest versions"
    ] = "agent"

    # Errors and limits
    refusal_body: Annotated[
        RefusalShape,
        "shape of a refusal by validation: a .NET exception is usual, the others have been met",
    ] = "exception"
    refusal_class: Annotated[str, "ClassName of a refusal in the shape of a .NET exception"] = "System.Exception"
    refusal_wording: Annotated[
        Wording,
        "how a refusal speaks of a field; of most fields no words are known: plain, in quotes, after the ticket type,"
        " in another language, or not at all",
    ] = "plain"
    rate_limit: Annotated[Count, "requests let through in the window, 0: any number; met were 300, 450, 500, 700"] = (
        DEFAULT_RATE_LIMIT
    )
    rate_window_seconds: Annotated[Size, "length of the rolling window of the rate limit"] = 300
    retry_after: Annotated[
        Literal["none", "seconds", "date"], "whether a 429 of the rate limit says when to come again, and how"
    ] = "none"

    # Lists
    page_size_cap: Annotated[Size, "rows of the longest page; some clients ask for 999, others saw 100"] = 100
    page_size_needs_pageinate: Annotated[bool, "page_size has no effect without pageinate=true"] = True
    paged_agents_in_envelope: Annotated[bool, "a paged /Agent is an envelope with the key results, not an array"] = True
    ticket_type_sla_field: Annotated[
        Literal["default_sla", "default_sla_id", "sla_id", "slaid", "sla"], "what a ticket type calls its SLA"
    ] = "default_sla"
    sla_lists_priority_objects: Annotated[bool, "an SLA lists its priorities as objects, not as bare ids"] = True
    first_category_type_id: Annotated[int, "the type_id of category_1 in /Category; the others follow"] = 1
    filters_third_party_id_string: Annotated[
        bool, "/Tickets filters by third_party_id_string (since late 2025); else it is ignored like any unknown filter"
    ] = True
    lists_third_party_id_string: Annotated[bool, "the rows of /Tickets have third_party_id_string"] = True
    lists_closed_tickets: Annotated[bool, "/Tickets lists closed tickets without includeclosed=true"] = True
    note_html_only_when_asked: Annotated[bool, "/Actions leaves out note_html without includehtmlnote=true"] = True

    # POST /Tickets
    accepts_bare_object: Annotated[bool, "a bare object is taken where clients send an array"] = False
    knows_team_id: Annotated[bool, "team_id exists beside team (since 2026)"] = True
    fills_requester: Annotated[bool, 'a missing requester is filled in, not "Username must be entered"'] = True
    user_needs_site: Annotated[bool, 'a user without site_id is "A Site must be selected"; 0 counts as given'] = True
    impact_and_urgency_mandatory: Annotated[bool, "every type demands impact and urgency, as newer tenants do"] = False
    unknown_values: Annotated[
        Literal["refuse", "ignore"], "what becomes of an unknown team, category, asset, impact, urgency or source"
    ] = "refuse"
    foreign_assets: Annotated[
        Literal["take", "refuse"], "what becomes of an asset of another client than the ticket's"
    ] = "take"
    types_limit_statuses: Annotated[bool, "a status that the ticket type does not allow is refused"] = True
    foreign_priority: Annotated[
        Literal["default", "refuse"], "what becomes of a priority of another SLA: the SLA's default, or a refusal"
    ] = "default"
    matrix_sets_priority: Annotated[bool, "impact and urgency set the priority when none is sent"] = False
    sla_comes_from: Annotated[
        Literal["type", "site", "category"], "whose SLA wins when none is sent, where more than one has one"
    ] = "type"
    runs_ticket_rules: Annotated[
        bool, "Halo's own ticket rules run when neither dont_do_rules nor apply_rules is sent"
    ] = True
    honours_validate_only: Annotated[bool, "_validate_only checks and creates nothing"] = False
    null_summary_is_database_error: Annotated[
        bool, "with _novalidate a missing summary is a database error, not an empty summary"
    ] = False
    most_html: Annotated[Count, "characters of details_html beyond which the gateway times out, 0: any number"] = (
        1_000_000
    )
    warning: Annotated[str, "text that a created ticket carries as _warning"] = ""

    # POST /Actions
    catch_all_must_be_moved: Annotated[bool, "tickets of the catch-all client take no action until they are moved"] = (
        False
    )


def read_switches(settings: Sequence[str]) -> Behaviour:
    """Return the behaviour that texts such as `rate_limit=0` and `retry_after=date` ask for."""
    known = [each.name for each in fields(Behaviour)]
    values: dict[str, str] = {}
    for setting in settings:
        name, equals, value = (part.strip() for part in setting.partition("="))
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"; did you mean `{near[0]}`?" if near else "; --list-switches shows all"
            raise SwitchError(f"there is no switch `{name}`{meant}")
        if not equals:
            raise SwitchError(f"the switch `{name}` needs a value: write {name}=...")
        values[name] = value
    try:
        return TypeAdapter(Behaviour).validate_python(values)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False)[0]
        name = str(problem["loc"][0])
        raise SwitchError(f"the switch `{name}` does not take `{values[name]}`: {problem['msg']}") from None


def switches() -> Iterator[tuple[str, str, str]]:
    """Yield name, default and meaning of each switch."""
    hints = get_type_hints(Behaviour, include_extras=True)
    for each in fields(Behaviour):
        kind, *_, meaning = get_args(hints[each.name])
        choices = f" ({', '.join(get_args(kind))})" if get_args(kind) else ""
        yield each.name, _shown(each.default), f"{meaning}{choices}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "(empty)"
