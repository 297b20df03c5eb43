"""The lock file: which record of Halo each name of the rules meant when it was last looked up.

It lies beside the rules and is kept with them. A name that Halo does not know any more, with an id that it does, was
renamed; one whose id is gone was deleted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dispatcher.errors import DispatcherError
from dispatcher.lang.records import dataclass, field

FILE_NAME = "dispatcher.lock.json"
_VERSION = 1
_ADVICE = "restore it from version control, or delete it and let `dispatcher check --live` write a new one"


@dataclass(frozen=True, slots=True)
class Locked:
    """What a name meant: the name as Halo writes it, and the record's id; of a priority, the number under each SLA."""

    name: str
    ids: Mapping[int | None, int]

    def to_dict(self) -> dict[str, Any]:
        """Return this as JSON data."""
        if None in self.ids:
            return {"id": self.ids[None], "name": self.name}
        return {"name": self.name, "numbers": {str(sla): self.ids[sla] for sla in sorted(self.ids, key=_order)}}


@dataclass(frozen=True, slots=True)
class Lock:
    """For each ticket variable, what the names meant that rules set it to, as they write them, and in which Halo."""

    names: Mapping[str, Mapping[str, Locked]] = field(default_factory=dict)
    halo: str = ""

    def is_of(self, halo: str) -> bool:
        """Tell whether ids are those of a Halo, by its address, as far as is known."""
        return not self.halo or _address(self.halo) == _address(halo)

    def find(self, variable: str, name: str) -> Locked | None:
        """Return what a name meant, or None."""
        return self.names.get(variable, {}).get(name)

    def with_names(self, names: Mapping[str, Mapping[str, Locked]]) -> Lock:
        """Return the lock with what further names mean."""
        variables = {*self.names, *names}
        found = {variable: {**self.names.get(variable, {}), **names.get(variable, {})} for variable in variables}
        return Lock(found, self.halo)

    def renewed(
        self,
        meanings: Mapping[str, Mapping[str, Locked]],
        used: frozenset[tuple[str, str]],
        *,
        accept: bool,
        whole: bool,
    ) -> Lock:
        """Return the lock after a look at rules: what names mean now, and what those meant that Halo does not know.

        `used` are all names looked up, by their variables; others are kept unless the rules were looked at as a
        `whole`. A name that means another record keeps the one it had unless that is to be `accept`ed.
        """
        found: dict[str, dict[str, Locked]] = {}
        for variable in {*self.names, *meanings}:
            before, now = self.names.get(variable, {}), meanings.get(variable, {})
            kept = {name: known for name, known in before.items() if not whole or (variable, name) in used}
            found[variable] = {**kept, **now} if accept else {**now, **kept}
        return Lock(found, self.halo)

    def text(self) -> str:
        """Return the file's text: the same for the same names, so that a change shows what has changed."""
        names = {
            variable: {name: known[name].to_dict() for name in sorted(known)}
            for variable, known in sorted(self.names.items())
            if known
        }
        data = {"version": _VERSION, "halo": self.halo, "names": names}
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> Lock | None:
        """Return what a file holds, None where there is no file; raises DispatcherError when it holds no lock."""
        try:
            data = json.loads(path.read_text(encoding="utf-8-sig"))
            # JSON can name characters that no file can hold.
            json.dumps(data, ensure_ascii=False).encode()
            if data["version"] != _VERSION:
                raise DispatcherError(f"{path}: this lock file is of another version; {_ADVICE}")
            return cls(
                {
                    str(variable): {name: _locked(entry) for name, entry in names.items()}
                    for variable, names in data["names"].items()
                },
                str(data.get("halo", "")),
            )
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DispatcherError(f"{path}: cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise DispatcherError(f"{path}: this is no lock file; {_ADVICE}") from None


def _locked(entry: Mapping[str, Any]) -> Locked:
    if "id" in entry:
        return Locked(str(entry["name"]), {None: _whole(entry["id"])})
    return Locked(str(entry["name"]), {int(sla): _whole(number) for sla, number in entry["numbers"].items()})


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("an id is a whole number")
    return value


def _address(halo: str) -> str:
    return halo.strip().rstrip("/").removeprefix("http://").removeprefix("https://").casefold()


def _order(sla: int | None) -> int:
    return -1 if sla is None else sla
