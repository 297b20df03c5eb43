"""Live: whether Halo knows the names that rules set, and what has become of those that it knew.

- names.py says what one value means in Halo, by the look-ups that filing uses, and what the lock file knew of it;
- lock.py keeps for each name the record that it meant, so that a rename is told from a mistake;
- checking.py looks up every value that rules can set, as diagnostics; seen.py those that they set on past tickets;
- fixing.py writes another name in the place of one.

Nothing here asks Halo itself: it is given `Lookups`, of Halo or of a snapshot.
"""

from __future__ import annotations

from dispatcher.live.checking import NamesReport, check_names
from dispatcher.live.lock import Lock

__all__ = ["Lock", "NamesReport", "check_names"]
