"""The language server by its protocol: each feature as an editor uses it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.lsp.client import Editor

_numbers = itertools.count()


def opened(editor: Editor, marked: str) -> tuple[str, int, int]:
    """Open a file whose text has a `|` where the cursor is; return its name and the cursor's line and character."""
    name = f"{next(_numbers)}.rules"
    before, _, behind = marked.partition("|")
    editor.open(before + behind, name)
    last = before.rpartition("\n")[2]
    return name, before.count("\n"), len(last.encode("utf-16-le")) // 2


def offered(editor: Editor, marked: str) -> list[str]:
    """Return what is offered at the mark."""
    name, line, character = opened(editor, marked)
    return editor.labels(line, character, name)


def told(editor: Editor, marked: str) -> str | None:
    """Return what is told of the word at the mark."""
    name, line, character = opened(editor, marked)
    found = editor.at("hover", line, character, name)
    return found and str(found["contents"]["value"])


def span(found: dict[str, Any]) -> tuple[int, int, int, int]:
    """Return a range as its four numbers."""
    start, end = found["start"], found["end"]
    return start["line"], start["character"], end["line"], end["character"]


# --- diagnostics


def test_diagnostics_have_place_code_page_and_help(editor: Editor) -> None:
    """A mistake is published with all that is known of it, counted in UTF-16 behind characters of any width."""
    (found,) = editor.open("if 'ä🔥' in mgs:\n    team = 'A'\n", "places.rules")
    href = found.pop("codeDescription")["href"]

    assert found == {
        "range": {"start": {"line": 0, "character": 12}, "end": {"line": 0, "character": 15}},
        "message": "nothing is called `mgs`\nhelp: did you mean `msg`?",
        "severity": 1,
        "code": "unknown-name",
        "source": "dispatcher",
    }
    page, _, line = href.removeprefix("file://").partition("#L")
    with open(page, encoding="utf-8") as reference:  # noqa: PTH123 - one line of it
        assert reference.readlines()[int(line) - 1] == "### unknown-name\n"


def test_what_is_not_used_is_faded(editor: Editor) -> None:
    """Warnings have their severity, and what could go the tag by which editors fade it."""
    found = editor.open("import re\nteam = 'A'\n", "faded.rules")

    assert [(problem["code"], problem["severity"], problem["tags"]) for problem in found] == [("unused-import", 2, [1])]


