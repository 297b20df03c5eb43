"""`dispatcher tickets`: the same as over REST, in words, beside a running service and without one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.cli import main
from service.database import Database
from service.store import Stage, State, Store
from tests.service.kept import found, keep, number, set_row

WHEN = 1_795_335_000_120


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a folder without settings, at a terminal of 100 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store of a service that runs in this folder, and whose clock stands still."""
    for module in ("store", "retention"):
        monkeypatch.setattr(f"service.{module}.milliseconds", lambda: WHEN)
    database = Database("sqlite:///data/dispatcher.db")
    database.open()
    yield Store(database)
    database.close()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return exit code, output and errors of a `tickets` command."""
    try:
        code = main(["tickets", *arguments])
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_list(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Tickets are a table that fits the terminal: of those that stopped it says why, of others what they are."""
    assert run(capsys, "list") == (0, "there are no tickets\n", "")
    keep(store, 1, State.FILED)
    dead = keep(store, 2, State.DEAD)
    set_row(store, dead, last_error="POST Tickets: Halo answered 400 Bad Request:\n  Type: choose one.")
    keep(store, 3, State.REFUSED)
    assert run(capsys, "list") == (
        0,
        "ID                          STATE      CAME IN (UTC)        HALO  SUBJECT, OR WHY NOT\n"
        f"{number(3)}  refused    2026-11-22 08:10           no sound\n"
        f"{number(2)}  dead       2026-11-22 08:10           POST Tickets: Halo answered 400 B…\n"
        f"{number(1)}  filed      2026-11-22 08:10       17  no sound\n",
        "",
    )
    assert max(map(len, run(capsys, "list")[1].splitlines())) <= 100


