"""The verdict: what was promised to the senders, held against what Halo has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """Counts, and what is wrong with single tickets, in words.

    `duplicated` counts everything that Halo has and should not: second tickets and notes, tickets that nobody was
    promised, and second promises for one Idempotency-Key.
    """

    accepted: int = 0
    filed: int = 0
    lost: int = 0
    duplicated: int = 0
    notes: int = 0
    problems: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether every accepted ticket is in Halo once, with one note, and nothing else is."""
        return self == Verdict(self.accepted, filed=self.accepted, notes=self.accepted)

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(
            self.accepted + other.accepted,
            self.filed + other.filed,
            self.lost + other.lost,
            self.duplicated + other.duplicated,
            self.notes + other.notes,
            self.problems + other.problems,
        )

    def line(self, kills: int) -> str:
        """Return the counts as the last line of the output has them."""
        return (
            f"kills {kills} accepted {self.accepted} filed {self.filed} lost {self.lost} "
            f"duplicated {self.duplicated} notes {self.notes}"
        )


def judge(accepted: Mapping[str, str], in_halo: Sequence[Mapping[str, Any]]) -> Verdict:
    """Compare the ids of accepted tickets, each with its Idempotency-Key, with the tickets that the emulator lists."""
    copies = Counter(ticket["third_party_id_string"] for ticket in in_halo)
    promises = Counter(accepted.values())
    notes: Counter[str] = Counter()
    for ticket in in_halo:
        notes[ticket["third_party_id_string"]] += len(ticket["notes"])
    filed = sum(1 for ticket_id in accepted if copies[ticket_id])
    extra_notes = sum(max(0, number - 1) for number in notes.values())
    extra_promises = len(accepted) - len(promises)
    return Verdict(
        accepted=len(accepted),
        filed=filed,
        lost=len(accepted) - filed,
        duplicated=len(in_halo) - filed + extra_notes + extra_promises,
        notes=notes.total(),
        problems=tuple(_problems(accepted, copies, notes, promises)),
    )


def _problems(
    accepted: Mapping[str, str], copies: Counter[str], notes: Counter[str], promises: Counter[str]
) -> Iterator[str]:
    for ticket_id in accepted:
        if copies[ticket_id] != 1:
            yield f"ticket {ticket_id} is in Halo {copies[ticket_id]} times"
        elif notes[ticket_id] != 1:
            yield f"ticket {ticket_id} has {notes[ticket_id]} notes"
    for ticket_id in copies:
        if ticket_id not in accepted:
            yield f"ticket {ticket_id!r} is in Halo, and nobody got a 202 for it"
    for key, number in promises.items():
        if number > 1:
            yield f"the Idempotency-Key {key} made {number} tickets"
