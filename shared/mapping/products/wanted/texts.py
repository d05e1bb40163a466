"""F&O's texts as Shopify takes them."""

from __future__ import annotations

import html
import re
from decimal import Decimal
from typing import Final

from shared.mapping.text import one_line, storable

_PARAGRAPHS: Final = re.compile(r"\n\s*\n")
_LINE_ENDS: Final = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


def html_of(text: str) -> str:
    """Plain text as HTML: a paragraph for each that an empty line parts, a break for each end of a line.

    What looks like HTML in it is shown as it was typed. "" for a text of blanks.
    """
    plain = _LINE_ENDS.sub("\n", storable(text))
    paragraphs = (paragraph.strip() for paragraph in _PARAGRAPHS.split(plain))
    return "".join(f"<p>{_breaks(paragraph)}</p>" for paragraph in paragraphs if paragraph)


def _breaks(paragraph: str) -> str:
    return "<br>".join(html.escape(one_line(line), quote=False) for line in paragraph.split("\n"))


def plain_number(value: Decimal) -> str:
    """Without exponent and without zeros at the end: 0.5, 1200."""
    return f"{value.normalize():f}"