def test_pages_and_states(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """A list can be of some states and of so many; it says how to see older ones."""
    for place in range(3):
        keep(store, place, State.DEAD)
    keep(store, 3, State.REVIEW)
    code, out, _ = run(capsys, "list", "--state", "dead", "--limit", "2")
    assert (code, out.splitlines()[3:]) == (0, ["", f"older ones: add --before {number(1)}"])
    _, out, _ = run(capsys, "list", "--state", "dead", "--before", number(1), "--format", "json")
    page = json.loads(out)
    assert ([ticket["id"] for ticket in page["tickets"]], page["next"]) == ([number(0)], None)
    assert run(capsys, "list", "--state", "cancelled")[1] == "there are no such tickets\n"


def test_show(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """A ticket is shown with what the rules did, every attempt and answer, and what to do next."""
    dead = keep(store, 1, State.DEAD)
    answer = "POST Tickets: Halo answered 400 Bad Request: Ticket Type: choose a type. Correct what Halo names."
    attempt = store.start_attempt(dead, Stage.TICKET, "w1")
    store.attempt_failed(dead, attempt, answer, status=400, counts=True)
    store.start_attempt(dead, Stage.TICKET, "w1")
    set_row(store, dead, defaults='{"team": "A"}', remarks='["No asset is called LT-042."]')
    code, out, _ = run(capsys, "show", dead)
    assert code == 0
    assert out == (
        f"{dead}  dead\n"
        "  subject    no sound\n"
        "  came in    2026-11-22 08:10:00 UTC\n"
        "  changed    2026-11-22 08:10:00 UTC\n"
        "  in Halo    not known to be\n"
        "  error      POST Tickets: Halo answered 400 Bad Request: Ticket Type: choose a type. Correct what\n"
        "             Halo names.\n"
        "  rules      revision 8c1f8c1f8c1f\n"
        "  fired      a.rules:2 Sound first\n"
        "  fault      a.rules:5 ValueError: no int\n"
        "  default    team = 'A'\n"
        "  remark     No asset is called LT-042.\n"
        "\n"
        "ATTEMPT  STAGE   BEGUN (UTC)              TOOK  RESULT\n"
        "      1  ticket  2026-11-22 08:10:00     0.0 s  failed 400\n"
        "         Halo said 400.\n"
        "      2  ticket  2026-11-22 08:10:00     0.0 s  failed 400\n"
        "         POST Tickets: Halo answered 400 Bad Request: Ticket Type: choose a type. Correct what Halo\n"
        "         names.\n"
        "      3  ticket  2026-11-22 08:10:00            no end known\n"
        "\n"
        f"to file it after all: dispatcher tickets replay {dead}\n"
        f"to leave it: dispatcher tickets cancel {dead}\n"
    )
    assert max(map(len, out.splitlines())) <= 100


def test_show_what_to_look_for(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a ticket in review it is said how to tell what a person finds in Halo."""
    review = keep(store, 1, State.REVIEW)
    assert run(capsys, "show", review)[1].splitlines()[-3:] == [
        "",
        f"when Halo has it: dispatcher tickets resolve {review} --halo-ticket N",
        f"when it has not: dispatcher tickets resolve {review} --not-in-halo",
    ]
    set_row(store, review, halo_ticket_id=17)
    assert run(capsys, "show", review)[1].splitlines()[-2:] == [
        f"when its note is there: dispatcher tickets resolve {review} --halo-note N",
        f"when it is not: dispatcher tickets resolve {review} --not-in-halo",
    ]


def test_show_what_halo_did_not_take(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Values that Halo did not take, and where the ticket is, are shown."""
    filed = keep(store, 1, State.FILED)
    errors = [
        {"variable": "priority", "value": "Hihg", "reason": "no such priority", "replacement": "Medium"},
        {"variable": "team", "value": "X", "reason": "no such team", "replacement": None},
    ]
    set_row(store, filed, submission_errors=json.dumps(errors), decision=None)
    lines = run(capsys, "show", filed)[1].splitlines()
    assert lines[0] == f"{filed}  filed"
    assert lines[3:6] == [
        "  in Halo    ticket 17, note 3",
        "  not taken  priority 'Hihg': no such priority; 'Medium' instead",
        "  not taken  team 'X': no such team",
    ]
    data = json.loads(run(capsys, "show", filed, "--format", "json")[1])
    assert (data["halo_note_id"], [one["stage"] for one in data["attempt_log"]]) == (3, ["ticket", "note"])


def test_replay(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """A ticket, or all dead ones, are filed after all, with numbers and texts as defaults."""
    first, second, third = (keep(store, place, State.DEAD) for place in range(3))
    assert run(capsys, "replay", first, "--default", "priority=3", "--default", "team=1st = Line") == (
        0,
        f"the ticket {first} will be filed\n",
        "",
    )
    assert found(store, first).defaults == {"priority": 3, "team": "1st = Line"}
    assert run(capsys, "replay", "--all") == (0, "2 tickets will be filed\n", "")
    assert run(capsys, "replay", "--all") == (0, "there are no dead tickets\n", "")
    assert sorted(store.lease("w1", 3, 3, 30)) == [first, second, third]


def test_resolve(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """What a person saw in Halo is taken down, of tickets and of notes."""
    for place, (flags, said) in enumerate(
        [
            (("--halo-ticket", "17"), "goes on: its note is added"),
            (("--not-in-halo",), "goes on: it is created in Halo"),
        ]
    ):
        ticket_id = keep(store, place, State.REVIEW)
        assert run(capsys, "resolve", ticket_id, *flags) == (0, f"the ticket {ticket_id} {said}\n", "")
    for place, (flags, said) in enumerate(
        [(("--halo-note", "3"), "is filed"), (("--not-in-halo",), "goes on: its note is added")], 2
    ):
        ticket_id = keep(store, place)
        store.ticket_created(ticket_id, store.start_attempt(ticket_id, Stage.TICKET, "w1"), 17, [], [])
        assert store.claim(ticket_id, Stage.NOTE, None, WHEN)
        store.bury(ticket_id, "cannot tell", State.REVIEW)
        assert run(capsys, "resolve", ticket_id, *flags) == (0, f"the ticket {ticket_id} {said}\n", "")
    assert found(store, number(0)).halo_ticket_id == 17
    assert found(store, number(2)).state is State.FILED


def test_cancel_and_delete(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """A ticket is cancelled, then deleted, and is gone."""
    ticket_id = keep(store)
    assert run(capsys, "cancel", ticket_id) == (0, f"the ticket {ticket_id} is cancelled\n", "")
    assert run(capsys, "delete", ticket_id) == (0, f"the ticket {ticket_id} is deleted\n", "")
    assert run(capsys, "show", ticket_id) == (2, "", f"dispatcher: There is no ticket `{ticket_id}`.\n")


def test_without_a_service(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """The commands need no running service, and leave none locked out."""
    dead = keep(store, 1, State.DEAD)
    store.database.close()
    assert run(capsys, "replay", dead)[0] == 0
    store.database.open()
    assert found(store, dead).state is State.ACCEPTED


def test_on_postgresql(postgresql: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The commands work on PostgreSQL alike."""
    monkeypatch.setenv("DISPATCHER_DATABASE_URL", postgresql)
    assert run(capsys, "list") == (0, "there are no tickets\n", "")
    database = Database(postgresql.replace("postgresql:", "postgresql+psycopg:"))
    dead = keep(Store(database), 1, State.DEAD)
    assert run(capsys, "replay", dead)[1] == f"the ticket {dead} will be filed\n"
    database.close()


def test_no_database(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a folder without a database no empty one is made, and it is said what to do."""
    assert run(capsys, "list") == (
        2,
        "",
        "dispatcher: there is no database data/dispatcher.db; go to the folder of the service's settings, or name "
        "them with --config\n",
    )
    assert list(folder.iterdir()) == []


def test_database_that_is_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is no database is said to be none."""
    (folder / "data").mkdir()
    (folder / "data" / "dispatcher.db").write_bytes(b"no database" * 1000)
    code, out, err = run(capsys, "list")
    assert (code, out) == (2, "")
    assert err == "dispatcher: cannot open the database sqlite:///data/dispatcher.db: file is not a database\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "x"], "dispatcher: There is no ticket `x`.\n"),
        (
            ["replay", number(1), "--default", "prioriti=1"],
            "dispatcher: `prioriti` is no ticket variable that rules can write; did you mean `priority`?\n",
        ),
        (
            ["replay", number(1), "--default", "priority"],
            "dispatcher tickets replay: error: argument --default: 'priority' is no default; write it as priority=High\n",
        ),
        (["replay"], "dispatcher tickets replay: error: one of the arguments ID --all is required\n"),
        (
            ["replay", number(1)],
            f"dispatcher: The ticket {number(1)} is filed and cannot be replayed: only a ticket that is dead, "
            "cancelled or in review can.\n",
        ),
        (
            ["resolve", number(1), "--halo-ticket", "-1"],
            "dispatcher tickets resolve: error: argument --halo-ticket: '-1' is no id of Halo's; write a whole number\n",
        ),
        (
            ["resolve", number(1)],
            "dispatcher tickets resolve: error: one of the arguments --halo-ticket --halo-note --not-in-halo is required\n",
        ),
        (
            ["list", "--limit", "501"],
            "dispatcher tickets list: error: argument --limit: '501' is no whole number from 1 to 500\n",
        ),
        ([], "dispatcher tickets: error: the following arguments are required: ACTION\n"),
    ],
)
def test_wrong_use(store: Store, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    """Wrong use ends with code 2 and a line that says what is wrong; nothing changes."""
    keep(store, 1, State.FILED)
    code, out, err = run(capsys, *arguments)
    assert (code, out, err.splitlines(keepends=True)[-1]) == (2, "", said)
    assert found(store, number(1)).state is State.FILED


@pytest.mark.parametrize("action", ["list", "show", "replay", "resolve", "cancel", "delete"])
def test_help(capsys: pytest.CaptureFixture[str], action: str) -> None:
    """Every action says what it does."""
    assert f"  {action} " in run(capsys, "--help")[1]
    code, out, _ = run(capsys, action, "--help")
    assert (code, out.startswith(f"usage: dispatcher tickets {action} ")) == (0, True)


def test_any_white_space(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """What others wrote takes one line of a table, whatever white space it has."""
    keep(store, 1, action_variables={"subject": "a\n\tb\r\nc"})
    assert run(capsys, "list")[1].splitlines()[1].endswith("  a b c")
