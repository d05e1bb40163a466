"""What the app remembers of a product, in a metafield of the product itself.

A tag or a picture of F&O is told apart from a merchant's by it, and a text that Shopify stores in another form than it
was sent in is not sent again and again. It stays with the product when the app's own storage is lost.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple, Self

from shared.model import Metafield

NAMESPACE: Final = "$app"
"""Of the app's own metafields: no other app, and no staff, can change them."""
ITEM_KEY: Final = "item"
GIVEN_KEY: Final = "given"


class Shown(StrEnum):
    """What the app last did to let people see the product."""

    NEVER = ""
    SHOWN = "shown"
    WITHDRAWN = "withdrawn"


class GivenText(NamedTuple):
    """Digests of a text as it was sent, and as Shopify then had it."""

    sent: str
    stored: str


class GivenPicture(NamedTuple):
    digest: str
    """Of its bytes."""
    id: int
    """Of Shopify's file."""


class Withheld(NamedTuple):
    """What a variant was before it could not be bought any more."""

    sold_beyond_stock: bool
    tracked: bool


@dataclass(frozen=True, slots=True)
class Given:
    tags: frozenset[str] = frozenset()
    texts: Mapping[str, GivenText] = field(default_factory=dict)
    """By field, of those that Shopify stores in another form."""
    pictures: Mapping[str, GivenPicture] = field(default_factory=dict)
    """By their key in F&O."""
    tax_codes: str = ""
    """Digest of the tax codes of all variants: Shopify does not tell them."""
    withheld: Mapping[int, Withheld] = field(default_factory=dict)
    """By variant."""
    shown: Shown = Shown.NEVER
    to_give: frozenset[str] = frozenset()
    """Fields that are given only once, and were not given yet when the product was made."""

    @classmethod
    def of_text(cls, text: str) -> Self:
        """What the metafield holds. Nothing, or what is not the app's, counts as nothing given."""
        try:
            held = json.loads(text or "{}")
            return cls(
                tags=frozenset(held.get("tags", ())),
                texts={name: GivenText(*each) for name, each in held.get("texts", {}).items()},
                pictures={key: GivenPicture(*each) for key, each in held.get("pictures", {}).items()},
                tax_codes=held.get("tax_codes", ""),
                withheld={int(variant): Withheld(*each) for variant, each in held.get("withheld", {}).items()},
                shown=Shown(held.get("shown", "")),
                to_give=frozenset(held.get("to_give", ())),
            )
        except (AttributeError, TypeError, ValueError):
            return cls()

    @property
    def text(self) -> str:
        """The same for the same content."""
        held: dict[str, Any] = {
            "tags": sorted(self.tags),
            "texts": {name: list(self.texts[name]) for name in sorted(self.texts)},
            "pictures": {key: list(self.pictures[key]) for key in sorted(self.pictures)},
            "tax_codes": self.tax_codes,
            "withheld": {str(variant): list(self.withheld[variant]) for variant in sorted(self.withheld)},
            "shown": self.shown.value,
            "to_give": sorted(self.to_give),
        }
        return json.dumps({name: value for name, value in held.items() if value}, ensure_ascii=False)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def item_metafield(item_number: str) -> Metafield:
    """By which the product is found again. Of Shopify's type for custom ids: no two products have the same value."""
    return Metafield(NAMESPACE, ITEM_KEY, "id", item_number)


def given_metafield(given: Given) -> Metafield:
    return Metafield(NAMESPACE, GIVEN_KEY, "json", given.text)
