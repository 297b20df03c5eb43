"""`string`: constants, `capwords` and `Template`. `Formatter` is left out: it reads attributes.

The constants are written out, since Python's module compiles a pattern when it is imported, which takes 2 ms and more.
"""

from __future__ import annotations

from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.entries import CONSTANT, LENGTH, FunctionEntry
from dispatcher.lang.modules.entry import ModuleEntry, constant, function
from dispatcher.lang.text_template import Template
from dispatcher.lang.values import TypeValue, type_name

_LOWER = "abcdefghijklmnopqrstuvwxyz"
_LETTERS = _LOWER + _LOWER.upper()
_DIGITS = "0123456789"
_SIGNS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_SPACE = " \t\n\r\v\f"
# Bytes of a word beside its characters.
_WORD_SIZE = 60


def _capwords(meter: Meter, s: Any, sep: Any = None) -> str:
    if type(s) is not str:
        raise AttributeError(f"'{type_name(s)}' object has no attribute 'split'")
    plain = s.isascii()
    meter.charge(5 + (len(s) >> (4 if plain else 1)))
    # Beyond ASCII a character may become three.
    charged = meter.text(len(s) * (1 if plain else 3), ascii_only=plain)
    meter.charge(len(s) >> 1)
    temporary = _WORD_SIZE * (len(s) // 2 + 1)
    meter.allocate(temporary)
    return meter.made_text((sep or " ").join(map(str.capitalize, s.split(sep))), charged + temporary)


def _template(meter: Meter, template: Any, /) -> Template:
    meter.charge(2)
    return Template(template)


STRING = ModuleEntry(
    "string",
    "constants and templates of text",
    (
        constant("ascii_letters", "a to z and A to Z", _LETTERS),
        constant("ascii_lowercase", "a to z", _LOWER),
        constant("ascii_uppercase", "A to Z", _LOWER.upper()),
        function("capwords", "capwords(s, sep=None)", LENGTH, "the text with words in upper case first", _capwords),
        constant("digits", "0 to 9", _DIGITS),
        constant("hexdigits", "the digits of base 16", _DIGITS + "abcdefABCDEF"),
        constant("octdigits", "the digits of base 8", _DIGITS[:8]),
        constant("printable", "what ASCII can print", _DIGITS + _LETTERS + _SIGNS + _SPACE),
        constant("punctuation", "ASCII's signs", _SIGNS),
        FunctionEntry(
            "Template",
            "Template(template)",
            CONSTANT,
            "a text with `$name` to fill in",
            TypeValue("Template", Template, _template, module="string"),
        ),
        constant("whitespace", "ASCII's white space", _SPACE),
    ),
)
