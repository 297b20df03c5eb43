"""How far something has come, as a bar on a terminal; anything else than a terminal gets nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Literal, TextIO

# How often the bar is told: more often than anybody sees.
EVERY_SECONDS = 0.1


@contextmanager
def progress(
    title: str, total: int | None, unit: Literal["bytes", "tickets"], output: TextIO
) -> Iterator[Callable[[int], None]]:
    """Show a bar while the block runs, and yield what is told of each part that is done; None: nobody knows the total.

    The bar is gone when the block ends.
    """
    if not output.isatty():
        yield lambda _part: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    counted = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), counted, TimeRemainingColumn())
    with Progress(*columns, console=Console(file=output), transient=True) as bar:
        task = bar.add_task(title, total=total)
        done, told = 0, monotonic()

        def advance(part: int) -> None:
            nonlocal done, told
            done += part
            if (now := monotonic()) - told >= EVERY_SECONDS:
                told = now
                bar.update(task, completed=done)

        yield advance
