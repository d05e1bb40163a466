"""The tenant's own price service: a custom service in F&O that a store's rules name.

The contract is the app's (docs/prices.md). POST /api/services/<group>/<service>/<operation> with `company`,
`currency`, `priceGroup`, `customerAccount`, `date` and `lines`; the answer has `prices`: for each line, in the same
order, the price of one unit, or null. The service changes nothing, so it may be asked again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import batched
from typing import Any, Final

from shared.d365.odata.client import ServiceCaller
from shared.errors import ErrorCode, RefusedError
from shared.model import Item
from shared.model.fo_order import FoRow

LINES: Final = 500
"""In a call."""
_DIMENSIONS: Final = ("colorId", "configurationId", "sizeId", "styleId", "versionId")


@dataclass(frozen=True, slots=True)
class PriceQuestion:
    """For whom and when prices are asked."""

    path: str
    """<group>/<service>/<operation>."""
    company: str
    currency: str
    group: str
    """Price group; "" for none."""
    account: str
    """Customer; "" for none."""
    day: date


async def ask_prices(
    client: ServiceCaller, question: PriceQuestion, items: Iterable[tuple[Item, str]], quantities: Sequence[int]
) -> dict[Item, dict[int, Decimal | None]]:
    """The price of one piece by item and quantity, None for none. Each item is given with its sales unit.

    Raises RefusedError PRICE_SERVICE_WRONG for any answer that is not to the contract: then nothing is known.
    """
    lines = [(item, unit, quantity) for item, unit in items for quantity in quantities]
    found: defaultdict[Item, dict[int, Decimal | None]] = defaultdict(dict)
    for some in batched(lines, LINES, strict=False):
        answer = await _ask(client, question, [_line(*line) for line in some])
        prices = answer.get("prices")
        if not isinstance(prices, list) or len(prices) != len(some):
            raise _wrong(question, f"`prices` has to be a list of {len(some)}")
        for (item, _, quantity), price in zip(some, prices, strict=True):
            if price is not None and not isinstance(price, Decimal):
                raise _wrong(question, "a price is neither a number nor null")
            found[item][quantity] = price
    return dict(found)


async def _ask(client: ServiceCaller, question: PriceQuestion, lines: list[FoRow]) -> FoRow:
    asked: dict[str, Any] = {
        "company": question.company,
        "currency": question.currency,
        "priceGroup": question.group,
        "customerAccount": question.account,
        "date": question.day.isoformat(),
        "lines": lines,
    }
    try:
        return await client.ask_service(question.path, asked)
    except RefusedError as refusal:
        raise _wrong(question, refusal.cause) from refusal


def _line(item: Item, unit: str, quantity: int) -> FoRow:
    dimensions = dict(zip(_DIMENSIONS, item[1:], strict=True))
    return {"itemNumber": item.number, **dimensions, "unit": unit, "quantity": quantity}


def _wrong(question: PriceQuestion, problem: str) -> RefusedError:
    return RefusedError(ErrorCode.PRICE_SERVICE_WRONG, service=question.path, problem=problem)
