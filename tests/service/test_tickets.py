"""Tickets as people see them, and what can be done with them in which state."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from service.database import Database
from service.store import Stage, State, Store
from service.tickets import DefaultsError, NoTicketError, Tickets, WrongStateError
from tests.service.kept import DECISION, found, keep, number, set_row


@pytest.fixture
def store(any_database: Database) -> Store:
    """A store on each kind of database."""
    return Store(any_database)


@pytest.fixture
def tickets(store: Store) -> Tickets:
    """Its tickets, for people."""
    return Tickets(store)


def test_pages(store: Store, tickets: Tickets) -> None:
    """Tickets come newest first and in pages, of which each names where the next one begins."""
    states = [State.FILED, State.DEAD, State.ACCEPTED, State.REVIEW, State.DEAD]
    for place, state in enumerate(states):
        keep(store, place, state)
    first = tickets.page(limit=2)
    assert ([ticket["id"] for ticket in first["tickets"]], first["next"]) == ([number(4), number(3)], number(3))
    last = tickets.page(before=number(2), limit=2)
    assert ([ticket["id"] for ticket in last["tickets"]], last["next"]) == ([number(1), number(0)], None)
    stopped = tickets.page([State.DEAD, State.REVIEW])
    assert [ticket["state"] for ticket in stopped["tickets"]] == ["dead", "review", "dead"]
    assert tickets.page([State.CANCELLED]) == {"tickets": [], "next": None}


def test_view(store: Store, tickets: Tickets) -> None:
    """A ticket is shown with all that became of it, and its attempts with what Halo answered."""
    ticket_id = keep(store, state=State.DEAD)
    view = tickets.view(ticket_id)
    assert view == {
        "id": ticket_id,
        "state": "dead",
        "subject": "no sound",
        "halo_ticket_id": None,
        "halo_note_id": None,
        "attempts": 1,
        "last_error": "Halo said 400.",
        "created_at": view["created_at"],
        "updated_at": view["updated_at"],
        "decision": DECISION,
        "defaults": {},
        "submission_errors": [],
        "remarks": [],
    }
    (attempt,) = tickets.attempts(ticket_id)
    assert attempt == {
        "number": 1,
        "stage": "ticket",
        "started_at": attempt["started_at"],
        "ended_at": attempt["ended_at"],
        "result": "failed",
        "status": 400,
        "answer": "Halo said 400.",
        "worker": "w1",
    }
    assert view["created_at"] <= attempt["started_at"] <= attempt["ended_at"] <= view["updated_at"]


@pytest.mark.parametrize("state", [State.DEAD, State.REVIEW, State.CANCELLED])
def test_replay(store: Store, tickets: Tickets, state: State) -> None:
    """A stopped ticket is accepted anew, at once, with no failures and with the defaults that are given."""
    ticket_id = keep(store, state=state)
    intents = found(store, ticket_id).intents
    assert tickets.replay(ticket_id, {"priority": "High"})["state"] == "accepted"
    ticket = found(store, ticket_id)
    assert (ticket.failures, ticket.defaults, ticket.intents) == (0, {"priority": "High"}, intents)
    assert list(store.lease("w1", 1, 1, 30)) == [ticket_id]


def test_replay_keeps_defaults(store: Store, tickets: Tickets) -> None:
    """The defaults of a replay stay until another one brings its own."""
    ticket_id = keep(store, state=State.DEAD)
    for given, kept in (({"team": "A"}, {"team": "A"}), (None, {"team": "A"}), ({}, {})):
        tickets.replay(ticket_id, given)
        assert found(store, ticket_id).defaults == kept
        store.bury(ticket_id, "no")


def test_replay_of_all(store: Store, tickets: Tickets) -> None:
    """All dead tickets are replayed together, and no others."""
    for place, state in enumerate([State.DEAD, State.REVIEW, State.DEAD, State.CANCELLED, State.FILED]):
        keep(store, place, state)
    set_row(store, number(2), payload=None)
    keep(store, 5, State.DEAD)
    assert tickets.replay_dead({"team": "A"}) == 2
    assert {place: found(store, number(place)).state for place in range(6)} == {
        0: State.ACCEPTED,
        1: State.REVIEW,
        2: State.DEAD,
        3: State.CANCELLED,
        4: State.FILED,
        5: State.ACCEPTED,
    }
    assert found(store, number(5)).defaults == {"team": "A"}
    assert tickets.replay_dead() == 0


def test_wrong_defaults(store: Store, tickets: Tickets) -> None:
    """Defaults for what no rule could write are refused by name, and nothing is replayed."""
    ticket_id = keep(store, state=State.DEAD)
    said = {
        "prioriti": "`prioriti` is no ticket variable that rules can write; did you mean `priority`?",
        "email": "`email` is no ticket variable that rules can write",
    }
    for replay in (lambda wrong: tickets.replay(ticket_id, wrong), tickets.replay_dead):
        with pytest.raises(DefaultsError) as raised:
            replay({"prioriti": 1, "team": "A", "email": "x"})
        assert (raised.value.problems, str(raised.value)) == (said, "; ".join(said.values()))
    assert found(store, ticket_id).state is State.DEAD


def test_resolve(store: Store, tickets: Tickets) -> None:
    """A ticket in review goes on as the one that a person found, or is created when nobody did."""
    here, nowhere = keep(store, 1, State.REVIEW), keep(store, 2, State.REVIEW)
    assert tickets.doubt(here) is Stage.TICKET
    assert tickets.resolve(here, 17)["halo_ticket_id"] == 17
    assert tickets.resolve(nowhere, None)["state"] == "accepted"
    assert found(store, here).intents[Stage.TICKET] is not None
    assert found(store, nowhere).intents == {Stage.TICKET: None, Stage.NOTE: None}
    assert sorted(store.lease("w1", 2, 2, 30)) == [here, nowhere]


def doubtful_note(store: Store, place: int) -> str:
    """Keep a ticket that is in Halo, and of which nobody can tell whether its note is."""
    ticket_id = keep(store, place)
    store.ticket_created(ticket_id, store.start_attempt(ticket_id, Stage.TICKET, "w1"), 17, [], [])
    assert store.claim(ticket_id, Stage.NOTE, None, 1_700_000_000_000)
    store.bury(ticket_id, "cannot tell", State.REVIEW)
    return ticket_id


def test_resolve_note(store: Store, tickets: Tickets) -> None:
    """A ticket whose note a person found is filed; a note that is not there is added."""
    here, nowhere = doubtful_note(store, 1), doubtful_note(store, 2)
    assert tickets.doubt(here) is Stage.NOTE
    filed = tickets.resolve_note(here, 3)
    assert (filed["state"], filed["halo_ticket_id"], filed["halo_note_id"]) == ("filed", 17, 3)
    assert tickets.resolve_note(nowhere, None)["state"] == "accepted"
    assert found(store, nowhere).intents[Stage.NOTE] is None


def test_cancel(store: Store, tickets: Tickets) -> None:
    """A ticket that is not filed yet can be left as it is, and taken up again."""
    for place, state in enumerate([State.ACCEPTED, State.DEAD, State.REVIEW]):
        ticket_id = keep(store, place, state)
        assert tickets.cancel(ticket_id)["state"] == "cancelled"
    assert list(store.lease("w1", 3, 3, 30)) == []
    tickets.replay(number(0))
    assert list(store.lease("w1", 3, 3, 30)) == [number(0)]


def test_delete(store: Store, tickets: Tickets) -> None:
    """A ticket is deleted with its attempts, but not on its way to Halo, and not while a worker is still at it."""
    ticket_id = keep(store)
    with pytest.raises(WrongStateError, match=f"^The ticket {ticket_id} is on its way to Halo: cancel it first.$"):
        tickets.delete(ticket_id)
    tickets.cancel(ticket_id)
    set_row(store, ticket_id, leased_until=int(time.time() * 1000) + 9000)
    said = f"^A worker is still at the ticket {ticket_id}. Try again in a minute.$"
    with pytest.raises(WrongStateError, match=said):
        tickets.delete(ticket_id)
    set_row(store, ticket_id, leased_until=0)
    tickets.delete(ticket_id)
    with pytest.raises(NoTicketError):
        tickets.view(ticket_id)
    assert store.attempts(ticket_id) == []


def test_wrong_state(store: Store, tickets: Tickets) -> None:
    """What a ticket's state does not allow is refused with the state and what it takes, and changes nothing."""
    filed, dead = keep(store, 1, State.FILED), keep(store, 2, State.DEAD)
    acts: tuple[tuple[Callable[[], object], str], ...] = (
        (lambda: tickets.replay(filed), "replayed: only a ticket that is dead, cancelled or in review can."),
        (lambda: tickets.cancel(filed), "cancelled: only a ticket that is not filed, refused or cancelled can."),
        (lambda: tickets.resolve(filed, 1), "resolved: only a stopped ticket that may be in Halo or not can."),
        (lambda: tickets.resolve(dead, 1), "resolved: only a stopped ticket that may be in Halo or not can."),
        (
            lambda: tickets.resolve_note(dead, 1),
            "resolved: only a stopped ticket whose note may be in Halo or not can.",
        ),
    )
    for act, said in acts:
        with pytest.raises(WrongStateError, match=f"cannot be {said}$"):
            act()
    assert (found(store, filed).state, found(store, dead).state) == (State.FILED, State.DEAD)


