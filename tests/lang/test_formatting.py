"""Format specs, `str.format` and `format_map`: CPython's in everything but attributes."""

from __future__ import annotations

import pytest

from tests.lang import calls
from tests.lang.running import run

TEMPLATES = (
    *(
        "{}",
        "{} {}",
        "{0} {}",
        "{} {0}",
        "{a}",
        "{0[0]}",
        "{0[x]}",
        "{0[0][1]}",
        "{0[0]x}",
        "{0[",
        "{",
        "}",
        "{{",
        "}}",
    ),
    *("{{}}", "{!r}", "{!s:>5}", "{!a}", "{!x}", "{!}", "{!r", "{!rr}", "{:>{}}", "{:>{w}}", "{:{}{}}", "{:{:{}}}"),
    *("{a!r:>{w}}", "{0[]}", "{[0]}", "{[a]}", "{:d}", "{0:{1}}", "{99}", "{a.}", "{:}}", "{:{}", "{a:{{}}}", "{-1}"),
    *("{" + "9" * 30 + "}", "{ 0 }", "{0[-1]}", "{a[b]}", "{٣}", "{:\\x00>5}", "{0!r}{0!s}", "{w:{w}}", "{:.3s}|{:^6}"),
)
SPECS = (
    *(
        "",
        "d",
        "5",
        "<5",
        "^5",
        "*^7",
        "=5",
        "+",
        " ",
        "-",
        "05",
        ",",
        "_",
        ".2",
        ".2f",
        ".0f",
        "e",
        "g",
        "G",
        "%",
        "x",
    ),
    *(
        "#x",
        "X",
        "o",
        "#o",
        "b",
        "#010b",
        "c",
        "n",
        "s",
        "5s",
        ".1s",
        "z.1f",
        "#.3g",
        "+,.2f",
        "08,.2f",
        "q",
        ">>5",
        "5.",
    ),
    *(".", "{", "5,d", "_x", ",x", "٣", "!5", "ä>5", "=+08", "5d5", "_b", "#_x", ".3%", "010.3e"),
)
VALUES = (
    "0",
    "-5",
    "255",
    "2.5",
    "-0.0",
    "1e300",
    "float('nan')",
    "True",
    "None",
    "'ab'",
    "''",
    "[1]",
    "(1,)",
    "1 << 70",
)


def compared(called: list[tuple[str, str]]) -> None:
    """Assert that each call gives what CPython's gives."""
    for (receiver, call), found in zip(called, calls.ours(called), strict=True):
        assert found == calls.cpythons(receiver, call), f"{receiver}{call}"


@pytest.mark.parametrize("spec", SPECS)
def test_a_spec_means_what_it_means_to_cpython(spec: str) -> None:
    """Text or exception of each kind of value in each format."""

    compared([("format", f"({value}, {spec!r})") for value in VALUES])


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_means_what_it_means_to_cpython(template: str) -> None:
    """Fields, numbering, items, conversions, fields in specs and every mistake are CPython's."""
    arguments = (
        "",
        "1",
        "'ab', 5",
        "[1, 2], 3",
        "{'x': 1, 'a': 2}, 1",
        "True, 'd'",
        "1, a={'b': 'c'}, w=6",
        "a=[], w='9'",
    )
    mappings = ("{}", "{'a': {'b': 1}, 'w': 5}", "[1]", "5", "'x'", "None")
    receiver = f"'{template}'"
    compared([(receiver, f".format({listed})") for listed in arguments])
    compared([(receiver, f".format_map({mapping})") for mapping in mappings])


@pytest.mark.parametrize(
    "call",
    [
        "'{0.real}'.format(1)",
        "'{a.b}'.format(a=len)",
        "str.format('{0.upper}', 'a')",
        "list(map('{0.x}'.format, [1]))",
        "sorted([1, 2], key='{0.imag}'.format)",
        "'{a.b[0]}'.format_map({'a': str})",
        "'{0:{0.real}}'.format(1)",
        "'{[0].x}'.format([ValueError])",
        "'{0.args}'.format(ValueError(1))",
    ],
)
def test_templates_read_no_attributes(call: str) -> None:
    """Where Python would read an attribute of a value, AttributeError is raised."""
    (fault,) = run(f"x = {call}\n").faults

    assert (fault.type, fault.message) == ("AttributeError", "a format field cannot read attributes in rules")


@pytest.mark.parametrize("number", ["10 ** 4299", "10 ** 4300", "-(10 ** 4299)", "-(10 ** 4300)"])
def test_long_numbers_have_the_limit_of_python(number: str) -> None:
    """More than 4,300 digits become no text and no number, as in CPython."""
    compared([(name, f"({number})") for name in ("str", "repr", "hex", "'{}'.format")])
    compared(
        [("int", "('9' * 4300)"), ("int", "('9' * 4301)"), ("int", "('f' * 5000, 16)"), ("format", f"({number}, 'd')")]
    )


def test_a_long_text_is_shown_as_long_as_its_repr_fits() -> None:
    """The limit is that of the text that is made, not of what escapes could make of it."""
    assert run("x = len(repr('a' * 3999998)), len(ascii('a' * 3000000))\n").working["x"] == (4_000_000, 3_000_002)
