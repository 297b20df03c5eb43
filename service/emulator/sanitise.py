"""HTML from outside, made safe to show: an allow-list of elements, no attributes but links and spans."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser

_INLINE = frozenset({"a", "b", "code", "del", "em", "i", "ins", "s", "small", "span", "strong", "sub", "sup", "u"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCKS = _HEADINGS | {"blockquote", "dd", "div", "dl", "dt", "li", "ol", "p", "pre", "table", "tr", "ul"}
_CELLS = frozenset({"td", "th"})
_VOID = frozenset({"br", "hr"})
_KEPT = _INLINE | _BLOCKS | _CELLS | _VOID | {"tbody", "tfoot", "thead"}
# What these hold is not text for people; it goes with them.
_DROPPED_WHOLE = frozenset({"iframe", "math", "noscript", "object", "script", "style", "svg", "template", "title"})
_LINKS = ("http://", "https://", "mailto:")
_MAX_DEPTH = 60


def safe_html(html: str) -> str:
    """Return the HTML with only harmless elements, always balanced."""
    cleaner = _Cleaner()
    cleaner.feed(html)
    cleaner.close()
    return cleaner.result()


def plain_text(html: str) -> str:
    """Return the text of HTML, a line per block, without empty lines."""
    reader = _TextReader()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).splitlines())
    return "\n".join(line for line in lines if line)


class _Cleaner(HTMLParser):
    """Writes again what is allowed, and drops, escapes or closes everything else."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._open: list[str] = []
        self._dropping: list[str] = []

    def result(self) -> str:
        return "".join(self._parts) + "".join(f"</{tag}>" for tag in reversed(self._open))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED_WHOLE:
            self._dropping.append(tag)
        if self._dropping or tag not in _KEPT:
            return
        if tag in _VOID:
            self._parts.append(f"<{tag}>")
        elif len(self._open) < _MAX_DEPTH:
            self._parts.append(f"<{tag}{_attributes(tag, dict(attrs))}>")
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _DROPPED_WHOLE:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._dropping:
            if tag == self._dropping[-1]:
                self._dropping.pop()
            return
        # A stray end tag must not close what stands around the HTML.
        while tag in self._open:
            closing = self._open.pop()
            self._parts.append(f"</{closing}>")
            if closing == tag:
                return

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            self._parts.append(escape(data))


class _TextReader(HTMLParser):
    """Collects text, with line ends where blocks begin and end."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._dropping: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in _DROPPED_WHOLE:
            self._dropping.append(tag)
        elif tag in _BLOCKS | _VOID:
            self.parts.append("\n")
        elif tag in _CELLS:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if self._dropping and tag == self._dropping[-1]:
            self._dropping.pop()
        elif tag in _BLOCKS | _VOID:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            self.parts.append(data)


def _attributes(tag: str, attributes: dict[str, str | None]) -> str:
    if tag == "a":
        target = (attributes.get("href") or "").strip()
        if target.lower().startswith(_LINKS):
            return f' href="{escape(target)}" rel="noopener noreferrer nofollow" target="_blank"'
    if tag in _CELLS:
        span = attributes.get("colspan") or ""
        if span.isascii() and span.isdigit() and len(span) < 3:
            return f' colspan="{span}"'
    return ""
