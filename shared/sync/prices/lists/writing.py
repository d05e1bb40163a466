"""Writes prices to Shopify in as few calls as possible, and finds those that Shopify refuses."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Final

from shared.errors import ErrorCode, OutcomeUnknownError, RefusedError, ThrottledError
from shared.mapping.prices.changes import PriceChange
from shared.shopify.admin.client import QueryRunner
from shared.shopify.prices import MOST_VARIANTS, NewPrice, PriceRejection, set_variant_prices
from shared.sync.prices.ports import LaneOutcome, ProductPrices

_LATE: Final = "time limit reached"
_LOST: Final = "an answer of Shopify was lost"


def by_product(changes: Iterable[PriceChange]) -> list[ProductPrices]:
    found: defaultdict[int, list[PriceChange]] = defaultdict(list)
    for change in changes:
        found[change.product].append(change)
    return [
        ProductPrices(product, tuple(some))
        for product, its in found.items()
        for some in batched(its, MOST_VARIANTS, strict=False)
    ]


def new_prices(product: ProductPrices, *, keeps_compare_at: bool) -> list[NewPrice]:
    return [
        NewPrice(change.variant, change.after.price, change.after.compare_at, keeps_compare_at)
        for change in product.changes
        if change.after is not None
    ]


@dataclass(frozen=True, slots=True)
class SingleCalls:
    """One call for each product. A product that Shopify refuses stops none of the others.

    What a lost answer leaves unknown is not repeated in the run: the next one reads what Shopify shows.
    """

    admin: QueryRunner
    is_late: Callable[[], bool]

    async def write(self, products: Sequence[ProductPrices], *, keeps_compare_at: bool) -> LaneOutcome:
        outcome = LaneOutcome()
        for each in products:
            if self.is_late():
                outcome.halted = _LATE
                break
            try:
                await self._write_one(each, outcome, keeps_compare_at=keeps_compare_at)
            except (OutcomeUnknownError, ThrottledError) as error:
                outcome.halted = _reason(error)
                break
        return outcome

    async def _write_one(self, each: ProductPrices, outcome: LaneOutcome, *, keeps_compare_at: bool) -> None:
        try:
            prices = new_prices(each, keeps_compare_at=keeps_compare_at)
            rejections = await set_variant_prices(self.admin, each.product, prices)
        except RefusedError as refusal:
            if refusal.code is not ErrorCode.SHOPIFY_REJECTED:
                raise
            rejections = [PriceRejection(None, refusal.details["message"])]
        whole = next((rejection for rejection in rejections if rejection.variant is None), None)
        by_variant = {rejection.variant: rejection for rejection in rejections}
        for change in each.changes:
            _sort(change, whole or by_variant.get(change.variant), outcome)


async def write_all_or_none(
    changes: Iterable[PriceChange],
    *,
    size: int,
    renew: Callable[[Sequence[PriceChange]], Awaitable[list[PriceChange]]],
    send: Callable[[Sequence[PriceChange]], Awaitable[list[PriceRejection]]],
    is_late: Callable[[], bool],
) -> LaneOutcome:
    """Sends the changes, `size` in a call, each as `renew` gives it just before.

    One refused price makes Shopify set none of its call: those that it names are left out and the rest is sent again;
    where it names none, the call is halved until the refused one is alone. Raises RefusedError for a list that Shopify
    does not let the app write at all.
    """
    outcome = LaneOutcome()
    for some in batched(changes, size, strict=False):
        if is_late():
            outcome.halted = _LATE
        else:
            try:
                await _write_batch(await renew(some), outcome, send=send, is_late=is_late)
            except ThrottledError as error:
                outcome.halted = _reason(error)
        if outcome.halted:
            break
    return outcome


async def _write_batch(
    changes: list[PriceChange],
    outcome: LaneOutcome,
    *,
    send: Callable[[Sequence[PriceChange]], Awaitable[list[PriceRejection]]],
    is_late: Callable[[], bool],
) -> None:
    batches = deque([changes])
    while batches:
        if is_late():
            outcome.halted = _LATE
            return
        batch = batches.popleft()
        try:
            rejections = await send(batch)
        except OutcomeUnknownError as error:
            outcome.unknown += batch
            outcome.halted = _reason(error)
            return
        except RefusedError as refusal:
            if refusal.code is not ErrorCode.SHOPIFY_REJECTED:
                raise
            rejections = [PriceRejection(None, refusal.details["message"])]
        if not rejections:
            outcome.written += batch
            continue
        named = {each.variant: each for each in rejections if each.variant is not None}
        if not named and len(batch) == 1:
            named = {batch[0].variant: rejections[0]}
        for change in batch:
            if change.variant in named:
                _sort(change, named[change.variant], outcome)
        rest = [change for change in batch if change.variant not in named]
        middle = len(rest) if named else len(rest) // 2
        batches.extendleft(part for part in (rest[middle:], rest[:middle]) if part)


def _sort(change: PriceChange, rejection: PriceRejection | None, outcome: LaneOutcome) -> None:
    if rejection is None:
        outcome.written.append(change)
    elif rejection.is_gone:
        outcome.gone.append(change)
    else:
        outcome.refused.append((change, rejection.message))


def _reason(error: OutcomeUnknownError | ThrottledError) -> str:
    return error.reason if isinstance(error, ThrottledError) else _LOST
