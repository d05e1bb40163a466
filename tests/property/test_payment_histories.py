"""F&O has each payment once, for events in any order, delivered twice, and with failed calls."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import TransientError
from shared.mapping.payments.differences import payment_differences
from shared.model import Money, OrderState, Rate, Transaction, TransactionKind, TransactionStatus, total
from shared.sync.payments import converge_payments
from tests.builders.payments import NOON, Books, CutOff, link, rules, state, transaction
from tests.builders.sales import dollars, euros

RATE = Rate(booked=euros("137.31"), paid=dollars("150.00"))
GATEWAYS = ("shopify_payments", "paypal", "gift_card", "manual")
OPEN, WRITE = "POST CustomerPaymentJournalHeaders", "change set"
STATUS = TransactionStatus


@dataclass(frozen=True)
class Delivery:
    """A state arrives, and something goes wrong meanwhile."""

    at: int
    lost: tuple[str, bool] | None
    """A call whose answer is lost, after (True) or before F&O served it."""
    cut_off_after: int | None
    posts_journals: bool


@st.composite
def order_states(draw: st.DrawFn) -> list[OrderState]:
    """An order's states one after the other, each with one more thing that happened to its money."""
    abroad = draw(st.booleans())
    happened: dict[int, Transaction] = {}
    states = [states_of(happened, abroad=abroad)]
    for number in range(1, draw(st.integers(2, 7))):
        left = sum((paid_of(each) for each in happened.values()), Decimal(0))
        back = left > 0 and draw(st.booleans())
        paid = draw(st.integers(1, int(left * 100) if back else 9000)) / Decimal(100)
        incoming = st.sampled_from([TransactionKind.SALE, TransactionKind.CAPTURE, TransactionKind.AUTHORIZATION])
        worth = draw(st.integers(80, 120)) if abroad else 100
        happened[number] = transaction(
            number,
            Money(paid * worth / 100, "EUR").rounded() if abroad else euros(paid),
            paid=dollars(paid) if abroad else None,
            kind=TransactionKind.REFUND if back else draw(incoming),
            gateway=draw(st.sampled_from(GATEWAYS)),
            status=draw(st.sampled_from([STATUS.SUCCESS, STATUS.SUCCESS, STATUS.PENDING, STATUS.FAILURE])),
            processed_at=NOON + timedelta(days=draw(st.integers(0, 1))),
        )
        states.append(states_of(happened, abroad=abroad))
        if happened[number].status is STATUS.PENDING:
            happened[number] = replace(happened[number], status=draw(st.sampled_from([STATUS.SUCCESS, STATUS.ERROR])))
            states.append(states_of(happened, abroad=abroad))
    return states


def states_of(happened: dict[int, Transaction], *, abroad: bool) -> OrderState:
    return state(*happened.values(), total=RATE.booked, rate=RATE if abroad else None)


def paid_of(one: Transaction) -> Decimal:
    """What it gives the store, in the currency that was paid."""
    if not one.moves_money:
        return Decimal(0)
    return -one.paid.amount if one.kind is TransactionKind.REFUND else one.paid.amount


@st.composite
def scenarios(draw: st.DrawFn) -> tuple[list[OrderState], list[Delivery]]:
    states = draw(order_states())
    delivery = st.builds(
        Delivery,
        at=st.integers(0, len(states) - 1),
        lost=st.none() | st.tuples(st.sampled_from([OPEN, WRITE]), st.booleans()),
        cut_off_after=st.none() | st.integers(0, 30),
        posts_journals=st.booleans(),
    )
    return states, draw(st.lists(delivery, max_size=8))


def settled_by(one: OrderState, *, incoming: bool) -> Money:
    moved = [each for each in one.transactions or () if each.moves_money]
    same = [each for each in moved if (each.kind is not TransactionKind.REFUND) is incoming]
    if one.rate is None or not same:
        return total((each.amount for each in same), "EUR")
    return one.rate.convert(total((each.paid for each in same), "USD"))


@given(scenarios())
@settings(max_examples=150, deadline=None)
def test_any_history_ends_with_every_payment_booked_once(scenario):
    asyncio.run(play(*scenario))


async def play(states: list[OrderState], deliveries: list[Delivery]) -> None:
    books = Books()

    async def deliver(one: OrderState) -> None:
        await converge_payments(one, link=link(one), rules=rules(), ports=books.instance())

    for each in deliveries:
        books.fo.losses = {each.lost[0]: [each.lost[1]]} if each.lost else {}
        books.fuse.left = each.cut_off_after
        with suppress(TransientError, CutOff):
            await deliver(states[each.at])
        books.fuse.left, books.fo.losses = None, {}
        if each.posts_journals:
            for company, number in books.fo.headers:
                books.fo.post(number, company)
        books.clock.pass_by(seconds=20)  # sometimes too early for the next one
    books.clock.pass_by(minutes=8)
    last = states[-1]
    await deliver(last)
    moved = {str(each.id) for each in last.transactions or () if each.moves_money}
    assert len(set(books.ids())) == len(books.ids())
    assert {number.partition("-")[0] for number in books.ids()} == moved
    assert books.fo.balance() == settled_by(last, incoming=True) - settled_by(last, incoming=False)
    target = link(last)
    lines = await books.journals().search_order(target.company, target.sales_order)
    assert not payment_differences(
        last, rules(), customer_account=target.customer_account, sales_order=target.sales_order, lines=lines
    )
