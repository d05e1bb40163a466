"""Lives of orders in the Shopify simulator, step by step, with the webhooks that each step sends, as a strategy."""

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
NEVER_HEARD: Final = "returns/"
"""Topics that Shopify sends and the app does not subscribe to."""


@dataclass(frozen=True)
class Notice:
    """One webhook. `at` is the step that sent it, from 0."""

    at: int
    number: int
    order_id: int
    topic: str
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Moment:
    """A step, the order as Shopify has it from then on, and what Shopify says of it."""

    step: str
    wish: Document
    order: Order = field(repr=False)
    notices: tuple[Notice, ...] = field(repr=False)


@dataclass(frozen=True)
class History:
    store: str
    moments: tuple[Moment, ...]

    @property
    def notices(self) -> tuple[Notice, ...]:
        return tuple(notice for moment in self.moments for notice in moment.notices)

    @property
    def order(self) -> Order:
        """As it is at last."""
        return self.moments[-1].order


class Life:
    """An order while it lives. What the simulator refuses did not happen."""

    def __init__(self, store: str, checkout: Document) -> None:
        self.store = store
        self.clock = Clock()
        self.shop: Shop = open_shop(store, self.clock)
        self.moments: list[Moment] = []
        self._notices = 0
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
        return History(self.store, tuple(self.moments))

    def _amend(self, wish: Document) -> list[Event]:
        amend_order(self.order, wish)
        touch(self.shop, self.order)
        return [Event("orders/updated", self.order)]

    def _record(self, name: str, wish: Document, events: Sequence[Event]) -> None:
        heard = [each for each in events if not each.topic.startswith(NEVER_HEARD)]
        notices = [
            Notice(
                at=len(self.moments),
                number=self._notices + at,
                order_id=self.order.id,
                topic=each.topic,
                body=encode(body(self.shop, self.order, each)),
            )
            for at, each in enumerate(heard)
        ]
        self._notices += len(notices)
        shared: dict[int, Any] = {id(each): each for each in self.shop.variants.values()}
        self.moments.append(Moment(name, wish, copy.deepcopy(self.order, shared), tuple(notices)))


@st.composite
def histories(draw: st.DrawFn, store: str, *, currencies: tuple[str, ...], longest: int = 7) -> History:
    life = Life(store, draw(checkouts(store, currencies=currencies)))
    for _ in range(draw(st.integers(2, longest))):
        name = draw(st.sampled_from(sorted(_STEPS)))
        wish = _STEPS[name](draw, life)
        if wish is not None:
            life.step(name.partition(" ")[0], wish)
    return life.history()


def _line(draw: st.DrawFn, life: Life, *, fits: Callable[[LineItem], object] = lambda _: True) -> LineItem | None:
    found = [line for line in life.order.lines if not line.tip and line.current_quantity and fits(line)]
    return draw(st.sampled_from(found)) if found else None


def _quantity(draw: st.DrawFn, life: Life) -> Document | None:
    """Up or down, to nothing too, and often back to what it was."""
    found = [line for line in life.order.lines if not line.tip and not _is_muddled(life, line)]
    if not found:
        return None
    line = draw(st.sampled_from(found))
    now = line.current_quantity
    more = not line.allocations or line.gone.quantity == 0
    choices = [each for each in (1, 2, 3, 0) if each < now or (each > now and more)]
    return {"quantities": {str(line.id): draw(st.sampled_from(choices))}} if choices else None


def _is_muddled(life: Life, line: LineItem) -> bool:
    """Whether an edit has changed the discounts of the line.

    Once units of it are removed as well, or come back, Shopify's figures do not tell any more what the others cost, and
    such an order is refused (STATE_SUM_DIFFERS).
    """
    return any(life.order.discounts[each.application].by_edit for each in line.allocations)


def _addition(draw: st.DrawFn, life: Life) -> Document | None:
    market = MARKETS[life.store]
    line = {
        "sku": draw(st.sampled_from(market.skus)),
        "quantity": draw(st.integers(1, 3)),
        "price": draw(cents(1, 30_000)),
        "tax": draw(st.sampled_from(market.taxes)),
    }
    return {"add": [line]}


def _discount(draw: st.DrawFn, life: Life) -> Document | None:
    line = _line(draw, life, fits=lambda each: not each.gone.quantity)
    return None if line is None else {"discounts": {str(line.id): draw(cents(1, 500))}}


def _bare(draw: st.DrawFn, life: Life) -> Document | None:
    line = _line(draw, life, fits=lambda each: not each.gone.quantity)
    return None if line is None else {"remove_discounts": [line.id]}


