"""The modules that rules can import: for each an explicit table of members, and nothing else.

One file for each module, which holds its table and what carries it out. `datetime` reads the evaluation's clock and
`random` its seed, so that a decision can be replayed.
"""

from __future__ import annotations

from collections.abc import Mapping

from dispatcher.lang.modules.collections_module import COLLECTIONS
from dispatcher.lang.modules.datetime_module import DATETIME
from dispatcher.lang.modules.entry import ModuleEntry
from dispatcher.lang.modules.itertools_module import ITERTOOLS
from dispatcher.lang.modules.json_module import JSON
from dispatcher.lang.modules.math_module import MATH
from dispatcher.lang.modules.random_module import RANDOM
from dispatcher.lang.modules.re_module import RE
from dispatcher.lang.modules.string_module import STRING
from dispatcher.lang.modules.textwrap_module import TEXTWRAP
from dispatcher.lang.modules.zoneinfo_module import ZONEINFO
from dispatcher.lang.values import ModuleValue

# In the order of the reference.
ENTRIES: Mapping[str, ModuleEntry] = {
    entry.name: entry
    for entry in (COLLECTIONS, DATETIME, ITERTOOLS, JSON, MATH, RANDOM, RE, STRING, TEXTWRAP, ZONEINFO)
}

MODULES: Mapping[str, ModuleValue] = {name: entry.value() for name, entry in ENTRIES.items()}
