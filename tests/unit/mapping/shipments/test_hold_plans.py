"""Which holds are set and released in Shopify, and which the app takes for its own."""

from __future__ import annotations

import pytest

from shared.mapping.shipments.holds import HoldPlan, PlaceHold, ReleaseHolds, plan_holds
from shared.model import HeldFulfillmentOrder, HoldOrigin, HoldPlace, HoldRecord, ShopHold
from shared.rules.sections.holds import CopiedHold, HoldRules

CREDIT, STAFF, SHOPIFY = HoldOrigin.CREDIT, HoldOrigin.STAFF, HoldOrigin.SHOPIFY
RULES = HoldRules(
    credit=CopiedHold(reason="AWAITING_PAYMENT"), staff=CopiedHold(reason="OTHER"), from_shopify=("INCORRECT_ADDRESS",)
)
COPY = ShopHold(id=7, reason="OTHER", handle="fo-staff", is_own=True)
FOREIGN = ShopHold(id=8, reason="INCORRECT_ADDRESS")


def part(*holds: ShopHold, number: int = 1, is_open: bool = True, can_hold: bool = True) -> HeldFulfillmentOrder:
    return HeldFulfillmentOrder(id=number, is_open=is_open, can_hold=can_hold, holds=holds)


def plan(
    *parts: HeldFulfillmentOrder,
    standing: tuple[HoldOrigin, ...] = (),
    record: HoldRecord | None = None,
    rules: HoldRules = RULES,
) -> HoldPlan:
    return plan_holds(standing, parts, record or HoldRecord(), rules, sales_order="SO-1")


def recorded(*ids: int, origin: HoldOrigin = STAFF, part: int = 1, **fields: frozenset[HoldOrigin]) -> HoldRecord:
    known = HoldRecord(holds={each: HoldPlace(origin, part) for each in ids})
    return HoldRecord(fields.get("copied", frozenset({STAFF})), fields.get("let_go", frozenset()), known.holds)


def test_nothing_is_held_and_nothing_is_done() -> None:
    assert plan(part()) == HoldPlan((), HoldRecord())


def test_each_hold_is_set_on_every_open_fulfilment_order_in_a_fixed_order() -> None:
    made = plan(part(), part(number=2), part(number=3, is_open=False), standing=(STAFF, CREDIT))
    assert made.steps == (PlaceHold(1, CREDIT), PlaceHold(1, STAFF), PlaceHold(2, CREDIT), PlaceHold(2, STAFF))
    assert made.record == HoldRecord(frozenset({CREDIT, STAFF}))
    assert made.findings == ()


def test_a_copy_that_is_there_is_recorded_and_not_set_again() -> None:
    made = plan(part(COPY), standing=(STAFF,))
    assert (made.steps, made.record) == ((), recorded(7))


def test_a_copy_that_outlived_its_hold_is_released_and_recorded_no_more() -> None:
    other = ShopHold(id=9, reason="OTHER", handle="fo-credit", is_own=True)
    made = plan(part(COPY, other, FOREIGN), standing=(CREDIT,), record=recorded(7))
    assert made.steps == (ReleaseHolds(1, (7,)),)
    assert made.record == HoldRecord(
        frozenset({CREDIT}), frozenset(), {9: HoldPlace(CREDIT, 1), 8: HoldPlace(SHOPIFY, 1)}
    )
    assert made.record.is_held_in_shop


@pytest.mark.parametrize(
    "hold",
    [
        ShopHold(id=8, reason="INCORRECT_ADDRESS", is_own=True),
        ShopHold(id=8, reason="OTHER"),
        ShopHold(id=8, reason="OTHER", handle="fo-staff"),
    ],
)
def test_holds_of_the_app_itself_and_of_other_reasons_are_not_copied_to_fo(hold: ShopHold) -> None:
    made = plan(part(hold))
    assert (made.steps, made.record) == ((), HoldRecord())


def test_a_hold_of_a_closed_fulfilment_order_does_not_count() -> None:
    assert plan(part(FOREIGN, COPY, is_open=False), standing=()).record == HoldRecord()


def test_a_foreign_hold_with_the_apps_handle_is_no_copy() -> None:
    foreign = ShopHold(id=8, reason="OTHER", handle="fo-staff")
    assert plan(part(foreign), standing=(STAFF,)).steps == (PlaceHold(1, STAFF),)


def test_a_copy_that_others_released_is_told_and_not_set_again() -> None:
    made = plan(part(), part(number=2), standing=(STAFF, CREDIT), record=recorded(7))
    assert made.steps == (PlaceHold(1, CREDIT), PlaceHold(2, CREDIT))
    assert made.record == HoldRecord(frozenset({CREDIT}), frozenset({STAFF}))
    assert [each.code for each in made.findings] == ["HOLD_RELEASED_IN_SHOPIFY"]
    assert made.findings[0].details == {"sales_order": "SO-1", "origin": "staff"}


def test_what_was_let_go_stays_so_while_fo_holds_and_no_longer() -> None:
    record = HoldRecord(let_go=frozenset({STAFF}))
    assert plan(part(), standing=(STAFF,), record=record).record == record
    assert plan(part(), record=record).record == HoldRecord()


def test_other_copies_of_a_hold_that_was_let_go_stay_until_it_ends() -> None:
    record = HoldRecord(let_go=frozenset({STAFF}))
    made = plan(part(COPY), standing=(STAFF,), record=record)
    assert (made.steps, made.record.holds) == ((), {7: HoldPlace(STAFF, 1)})
    assert plan(part(COPY), record=record).steps == (ReleaseHolds(1, (7,)),)


@pytest.mark.parametrize("there", [(), (part(is_open=False),), (part(number=2, can_hold=True),)])
def test_a_copy_whose_fulfilment_order_is_gone_was_released_by_nobody(there: tuple[HeldFulfillmentOrder, ...]) -> None:
    made = plan(*there, standing=(STAFF,), record=recorded(7))
    assert (made.record.copied, made.record.let_go, made.findings) == (frozenset({STAFF}), frozenset(), ())


def test_a_hold_of_shopifys_that_ends_is_no_release_of_a_copy() -> None:
    made = plan(part(COPY), standing=(STAFF,), record=recorded(8, origin=SHOPIFY))
    assert (made.record, made.findings) == (recorded(7), ())


def test_a_fulfilment_order_that_takes_no_hold_is_told_unless_it_has_its_copy() -> None:
    made = plan(part(can_hold=False), part(COPY, number=2, can_hold=False), standing=(STAFF,))
    assert made.steps == ()
    assert [each.code for each in made.findings] == ["HOLD_IMPOSSIBLE"]
    assert made.findings[0].details == {"sales_order": "SO-1", "origin": "staff", "fulfillment_orders": "1"}
