"""The table of diagnostic codes that tell of names in Halo."""

from __future__ import annotations

from dispatcher.lang.codes import Severity
from dispatcher.lang.records import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What one kind of diagnostic means."""

    severity: Severity
    meaning: str


CODES: dict[str, Code] = {
    "unknown-in-halo": Code("error", "Halo has no record of this name or number."),
    "inactive-in-halo": Code("error", "Halo has the record, and it is not in use."),
    "ambiguous-in-halo": Code("error", "Several records of Halo go by this name."),
    "renamed-in-halo": Code("error", "The record that the lock file knows by this name has another name now."),
    "deleted-in-halo": Code("error", "The record that the lock file knows by this name is gone."),
    "replaced-in-halo": Code("warning", "The name means another record than the one in the lock file."),
    # Which rules fire together is not known.
    "priority-of-other-type": Code("info", "Some ticket types that the rules can set have no such priority."),
    "untold-in-halo": Code("info", "What the variable gets here cannot be told before the rule runs."),
}
