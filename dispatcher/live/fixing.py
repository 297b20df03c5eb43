"""Writing other names into rules: a literal again with another text, and the file with it, whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from dispatcher.checking import check
from dispatcher.errors import DispatcherError
from dispatcher.halo.snapshot import write_whole
from dispatcher.lang.diagnostics import Diagnostic, Edit
from dispatcher.lang.source import Source

_ONE_LITERAL = re.compile(r"""(?P<prefix>[rRuU]?)(?P<quote>'''|\"\"\"|'|")(?P<text>.*)(?P=quote)""", re.DOTALL)
# Any number of literals one behind the other, with nothing else between them.
_PIECE = r"""[rRuU]?(?:'''(?:\\.|(?!''').)*'''|\"\"\"(?:\\.|(?!\"\"\").)*\"\"\"|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
_LITERALS = re.compile(rf"(?:(?:\s|\\\n)*\(?{_PIECE}\)?)+", re.DOTALL)
_BYTE_ORDER_MARK = "\ufeff"


def literal(written: str, text: str) -> str:
    """Return a literal for `text` in the quotes of the one that is written; a raw one stays raw where it can."""
    match = _ONE_LITERAL.fullmatch(written)
    quote = match["quote"] if match is not None else "'"
    # Several literals one behind the other become one.
    if match is None or _closes(match["text"], quote):
        quote, raw = ('"' if written.startswith('"') else "'"), False
    else:
        raw = match["prefix"] in ("r", "R")
    if raw and not any(character in text for character in ("\\", quote[0])) and text.isprintable():
        return f"{match['prefix']}{quote}{text}{quote}" if match is not None else repr(text)
    body = "".join(_escaped(character, quote[0]) for character in text)
    return f"{quote}{body}{quote}"


def is_literal(written: str) -> bool:
    """Tell whether a piece of a rule is a literal, or several, with no comment between them."""
    return _LITERALS.fullmatch(written) is not None


def _closes(text: str, quote: str) -> bool:
    """Tell whether a text between quotes ends before its end: then it is several literals."""
    return re.search(rf"(?<!\\)(?:\\\\)*{quote}", text) is not None


def _escaped(character: str, quote: str) -> str:
    if character in ("\\", quote):
        return f"\\{character}"
    if character.isprintable():
        return character
    return repr(character)[1:-1]


def rewrite(source: Source, edits: Iterable[Edit], *, variables: Sequence[str]) -> int:
    """Make edits in a rule file and return how many there were; line ends and byte order mark stay as they are.

    `source` is the file as it was checked. Raises DispatcherError, with nothing written, when the file cannot be read
    or written, is no longer the same, or would have errors afterwards.
    """
    path = Path(source.filename)
    try:
        kept = path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise DispatcherError(f"{path}: cannot be read: {error.strerror}") from None
    mark = _BYTE_ORDER_MARK if kept.startswith(_BYTE_ORDER_MARK) else ""
    text = kept.removeprefix(mark)
    if Source(text).text != source.text:
        raise DispatcherError(f"{path}: has changed meanwhile; check it again")
    # Where each character of the source begins in the file, in which a line may end with two.
    starts = [match.start() for match in re.finditer(r"\r\n|[\s\S]", text)] + [len(text)]
    wanted = sorted(set(edits), key=lambda edit: (edit.line, edit.column), reverse=True)
    for edit in wanted:
        start = starts[source.offset(edit.line, edit.column)]
        end = starts[source.offset(edit.end_line, edit.end_column)]
        text = text[:start] + edit.text + text[end:]
    problems = [problem for problem in check(text, str(path), variables=variables) if problem.severity == "error"]
    if problems:
        raise DispatcherError(f"{path}: cannot be edited safely ({problems[0].message}); write the names yourself")
    write_whole(path, mark + text)
    return len(wanted)


def renames(problems: Iterable[Diagnostic]) -> dict[str, list[Edit]]:
    """Return for each file the edits that follow names which have changed in Halo."""
    found: dict[str, list[Edit]] = {}
    for problem in problems:
        if problem.code == "renamed-in-halo" and problem.edits:
            found.setdefault(problem.filename, []).extend(problem.edits)
    return found
