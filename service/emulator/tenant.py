"""The seeded tenant `demo`: the same help desk at every start, with the traps that real ones have.

Among them: a host name twice within one client, one that several clients use, users whose names or
addresses contain each other's, a user without an address, numbers that mean another priority under
another SLA, an inactive user, agent, team, asset and ticket type, a type without an SLA, a site and a
category with SLAs of their own, and a ticket rule of Halo's that moves tickets after they were filed.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from service.emulator.records import (
    EVENTS,
    IMPACT,
    REQUEST_TYPES,
    SOURCE,
    URGENCY,
    Agent,
    Application,
    Asset,
    Category,
    Client,
    CustomField,
    LookupValue,
    Outcome,
    Priority,
    Site,
    Sla,
    Status,
    Team,
    Tenant,
    TicketRule,
    TicketType,
    User,
)

CLIENT_ID = "b1946ac9-2492-4d23-8a3f-7d0c5e1f9a10"
CLIENT_SECRET = "emulator-secret"  # noqa: S105 - well known on purpose: it opens nothing but the emulator
CATCH_ALL_EMAIL = "unregistered@helpdeskbuttons.com"
_CATCH_ALL_CLIENT = 1
_LOGIN_AGENT = 20

SCOPES = frozenset(
    {"all", "all:standard", "admin", "offline_access", "delete:tickets"}
    | {
        f"{access}:{area}"
        for access in ("read", "edit")
        for area in (
            "tickets",
            "customers",
            "assets",
            "crm",
            "contracts",
            "items",
            "invoices",
            "software",
            "reporting",
        )
    }
)


@dataclass(frozen=True, slots=True)
class _Customer:
    """One client as written down here: people are `First Last`, hosts stand at the sites in turn."""

    name: str
    domain: str
    sites: tuple[str, ...]
    people: tuple[str, ...]
    hosts: tuple[str, ...]


_CUSTOMERS = (
    _Customer(
        "Contoso Ltd.",
        "contoso.com",
        ("Head Office", "Paris Plant", "Radiology"),
        (
            "Dan Jump",
            "Karen",
            "Karen Berg",
            "Jordan Jump",
            "Amy Alberts",
            "Diane Prescott",
            "Jean-Luc Martin",
        ),
        (
            "CONTOSO-LT-001",
            "CONTOSO-LT-002",
            "CONTOSO-WS-014",
            "CONTOSO-WS-014",
            "CONTOSO-DC01",
            "RECEPTION-PC",
        ),
    ),
    _Customer(
        "Fabrikam, Inc.",
        "fabrikam.com",
        ("Main", "Warehouse"),
        ("Katie Jordan", "Miles O'Brien", "Alicia Thornber", "Terry Adams", "Sven Buck"),
        ("FAB-LT-11", "FAB-LT-12", "FAB-PRINT-01", "FAB-SQL-01", "RECEPTION-PC"),
    ),
    _Customer(
        "Northwind Traders",
        "northwindtraders.com",
        ("Seattle", "Harbour"),
        ("Nancy Davolio", "Andrew Fuller", "Janet Leverling", "Steven Buchanan", "Laura Callahan"),
        ("NWT-01", "NWT-02", "NWT-03", "NWT-FS01", "RECEPTION-PC"),
    ),
    _Customer(
        "Adventure Works",
        "adventure-works.com",
        ("Bothell",),
        ("Ken Sánchez", "Terri Duffy", "Rob Walters", "Gail Erickson", "Jossef Goldberg"),
        ("AW-LAP-101", "AW-LAP-102", "AW-LAP-103", "AW-CNC-1"),
    ),
    _Customer(
        "Tailspin Toys",
        "tailspintoys.com",
        ("Office", "Shop"),
        ("Toni Poe", "Eva Corets", "Josh Pollock", "Linda Mitchell"),
        ("TST-POS-1", "TST-POS-2", "TST-LT-7"),
    ),
    _Customer(
        "Wingtip Toys",
        "wingtiptoys.com",
        ("Office",),
        ("Cesar Garcia", "Robert Zare", "Yan Li"),
        ("WINGTIP-1", "WINGTIP-2", "WINGTIP-3"),
    ),
    _Customer(
        "Litware, Inc.",
        "litwareinc.com",
        ("Campus", "Laboratory"),
        ("Chris Preston", "Sara Davis", "Patrick Cook", "Renee Lo", "Dan Jumper"),
        ("LIT-MBP-01", "LIT-MBP-02", "LIT-LAB-09", "LIT-LAB-10", "LIT-NAS"),
    ),
    _Customer(
        "Proseware, Inc.",
        "proseware.com",
        ("Head Office",),
        ("Belinda Newman", "Arno Bost", "Wendy Kahn", "Guy Gilbert"),
        ("PRO-PC-20", "PRO-PC-21", "PRO-PC-22"),
    ),
    _Customer(
        "Trey Research",
        "treyresearch.net",
        ("Institute", "Field Station"),
        ("Madeleine Kelly", "Pilar Ackerman", "Deepak Kumar", "Mu Zheng", "Søren Blach"),
        ("TREY-WS-1", "TREY-WS-2", "TREY-GPU-1", "TREY-GPU-2"),
    ),
    _Customer(
        "Woodgrove Bank",
        "woodgrovebank.com",
        ("Branch 1", "Branch 2", "Data Centre"),
        ("Holly Holt", "Jeff Price", "Kim Akers", "Ann Beebe", "Tony Smith", "Karen Toh"),
        ("WGB-TELLER-1", "WGB-TELLER-2", "WGB-TELLER-3", "WGB-ATM-04", "WGB-CORE-01"),
    ),
    _Customer(
        "Blue Yonder Airlines",
        "blueyonderairlines.com",
        ("Terminal", "Hangar"),
        ("Darren Parker", "Eduardo Melo", "Sanjay Patel", "Marie Reinhart"),
        ("BYA-GATE-12", "BYA-GATE-13", "BYA-OPS-1"),
    ),
    _Customer(
        "Graphic Design Institute",
        "graphicdesigninstitute.com",
        ("Studio",),
        ("Lori Penor", "Erik Andersen", "Tony Smith"),
        ("GDI-IMAC-1", "GDI-IMAC-2", "RECEPTION-PC"),
    ),
)

_ASSET_TYPES = {"Workstation": 1, "Laptop": 2, "Server": 3, "Printer": 4, "ATM": 5, "Till": 6}
_STANDARD, _REQUESTS = 1, 2
_SLAS = (Sla(_STANDARD, "Standard Support", 3), Sla(_REQUESTS, "Service Requests", 2))
_PRIORITIES = (
    (_STANDARD, 1, "Critical", 0.25, 4, "#c92a2a"),
    (_STANDARD, 2, "High", 1, 8, "#e8590c"),
    (_STANDARD, 3, "Medium", 4, 24, "#f2b705"),
    (_STANDARD, 4, "Low", 8, 40, "#2f9e44"),
    (_STANDARD, 5, "Very Low", 16, 80, "#868e96"),
    (_REQUESTS, 1, "High", 4, 16, "#e8590c"),
    (_REQUESTS, 2, "Medium", 8, 40, "#f2b705"),
    (_REQUESTS, 3, "Low", 16, 80, "#2f9e44"),
    (_REQUESTS, 4, "Planned", 40, 400, "#1c7ed6"),
)

_CATEGORIES = (
    (
        1,
        (
            "Hardware",
            "Hardware>Desktop",
            "Hardware>Laptop",
            "Hardware>Printer",
            "Hardware>Printer>Paper Jam",
            "Hardware>Printer>Toner",
            "Hardware>Server",
            "Software",
            "Software>Business Application",
            "Software>Email",
            "Software>Office",
            "Network",
            "Network>Internet",
            "Network>VPN",
            "Network>Wi-Fi",
            "Security",
            "Security>Malware",
            "Security>Phishing",
            "Access",
            "Access>New Starter",
            "Access>Password Reset",
        ),
    ),
    (2, ("Remote", "On Site", "Workshop")),
    (3, ("User Error", "Wear and Tear", "Change", "Third Party")),
    (4, ("Contract", "Chargeable", "Warranty")),
)

_CUSTOM_FIELDS = (
    CustomField(201, "CFreportLink", "Report link", "text"),
    CustomField(202, "CFproblemType", "Problem type", "text"),
    CustomField(
        203,
        "CFbusinessImpact",
        "Business impact",
        "single",
        ((1, "Nobody can work"), (2, "Some cannot work"), (3, "Inconvenience")),
    ),
    CustomField(
        204,
        "CFaffectedServices",
        "Affected services",
        "multiple",
        ((1, "Email"), (2, "Files"), (3, "Telephony"), (4, "Internet")),
    ),
    CustomField(205, "CFpurchaseOrder", "Purchase order", "text"),
    CustomField(206, "CFneededBy", "Needed by", "date"),
    CustomField(207, "CFmanagerApproved", "Manager approved", "checkbox"),
    CustomField(208, "CFalertSource", "Alert source", "text"),
)

_TICKET_TYPES = (
    TicketType(1, "Incident", _STANDARD, "1st Line Support", 1, custom_fields=(201, 202, 203, 204)),
    TicketType(3, "Service Request", _REQUESTS, "1st Line Support", 1, custom_fields=(201, 205, 206, 207)),
    TicketType(
        4,
        "Problem",
        _STANDARD,
        "2nd Line",
        1,
        custom_fields=(202, 203, 204),
        mandatory=("category_1", "impact", "urgency"),
    ),
    TicketType(
        21,
        "Alert",
        _STANDARD,
        "Infrastructure",
        1,
        custom_fields=(208,),
        allowed_statuses=(1, 2, 9),
        allowed_outcomes=(7, 9),
    ),
    TicketType(29, "Task", None, "Projects", 1),
    TicketType(40, "Change Request (until 2024)", _STANDARD, "Projects", 1, visible=False),
)


def demo_tenant() -> Tenant:
    """Return the seeded tenant, equal at every call."""
    clients, sites, users, assets = _customers()
    return Tenant(
        name="demo",
        applications=(Application(CLIENT_ID, CLIENT_SECRET, _LOGIN_AGENT, SCOPES),),
        clients=clients,
        sites=sites,
        users=users,
        assets=assets,
        statuses=(
            Status(1, "New"),
            Status(2, "In Progress"),
            Status(21, "With User"),
            Status(22, "With Supplier"),
            Status(28, "On Hold"),
            Status(8, "Resolved", closed=True),
            Status(9, "Closed", closed=True),
        ),
        slas=_SLAS,
        priorities=tuple(
            Priority(
                str(uuid5(NAMESPACE_URL, f"halo-emulator/{sla}/{number}")),
                sla,
                number,
                name,
                response_hours,
                fix_hours,
                colour,
            )
            for sla, number, name, response_hours, fix_hours, colour in _PRIORITIES
        ),
        teams=(
            Team(1, "1st Line Support"),
            Team(2, "2nd Line"),
            Team(3, "Projects"),
            Team(4, "Security"),
            Team(5, "Infrastructure"),
            Team(6, "Account Management"),
            Team(7, "Night Shift", inactive=True),
        ),
        agents=(
            Agent(1, "Unassigned", "", "1st Line Support"),
            Agent(_LOGIN_AGENT, "Dispatcher API", "api@msp.example", "1st Line Support", api_only=True),
            Agent(31, "Priya Nair", "priya.nair@msp.example", "1st Line Support"),
            Agent(32, "Tom Becker", "tom.becker@msp.example", "1st Line Support"),
            Agent(33, "Aisha Khan", "aisha.khan@msp.example", "2nd Line"),
            Agent(34, "Marco Rossi", "marco.rossi@msp.example", "Projects"),
            Agent(35, "Lena Vogel", "lena.vogel@msp.example", "Security"),
            Agent(36, "Femi Adeyemi", "femi.adeyemi@msp.example", "Infrastructure"),
            Agent(37, "Greg Olsen", "greg.olsen@msp.example", "2nd Line", disabled=True),
        ),
        categories=tuple(
            Category(level * 100 + index, level, path, _REQUESTS if path == "Access>New Starter" else None)
            for level, paths in _CATEGORIES
            for index, path in enumerate(paths, start=1)
        ),
        outcomes=(
            Outcome(1, "Logged", "Log", hidden=True),
            Outcome(3, "Email User", "Email User"),
            Outcome(7, "Internal Note", "Add Note", private=True),
            Outcome(9, "Resolve", "Resolve"),
            Outcome(12, "Re-Assign", "Re-Assign", private=True),
            Outcome(16, "Phone Call", "Phone Call"),
        ),
        lookups=tuple(
            LookupValue(lookup, number, text)
            for lookup, values in (
                (IMPACT, ((1, "Company Wide"), (2, "Multiple Users Affected"), (3, "Single User Affected"))),
                (URGENCY, ((1, "High"), (2, "Medium"), (3, "Low"))),
                (
                    SOURCE,
                    ((0, "Manual"), (1, "Email"), (2, "Phone"), (3, "Self Service"), (24, "Helpdesk Button")),
                ),
                (REQUEST_TYPES, tuple((each.id, each.name) for each in _TICKET_TYPES)),
                (
                    EVENTS,
                    (
                        (3, "New Ticket Logged"),
                        (19, "Ticket Updated by User"),
                        (39, "Closed"),
                        (76, "Status Changed"),
                        (1072, "Deleted"),
                    ),
                ),
            )
            for number, text in values
        ),
        custom_fields=_CUSTOM_FIELDS,
        ticket_types=_TICKET_TYPES,
        ticket_rules=(TicketRule("invoice", "Account Management"),),
        default_type_id=1,
        default_sla_id=_STANDARD,
        catch_all_client_id=_CATCH_ALL_CLIENT,
    )


def _customers() -> tuple[tuple[Client, ...], tuple[Site, ...], tuple[User, ...], tuple[Asset, ...]]:
    """Return clients, sites, users and assets; each kind of id has a range of its own, so mix-ups show."""
    clients = [Client(_CATCH_ALL_CLIENT, "Unregistered Users")]
    sites = [Site(1, "Unknown", _CATCH_ALL_CLIENT)]
    users = [
        User(1, "General User", "", _CATCH_ALL_CLIENT, 1, general=True),
        User(2, "Unregistered User", CATCH_ALL_EMAIL, _CATCH_ALL_CLIENT, 1),
    ]
    assets: list[Asset] = []
    for customer in _CUSTOMERS:
        client = Client(11 + len(clients), customer.name)
        clients.append(client)
        own = [
            Site(80 + len(sites) + n, name, client.id, _REQUESTS if name == "Data Centre" else None)
            for n, name in enumerate(customer.sites)
        ]
        sites += own
        users.append(User(200 + len(users), "General User", "", client.id, own[0].id, general=True))
        for n, name in enumerate(customer.people):
            users.append(User(200 + len(users), name, _email(name, customer.domain), client.id, own[n % len(own)].id))
        for n, host in enumerate(customer.hosts):
            assets.append(_asset(500 + len(assets), host, client.id, own[n % len(own)].id))
    clients.append(Client(90, "Coho Winery (left 2024)", inactive=True))
    contoso, fabrikam = clients[1].id, clients[2].id
    office = next(site.id for site in sites if site.client_id == contoso)
    main = next(site.id for site in sites if site.client_id == fabrikam)
    users += [
        User(401, "Oliver Lee", "oliver.lee@contoso.com", contoso, office, inactive=True),
        User(402, "Front Desk", "", fabrikam, main),
        User(403, "Help Mailbox", "IT.Help@Fabrikam.com", fabrikam, main),
    ]
    gone = "CONTOSO-LT-900"
    assets.append(Asset(701, gone, gone, _ASSET_TYPES["Laptop"], "Laptop", contoso, office, inactive=True))
    return tuple(clients), tuple(sites), tuple(users), tuple(assets)


def _email(name: str, domain: str) -> str:
    plain = name.lower().translate(str.maketrans("áø ", "ao.", "'-"))
    return f"{plain}@{domain}"


def _asset(number: int, host: str, client_id: int, site_id: int) -> Asset:
    words = host.split("-")
    kinds = {"LT": "Laptop", "LAP": "Laptop", "MBP": "Laptop", "PRINT": "Printer", "ATM": "ATM", "POS": "Till"}
    servers = {"DC01", "SQL", "FS01", "NAS", "CORE", "GPU"}
    kind = next((kinds[word] for word in words if word in kinds), "Workstation")
    if servers.intersection(words):
        # Servers carry an asset tag, as many MSPs do it: the host name is then in `key_field` only.
        return Asset(number, f"TAG-{number:05}", host, _ASSET_TYPES["Server"], "Server", client_id, site_id)
    return Asset(number, host, host, _ASSET_TYPES[kind], kind, client_id, site_id)