def test_a_variable_without_a_value_shows_where_it_gets_one(editor: Editor) -> None:
    """Beside the place that reads it stand those that assign it."""
    (found,) = editor.open("if 'vip' in msg:\n    wanted = 'A'\nteam = wanted\n", "related.rules")
    place = {"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 10}}

    assert found["code"] == "possibly-unset-variable"
    assert found["relatedInformation"] == [
        {"location": {"uri": editor.uri("related.rules"), "range": place}, "message": "`wanted` gets a value here"}
    ]


def test_diagnostics_follow_the_text(editor: Editor) -> None:
    """Each change that is the last for a moment is checked, under its version; what is closed has no diagnostics."""
    assert editor.open("team = 'A'\n", "typed.rules") == []
    for version, letter in enumerate("tema", 2):
        end = {"line": 1, "character": version - 2}
        editor.change(version, {"range": {"start": end, "end": end}, "text": letter}, name="typed.rules")
    found = editor.diagnostics(5, "typed.rules")
    editor.change(6, {"text": "team = 'B'\n"}, name="typed.rules")

    assert [(problem["code"], span(problem["range"])) for problem in found] == [("unknown-name", (1, 0, 1, 4))]
    assert editor.diagnostics(6, "typed.rules") == []

    editor.change(7, {"text": "tema\n"}, name="typed.rules")
    assert len(editor.diagnostics(7, "typed.rules")) == 1
    editor.tell("textDocument/didClose", {"textDocument": {"uri": editor.uri("typed.rules")}})
    assert editor.diagnostics(None, "typed.rules") == []


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"], ids=["CRLF", "CR", "LF"])
def test_line_ends_are_those_of_the_protocol(editor: Editor, end: str) -> None:
    """Lines are counted by LF, CRLF and CR, and by no other character that Python takes for a line end."""
    name = f"ends{len(end)}{ord(end[-1])}.rules"
    text = f"\ufeff# \x0b \x0c \u2028{end}\x0c{end}x = tema{end}"
    (found, *_) = [problem for problem in editor.open(text, name) if problem["code"] == "unknown-name"]
    place = {"start": {"line": 2, "character": 4}, "end": {"line": 2, "character": 8}}
    editor.change(2, {"range": place, "text": "team"}, name=name)

    assert found["range"] == place
    assert [problem["code"] for problem in editor.diagnostics(2, name)] == ["unused-variable"]


# --- completion


def test_names_are_offered_in_files_that_do_not_parse(editor: Editor) -> None:
    """What the file has comes first, then the ticket's variables, functions and words; a title says what each is."""
    name, line, character = opened(editor, "wanted = 'A'\ndef pick(first, *rest):\n    other = 1\n    if (fi|")
    items = {item["label"]: item for item in editor.at("completion", line, character, name)["items"]}
    labels = editor.labels(line, character, name)

    assert labels[:6] == ["first", "other", "pick", "rest", "wanted", "agent"]
    assert {"priority", "len", "not", "lambda", "ValueError"} <= set(labels)
    assert "while" not in labels
    assert items["email"] == {
        "label": "email",
        "kind": 21,
        "detail": "read-only: the user's e-mail address",
        "documentation": {
            "kind": "markdown",
            "value": "```python\nemail\n```\n\nThe user's e-mail address.\n\nTicket variable, **read-only**.\n\n"
            "It holds text.",
        },
        "sortText": "b email",
        "filterText": "email",
        "textEdit": {
            "range": {"start": {"line": 3, "character": 8}, "end": {"line": 3, "character": 10}},
            "newText": "email",
        },
    }


def test_statements_are_offered_where_one_begins(editor: Editor) -> None:
    """The words that begin a statement stand at its begin."""
    assert {"if", "while", "return", "match"} <= set(offered(editor, "if msg:\n    |"))


@pytest.mark.parametrize(
    ("marked", "some", "none"),
    [
        ("if msg.|", {"lower", "startswith"}, {"append", "hour"}),
        ("if msg.lo|wer():\n    pass\n", {"lower"}, {"append"}),
        ("words = msg.split()\nif words.|", {"append", "sort"}, {"lower"}),
        ("if msg:\n    words = msg.split()\n    words.|\n", {"append"}, {"lower"}),
        ("import datetime as d\nif d.|", {"datetime", "timedelta"}, {"lower"}),
        ("import datetime\nnow = datetime.datetime.now()\nif now.|", {"hour", "weekday"}, {"lower"}),
        ("if 'a' + msg.strip().|", {"lower"}, {"append"}),
        ("customfield.|", {"update", "get"}, {"lower"}),
        ("if re.|", {"search", "sub"}, {"lower"}),
        ("if str.|", {"lower", "maketrans"}, {"append"}),
        ("unknown(1)[2].|", {"lower", "append"}, set()),
        ("subject = f'{msg.|}'", {"lower"}, {"append"}),
        ("import |", {"re", "datetime"}, {"msg"}),
        ("from re import se|", {"search"}, {"msg"}),
        ("from |", {"re"}, {"msg"}),
        ("from datetime import datetime\nif datetime.|", {"now", "hour"} - {"hour"}, set()),
    ],
)
def test_members_are_offered_by_what_is_known(editor: Editor, marked: str, some: set[str], none: set[str]) -> None:
    """Behind a dot stands what the value has as far as its type is known, and behind an import what there is."""
    labels = set(offered(editor, marked))

    assert some <= labels
    assert labels.isdisjoint(none)


@pytest.mark.parametrize("marked", ["# te|", "team = 12|", "def f(a, |", "import re as |", "for |", "subject = 'te|'"])
def test_nothing_is_offered_where_nothing_is_known(editor: Editor, marked: str) -> None:
    """Comments, numbers, new names and texts of no list have nothing to offer."""
    assert offered(editor, marked) == []


# --- hover


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("te|am = 'A'\n", "```python\nteam\n```\n\nTeam name.\n\nTicket variable that rules read and set.\n\nAssigned in line 1."),
        ("if len(ms|g) > 1:\n    state = 1\n", "```python\nmsg\n```\n\nWhat the user typed; also known as `message`.\n\nTicket variable that rules read and set.\n\nIt holds text."),
        ("if le|n(msg) > 1:\n    state = 1\n", "```python\nlen(value, /)\n```\n\nHow many characters or items."),
        ("if msg.start|swith('a'):\n    state = 1\n", "```python\nstr.startswith(text, start, end, /)\n```\n\nTrue when it begins with the text, or one of a tuple."),
        ("import re\nif re.sea|rch('a+', msg):\n    state = 1\n", "```python\nre.search(pattern, string, flags=0)\n```\n\nThe first match anywhere, or None."),
        ("from re import search as find\nif fi|nd('a+', msg):\n    state = 1\n", "```python\nre.search(pattern, string, flags=0)\n```\n\nThe first match anywhere, or None."),
        ("import math\nimpact = math.p|i\n", "```python\nmath.pi\n```\n\n3.141592653589793."),
        ("words = msg.split()\nif wor|ds:\n    state = 1\n", "```python\nwords\n```\n\nVariable of this file; here it holds a list.\n\nAssigned in line 1."),
        ("def pick(first):\n    return fir|st\nteam = pick('A')\n", "```python\nfirst\n```\n\nParameter.\n\nDefined in line 1."),
        ("def pick(first):\n    return first\nteam = pi|ck('A')\n", "```python\ndef pick(first):\n```\n\nFunction of this file.\n\nDefined in line 1."),
        ("subject = f'{na|me}'\n", "```python\nname\n```\n\nThe user's name.\n\nTicket variable, **read-only**.\n\nIt holds text."),
        ("if ms|g\n", "```python\nmsg\n```\n\nWhat the user typed; also known as `message`.\n\nTicket variable that rules read and set.\n\nIt holds text."),
        ("state = 1 |+ 1\n", None),
    ],
)  # fmt: skip
def test_a_word_is_explained(editor: Editor, marked: str, expected: str | None) -> None:
    """Under the mouse stands what the tables say of a name, or where the file sets it; nothing of signs."""
    found = told(editor, marked)

    # What its diagnostics mean follows behind a line.
    assert (found and found.partition("\n\n---")[0]) == expected


