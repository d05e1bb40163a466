"""What came back in returns and is not refunded, in words and amounts."""

from __future__ import annotations

from shared.model import Money, OpenReturns, Order, total


def goods_returned(returned: OpenReturns, order: Order) -> str:
    """The goods: 2 x TENT-2P and 1 x MAP-NORDIC."""
    names = {line.id: line.sku or line.title for line in order.lines}
    return " and ".join(f"{back.quantity} x {names.get(back.line_id, back.line_id)}" for back in returned.lines)


def worth_returned(returned: OpenReturns, order: Order) -> Money:
    """What a refund of the goods would be worth before fees."""
    on_top = 0 if order.taxes_included else 1
    return total((back.subtotal + back.tax * on_top for back in returned.lines), order.currency)


def fees_charged(returned: OpenReturns, order: Order) -> Money:
    on_top = 0 if order.taxes_included else 1
    return total((fee.amount + fee.tax * on_top for fee in returned.fees), order.currency)


def note_of_open_returns(returned: OpenReturns, order: Order) -> str:
    goods = (
        [f"{goods_returned(returned, order)} worth {worth_returned(returned, order)} came back and wait for a refund"]
        if returned.lines
        else []
    )
    fees = [f"{fees_charged(returned, order)} is charged for returns and no refund is less by it yet"]
    return "; ".join([*goods, *(fees if returned.fees else [])])
