"""Texts of products: lengths, tags, handles, and the HTML of descriptions."""

import re
from collections.abc import Iterable
from html.parser import HTMLParser

from local.shopify.nodes import not_simulated

LONGEST = 255
MOST_TAGS = 250
_VOID = frozenset({"br", "hr", "img"})
#: What a description may have of tags. What Shopify makes of others is not recorded.
_TAGS = _VOID | frozenset(
    """a b blockquote code div em h1 h2 h3 h4 h5 h6 i li ol p pre s small span strong sub sup
    table tbody td th thead tr u ul""".split()  # noqa: SIM905 - a table
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def normal_tags(tags: Iterable[str]) -> list[str]:
    """Trimmed, without blanks and repetitions whatever their case, sorted: as recorded."""
    first: dict[str, str] = {}
    for tag in (part.strip() for text in tags for part in text.split(",")):
        if tag:
            first.setdefault(tag.casefold(), tag)
    return [first[folded] for folded in sorted(first)]


def tags_are_valid(tags: Iterable[str]) -> bool:
    return all(len(tag) <= LONGEST for tag in tags)


def plain(text: str) -> str:
    """A text without control characters; what Shopify makes of these is not recorded."""
    if _CONTROL.search(text):
        raise not_simulated("control characters in texts")
    return text


def description(html: str) -> str:
    """A description as it is stored: as it was given, if it is made of plain tags that are closed."""
    _Checker().check(plain(html))
    return html


class _Checker(HTMLParser):
    """Refuses what Shopify may change: other tags, scripts, attributes that run something, tags left open."""

    def check(self, html: str) -> None:
        self._open: list[str] = []
        self.feed(html)
        self.close()
        if self._open:
            raise not_simulated(f"a description that leaves <{self._open[-1]}> open")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            raise not_simulated(f"<{tag}> in a description")
        for name, value in attrs:
            if name.startswith("on") or (value or "").strip().lower().startswith("javascript:"):
                raise not_simulated(f"{name}={value!r} in a description")
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            raise not_simulated(f"<{tag}/> in a description")

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            raise not_simulated(f"a description with a </{tag}> that closes nothing")

    def handle_comment(self, data: str) -> None:
        raise not_simulated(f"the comment {data!r} in a description")

    def handle_decl(self, decl: str) -> None:
        raise not_simulated(f"<!{decl}> in a description")
