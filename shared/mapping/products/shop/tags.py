"""Tags of a product: F&O's are told apart from the merchant's by what the app gave before."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TagPlan:
    new: tuple[str, ...]
    old: tuple[str, ...]
    before: frozenset[str]
    """To be remembered before the tags are written: an interrupted run knows of every tag that it may have given."""
    after: frozenset[str]


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Each tag once, whatever its case, as Shopify counts them. A comma would part a tag in two."""
    found: dict[str, str] = {}
    for tag in tags:
        if text := " ".join(tag.replace(",", " ").split()):
            found.setdefault(text.casefold(), text)
    return tuple(found.values())


def plan_tags(wanted: Collection[str], shown: Iterable[str], given: frozenset[str]) -> TagPlan:
    has = {tag.casefold(): tag for tag in shown}
    keys = {tag.casefold() for tag in wanted}
    ours = {tag.casefold() for tag in given}
    # A tag that the product has already, and that the app did not give, is the merchant's.
    after = frozenset(tag for tag in wanted if tag.casefold() not in has or tag.casefold() in ours)
    return TagPlan(
        new=tuple(tag for tag in wanted if tag.casefold() not in has),
        old=tuple(has[tag.casefold()] for tag in sorted(given) if tag.casefold() in has.keys() - keys),
        before=given | after,
        after=after,
    )