def test_a_diagnostic_is_explained(editor: Editor) -> None:
    """Over a mistake stands what its code means, with an example."""
    assert told(editor, "team = te|ma\n") == (
        "**unknown-name**: No variable, function or module has this name.\n\n```python\nteam = tema\n```\n\n"
        "Instead:\n\n```python\nteam = 'A'\n```"
    )


# --- places of names

PLACES = """\
wanted = 'A'
def pick(wanted):
    return wanted
if 'vip' in msg:
    wanted = 'B'
team = pick(wanted)
subject = f'{wanted}'
"""


@pytest.mark.parametrize(
    ("line", "character", "expected"),
    [
        (5, 14, (4, 4, 4, 10)),
        (6, 14, (4, 4, 4, 10)),
        (0, 2, (0, 0, 0, 6)),
        (2, 13, (1, 9, 1, 15)),
        (5, 9, (1, 4, 1, 8)),
        (3, 14, None),
        (6, 0, (6, 0, 6, 7)),
        (99, 99, None),
    ],
)
def test_the_definition_is_the_nearest_above(
    editor: Editor, line: int, character: int, expected: tuple[int, int, int, int] | None
) -> None:
    """Where a name is bound is found by Python's scopes: the last binding before the place, or else the first."""
    editor.open(PLACES, "definition.rules")
    found = editor.at("definition", line, character, "definition.rules")

    assert (found and span(found["range"])) == expected