def _shipping(draw: st.DrawFn, life: Life) -> Document | None:
    """A charge more, another one, or none."""
    price, taxes = draw(cents(1, 1_500)), draw(st.sampled_from(MARKETS[life.store].taxes))
    added = {"title": "Faster", "code": draw(st.sampled_from(("STANDARD", "EXPRESS"))), "price": price, "tax": taxes}
    wishes: Sequence[Document] = ({"add": [added]}, {"remove": True, "add": [added]}, {"remove": True})
    return {"shipping": draw(st.sampled_from(wishes))}


def _amendment(draw: st.DrawFn, life: Life) -> Document | None:
    address = ADDRESSES[life.store]
    changes: Sequence[Document] = (
        {"note": "Ring twice"},
        {"note": None},
        {"po_number": "PO-77"},
        {"po_number": None},
        {"tags": ["hold"]},
        {"tags": []},
        {"shipping_address": {**address, **ELSEWHERE[life.store], "first_name": "Sanne", "last_name": "de Vries"}},
        {"shipping_address": {**address, "first_name": "Sanne", "last_name": "de Vries"}},
    )
    return draw(st.sampled_from(changes))


def _payment(draw: st.DrawFn, life: Life) -> Document | None:
    part = {} if draw(st.booleans()) else {"amount": draw(cents(100, 9_000))}
    wish: Document = {"gateway": draw(st.sampled_from(("shopify_payments", "gift_card", "manual")))} | part
    return wish | draw(st.sampled_from(({}, {}, {"status": "pending"}, {"status": "failure"})))


def _capture(draw: st.DrawFn, life: Life) -> Document | None:
    if not open_authorizations(life.order):
        return None
    return {} if draw(st.booleans()) else {"amount": draw(cents(100, 9_000))}


def _void(draw: st.DrawFn, life: Life) -> Document | None:
    return {} if open_authorizations(life.order) else None


def _settlement(draw: st.DrawFn, life: Life) -> Document | None:
    pending = [each.id for each in life.order.transactions if each.status == "PENDING"]
    if not pending:
        return None
    return {"transaction": draw(st.sampled_from(pending)), "status": draw(st.sampled_from(("success", "failure")))}


def _parcel(draw: st.DrawFn, life: Life) -> Document | None:
    line = _line(draw, life, fits=lambda each: each.unfulfilled)
    if line is None or draw(st.booleans()):
        return {}
    return {"lines": [{"line": line.id, "quantity": draw(st.integers(1, line.unfulfilled))}]}


def _goods_back(draw: st.DrawFn, life: Life) -> Document | None:
    line = _line(draw, life)
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


def _return_of_goods(draw: st.DrawFn, life: Life) -> Document | None:
    """Of goods that were shipped; the rest of the order is shipped first where nothing was."""
    line = _line(draw, life, fits=lambda each: each.variant and not each.gift_card)
    if line is None:
        return None
    if line.unfulfilled:
        life.step("fulfill", {})
    return {"lines": [{"line": line.id, "quantity": draw(st.integers(1, line.current_quantity)), "restock": "return"}]}


def _money_back(draw: st.DrawFn, life: Life) -> Document | None:
    return draw(st.sampled_from(({"shipping": True}, {"shipping": "1"}, {"amount": "1.50"}, {"amount": "3"})))


def _return(draw: st.DrawFn, life: Life) -> Document | None:
    """Asked for and approved in one, then processed; sometimes for other goods instead."""
    if any(each.status == "OPEN" for each in life.order.returns):
        return {"action": draw(st.sampled_from(("process", "process", "close")))}
    line = _line(draw, life, fits=lambda each: each.fulfilled)
    if line is None:
        return None
    wish: Document = {"action": "open", "lines": [{"line": line.id, "quantity": 1}]}
    instead = {"sku": MARKETS[life.store].skus[-1], "quantity": 1, "price": "4.20", "tax": []}
    return wish | draw(st.sampled_from(({}, {"exchange": [instead]})))


def _cancellation(draw: st.DrawFn, life: Life) -> Document | None:
    return {"restock": draw(st.booleans()), "refund": draw(st.booleans())}


def _risk(draw: st.DrawFn, life: Life) -> Document | None:
    return {"level": draw(st.sampled_from(("high", "low")))}


_STEPS: Final[dict[str, Callable[[st.DrawFn, Life], Document | None]]] = {
    "edit quantity": _quantity,
    "edit quantity again": _quantity,
    "edit addition": _addition,
    "edit discount": _discount,
    "edit discount off": _bare,
    "edit shipping": _shipping,
    "amend": _amendment,
    "amend again": _amendment,
    "pay": _payment,
    "capture": _capture,
    "void": _void,
    "settle": _settlement,
    "fulfill": _parcel,
    "refund goods": _goods_back,
    "refund goods again": _goods_back,
    "refund money": _money_back,
    "refund return": _return_of_goods,
    "refund return again": _return_of_goods,
    "return": _return,
    "cancel": _cancellation,
    "risk": _risk,
}
