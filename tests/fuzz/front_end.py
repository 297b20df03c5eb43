"""Random and damaged text for the front end: answers in time, never an exception, and CPython's trees."""

from __future__ import annotations

import ast
import time
import traceback
import warnings
from functools import cache
from pathlib import Path
from random import Random

from dispatcher import check
from dispatcher.lang.parser import parse
from dispatcher.lang.source import Source
from tests.fuzz.programs import program
from tests.lang.conformance.corpus import read_corpus
from tests.lang.cpython import dump, to_ast
from tests.lang.strategies import PIECES, TOKEN

SECONDS = 2.0

_EXAMPLES = Path(__file__).parents[2] / "rules_examples"
_PIECES = (
    *PIECES,
    *("!", "?", "$", "`", "\r", "\r\n", "\0", "\ufeff", "\u2028", "\x85", "\u200b", "\u202e"),
    *(
        "ａ",
        "ﬁ",
        "٣",
        "\U0001d4d0",
        "_",
        "__x__",
        "print",
        "exec",
        "0777",
        "1j",
        "9" * 50,
        "b'x'",
        "f'{",
        "}'",
        "{{",
        "}}",
    ),
    *("'\\N{BULLET}'", "'\\x'", "'\\ud800'", "case _:", "match x:", "<<=", "..."),
)


@cache
def _texts() -> tuple[str, ...]:
    examples = [path.read_text(encoding="utf-8") for path in sorted(_EXAMPLES.rglob("*.rules"))]
    return (*examples, *(case.program for case in read_corpus()))


def damaged(random: Random) -> str:
    """Return a program of the corpus, the examples or the generator with some of its tokens or characters changed."""
    text = random.choice(_texts()) if random.random() < 0.8 else program(random.randrange(1 << 32))
    tokens = TOKEN.findall(text) if random.random() < 0.7 else list(text)
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        if not tokens:
            break
        at, other = random.randrange(len(tokens)), random.randrange(len(tokens))
        match random.randrange(6):
            case 0:
                del tokens[at]
            case 1:
                tokens.insert(at, random.choice(_PIECES))
            case 2:
                tokens[at] = random.choice(_PIECES)
            case 3:
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case 4:
                tokens.insert(at, tokens[other])
            case _:
                tokens[at] *= random.choice((2, 3, 30))
    return "".join(tokens)


def _noise(random: Random) -> str:
    size = random.choice((1, 5, 30, 200))
    match random.randrange(3):
        case 0:
            return random.randbytes(size).decode("utf-8", "replace")
        case 1:
            return "".join(chr(random.choice((random.randrange(128), random.randrange(0x3000)))) for _ in range(size))
        case _:
            return random.choice(("", " ")).join(random.choice(_PIECES) for _ in range(size))


def _repeated(random: Random) -> str:
    """Return a text in which a piece stands very often, once or in two halves around another."""
    piece, other = random.choice(_PIECES), random.choice(_PIECES)
    count = random.choice((10, 100, 1000, 20_000))
    shape = random.choice(
        ("{0}", "x = {0}", "{0}{1}{0}", "x = {0}1", "if x:\n    {0}\n", "({0})", "f'{0}'", "x = [{0}]\n")
    )
    return shape.replace("{0}", piece * count).replace("{1}", other)


def text(seed: int) -> str:
    """Return the text of a seed."""
    random = Random(seed)
    chosen = random.random()
    return damaged(random) if chosen < 0.75 else _noise(random) if chosen < 0.97 else _repeated(random)


def difference(rules: str) -> str:
    """Return what is wrong with the answer to a text; '' when nothing is."""
    start = time.process_time()
    try:
        refused = any(problem.severity == "error" for problem in check(rules))
        module, problems = parse(Source(rules))
    except Exception:  # noqa: BLE001 - whatever escapes is what is looked for
        return traceback.format_exc()
    seconds = time.process_time() - start
    if seconds > SECONDS:
        return f"takes {seconds:.1f} s"
    try:
        # A file may begin with a byte order mark; a text that is parsed may not.
        expected = _cpythons(rules.removeprefix("\ufeff"))
    except (RecursionError, MemoryError, UnicodeError):
        return ""
    if expected is None:
        return "" if refused else "CPython refuses it"
    if refused or problems:
        return ""
    tree = dump(to_ast(Source(rules), module))
    return "" if tree == dump(expected) else f"the tree is\n{tree}\nand CPython's\n{dump(expected)}"


def _cpythons(rules: str) -> ast.Module | None:
    """Return CPython's tree, or None where it is refused, if only by the compiler."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(rules)
            compile(rules, "<rules>", "exec", dont_inherit=True)
        except UnicodeError:
            raise
        except (SyntaxError, ValueError):
            return None
    return tree


def trial(seed: int) -> tuple[str, str]:
    """Try the text of a seed; return a word for the count, and what is wrong."""
    rules = text(seed)
    found = difference(rules)
    return ("wrong", f"{rules[:2000]!r}\n--- {found[:2000]}") if found else ("answered", "")
