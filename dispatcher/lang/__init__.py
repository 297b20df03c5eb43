"""The rules language: text in, programs and outcomes out. Pure: no files, clock, network, tickets or Halo.

`parse` makes a tree of a Source (parser.py over layout.py and tree_builder.py); `check_module` resolves its names
against a Schema and the tables of functions, methods and modules (checker.py); `compile_module` makes Python code of
it that reaches only what those tables hold (compiler.py over statements.py and expressions.py); `evaluate` runs
programs on the first values of the ticket variables, charged to a Meter (evaluator.py). Each stage takes what the one
before it returns. Problems in rules are values: diagnostics before anything runs, faults in the Outcome.
"""

from __future__ import annotations