@pytest.mark.parametrize("column", ["payload", "decision"])
def test_content_no_longer_kept(store: Store, tickets: Tickets, column: str) -> None:
    """A ticket whose content was deleted is shown, and cannot be filed any more."""
    ticket_id = keep(store, state=State.REVIEW)
    tickets.cancel(ticket_id)
    set_row(store, ticket_id, **{column: None})
    assert tickets.view(ticket_id)["id"] == ticket_id
    acts: tuple[Callable[[], object], ...] = (
        lambda: tickets.replay(ticket_id),
        lambda: tickets.resolve(ticket_id, 17),
    )
    for act in acts:
        with pytest.raises(WrongStateError, match=r"its content is no longer kept\.$"):
            act()
    assert found(store, ticket_id).state is State.CANCELLED


@pytest.mark.parametrize("ticket_id", ["", "x", number(1), "\x00", "%"])
def test_unknown(tickets: Tickets, ticket_id: str) -> None:
    """An id that no ticket has is said to have none, whatever is asked."""
    for act in (tickets.view, tickets.attempts, tickets.replay, tickets.cancel, tickets.delete, tickets.doubt):
        with pytest.raises(NoTicketError) as raised:
            act(ticket_id)
        assert str(raised.value) == f"There is no ticket `{ticket_id}`."
    for resolve in (tickets.resolve, tickets.resolve_note):
        with pytest.raises(NoTicketError):
            resolve(ticket_id, 1)