def test_all_places_of_a_name_are_found(editor: Editor) -> None:
    """A name's places are those of its scope, told apart by whether they set it."""
    editor.open(PLACES, "highlight.rules")
    marked = editor.at("documentHighlight", 0, 0, "highlight.rules")
    read = editor.at("references", 0, 0, "highlight.rules", context={"includeDeclaration": False})

    assert [(span(found["range"]), found["kind"]) for found in marked] == [
        ((0, 0, 0, 6), 3),
        ((4, 4, 4, 10), 3),
        ((5, 12, 5, 18), 2),
        ((6, 13, 6, 19), 2),
    ]
    assert [span(found["range"]) for found in read] == [(5, 12, 5, 18), (6, 13, 6, 19)]


def test_the_outline_has_the_rules_by_their_titles(editor: Editor) -> None:
    """Each rule stands in the outline by its title or its first line, and functions by theirs."""
    editor.open("# VIPs first\nif msg:\n    state = 1\n\nteam = 'A'\ndef pick():\n    return 1\n", "outline.rules")
    found = editor.at("documentSymbol", 0, 0, "outline.rules")

    assert [(rule["name"], rule["kind"], span(rule["range"])) for rule in found] == [
        ("VIPs first", 24, (1, 0, 2, 13)),
        ("team = 'A'", 24, (4, 0, 4, 10)),
        ("def pick():", 12, (5, 0, 6, 12)),
    ]


# --- quick fixes


def fixes(editor: Editor, text: str, name: str, only: list[str] | None = None) -> list[dict[str, Any]]:
    """Return the quick fixes of a whole file."""
    editor.open(text, name)
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}}
    context: dict[str, list[Any]] = {"diagnostics": []} | ({"only": list(only)} if only else {})
    found: list[dict[str, Any]] = editor.at("codeAction", 0, 0, name, range=whole, context=context)
    return found


def test_quick_fixes_do_what_the_help_says(editor: Editor) -> None:
    """Where the help says exactly what to write, there is a fix that does, with a title in words."""
    text = "if '🔥' in mgs or name is 'Dan':\n    team = ‘1st Line’\n    state = re.sub('a', 'b', msg)\n"
    found = fixes(editor, text, "fixes.rules")
    uri = editor.uri("fixes.rules")
    edits = [
        (action["title"], [(span(edit["range"]), edit["newText"]) for edit in action["edit"]["changes"][uri]])
        for action in found
    ]

    assert edits == [("Use plain quotes: ' or \"", [((1, 11, 1, 12), "'"), ((1, 20, 1, 21), "'")])]

    found = fixes(editor, text.replace("‘", "'").replace("’", "'"), "more.rules")
    uri = editor.uri("more.rules")
    edits = [
        (action["title"], [(span(edit["range"]), edit["newText"]) for edit in action["edit"]["changes"][uri]])
        for action in found
    ]

    assert edits == [
        ("Replace `mgs` with `msg`", [((0, 11, 0, 14), "msg")]),
        ("Replace `is` with `==`", [((0, 23, 0, 25), "==")]),
        ("Insert `import re`", [((0, 0, 0, 0), "import re\n")]),
    ]
    assert [action["diagnostics"][0]["code"] for action in found] == ["unknown-name", "is-with-literal", "unknown-name"]


def test_quick_fixes_are_left_out_where_others_are_wanted(editor: Editor) -> None:
    """An editor that asks for refactorings only gets no quick fix."""
    assert fixes(editor, "team = tema\n", "only.rules", ["refactor"]) == []
