"""Random programs over the whole language: run here and in CPython, and compared. `python -m tests.fuzz` runs for long."""
