"""HTML from outside, made safe to show and made text."""

from __future__ import annotations

import pytest

from service.emulator.sanitise import plain_text, safe_html

LINK = ' rel="noopener noreferrer nofollow" target="_blank"'


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        ("plain & <b>bold</b>", "plain &amp; <b>bold</b>"),
        ("&lt;script&gt;", "&lt;script&gt;"),
        ("<script>alert(1)</script>after", "after"),
        ("<SCRIPT>alert(1)</SCRIPT>after", "after"),
        ("<script>alert(1)", ""),
        ("<style>p{}</style><p>x</p>", "<p>x</p>"),
        ("<iframe src=//x><p>in</p></iframe>after", "after"),
        ("<svg><p onload=x>in</p></svg>after", "after"),
        ("<img src=x onerror=alert(1)>x", "x"),
        ('<p onclick="x()" style="color:red" class="c" id="i">x</p>', "<p>x</p>"),
        ('<a href="javascript:x()">x</a>', "<a>x</a>"),
        ('<a href=" JaVaScRiPt:x()">x</a>', "<a>x</a>"),
        ('<a href="data:text/html,x">x</a>', "<a>x</a>"),
        (
            '<a href="https://x.test/?a=1&amp;b=&quot;" onclick=y>x</a>',
            f'<a href="https://x.test/?a=1&amp;b=&quot;"{LINK}>x</a>',
        ),
        ("</div></details><p>x", "<p>x</p>"),
        ("<ul><li>a<li>b</ul>c", "<ul><li>a<li>b</li></li></ul>c"),
        ("<b><i>x</b>y</i>z", "<b><i>x</i></b>yz"),
        ('<td colspan="2">x</td>', '<td colspan="2">x</td>'),
        ('<td colspan="x" rowspan="9">x</td>', "<td>x</td>"),
        ("a<br>b<hr/>c", "a<br>b<hr>c"),
        ("<form><input value=x><button>go</button></form>", "go"),
        ("<!-- comment --><?pi?><!DOCTYPE html>x", "x"),
        ("a < b > c", "a &lt; b &gt; c"),
        ("<p<script>x</p>", "x"),
    ],
)
def test_only_harmless_html_is_left(html: str, safe: str) -> None:
    """Elements and attributes that are not on the list go, and what is left is balanced."""
    cleaned = safe_html(html)
    assert cleaned == safe
    assert safe_html(cleaned) == cleaned


def test_depth_is_limited() -> None:
    """Elements nested without end do not come out so."""
    assert safe_html("<b>" * 10_000 + "x") == "<b>" * 60 + "x" + "</b>" * 60


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two <b>2</b></p>", "one\ntwo 2"),
        ("a<br>b", "a\nb"),
        ("<table><tr><th>k</th><td>v</td></tr><tr><td>x</td></tr></table>", "k v\nx"),
        ("<script>no</script><style>no</style>yes &amp; more", "yes & more"),
        ("", ""),
    ],
)
def test_text_of_html(html: str, text: str) -> None:
    """Blocks become lines, and what is no text for people is left out."""
    assert plain_text(html) == text
