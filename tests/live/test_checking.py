"""What Halo says of the names in rules: each kind of finding with its place, and the edits that put it right."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.checking import declared_schema
from dispatcher.halo.snapshot import Snapshot
from dispatcher.lang.diagnostics import Diagnostic
from dispatcher.lang.source import Source
from dispatcher.live import Lock, NamesReport, check_names
from dispatcher.live.checking import Defaults
from dispatcher.live.codes import CODES
from dispatcher.live.lock import Locked
from tests.live.conftest import changed, snapshot_with

pytestmark = pytest.mark.anyio

LOCK = Lock(
    {
        "team": {"Network": Locked("Network", {None: 2}), "network": Locked("Network", {None: 2})},
        "agent": {
            "tom@msp.test": Locked("Tom Becker", {None: 32}),
            "Tom Becker": Locked("Tom Becker", {None: 32}),
        },
        "priority": {"High": Locked("High", {1: 2, 2: 1}), "Critical": Locked("Critical", {1: 1})},
        "category_1": {"Hardware > Printer": Locked("Hardware>Printer", {None: 101})},
    }
)


async def report(rules: str, snapshot: Snapshot, lock: Lock | None = None, **defaults: Any) -> NamesReport:
    """Return what a snapshot says of one file."""
    return await check_names(
        [Source(rules, "a.rules")], declared_schema(()), Defaults(defaults), snapshot.lookups(), lock
    )


def told(found: NamesReport) -> list[tuple[str, str, str | None]]:
    """Return code, message and help of each finding."""
    return [(each.code, each.message, each.help) for each in found.diagnostics]


def edited(rules: str, problems: tuple[Diagnostic, ...]) -> str:
    """Return rules, each on one line, with all edits made."""
    lines = rules.split("\n")
    edits = {edit for problem in problems for edit in problem.edits}
    for edit in sorted(edits, key=lambda edit: (edit.line, edit.column), reverse=True):
        line = lines[edit.line - 1]
        lines[edit.line - 1] = line[: edit.column - 1] + edit.text + line[edit.end_column - 1 :]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("team = '1st line'", []),
        ("team = 2", []),
        ("team = '2'", []),
        ("agent = 'PRIYA@msp.test'", []),
        ("agent = 'unassigned'", []),
        ("agent = 'Niemand'", []),
        ("category_1 = 'hardware > printer'", []),
        ("team = ''", []),
        ("team = None", []),
        ("ticketType = 'Incident'\npriority = 'critical'", []),
        ("priority = 'Critical'", []),
        ("if team == 'Nobody':\n    team = 'Network'", []),
        ("team = 'Netwrok'", [("unknown-in-halo", "`Netwrok` is no team in Halo", "did you mean `Network`?")]),
        ("state = 'Old'", [("unknown-in-halo", "`Old` is no status in Halo", "it has 1 New, 2 In Progress")]),
        ("team = 77", [("unknown-in-halo", "`77` is no team in Halo", "it has 1 1st Line, 2 Network, 4 Twin, 5 twin")]),
        ("team = 'Night shift'",
         [("inactive-in-halo", "`Night Shift` is inactive in Halo and cannot be used as team", "name another team")]),
        ("team = 'TWIN'",
         [("ambiguous-in-halo", "`TWIN` names more than one team in Halo: 4 Twin, 5 twin",
           "write the id in place of the name")]),
        ("priority = 'High'",
         [("ambiguous-in-halo",
           "`High` is number 2 or 1, by the SLA (no ticket type is set, so the SLA is not known)",
           "set `ticketType` as well: in the rules, or for all tickets under [defaults] in dispatcher.toml")]),
        ("category_2 = 'Hardware>Printer'",
         [("unknown-in-halo", "`Hardware>Printer` is no category_2 in Halo", "it has 201 Remote")]),
        ("ticketType = 'Incident'\npriority = 'Planned'",
         [("unknown-in-halo", "`Planned` is no priority of ticket type `Incident` in Halo",
           "it has 1 Critical, 2 High")]),
        ("ticketType = 'Incident' if msg else 'Service Request'\npriority = 'Planned'",
         [("priority-of-other-type",
           "`Planned` is no priority of ticket type `Incident`; if these rules set it there, too, it falls back",
           "`Planned` is no priority of ticket type `Incident` in Halo; it has 1 Critical, 2 High")]),
        ("if msg:\n    ticketType = 'Incident'\n    priority = 'High'", []),
        ("if msg:\n    priority = 'High'\n    ticketType = 'Incident'", []),
        ("if msg:\n    ticketType, priority = 'Incident', 'Critical'\n"
         "else:\n    ticketType = 'Service Request'\n    priority = 'Planned'", []),
        ("ticketType = 'Incident'\npriority = 'Critical'\n"
         "if msg:\n    ticketType = 'Service Request'\n    priority = 'Planned'", []),
        ("priority = 'High'\nif msg:\n    ticketType = 'Incident'",
         [("priority-of-other-type",
           "`High` is no priority of tickets without a type; if these rules set it there, too, it falls back",
           "set `ticketType` as well: in the rules, or for all tickets under [defaults] in dispatcher.toml")]),
        ("ticketType = msg\npriority = 'High'",
         [("untold-in-halo",
           "what `ticketType` gets here cannot be told before the rule runs: it is what the ticket has in `msg`",
           None)]),
        ("ticketType = 'Incidnet'\npriority = 'High'",
         [("unknown-in-halo", "`Incidnet` is no ticket type in Halo", "did you mean `Incident`?")]),
        ("ticketType = 'Incidnet'\npriority = 'Hihg'",
         [("unknown-in-halo", "`Incidnet` is no ticket type in Halo", "did you mean `Incident`?"),
          ("unknown-in-halo", "`Hihg` is no priority of any ticket type in Halo", "did you mean `High`?")]),
        ("team = f'Desk {name}'",
         [("untold-in-halo",
           "what `team` gets here cannot be told before the rule runs: it is put together when the rule runs", None)]),
    ],
)  # fmt: skip
async def test_findings(rules: str, expected: list[tuple[str, str, str | None]], snapshot: Snapshot) -> None:
    """Names are judged as filing takes them: any case, numbers, addresses, the SLA of the types that may be set."""
    assert told(await report(rules, snapshot)) == expected


async def test_places_and_severities(snapshot: Snapshot) -> None:
    """A finding has the place of the text, wherever that stands, and the severity of its code."""
    rules = "DESKS = {'a': 'Nowhere', 'b': 'Network'}\nteam = DESKS.get(name, 'Netwok')\nstate = msg\n"
    found = await report(rules, snapshot)

    assert [(each.severity, each.code, each.line, each.column, each.end_column) for each in found.diagnostics] == [
        ("error", "unknown-in-halo", 1, 15, 24),
        ("error", "unknown-in-halo", 2, 24, 32),
        ("info", "untold-in-halo", 3, 9, 12),
    ]
    assert found.failed()
    assert edited(rules, found.diagnostics).split("\n")[1] == "team = DESKS.get(name, 'Network')"
    assert {each.code for each in found.diagnostics} <= set(CODES)


async def test_a_file_of_several(snapshot: Snapshot) -> None:
    """What other files and defaults may set, such as a ticket type, is not taken to be unset."""
    sources = [Source("priority = 'High'\nif msg:\n    priority = 'Hihg'\n", "a.rules")]
    found = await check_names(sources, declared_schema(()), Defaults({}), snapshot.lookups(), alone=False)

    assert told(found) == [
        ("unknown-in-halo", "`Hihg` is no priority of any ticket type in Halo", "did you mean `High`?")
    ]


async def test_defaults_are_looked_up(snapshot: Snapshot) -> None:
    """A default that Halo does not know stands at its line in the settings, or in one that is made for it."""
    toml = Source('port = 1\n[defaults]\nteam = "Netwok"  # the desk\n', "dispatcher.toml")
    rules = [Source("if msg:\n    team = 'Network'\n", "a.rules")]
    for source, place in ((toml, ("dispatcher.toml", 3, 8, 16)), (None, ("[defaults]", 1, 8, 16))):
        defaults = Defaults({"team": "Netwok"}, source)
        found = await check_names(rules, declared_schema(()), defaults, snapshot.lookups())

        assert [(each.filename, each.line, each.column, each.end_column) for each in found.diagnostics] == [place]


async def test_what_names_mean_is_told(snapshot: Snapshot) -> None:
    """For the lock file there is the record of each name; numbers are no names."""
    rules = "team = 'network'\nagent = 31\nticketType = 1 if msg else 3\npriority = 'High'\nif team == 'Twn':\n    state = 9\n"
    found = await report(rules, snapshot)

    assert found.meanings == {
        "team": {"network": Locked("Network", {None: 2})},
        "priority": {"High": Locked("High", {1: 2, 2: 1})},
    }
    assert [code for code, _, _ in told(found)] == ["unknown-in-halo"]


@pytest.mark.parametrize(
    ("rules", "lists", "expected", "after"),
    [
        ("team = 'Network'", {"teams": changed("teams", 2, name="Infra")},
         ("renamed-in-halo", "the team `Network` (id 2) is called `Infra` in Halo now", "write `Infra`"),
         "team = 'Infra'"),
        ("if team.lower() == 'network': state = 1", {"teams": changed("teams", 2, name="Infra")},
         ("renamed-in-halo", "the team `network` (id 2) is called `Infra` in Halo now", "write `infra`"),
         "if team.lower() == 'infra': state = 1"),
        ('agent = "tom@msp.test"', {"agents": changed("agents", 32, email="tb@msp.test")},
         ("renamed-in-halo", "the agent `tom@msp.test` (id 32) is called `tb@msp.test` in Halo now",
          "write `tb@msp.test`"),
         'agent = "tb@msp.test"'),
        ("agent = 'Tom Becker'", {"agents": changed("agents", 32, name="Tom O'Neil")},
         ("renamed-in-halo", "the agent `Tom Becker` (id 32) is called `Tom O'Neil` in Halo now", "write `Tom O'Neil`"),
         "agent = 'Tom O\\'Neil'"),
        ("category_1 = 'Hardware > Printer'", {"categories": changed("categories", 101, name="Devices>Printer")},
         ("renamed-in-halo", "the category `Hardware > Printer` (id 101) is called `Devices>Printer` in Halo now",
          "write `Devices>Printer`"),
         "category_1 = 'Devices>Printer'"),
        ("ticketType = 1; priority = 'Critical'", {"priorities": changed("priorities", 1, name="P1")},
         ("renamed-in-halo", "the priority `Critical` (number 1 of SLA 1) is called `P1` in Halo now", "write `P1`"),
         "ticketType = 1; priority = 'P1'"),
        ("team = 'Network'", {"teams": changed("teams", 2)},
         ("deleted-in-halo", "the team `Network` was deleted in Halo: id 2 is gone", "name another team"),
         "team = 'Network'"),
        ("team = 'Network'", {"teams": changed("teams", 2, name="Infra", active=False)},
         ("renamed-in-halo", "the team `Network` (id 2) is called `Infra` in Halo now, and is inactive",
          "name another team"),
         "team = 'Network'"),
        ("team = 'Network'", {"teams": changed("teams", 2, name="TWIN")},
         ("renamed-in-halo", "the team `Network` (id 2) is called `TWIN` in Halo now",
          "write the name of the team that is meant"),
         "team = 'Network'"),
        ("desk = 'Network'; team = desk; subject = desk", {"teams": changed("teams", 2, name="Infra")},
         ("renamed-in-halo", "the team `Network` (id 2) is called `Infra` in Halo now",
          "write `Infra`, by hand: the text here serves another purpose, too"),
         "desk = 'Network'; team = desk; subject = desk"),
        ("team = 'Net' 'work'", {"teams": changed("teams", 2, name="Infra")},
         ("renamed-in-halo", "the team `Network` (id 2) is called `Infra` in Halo now", "write `Infra`"),
         "team = 'Infra'"),
        ("team = 'Net' + 'work'", {"teams": changed("teams", 2, name="Infra")},
         ("renamed-in-halo", "the team `Network` (id 2) is called `Infra` in Halo now",
          "write `Infra`, by hand: here it is put together"),
         "team = 'Net' + 'work'"),
        ("ticketType = 1 if msg else 3; priority = 'High'",
         {"priorities": [{"id": 2, "name": "Major", "sla_id": 1}, {"id": 1, "name": "High", "sla_id": 2}]},
         ("renamed-in-halo", "the priority `High` (number 2 of SLA 1) is called `Major` in Halo now",
          "set another priority for ticket type `Incident`"),
         "ticketType = 1 if msg else 3; priority = 'High'"),
        ("team = 'Network'",
         {"teams": [*changed("teams", 2, name="Infra"), {"id": 8, "name": "Network"}]},
         ("replaced-in-halo", "`Network` means another team than before: id 8, not id 2, which is `Infra` now",
          "if that is meant, run `dispatcher check --live --update-lock`"),
         "team = 'Network'"),
    ],
)  # fmt: skip
async def test_what_became_of_names(
    rules: str, lists: dict[str, Any], expected: tuple[str, str, str], after: str
) -> None:
    """By its id a record is known under its new name; where that is sure, and the text is a name, there is an edit."""
    found = await report(rules, snapshot_with(**lists), LOCK)

    assert told(found) == [expected]
    assert edited(rules, found.diagnostics) == after


async def test_all_places_of_a_renamed_name() -> None:
    """A rename is told, and edited, wherever the name is set or compared with, but not in texts of another kind."""
    rules = (
        "if 'Network' in msg: team = 'Network'\n"
        "if team in ('Network', 'Other'): agent = {'Network': 31}[team]\n"
        "subject = 'Network' if team == 'Network' else subject"
    )
    found = await report(rules, snapshot_with(teams=changed("teams", 2, name="Infra")), LOCK)

    assert edited(rules, found.diagnostics) == (
        "if 'Network' in msg: team = 'Infra'\n"
        "if team in ('Infra', 'Other'): agent = {'Infra': 31}[team]\n"
        "subject = 'Network' if team == 'Infra' else subject"
    )


async def test_a_renamed_name_on_the_way() -> None:
    """A name that is read and then gives way to another is edited too, or what reads it would work no more."""
    rules = "team = 'Network'\nif team == 'Network': agent = 31\nteam = 2"
    found = await report(rules, snapshot_with(teams=changed("teams", 2, name="Infra")), LOCK)

    assert edited(rules, found.diagnostics) == "team = 'Infra'\nif team == 'Infra': agent = 31\nteam = 2"


def test_each_code_says_what_it_means() -> None:
    """The table has a sentence for each code."""
    assert all(code.meaning.endswith(".") for code in CODES.values())
