"""Histories of orders in the Shopify simulator: the steps, and the webhooks that each step sends, as a strategy."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from hypothesis import strategies as st

from local.shopify.balance import open_authorizations
from local.shopify.bodies import body
from local.shopify.events import Event, paid_event, touch, transaction_events
from local.shopify.order import LineItem, Order
from local.shopify.placing import amend_order, place_order
from local.shopify.state import Shop
from local.shopify.steps import apply_step
from local.shopify.webhooks import encode
from tests.builders.checkouts import ADDRESSES, MARKETS, Clock, Document, cents, checkouts, open_shop

ELSEWHERE: Final = {
    "nordlys": {"address1": "Oudegracht 10", "city": "Utrecht", "zip": "3511 AX"},
    "prairie": {"address1": "1437 Bannock St", "city": "Denver", "zip": "80203"},
}
NOT_SUBSCRIBED: Final = ("returns/", "fulfillment")
"""Begins of the topics that the simulator sends and the app does not subscribe to."""


class Brief:
    """Hypothesis prints it by its `repr`, and not with all fields: a failing example must stay readable."""

    def _repr_pretty_(self, printer: Any, cycle: object) -> None:
        printer.text(repr(self))


@dataclass(frozen=True)
class Webhook(Brief):
    """One webhook. `at` is the step that sent it, from 0."""

    at: int
    number: int
    order_id: int
    topic: str
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class HistoryStep(Brief):
    """A step, the order in Shopify after it, and the webhooks that Shopify sends."""

    step: str
    wish: Document
    order: Order = field(repr=False)
    webhooks: tuple[Webhook, ...] = field(repr=False)


@dataclass(frozen=True)
class History:
    store: str
    steps: tuple[HistoryStep, ...]

    @property
    def webhooks(self) -> tuple[Webhook, ...]:
        return tuple(webhook for moment in self.steps for webhook in moment.webhooks)

    @property
    def order(self) -> Order:
        """After the last step."""
        return self.steps[-1].order


class SimulatedOrder:
    """An order in the simulator, changed step by step. A step that the simulator refuses is left out."""

    def __init__(self, store: str, checkout: Document) -> None:
        self.store = store
        self.clock = Clock()
        self.shop: Shop = open_shop(store, self.clock)
        self.steps: list[HistoryStep] = []
        self._webhooks = 0
        self.order: Order = place_order(self.shop, checkout)
        paid = [*transaction_events(self.order.transactions), *paid_event(self.order, "")]
        self._record("checkout", checkout, [Event("orders/create", self.order), *paid])

    def step(self, name: str, wish: Document) -> None:
        self.clock.advance(timedelta(minutes=7))
        try:
            events = self._amend(wish) if name == "amend" else apply_step(self.shop, self.order, name, wish)
        except (ValueError, KeyError):
            return
        self._record(name, wish, events)

    def history(self) -> History:
        return History(self.store, tuple(self.steps))

    def _amend(self, wish: Document) -> list[Event]:
        amend_order(self.order, wish)
        touch(self.shop, self.order)
        return [Event("orders/updated", self.order)]

    def _record(self, name: str, wish: Document, events: Sequence[Event]) -> None:
        subscribed = [each for each in events if not each.topic.startswith(NOT_SUBSCRIBED)]
        webhooks = [
            Webhook(
                at=len(self.steps),
                number=self._webhooks + at,
                order_id=self.order.id,
                topic=each.topic,
                body=encode(body(self.shop, self.order, each)),
            )
            for at, each in enumerate(subscribed)
        ]
        self._webhooks += len(webhooks)
        shared: dict[int, Any] = {id(each): each for each in self.shop.variants.values()}
        self.steps.append(HistoryStep(name, wish, copy.deepcopy(self.order, shared), tuple(webhooks)))


@st.composite
def histories(
    draw: st.DrawFn,
    store: str,
    *,
    currencies: tuple[str, ...],
    longest: int = 7,
    first: str | None = None,
    last: str | None = None,
    among: Sequence[str] | None = None,
) -> History:
    """Random steps after a checkout, of all or `among` some; `first` and `last` are the steps at the begin and the end,
    which the simulator may refuse.
    """
    simulated = SimulatedOrder(store, draw(checkouts(store, currencies=currencies)))

    def take(name: str) -> None:
        wish = _STEPS[name](draw, simulated)
        if wish is not None:
            simulated.step(name.partition(" ")[0], wish)

    if first is not None:
        take(first)
    for _ in range(draw(st.integers(2, longest))):
        take(draw(st.sampled_from(sorted(_STEPS) if among is None else among)))
    if last is not None:
        take(last)
    return simulated.history()


def _line(
    draw: st.DrawFn, simulated: SimulatedOrder, *, fits: Callable[[LineItem], object] = lambda _: True
) -> LineItem | None:
    found = [line for line in simulated.order.lines if not line.tip and line.current_quantity and fits(line)]
    return draw(st.sampled_from(found)) if found else None


def _quantity(draw: st.DrawFn, simulated: SimulatedOrder) -> Document | None:
    """Up or down, to zero too, and often back to the old quantity."""
    found = [line for line in simulated.order.lines if not line.tip and not _has_edited_discount(simulated, line)]
    if not found:
        return None
    line = draw(st.sampled_from(found))
    now = line.current_quantity
    more = not line.allocations or line.gone.quantity == 0
    choices = [each for each in (1, 2, 3, 0) if each < now or (each > now and more)]
    return {"quantities": {str(line.id): draw(st.sampled_from(choices))}} if choices else None


def _has_edited_discount(simulated: SimulatedOrder, line: LineItem) -> bool:
    """Whether an edit has changed the discounts of the line.

    When units of such a line are also removed or added again, the price of the remaining units no longer follows from
    Shopify's figures, and the order is refused (STATE_SUM_DIFFERS).
    """
    return any(simulated.order.discounts[each.application].by_edit for each in line.allocations)


def _addition(draw: st.DrawFn, simulated: SimulatedOrder) -> Document | None:
    market = MARKETS[simulated.store]
    line = {
        "sku": draw(st.sampled_from(market.skus)),
        "quantity": draw(st.integers(1, 3)),
        "price": draw(cents(1, 30_000)),
        "tax": draw(st.sampled_from(market.taxes)),
    }
    return {"add": [line]}


def _discount(draw: st.DrawFn, simulated: SimulatedOrder) -> Document | None:
    line = _line(draw, simulated, fits=lambda each: not each.gone.quantity)
    return None if line is None else {"discounts": {str(line.id): draw(cents(1, 500))}}


def _discount_removal(draw: st.DrawFn, simulated: SimulatedOrder) -> Document | None:
    line = _line(draw, simulated, fits=lambda each: not each.gone.quantity)
    return None if line is None else {"remove_discounts": [line.id]}


def _shipping(draw: st.DrawFn, simulated: SimulatedOrder) -> Document | None:
    """One more charge, another charge instead, or none."""
    price, taxes = draw(cents(1, 1_500)), draw(st.sampled_from(MARKETS[simulated.store].taxes))
    added = {"title": "Faster", "code": draw(st.sampled_from(("STANDARD", "EXPRESS"))), "price": price, "tax": taxes}
    wishes: Sequence[Document] = ({"add": [added]}, {"remove": True, "add": [added]}, {"remove": True})
    return {"shipping": draw(st.sampled_from(wishes))}


def _amendment(draw: st.DrawFn, simulated: SimulatedOrder) -> Document | None:
    address = ADDRESSES[simulated.store]
    changes: Sequence[Document] = (
        {"note": "Ring twice"},
        {"note": None},
        {"po_number": "PO-77"},
        {"po_number": None},
        {"tags": ["hold"]},
        {"tags": []},
        {"shipping_address": {**address, **ELSEWHERE[simulated.store], "first_name": "Sanne", "last_name": "de Vries"}},
        {"shipping_address": {**address, "first_name": "Sanne", "last_name": "de Vries"}},
    )
    return draw(st.sampled_from(changes))


def _payment(draw: st.DrawFn, simulated: SimulatedOrder) -> Document | None:
    part = {} if draw(st.booleans()) else {"amount": draw(cents(100, 9_000))}
    wish: Document = {"gateway": draw(st.sampled_from(("shopify_payments", "gift_card", "manual")))} | part
    return wish | draw(st.sampled_from(({}, {}, {"status": "pending"}, {"status": "failure"})))


def _capture(draw: st.DrawFn, simulated: SimulatedOrder) -> Document | None:
    if not open_authorizations(simulated.order):
        return None
    return {} if draw(st.booleans()) else {"amount": draw(cents(100, 9_000))}


def _void(draw: st.DrawFn, simulated: SimulatedOrder) -> Document | None:
    return {} if open_authorizations(simulated.order) else None


def _settlement(draw: st.DrawFn, simulated: SimulatedOrder) -> Document | None:
    pending = [each.id for each in simulated.order.transactions if each.status == "PENDING"]
    if not pending:
        return None
    return {"transaction": draw(st.sampled_from(pending)), "status": draw(st.sampled_from(("success", "failure")))}


def _parcel(draw: st.DrawFn, simulated: SimulatedOrder) -> Document | None:
    line = _line(draw, simulated, fits=lambda each: each.unfulfilled)
    if line is None or draw(st.booleans()):
        return {}
    return {"lines": [{"line": line.id, "quantity": draw(st.integers(1, line.unfulfilled))}]}


def _refund_of_goods(draw: st.DrawFn, simulated: SimulatedOrder) -> Document | None:
    line = _line(draw, simulated)
    if line is None:
        return None
    restock = draw(st.sampled_from(("cancel", "return", "no_restock")))
    row = {"line": line.id, "quantity": draw(st.integers(1, min(2, line.current_quantity))), "restock": restock}
    wish: Document = {"lines": [row]}
    extras: Sequence[Document] = (
        {},
        {},
        {"shipping": True},
        {"duties": True},
        {"restocking_fee": "1"},
        {"amount": "0"},
        {"status": "pending"},
    )
    return wish | draw(st.sampled_from(extras))


def _return_of_goods(draw: st.DrawFn, simulated: SimulatedOrder) -> Document | None:
    """Of shipped goods; an unshipped order is shipped first."""
    line = _line(draw, simulated, fits=lambda each: each.variant and not each.gift_card)
    if line is None:
        return None
    if line.unfulfilled:
        simulated.step("fulfill", {})
    return {"lines": [{"line": line.id, "quantity": draw(st.integers(1, line.current_quantity)), "restock": "return"}]}


def _refund_of_money(draw: st.DrawFn, simulated: SimulatedOrder) -> Document | None:
    return draw(st.sampled_from(({"shipping": True}, {"shipping": "1"}, {"amount": "1.50"}, {"amount": "3"})))


def _return(draw: st.DrawFn, simulated: SimulatedOrder) -> Document | None:
    """Requested and approved in one step, then processed, and refunded then or later; sometimes with an exchange."""
    if any(each.status == "OPEN" for each in simulated.order.returns):
        then: Sequence[Document] = (
            {},
            {},
            {"refund": False},
            {"refund": False},
            {"amount": "1.50"},
            {"status": "pending"},
        )
        steps = (*({"action": "process"} | each for each in then), {"action": "refund"}, {"action": "close"})
        return draw(st.sampled_from(steps))
    line = _line(draw, simulated, fits=lambda each: each.fulfilled)
    if line is None:
        return None
    fee = draw(st.sampled_from(({}, {}, {"restocking_fee": "0.35"})))
    wish: Document = {"action": "open", "lines": [{"line": line.id, "quantity": 1} | fee]}
    wish |= draw(st.sampled_from(({}, {}, {"shipping_fee": "0.20"})))
    instead = {"sku": MARKETS[simulated.store].skus[-1], "quantity": 1, "price": "4.20", "tax": []}
    return wish | draw(st.sampled_from(({}, {"exchange": [instead]})))


def _cancellation(draw: st.DrawFn, simulated: SimulatedOrder) -> Document | None:
    return {"restock": draw(st.booleans()), "refund": draw(st.booleans())}


def _risk(draw: st.DrawFn, simulated: SimulatedOrder) -> Document | None:
    return {"level": draw(st.sampled_from(("high", "low")))}


_STEPS: Final[dict[str, Callable[[st.DrawFn, SimulatedOrder], Document | None]]] = {
    "edit quantity": _quantity,
    "edit quantity again": _quantity,
    "edit addition": _addition,
    "edit discount": _discount,
    "edit discount off": _discount_removal,
    "edit shipping": _shipping,
    "amend": _amendment,
    "amend again": _amendment,
    "pay": _payment,
    "capture": _capture,
    "void": _void,
    "settle": _settlement,
    "fulfill": _parcel,
    "refund goods": _refund_of_goods,
    "refund goods again": _refund_of_goods,
    "refund money": _refund_of_money,
    "refund return": _return_of_goods,
    "refund return again": _return_of_goods,
    "return": _return,
    "return on": _return,
    "cancel": _cancellation,
    "risk": _risk,
}
