"""What is not known for certain about a real Halo, or differs between versions: one switch each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How the emulator acts where sources are silent or disagree; defaults are the stricter reading."""

    # OAuth. Every source reports one hour; the status of a bad scope is the OAuth standard's.
    token_seconds: int = 3600
    invalid_scope_status: int = 400
    # Bodies of 401 and 403 are reported as often empty.
    unauthorised_body: str = ""
    forbidden_body: str = ""

    # Lists. Some clients ask for 999 rows a page, others saw 100 whatever they asked.
    page_size_cap: int = 100
    page_size_needs_pageinate: bool = True
    # Newer versions answer a paged /Agent with an envelope whose key is `results`, older ones with an array.
    paged_agents_in_envelope: bool = True
    # /SLA/{id} lists its priorities as objects or as bare ids, by version.
    sla_lists_priority_objects: bool = True
    # The `type_id` of category_1 .. category_4 in /Category.
    category_type_ids: tuple[int, int, int, int] = (1, 2, 3, 4)
    # The filter is in API descriptions from late 2025 on; before that it is ignored like any unknown one.
    filters_third_party_id_string: bool = True
    # The API description has a parameter for the HTML of notes; whether it is left out otherwise is unknown.
    note_html_only_when_asked: bool = True

    # POST /Tickets. Every production client sends an array; nobody shows that a bare object works.
    accepts_bare_object: bool = False
    # `team_id` exists in API descriptions from 2026 on, `team` (the name) in all.
    knows_team_id: bool = True
    # Stock trials fill in the requester; many tenants demand one ("Username must be entered").
    fills_requester: bool = True
    # A chosen user without `site_id`: "A Site must be selected". 0 counts as given.
    user_needs_site: bool = True
    # A priority of another SLA than the ticket's is replaced by the SLA's default, or refused.
    foreign_priority: Literal["default", "refuse"] = "default"
    # A team, category, asset, impact, urgency or source that the tenant does not have.
    unknown_values: Literal["refuse", "ignore"] = "refuse"
    # With both impact and urgency and no priority, the priority may come from Halo's matrix.
    matrix_sets_priority: bool = False

    # POST /Actions. A setting of Halo: tickets of the catch-all client take no action until they are moved.
    catch_all_must_be_moved: bool = False
