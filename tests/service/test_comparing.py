"""Comparing rule files: which differ, by how much, and as a diff that tools can apply."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from random import Random
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.comparing import FileChange, compare

FILES = st.dictionaries(
    st.sampled_from(["a.rules", "b.rules", "c d.rules"]),
    st.lists(st.sampled_from(["x = 1", "", "\x0c", "+++ b/a", "-", "\u2028"]), max_size=6).map("\n".join),
)


def test_changes() -> None:
    """Files that came, went or changed are told in the order of their names, with both sides."""
    old = {"a.rules": "x = 1\n", "b.rules": "y = 1\ny = 2\n", "d.rules": "same\n"}
    new = {"c.rules": "z = 1", "b.rules": "y = 1\ny = 3\ny = 4\n", "d.rules": "same\n"}
    assert compare(old, new) == [
        FileChange("a.rules", "removed", 0, 1, "--- a/a.rules\n+++ /dev/null\n@@ -1 +0,0 @@\n-x = 1\n"),
        FileChange(
            "b.rules",
            "changed",
            2,
            1,
            "--- a/b.rules\n+++ b/b.rules\n@@ -1,2 +1,3 @@\n y = 1\n-y = 2\n+y = 3\n+y = 4\n",
        ),
        FileChange(
            "c.rules",
            "added",
            1,
            0,
            "--- /dev/null\n+++ b/c.rules\n@@ -0,0 +1 @@\n+z = 1\n\\ No newline at end of file\n",
        ),
    ]


def test_long_files() -> None:
    """Of long files with few changes, only these are told; files that repeat themselves take no longer than others."""
    old = [line for number in range(10_000) for line in (f"if 'word {number}' in msg:", "    team = 'A'", "")]
    new = list(old)
    new[3] = "if 'another' in msg:"
    new[20_000:20_002] = []
    before, after = "\n".join(old), "\n".join(new)
    (change,) = compare({"a.rules": before}, {"a.rules": after})
    assert (change.lines_added, change.lines_removed, change.diff.count("@@ -")) == (1, 3, 2)
    # A comparison of each line with each other one takes minutes.
    drawn = Random(1)
    one, other = (
        "".join(f"if 'a{drawn.randrange(60)}' in msg:\n    team = 'A'\n" for _ in range(10_000)) for _ in "ab"
    )
    began = perf_counter()
    compare({"a.rules": one}, {"a.rules": other})
    assert perf_counter() - began < 5


@given(FILES)
def test_same_files(files: dict[str, str]) -> None:
    """Files that are the same have no changes."""
    assert compare(files, dict(reversed(files.items()))) == []


@pytest.mark.skipif(shutil.which("git") is None, reason="git is what applies the changes")
@settings(max_examples=40, deadline=None)
@given(FILES, FILES)
def test_diffs_apply(tmp_path_factory: pytest.TempPathFactory, old: dict[str, str], new: dict[str, str]) -> None:
    """Applied to one side by git, the changes give the other, and their numbers of lines are those of the files."""
    folder = tmp_path_factory.mktemp("files")
    write(folder, old)
    changes = compare(old, new)
    for change in changes:
        before, after = old.get(change.file, ""), new.get(change.file, "")
        assert change.lines_added - change.lines_removed == lines(after) - lines(before)
    patch = "".join(change.diff for change in changes if change.lines_added + change.lines_removed)
    if patch:
        apply = ["git", "apply", "--whitespace=nowarn", "--unidiff-zero", "-"]
        subprocess.run(apply, input=patch.encode(), cwd=folder, check=True, capture_output=True)
    assert {path.name: path.read_bytes().decode() for path in folder.iterdir() if path.stat().st_size} == {
        name: text for name, text in new.items() if text
    }


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files into a folder."""
    for name, text in files.items():
        (folder / name).write_bytes(text.encode())


def lines(text: str) -> int:
    """Return the number of lines, also of one without an end."""
    return text.count("\n") + (not text.endswith("\n") and text != "")
