"""What others than the app fulfilled in Shopify: staff by hand, or another app."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from shared.mapping.cut_over import units_already_fulfilled
from shared.model import FoOrder, Order, OrderState, SentSlip


def units_by_others(state: OrderState, sent: Iterable[SentSlip]) -> dict[int, int]:
    """Order line -> units that others have fulfilled, of goods that are sent: not over the counter, nor downloads.

    `sent` is what the app made. Of a fulfilment whose outcome is unknown its units are the only mark.
    """
    slips = tuple(sent)
    ours = {part.fulfillment_id for slip in slips for part in slip.parts}
    sendable = units_already_fulfilled(state)
    units: Counter[int] = Counter()
    for fulfillment, lines in state.parcels.items():
        is_awaited = any(dict(slip.intent) == dict(lines) and fulfillment not in slip.seen for slip in slips)
        if fulfillment not in ours and not is_awaited:
            units.update(lines)
    return {line: min(count, sendable[line]) for line, count in units.items() if line in sendable}


def would_send_again(state: OrderState, by_others: Mapping[int, int], fo: FoOrder, line_ids: Mapping[str, int]) -> bool:
    """Whether F&O has units still to deliver that Shopify shows as fulfilled. `line_ids` is by InventoryLotId."""
    fulfilled = units_already_fulfilled(state)
    done: Counter[int] = Counter()
    is_open: set[int] = set()
    for line in fo.lines:
        if line.lot in line_ids:
            done[line_ids[line.lot]] += int(line.done)
            is_open |= {line_ids[line.lot]} if line.is_open else set()
    return any(line in is_open and fulfilled.get(line, 0) > done[line] for line in by_others)


def note_of(by_others: Mapping[int, int], order: Order) -> str:
    titles = {line.id: line.sku or line.title for line in order.lines}
    goods = ", ".join(f"{units} x {titles[line]}" for line, units in by_others.items())
    return f"fulfilled in Shopify by others than the app: {goods or 'nothing any more'}"
