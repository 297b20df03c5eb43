"""Writing clients, sites, users and assets: created without `id`, merged with it, and deleted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from service.emulator.records import Asset, Client, Identified, Site, Tenant, User, with_id
from service.emulator.refusals import invalid, not_found
from service.emulator.rows import Row, asset_row, client_row, site_row, user_row
from service.emulator.wire import Shape

Fields = dict[str, Any]

_CLIENT: Shape = {"id": "int", "name": "text", "inactive": "bool"}
# These ids are doubles in Halo's descriptions, so that 83.0 is taken.
_SITE: Shape = {"id": "int", "name": "text", "client_id": "float"}
_USER: Shape = {"id": "int", "name": "text", "emailaddress": "text", "site_id": "float", "inactive": "bool"}
_ASSET: Shape = {
    "id": "int",
    "inventory_number": "text",
    "key_field": "text",
    "assettype_id": "int",
    "client_id": "int",
    "site_id": "int",
    "inactive": "bool",
}


def _save_client(tenant: Tenant, sent: Fields) -> Row:
    """Create or update a client; a new one gets a site and a general user, so that tickets can be filed for it."""
    given = _given(sent, "name", "inactive")
    if sent.get("id"):
        client = replace(_find(tenant.clients, sent["id"]), **given)
    else:
        client = Client(_next_id(tenant.clients), **_with(given, "name", "Name"))
        site = Site(_next_id(tenant.sites), "Main", client.id)
        tenant.sites += (site,)
        tenant.users += (User(_next_id(tenant.users), "General User", "", client.id, site.id, general=True),)
    tenant.clients = _put(tenant.clients, client)
    return client_row(client, tenant)


def _save_site(tenant: Tenant, sent: Fields) -> Row:
    """Create or update a site."""
    given = _given(sent, "name", "client_id")
    if "client_id" in given:
        given["client_id"] = _known(tenant.clients, given["client_id"], "Customer").id
    if sent.get("id"):
        site = replace(_find(tenant.sites, sent["id"]), **given)
    else:
        site = Site(_next_id(tenant.sites), **_with(_with(given, "name", "Name"), "client_id", "Customer"))
    tenant.sites = _put(tenant.sites, site)
    return site_row(site, tenant)


def _save_user(tenant: Tenant, sent: Fields) -> Row:
    """Create or update a user; the client is the site's."""
    given = _given(sent, "name", "inactive")
    if sent.get("emailaddress") is not None:
        given["email"] = sent["emailaddress"]
    if sent.get("site_id") is not None:
        site = _known(tenant.sites, sent["site_id"], "Site")
        given |= {"site_id": site.id, "client_id": site.client_id}
    if sent.get("id"):
        user = replace(_find(tenant.users, sent["id"]), **given)
    else:
        complete = _with(_with({"email": ""} | given, "name", "Username"), "site_id", "Site")
        user = User(_next_id(tenant.users), **complete)
    tenant.users = _put(tenant.users, user)
    return user_row(user, tenant)


def _save_asset(tenant: Tenant, sent: Fields) -> Row:
    """Create or update an asset; the client is the site's."""
    given = _given(sent, "inventory_number", "key_field", "inactive")
    if sent.get("assettype_id") is not None:
        like = next((asset for asset in tenant.assets if asset.type_id == sent["assettype_id"]), None)
        if like is None:
            raise invalid("The Asset Type selected is not valid")
        given |= {"type_id": like.type_id, "type_name": like.type_name}
    if sent.get("site_id"):
        site = _known(tenant.sites, sent["site_id"], "Site")
        given |= {"site_id": site.id, "client_id": site.client_id}
    if sent.get("id"):
        asset = replace(_find(tenant.assets, sent["id"]), **given)
    else:
        nameless: Fields = {"inventory_number": "", "key_field": ""}
        complete = _with(_with(nameless | given, "type_id", "Asset Type"), "site_id", "Site")
        asset = Asset(_next_id(tenant.assets), **complete)
    tenant.assets = _put(tenant.assets, asset)
    return asset_row(asset, tenant)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of records that can be written: its path, what is read of a body, and what is done with it."""

    path: str
    scope: str
    shape: Shape
    records: str  # the tenant's name for them
    save: Callable[[Tenant, Fields], Row]
    row: Callable[[Any, Tenant], Row]

    def delete(self, tenant: Tenant, number: int) -> Row:
        """Take one record out of the tenant, and return it."""
        records = getattr(tenant, self.records)
        gone = _find(records, number)
        setattr(tenant, self.records, tuple(record for record in records if record is not gone))
        return self.row(gone, tenant)


KINDS = (
    Kind("client", "edit:customers", _CLIENT, "clients", _save_client, client_row),
    Kind("site", "edit:customers", _SITE, "sites", _save_site, site_row),
    Kind("users", "edit:customers", _USER, "users", _save_user, user_row),
    Kind("asset", "edit:assets", _ASSET, "assets", _save_asset, asset_row),
)


def _given(sent: Fields, *names: str) -> Fields:
    return {name: sent[name] for name in names if sent.get(name) is not None}


def _with(given: Fields, name: str, label: str) -> Fields:
    """Return the fields of a new record, or refuse when one is missing that it must have."""
    if not given.get(name):
        raise invalid(f"{label} must be entered")
    return given


def _find(records: tuple[Identified, ...], number: int) -> Identified:
    record = with_id(records, number)
    if record is None:
        raise not_found()
    return record


def _known(records: tuple[Identified, ...], number: float, label: str) -> Identified:
    record = with_id(records, int(number))
    if record is None:
        raise invalid(f"The {label} selected is not valid")
    return record


def _next_id(records: tuple[Identified, ...]) -> int:
    return max(record.id for record in records) + 1


def _put(records: tuple[Identified, ...], record: Identified) -> tuple[Identified, ...]:
    """Return the records with this one in place of its former self, or last."""
    if with_id(records, record.id) is None:
        return (*records, record)
    return tuple(record if each.id == record.id else each for each in records)
