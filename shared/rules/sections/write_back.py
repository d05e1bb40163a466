"""What an order in Shopify shows about its sales order: `[write_back]`, and which tags the app wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from pydantic import Field, field_validator

from shared.rules.base import Rules

NUMBER: Final = "{number}"
_NUMBER_LENGTH: Final = 20  # characters that F&O's number may have
TAG_LENGTH: Final = 40  # characters that Shopify takes for an order's tag
_FEWEST_OWN: Final = 2


class WriteBackRules(Rules):
    namespace: str = Field(
        default="$app",
        pattern=r"^\$app(:[A-Za-z0-9_-]{1,64})?$",
        description="The metafield's namespace: `$app`, or `$app:` and a name of letters, digits, - and _. Shopify "
        "reserves both for this app, so no other app's metafield is overwritten.",
    )
    key: str = Field(
        default="sales_order",
        pattern=r"^[A-Za-z0-9_-]{2,64}$",
        description="The metafield's key: 2 to 64 letters, digits, - and _.",
    )
    tag: str | None = Field(
        default=None,
        description="Tag that is added to the order. `{number}` stands for F&O's number; every tag of this form then "
        "counts as written by the app. Default: no tag.",
    )

    def tag_for(self, number: str) -> str | None:
        return self.tag.replace(NUMBER, number) if self.tag else None

    def is_own(self, tag: str) -> bool:
        """Whether the app may have written the tag. To Shopify, tags that differ only in case are the same."""
        if not self.tag:
            return False
        before, number, after = self.tag.partition(NUMBER)
        form = re.escape(before) + (rf"(?=.*\d).{{1,{_NUMBER_LENGTH}}}" if number else "") + re.escape(after)
        return re.fullmatch(form, tag.strip(), re.IGNORECASE) is not None

    @field_validator("tag")
    @classmethod
    def _fits_shopify(cls, tag: str | None) -> str | None:
        if tag is None:
            return None
        own = tag.replace(NUMBER, "", 1)
        mistakes = []
        if tag != tag.strip() or not tag:
            mistakes.append("is empty or has blanks around it: leave the key out for no tag")
        if set(own) & set(",{}"):
            mistakes.append("may contain {number} once, and no comma or other brace: commas separate tags in Shopify")
        if NUMBER in tag and len(re.sub(r"\W", "", own)) < _FEWEST_OWN:
            mistakes.append("needs at least 2 letters or digits beside {number}, so that other tags do not match it")
        if len(own) + (_NUMBER_LENGTH if NUMBER in tag else 0) > TAG_LENGTH:
            mistakes.append(f"may have {TAG_LENGTH} characters, {_NUMBER_LENGTH} of which are for the number")
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return tag


def without_our_tag(tags: Iterable[str], rules: WriteBackRules) -> tuple[str, ...]:
    """The order's tags without those that the app wrote, which are no change of the order."""
    return tuple(tag for tag in tags if not rules.is_own(tag))
