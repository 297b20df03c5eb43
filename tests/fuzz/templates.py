"""What programs do with values: a table of expressions with holes, each line `type: expression`.

A hole `{type}` takes any expression of that type, `{type.}` one that a dot or a bracket can follow, `{type|}` one that
can stand beside a comparison; `{{` and `}}` are braces. The types are those of `expressions.py`. Expressions that the
language does not accept are left out when the table is read, so that it can run ahead of the language.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from dispatcher import check
from dispatcher.lang.expression_writer import Level

MODULES = ("collections", "datetime", "itertools", "json", "math", "random", "re", "string", "textwrap", "zoneinfo")

_TABLE = r"""
int: len({sized})
int: abs({int})
int: int({int})
int: int({bool})
int: int({digits})
int: int({digits}, {small})
int: int('{small}a', 16)
int: round({float})
int: sum({iter})
int: sum({iter}, {int})
int: sum({iter}, start={int})
int: min({ints})
int: max({ints})
int: min({int}, {int})
int: max({int}, {int}, key={fn})
int: max({ints}, default={int})
int: min({ints}, key={fn}, default={int})
int: ord({char})
int: pow({int}, {small})
int: pow({small}, {small}, {int})
int: hash({small})
int: {str.}.count({str})
int: {str.}.find({str})
int: {str.}.rfind({str}, {index})
int: {str.}.index({str})
int: {str.}.rindex({str}, {index}, {index})
int: {ints.}.index({int})
int: {ints.}.count({int})
int: {tuple.}.count({int})
int: {tuple.}.index({int}, {index})
int: {strs.}.index({str})
int: {ints.}[{index}]
int: {dict.}[{key}]
int: {dict.}.get({key}, {int})
int: {dict.}.setdefault({key}, {int})
int: {dict.}.pop({key}, {int})
int: {ints.}.pop()
int: {ints.}.pop({index})
int: {int.}.bit_length()
int: {int.}.bit_count()
int: {int.}.numerator
int: {int.}.conjugate()
int: range({int}, {int})[{index}]
int: range({int}).count({int})
int: range({int}, {int}, {step}).start
int: next({gen})
int: next({gen}, {int})
int: next(iter({ints}))
int: divmod({int}, {int})[0]
int: len(range({int}, {int}, {step}))
int: len({set})
int: sum({set})
int: max({set}, default={int})
int: (lambda x, y={int}: x + y)({int})
int: (lambda *xs, **named: len(xs) + len(named))({int}, *{ints}, a={int})
int: {fn.}({int})
int: [{int}, {int}, {int}][{index}]
int: ({int}, {int})[{bool}]
int: {{'a': {int}, 'b': {int}}}[{key}]
int: {int|} if {bool|} else {int}
int: True + {int}
int: math.floor({float})
int: math.ceil({float})
int: math.trunc({float})
int: math.gcd({int}, {int})
int: math.lcm({int}, {int})
int: math.isqrt({int})
int: math.factorial({small})
int: math.comb({small}, {small})
int: math.perm({small})
int: math.prod({ints})
int: next(itertools.count({int}, {int}))
int: json.loads({digits})
int: datetime.date(2024, 2, {small}).weekday()
int: (datetime.date(2024, 2, 29) - datetime.date(2023, {small}, 1)).days
int: collections.Counter({strs})[{str}]
int: collections.Counter({str}).total()
int: collections.deque({ints}, {small}).popleft()
int: len(re.findall({pattern}, {str}))
int: (re.search({pattern}, {str}) or re.search('', 'ab')).end()
int: len(textwrap.wrap({str}, {small}))
int: random.randint({small}, 9)
int: random.randrange({small}, 9, 2)
float: float({int})
float: float({digits})
float: {int.} / {small}
float: round({float}, {small})
float: abs({float})
float: sum([{float}, {float}])
float: max({float}, {int})
float: math.sqrt({float})
float: math.hypot({float}, {int})
float: math.fsum([{float}, {float}, {int}])
float: math.fmod({float}, {float})
float: math.copysign({float}, {int})
float: math.log({float})
float: math.log({int}, {small})
float: math.exp({small})
float: math.pow({float}, {small})
float: math.pi
float: math.inf
float: math.dist(({int}, {float}), ({float}, {int}))
float: datetime.timedelta(hours={int}, seconds={float}).total_seconds()
float: random.random()
float: random.uniform({int}, {float})
float: {float.}.real
bool: {int|} < {int|}
bool: {int|} <= {int|} < {int|}
bool: {int|} == {float|} != {int|}
bool: {str|} < {str|}
bool: {str|} in {str|}
bool: {str|} not in {strs|}
bool: {int|} in {ints|}
bool: {int|} in {set|}
bool: {key|} in {dict|}
bool: {any|} == {any|}
bool: {any|} != {any|}
bool: {any|} in {list|}
bool: {ints|} <= {ints|}
bool: {tuple|} < {tuple|}
bool: {set|} <= {set|}
bool: {set|} == {set|} != {set|}
bool: {any|} is None
bool: {any|} is not None
bool: {ints|} is {ints|}
bool: not {any|}
bool: bool({any})
bool: all({iter})
bool: any({iter})
bool: any({int|} > x for x in {iter})
bool: all(x or print(x) for x in {ints})
bool: isinstance({any}, int)
bool: isinstance({any}, (str, float))
bool: isinstance({any}, (list, (dict, tuple)))
bool: callable({any})
bool: {str.}.startswith({str})
bool: {str.}.startswith(({str}, {str}), {index})
bool: {str.}.endswith({str})
bool: {str.}.isdigit()
bool: {str.}.isalpha()
bool: {str.}.isalnum()
bool: {str.}.isupper()
bool: {str.}.islower()
bool: {str.}.istitle()
bool: {str.}.isspace()
bool: {str.}.isidentifier()
bool: {str.}.isnumeric()
bool: {str.}.isdecimal()
bool: {str.}.isascii()
bool: {str.}.isprintable()
bool: {float.}.is_integer()
bool: {set.}.issubset({ints})
bool: {set.}.issuperset({set})
bool: {set.}.isdisjoint({ints})
bool: {int|} in range({int}, {int})
bool: {float|} in {ints|}
bool: {int|} in {dict.}.values()
bool: range({int}) == range({int})
bool: type({any}) is int
bool: type({any}) == type({any})
bool: math.isclose({float}, {float})
bool: math.isnan({float})
bool: bool(re.match({pattern}, {str}))
bool: re.fullmatch({pattern}, {str}) is None
bool: datetime.date(2024, {small}, 3) < datetime.date(2024, 3, {small})
str: str({any})
str: repr({any})
str: ascii({str})
str: str({float})
str: format({int}, {intspec})
str: format({float}, {floatspec})
str: format({str}, {strspec})
str: chr({int})
str: hex({int})
str: bin({int})
str: oct({int})
str: {str.}.upper()
str: {str.}.lower()
str: {str.}.title()
str: {str.}.capitalize()
str: {str.}.swapcase()
str: {str.}.casefold()
str: {str.}.strip()
str: {str.}.strip({str})
str: {str.}.lstrip()
str: {str.}.rstrip({str})
str: {str.}.replace({str}, {str})
str: {str.}.replace({str}, {str}, {small})
str: {str.}.removeprefix({str})
str: {str.}.removesuffix({str})
str: {str.}.center({width})
str: {str.}.center({width}, {char})
str: {str.}.ljust({width}, {char})
str: {str.}.rjust({width})
str: {str.}.zfill({width})
str: {str.}.expandtabs({small})
str: {str.}.join({strs})
str: {str.}.join(str(x) for x in {iter})
str: {str.}.join(map(str, {iter}))
str: {str.}.partition({str})[{index}]
str: {str.}.rpartition({str})[0]
str: {str.}.split({str})[{index}]
str: {str.}.translate(str.maketrans({str}, {str}))
str: {str.}.translate({{97: {str}, 98: None}})
str: {str.}[{index}]
str: {str.}[{slice}]
str: {strs.}[{index}]
str: {str.} * {small}
str: {str|} + {str|}
str: '%s' % ({any},)
str: '%r|%5d|%-4s' % ({any}, {int}, {str})
str: '%05.2f %x' % ({float}, {int})
str: '%(a)s %(b)r' % {{'a': {any}, 'b': {any}}}
str: '%*d' % ({width}, {int})
str: '%c%%' % {char.}
str: {str.} % {int.}
str: '{{}} {{}}'.format({any}, {any})
str: '{{0}}{{1!r}}{{0:>{width}}}'.format({str}, {any})
str: '{{a[0]}}{{b[x]}}'.format(a={ints}, b={{'x': {any}}})
str: '{{:{{}}}}|'.format({str}, {strspec})
str: {str.}.format({any}, a={any})
str: '{{a}}-{{b!s:>{width}}}'.format_map({dict})
str: max({strs}, key=len)
str: min({str}, {str})
str: max({strs}, default={str})
str: {{'a': {str}, 'b': {str}}}.get({key}, {str})
str: ({str}, {str}, {str})[{index}]
str: str.upper({str})
str: str.join({str}, {strs})
str: (lambda s, /, *, t={str}: s + t)({str})
str: ''.join(sorted({str}))
str: ''.join(reversed({str}))
str: ''.join([c for c in {str} if c not in {str|}])
str: re.sub({pattern}, {str}, {str})
str: re.sub({pattern}, lambda m: m.group() * 2, {str}, count={small})
str: (re.search({pattern}, {str}) or re.search('b?', 'ab')).group(0)
str: re.escape({str})
str: textwrap.fill({str}, {small})
str: textwrap.shorten({str}, {width})
str: textwrap.indent({str}, {str})
str: textwrap.dedent({str})
str: json.dumps({any})
str: json.dumps({dict}, indent={small}, sort_keys=True)
str: string.ascii_lowercase[{slice}]
str: string.capwords({str})
str: string.Template('$a-${{b}}').substitute(a={any}, b={any})
str: datetime.date(2024, 2, {small}).isoformat()
str: datetime.datetime(2024, 1, {small}, 12, 30).strftime('%d.%m.%Y %H:%M')
str: str(datetime.timedelta(days={int}, minutes={int}))
str: ''.join(random.choices({str}, k={small}))
ints: [{int}, {int}, {int}]
ints: [*{ints}, {int}, *{ints}]
ints: list({iter})
ints: list(range({int}))
ints: list(range({int}, {int}, {step}))
ints: sorted({iter})
ints: sorted({iter}, reverse={bool})
ints: sorted({ints}, key={fn})
ints: sorted({set})
ints: sorted({dict.}.values())
ints: list(reversed({ints}))
ints: list(map({fn}, {iter}))
ints: list(map(lambda x, y: x - y, {ints}, {ints}))
ints: list(filter({fn}, {iter}))
ints: list(filter(None, {ints}))
ints: {ints|} + {ints|}
ints: {ints.} * {small}
ints: {ints.}[{slice}]
ints: {ints.}.copy()
ints: list({dict.}.values())
ints: [x for x in {iter}]
ints: [x + {int|} for x in {iter} if x > {int|}]
ints: [x * y for x in {ints} for y in {ints} if x != y]
ints: [y for x in [{ints}, {ints}] if x for y in x if y]
ints: [len(w) for w in {strs}]
ints: [n for n, x in enumerate({ints}, {int}) if x % 2]
ints: [a - b for a, b in zip({ints}, {ints})]
ints: [a for a, *rest in [{ints}, {tuple}]]
ints: [f() for f in [lambda: x for x in range({small})]]
ints: [f() for f in [lambda x=x: x for x in range({small})]]
ints: [last := x for x in {ints}]
ints: [{int}, *(x for x in {iter})]
ints: [x for x in {gen}]
ints: [int(c) for c in {digits}]
ints: [*range({small}), *{tuple}]
ints: [x for xs in [[y] * 2 for y in {ints}] for x in xs]
ints: list(itertools.chain({ints}, {ints}))
ints: list(itertools.islice({gen}, {small}))
ints: list(itertools.islice(itertools.count({int}), {small}))
ints: list(itertools.accumulate({ints}))
ints: list(itertools.takewhile({fn}, {ints}))
ints: list(itertools.dropwhile({fn}, {ints}))
ints: list(itertools.compress({ints}, {list}))
ints: list(itertools.repeat({int}, {small}))
ints: list(itertools.starmap(lambda x, y: x * y, zip({ints}, {ints})))
ints: list(collections.deque({ints}, maxlen={small}))
ints: json.loads(json.dumps({ints}))
ints: random.sample({ints}, {small})
strs: [{str}, {str}]
strs: {str.}.split()
strs: {str.}.split({str})
strs: {str.}.split({str}, {small})
strs: {str.}.rsplit(None, {small})
strs: {str.}.rsplit({str}, maxsplit={small})
strs: {str.}.splitlines()
strs: {str.}.splitlines({bool})
strs: list({str})
strs: list({dict})
strs: list({dict.}.keys())
strs: sorted({strs})
strs: sorted({strs}, key=len, reverse={bool})
strs: sorted({strs}, key=str.lower)
strs: sorted({dict}, key=lambda k: (len(k), k))
strs: list(map(str, {iter}))
strs: list(map(str.upper, {strs}))
strs: list(map({str.}.replace, {strs}, {strs}))
strs: [w.strip() for w in {strs} if w]
strs: [f'{{c}}{{n}}' for n, c in enumerate({str})]
strs: {strs.}[{slice}]
strs: {strs|} + {strs|}
strs: re.split({pattern}, {str})
strs: re.findall({pattern}, {str})
strs: [m.group() for m in re.finditer({pattern}, {str})]
strs: textwrap.wrap({str}, {small})
strs: list(itertools.chain.from_iterable({strs}))
strs: [k for k, g in itertools.groupby({str})]
list: [{any}, {any}]
list: [{any}, [{any}], ({any},)]
list: [*{list}, {any}]
list: list({tuple})
list: list({dict.}.items())
list: list(zip({iter}, {str}))
list: list(zip({ints}, {strs}, strict={bool}))
list: list(enumerate({strs}))
list: list(enumerate({str}, start={int}))
list: {list.}[{slice}]
list: [{list}] * {small}
list: [[x, y] for x in {ints} for y in {str}]
list: [x if x else {any} for x in {list}]
list: sorted({dict.}.items(), key=lambda pair: (-pair[1], pair[0]))
list: list(map(lambda *xs: xs, {ints}, {strs}))
list: [list(row) for row in zip(*[{ints}, {ints}])]
list: list({table})
list: [{any}, {bool}, {none}, {float}]
list: list(itertools.product({ints}, repeat=2))[{slice}]
list: list(itertools.permutations({ints}, 2))[{slice}]
list: list(itertools.combinations({str}, 2))
list: list(itertools.zip_longest({ints}, {strs}, fillvalue={any}))
list: [(k, list(g)) for k, g in itertools.groupby({ints}, {fn})]
list: [list(t) for t in itertools.tee({ints})]
list: list(itertools.pairwise({ints}))
list: collections.Counter({str}).most_common({small})
list: json.loads(json.dumps({list}))
list: [m.groups() for m in re.finditer('(.)(b)?', {str})]
tuple: ({int}, {int})
tuple: ({int},)
tuple: ({int}, {str}, {any})
tuple: tuple({iter})
tuple: tuple({str})
tuple: (*{ints}, {int})
tuple: {tuple|} + {tuple|}
tuple: {tuple.} * {small}
tuple: {tuple.}[{slice}]
tuple: divmod({int}, {int})
tuple: divmod({float}, {small})
tuple: {str.}.partition({str})
tuple: tuple(sorted({strs}))
tuple: {int.}.as_integer_ratio()
tuple: (lambda *xs: xs)(*{ints}, {any})
tuple: (lambda *xs, k={any}, **named: (xs, k, sorted(named)))({int}, z={int}, **{dict})
tuple: (re.match('(a)?(.*)', {str}) or re.match('', '')).groups()
tuple: math.modf({float})
tuple: math.frexp({float})
dict: {{'a': {int}, {key}: {int}}}
dict: {{**{dict}, {key}: {int}}}
dict: {{**{dict}, **{dict}}}
dict: dict(a={int}, z={int})
dict: dict({dict}, b={int})
dict: dict(zip({strs}, {iter}))
dict: dict([({key}, {int}), ({key}, {int})])
dict: dict.fromkeys({strs}, {int})
dict: {{w: len(w) for w in {strs}}}
dict: {{k: v + {int|} for k, v in {dict.}.items() if v}}
dict: {{c: n for n, c in enumerate({str})}}
dict: {dict|} | {dict|}
dict: {dict.}.copy()
dict: dict(sorted({dict.}.items()))
dict: dict(collections.Counter({strs}))
dict: json.loads(json.dumps({dict}))
dict: dict(collections.OrderedDict({dict}))
table: {{{hash}: {any}, {hash}: {any}}}
table: {{{int}: {str}, **{dict}}}
table: dict(zip({tuple}, {list}))
table: {{(x, y): x for x in {ints} for y in {str}}}
table: {{x: [y for y in {ints} if y < x] for x in {iter}}}
table: dict.fromkeys({tuple})
table: {{k: list(g) for k, g in itertools.groupby(sorted({ints}), {fn})}}
set: {{{int}, {int}}}
set: {{*{ints}, {int}}}
set: set({iter})
set: set()
set: {{x % 3 for x in {iter}}}
set: {set|} | {set|}
set: {set|} & {set|}
set: {set|} - {set|}
set: {set|} ^ {set|}
set: {set.}.union({ints}, {ints})
set: {set.}.intersection({ints})
set: {set.}.difference({iter})
set: {set.}.symmetric_difference({ints})
set: {set.}.copy()
set: frozenset({iter})
set: set({dict.}.values())
gen: (x for x in {ints})
gen: (x * {int|} for x in {iter} if x)
gen: (x + y for x in {ints} for y in {iter})
gen: iter({ints})
gen: map({fn}, {ints})
gen: filter({fn}, {iter})
gen: reversed({ints})
gen: (print(x) or x for x in {ints})
gen: ({int|} // x for x in {ints})
gen: itertools.chain({ints}, {gen})
gen: itertools.islice({gen}, {small})
gen: itertools.accumulate({gen})
fn: lambda x: x
fn: lambda x: {int}
fn: lambda x: x + {int|}
fn: lambda x: -x
fn: lambda x, y={int}: x * y
fn: lambda *xs: len(xs) + xs[0]
fn: lambda x: x if x > {int|} else {int}
fn: abs
fn: int
fn: {ints.}.count
fn: {ints.}.index
fn: (lambda n: lambda x: x + n)({int})
iter: {ints}
iter: {ints}
iter: {gen}
iter: range({small})
iter: range({int}, {int}, {step})
iter: {dict.}.values()
iter: {tuple}
iter: (x for x in {ints} if x)
iter: {set|} and sorted({set})
sized: {str}
sized: {ints}
sized: {strs}
sized: {dict}
sized: {tuple}
sized: {table}
sized: range({int})
"""

_HOLE = re.compile(r"\{\{|\}\}|\{([a-z]+)([.|]?)\}")
_LEVELS = {"": Level.TEST, ".": Level.PRIMARY, "|": Level.BIT_OR}


@dataclass(frozen=True, slots=True)
class Hole:
    """A place for an expression of a type; some places take no `:=`, even in brackets."""

    kind: str
    level: Level
    walrus: bool


@dataclass(frozen=True, slots=True)
class Template:
    """One line of the table: texts and holes in turn, and how tightly the whole holds together."""

    result: str
    pieces: tuple[str | Hole, ...]
    level: Level

    @property
    def walrus(self) -> bool:
        """Tell whether the expression itself has a `:=`."""
        return any(isinstance(piece, str) and ":=" in piece for piece in self.pieces)

    def filled(self, placeholder: str) -> str:
        """Return the text with the same expression in every hole."""
        return "".join(piece if isinstance(piece, str) else placeholder for piece in self.pieces)


def _hole(kind: str, level: Level, before: str) -> Hole:
    # What a comprehension runs over, and its conditions.
    clause = " for " in before
    if before.endswith("*"):
        level = max(level, Level.BIT_OR)
    return Hole(kind, max(level, Level.OR) if clause else level, walrus=not clause)


def _template(line: str) -> Template:
    result, _, text = line.partition(": ")
    pieces: list[str | Hole] = []
    end = 0
    for found in _HOLE.finditer(text):
        pieces.append(text[end : found.start()])
        if found.group(1):
            pieces.append(_hole(found.group(1), _LEVELS[found.group(2)], text[: found.start()]))
        else:
            pieces.append(found.group()[0])
        end = found.end()
    pieces.append(text[end:])
    whole = Template(result, tuple(pieces), Level.ATOM)
    return Template(result, whole.pieces, _level(ast.parse(whole.filled("x"), mode="eval").body))


def _level(expression: ast.expr) -> Level:
    match expression:
        case ast.Lambda() | ast.IfExp():
            return Level.TEST
        case ast.BoolOp():
            return Level.AND if isinstance(expression.op, ast.And) else Level.OR
        case ast.UnaryOp():
            return Level.NOT if isinstance(expression.op, ast.Not) else Level.UNARY
        case ast.Compare():
            return Level.COMPARISON
        case ast.BinOp():
            return Level.BIT_OR
        case ast.Call() | ast.Attribute() | ast.Subscript():
            return Level.PRIMARY
        case _:
            return Level.ATOM


@cache
def modules() -> tuple[str, ...]:
    """Return the modules that rules may import."""
    return tuple(module for module in MODULES if _accepted(f"import {module}"))


@cache
def templates() -> Mapping[str, tuple[Template, ...]]:
    """Return the expressions that the language accepts, by the type of their value."""
    every = [_template(line) for line in _TABLE.strip().splitlines()]
    imports = "".join(f"import {module}\n" for module in modules())
    accepted = [template for template in every if _accepted(f"{imports}x = 1\nx = {template.filled('x')}")]
    found: dict[str, list[Template]] = {}
    for template in accepted:
        found.setdefault(template.result, []).append(template)
    return {kind: tuple(entries) for kind, entries in found.items()}


def _accepted(text: str) -> bool:
    return all(problem.severity != "error" for problem in check(text))
