"""What became of tests of rules, as the XML that CI servers read (JUnit's, as Jenkins and GitLab know it)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from dispatcher.render.testing import called, details

# What XML 1.0 cannot hold, in whatever spelling.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(data: Mapping[str, Any]) -> str:
    """Return a report as XML: a suite for each tests file, a case for each test."""
    root = Element("testsuites", {"name": "dispatcher"} | _counts(data["results"]))
    for file, found in groupby(data["results"], key=lambda result: result["file"]):
        results = list(found)
        suite = SubElement(root, "testsuite", {"name": _text(file)} | _counts(results))
        for result in results:
            _case(suite, result)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _counts(results: list[Mapping[str, Any]]) -> dict[str, str]:
    outcomes = [result["outcome"] for result in results]
    return {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count("fail")),
        "errors": str(outcomes.count("error")),
    }


def _case(suite: Element, result: Mapping[str, Any]) -> None:
    line = {} if result["line"] is None else {"line": str(result["line"])}
    file = _text(result["file"])
    case = SubElement(suite, "testcase", {"classname": file, "name": _text(called(result)), "file": file} | line)
    if result["outcome"] != "pass":
        lines = details(result)
        kind = "failure" if result["outcome"] == "fail" else "error"
        # What is shown in lists: the first difference stands below the name of its ticket.
        told = next((text.strip() for text in lines[1:]), "") if kind == "failure" else lines[0]
        SubElement(case, kind, {"message": _text(told), "type": kind}).text = _text("\n".join(lines))


def _text(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)
