"""The seeded tenant: the same every time, sound in itself, and with the traps that it promises."""

from __future__ import annotations

from collections import Counter

import pytest

from dispatcher.halo.settings import EMULATOR_KEY, HaloSettings
from service.emulator.records import with_id, with_name
from service.emulator.tenant import CATCH_ALL_EMAIL, CLIENT_ID, CLIENT_SECRET, demo_tenant

TENANT = demo_tenant()


def test_the_tenant_is_the_same_every_time() -> None:
    """The seed holds no chance and no clock."""
    assert demo_tenant() == TENANT


def test_the_key_is_the_writers_default() -> None:
    """The client of dispatcher reaches the emulator without any settings."""
    assert f"{TENANT.name}+{CLIENT_ID}:{CLIENT_SECRET}" == EMULATOR_KEY
    assert HaloSettings().catch_all_user == CATCH_ALL_EMAIL


@pytest.mark.parametrize(
    "kind", ["clients", "sites", "users", "assets", "statuses", "slas", "teams", "agents", "outcomes", "ticket_types"]
)
def test_ids_are_unique(kind: str) -> None:
    """No two records of a kind have the same id, and all fit into 32 bits."""
    ids = [record.id for record in getattr(TENANT, kind)]
    assert len(set(ids)) == len(ids)
    assert all(0 < number < 2**31 for number in ids)


def test_what_belongs_together() -> None:
    """Every site, user, asset, priority, type and agent refers to records that are there."""
    places = {(site.client_id, site.id) for site in TENANT.sites}
    assert {client for client, _ in places} <= {client.id for client in TENANT.clients}
    assert {(user.client_id, user.site_id) for user in TENANT.users} <= places
    assert {(asset.client_id, asset.site_id) for asset in TENANT.assets} <= places
    for sla in TENANT.slas:
        assert TENANT.priority(sla.id, sla.default_priority) is not None
    for ticket_type in TENANT.ticket_types:
        assert ticket_type.sla_id is None or with_id(TENANT.slas, ticket_type.sla_id) is not None
        assert with_id(TENANT.statuses, ticket_type.status_id) is not None
        assert with_name(TENANT.teams, ticket_type.team) is not None
        assert set(ticket_type.custom_fields) <= {custom.id for custom in TENANT.custom_fields}
    assert {agent.team for agent in TENANT.agents} <= {team.name for team in TENANT.teams}


def test_every_active_client_has_a_general_user() -> None:
    """A ticket can be filed for any active client without naming a person."""
    for client in TENANT.clients:
        assert (TENANT.general_user(client.id) is None) == client.inactive


def test_the_promised_traps() -> None:
    """Host names repeat within and across clients, and names and addresses contain each other's."""
    here = Counter((asset.client_id, asset.key_field) for asset in TENANT.assets)
    everywhere = Counter(asset.key_field for asset in TENANT.assets)
    emails = [user.email for user in TENANT.users]
    assert [host for (_, host), count in here.items() if count > 1] == ["CONTOSO-WS-014"]
    assert everywhere["RECEPTION-PC"] == 4
    assert [email for email in emails if "dan.jump@contoso.com" in email] == [
        "dan.jump@contoso.com",
        "jordan.jump@contoso.com",
    ]
    assert CATCH_ALL_EMAIL in emails
    assert (len(TENANT.clients), len(TENANT.users), len(TENANT.assets)) == (14, 73, 50)
