"""Which prices of a list are to be changed in Shopify, and by how much."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal

from shared.model import ListedPrice

_HUNDRED: Final = Decimal(100)
_CENT: Final = Decimal("0.01")


class PriceOutcome(StrEnum):
    """The result for a price in a run."""

    EQUAL = "Shopify shows it already"
    SET = "set to F&O's price"
    SET_BACK = "set back: somebody had changed it in Shopify"
    EDITED = "left as somebody set it in Shopify"
    ENDED = "taken off the list: F&O has no price for it any more"
    NOT_OURS = "not F&O's: the merchant set it"
    REFUSED = "has no price by the rules"
    UNKNOWN = "F&O has no such item"
    HELD = "held until an operator confirms"
    REJECTED = "refused by Shopify"
    LEFT = "not reached: the next run goes on"


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A price to write."""

    variant: int
    product: int
    sku: str
    before: ListedPrice | None
    """What Shopify shows; None where a price list has no price of its own for the variant."""
    after: ListedPrice | None
    """None takes the price off the list: the list's adjustment of the shop's price counts then."""
    outcome: PriceOutcome
    """Once it is written."""

    @property
    def text(self) -> str:
        """As an operator reads it: "249.00 -> 2.49"."""
        return f"{price_text(self.before)} -> {price_text(self.after)}"


def percent_between(before: ListedPrice, after: ListedPrice) -> Decimal:
    """The greatest difference between what a buyer pays for a piece now and then, at any quantity, in percent of the
    higher of the two: what may fall may rise again. 0 for what costs nothing now.
    """
    quantities = {1, *(tier.minimum for each in (before, after) for tier in each.tiers)}
    return max(_percent(_at(before, each), _at(after, each)) for each in quantities)


def decide_price(
    shown: ListedPrice | None,
    wanted: ListedPrice | None,
    written: ListedPrice | None,
    *,
    overwrite: Literal["set_back", "tell"],
) -> PriceOutcome:
    """What becomes of a price that Shopify shows, and that was last written as `written`.

    None is no price of the list's own.
    """
    if shown == wanted:
        return PriceOutcome.EQUAL
    if wanted is None and written is None:
        return PriceOutcome.NOT_OURS
    if wanted is not None and written == wanted:
        return PriceOutcome.EDITED if overwrite == "tell" else PriceOutcome.SET_BACK
    return PriceOutcome.SET if wanted is not None else PriceOutcome.ENDED


def with_shown_compare_at(wanted: ListedPrice | None, shown: ListedPrice | None) -> ListedPrice | None:
    """The price with the compare-at price that Shopify shows, where that is the merchant's."""
    compare_at = None if shown is None else shown.compare_at
    if wanted is None or wanted.compare_at == compare_at:
        return wanted
    return replace(wanted, compare_at=compare_at)


def most_changes(shown: int, *, percent: int, floor: int) -> int:
    """How many of so many shown prices one run may change without an operator."""
    return max(floor, shown * percent // 100)


def by_name(changes: Iterable[PriceChange], shared: Container[str] = ()) -> dict[str, PriceChange]:
    """As an operator reads them: by SKU, and variants whose SKU is one of `shared` by their ids as well. One has the
    same name in every run, whatever else changes.
    """
    found: dict[str, PriceChange] = {}
    for change in changes:
        name = change.sku or f"variant {change.variant}"
        if change.sku in shared or name in found:
            name = f"{change.sku} (variant {change.variant})"
        found[name] = change
    return found


def texts(named: Mapping[str, PriceChange]) -> dict[str, str]:
    return {name: change.text for name, change in named.items()}


def price_text(price: ListedPrice | None) -> str:
    if price is None:
        return "(none)"
    parts = [_text(price.price)]
    if price.compare_at is not None:
        parts.append(f"instead of {_text(price.compare_at)}")
    parts += [f"from {tier.minimum} {_text(tier.price)}" for tier in price.tiers]
    if (rule := price.quantities) is not None:
        most = "" if rule.maximum is None else f" to {rule.maximum}"
        parts.append(f"ordered by {rule.increment} from {rule.minimum}{most}")
    return ", ".join(parts)


def _text(amount: Decimal) -> str:
    """The same for 249, 249.0 and 249.00: Shopify leaves zeros out, and a confirmation is of this very text."""
    return f"{amount:.2f}" if amount == amount.quantize(_CENT) else f"{amount.normalize():f}"


def _at(price: ListedPrice, quantity: int) -> Decimal:
    return min([price.price, *(tier.price for tier in price.tiers if tier.minimum <= quantity)])


def _percent(before: Decimal, after: Decimal) -> Decimal:
    return abs(after - before) * _HUNDRED / max(before, after) if before else Decimal(0)
