"""What the error catalogue advises, carried out: the message is handled then, or it is closed for good.

A code of a parked message has a row in REPAIRED in tests/builders/advice (a person corrects something, and F&O gets
the order), or its next step tells how to close it: with the command `discard`, which is tried for each of them. Further
ways are in ALSO_REPAIRED, orders that are entered by hand in BY_HAND. A new code without a row fails
`test_every_code_has_its_advice_carried_out_or_is_closed_by_hand`, which tells what to add.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter
from typing import Final

import pytest

from local.d365.faults import Fault
from shared.bus.envelope import Envelope
from shared.error_catalogue import CATALOGUE, REPORTED, ErrorCode
from shared.errors import RefusedError
from shared.mapping.stock.assortment import choose_variants, match_variants
from shared.model import Item, Variant
from shared.store.journal import Journal
from shared.store.links import OrderLinks
from shared.store.parking import ParkedMessage, Parking
from shared.sync.messages.parked import ParkedPorts, discard
from tests.builders.advice import money, orders, systems
from tests.builders.advice.orders import BY_HAND
from tests.builders.advice.scene import Repair, Scene, nothing
from tests.builders.both_sides import App, Bodies, app_in_process
from tests.builders.memory_table import MemoryTable
from tests.builders.sales import EU

REPAIRED: Final = {**orders.REPAIRED, **money.REPAIRED, **systems.REPAIRED}
ALSO_REPAIRED: Final = (*orders.ALSO_REPAIRED, *money.ALSO_REPAIRED, *systems.ALSO_REPAIRED)

CLOSED: Final = sorted(code for code, entry in CATALOGUE.items() if "shared.operator discard" in entry.next_step)
CARRIED_OUT_IN: Final = {
    ErrorCode.ALREADY_FULFILLED: "test_first_day.py",
    ErrorCode.LOCATION_WITHOUT_WAREHOUSE: "test_missing_is_no_value.py",
    ErrorCode.ORDER_BEFORE_FIRST_DAY: "test_first_day.py",
    ErrorCode.PERSONAL_DATA_WITHHELD: "test_missing_is_no_value.py",
    ErrorCode.PICK_UP_WITHOUT_RULE: "test_missing_is_no_value.py",
    **dict.fromkeys(
        (
            ErrorCode.SHIPMENT_REFUSED,
            ErrorCode.SHIPPED_AT_THIRD_PARTY,
            ErrorCode.SHIPPED_FRACTION,
            ErrorCode.SHIPPED_FROM_UNKNOWN_WAREHOUSE,
            ErrorCode.SHIPPED_MORE_THAN_OPEN,
            ErrorCode.SHIPPED_ON_HOLD,
        ),
        "test_shipments_reach_shopify.py",
    ),
    **dict.fromkeys(
        (
            ErrorCode.AUTHORIZATION_ENDED,
            ErrorCode.AUTHORIZATION_EXPIRES,
            ErrorCode.CAPTURE_CANCELLED,
            ErrorCode.CAPTURE_DECLINED,
            ErrorCode.CAPTURE_DIFFERS,
            ErrorCode.CAPTURE_REFUSED,
            ErrorCode.CAPTURE_SHORT,
        ),
        "test_captures_on_invoice.py",
    ),
    **dict.fromkeys((ErrorCode.CANCELLATION_REFUSED, ErrorCode.CANCELLED_IN_FO), "test_order_status_back.py"),
    **dict.fromkeys((ErrorCode.GIVEN_UP_IN_FO, ErrorCode.GIVEN_UP_NOT_REFUNDED), "test_given_up_units.py"),
    **dict.fromkeys(
        (ErrorCode.HOLD_IMPOSSIBLE, ErrorCode.HOLD_REFUSED, ErrorCode.HOLD_RELEASED_IN_SHOPIFY),
        "test_holds_both_ways.py",
    ),
    ErrorCode.SHIPMENTS_ENTITY_WRONG: "test_shipments_of_any_tenant.py",
    **dict.fromkeys(
        (
            ErrorCode.SHIPPED_AFTER_CANCEL,
            ErrorCode.SHIPPED_BY_UNKNOWN_CARRIER,
            ErrorCode.SHIPPED_LINE_UNKNOWN,
            ErrorCode.SHIPPED_NOT_FULFILLABLE,
            ErrorCode.SHIPPED_ORDER_HIDDEN,
            ErrorCode.SHIPPED_WITHOUT_BOOKING,
        ),
        "test_shipments_told.py",
    ),
    **dict.fromkeys((ErrorCode.READY_ON_HOLD, ErrorCode.READY_TAKEN_BACK), "test_pick_up_reaches_shopify.py"),
    ErrorCode.TAX_OF_CHARGE: "test_charges_taxed.py",
}
"""Codes whose advice is carried out beside this file, with what F&O has then."""


@pytest.fixture(scope="module")
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


WAYS: Final = [*REPAIRED.items(), *ALSO_REPAIRED]


@pytest.mark.parametrize(("code", "repair"), WAYS, ids=[code for code, _ in WAYS])
async def test_carrying_out_the_next_step_leads_to_success(app: App, code: ErrorCode, repair: Repair) -> None:
    scene = await provoked(app, code, repair)
    await repair.act(scene)
    assert await app.parked() == set()
    assert not app.waiting
    assert len(scene.sales_orders) == repair.sales_orders
    assert {name: getattr(scene, name) for name in repair.has} == repair.has


@pytest.mark.parametrize(("code", "repair"), BY_HAND.items(), ids=BY_HAND)
async def test_an_order_that_was_entered_by_hand_is_closed_for_good(app: App, code: ErrorCode, repair: Repair) -> None:
    scene = await provoked(app, code, repair)
    (advice,) = set(await app.next_steps())
    assert "enter the order in F&O by hand and discard the parked message" in advice
    await app.discard_parked(sales_order="SO-000123")
    await scene.step("amend", {"note": "packed by Ada"})
    assert await app.parked() == set()
    assert not scene.sales_orders
    link = await app.link(scene.order.order.id)
    assert link is not None
    assert (link.sales_order, link.given_up) == ("SO-000123", True)


@pytest.mark.parametrize("code", [ErrorCode.PAYMENTS_DIFFER, ErrorCode.RETURN_BEYOND_ORDER])
async def test_what_was_discarded_about_money_is_parked_again_while_its_cause_lasts(app: App, code: ErrorCode) -> None:
    scene = await provoked(app, code, REPAIRED[code])
    await scene.close()
    assert await app.parked() == set()
    await scene.step("amend", {"note": "packed by Ada"})
    assert await app.parked() == {code}


@pytest.mark.parametrize("code", CLOSED)
async def test_a_message_thatnothing_else_can_be_done_about_is_closed_by_discarding_it(code: ErrorCode) -> None:
    entry = CATALOGUE[code]
    names = {name for text in (entry.cause, entry.next_step) for _, name, _, _ in Formatter().parse(text) if name}
    parking = Parking(MemoryTable(), Bodies())
    refusal = RefusedError(code, **dict.fromkeys(names, "x"))
    await parking.park(ParkedMessage("orders", "nordlys", "e-1", "42", datetime.now(UTC), {}, b"{}", refusal))
    (parked,) = await parking.open()
    ports = ParkedPorts(parking, OrderLinks(MemoryTable()), Bodies(), _never, Journal(MemoryTable()), "Kim")
    await discard([parked], "done by hand", sales_order="", ports=ports)
    assert await parking.open() == []


async def test_what_a_denied_call_parked_in_the_end_closes_with_the_next_event(app: App) -> None:
    scene = Scene(app, EU)
    scene.take_out("SysAADClients")
    await scene.check_out(Repair(act=nothing))
    assert app.waiting
    assert await app.parked() == set()
    await app.exhaust_waiting()
    assert await app.parked() == {"FO_DENIED"}
    scene.set_up()
    await scene.step("amend", {"note": "the next event"})
    assert await app.parked() == set()
    assert len(scene.sales_orders) == 1


async def test_a_message_whose_attempts_were_exhausted_closes_with_the_next_event(app: App) -> None:
    scene = Scene(app, EU)
    app.fo.faults.add(Fault("unavailable", times=None))
    await scene.check_out(Repair(act=nothing))
    await app.exhaust_waiting()
    assert await app.parked() == {"ATTEMPTS_EXHAUSTED"}
    app.fo.faults.clear()
    await scene.step("amend", {"note": "the next event"})
    assert await app.parked() == set()
    assert len(scene.sales_orders) == 1


async def _never(envelope: Envelope) -> None:
    raise AssertionError("nothing is sent")


GHOST: Final = Variant("GHOST-1", 101, 201, tracked=True, bundle=False)
TWINS: Final = (
    Variant("TENT-2P", 102, 202, tracked=True, bundle=False),
    Variant("TENT-2P", 103, 203, tracked=True, bundle=False),
)
STOCKED: Final = {"TENT-2P": Item("TENT-2P")}
# Code -> variants, items and archived variants of today, and those after the next step was carried out.
STOCK_REPAIRED: dict[ErrorCode, list[tuple[tuple[Variant, ...], dict[str, Item], set[int]]]] = {
    ErrorCode.STOCK_SKU_UNKNOWN: [
        ((GHOST,), {}, set()),
        ((GHOST,), {"GHOST-1": Item("GHOST-1")}, set()),
        ((replace(GHOST, sku="TENT-2P"),), STOCKED, set()),
    ],
    ErrorCode.STOCK_SKU_AMBIGUOUS: [
        (TWINS, STOCKED, set()),
        ((TWINS[0], replace(TWINS[1], sku="TENT-3P")), {**STOCKED, "TENT-3P": Item("TENT-3P")}, set()),
        (TWINS, STOCKED, {TWINS[1].variant_id}),
    ],
}


@pytest.mark.parametrize("code", STOCK_REPAIRED)
def test_a_product_gets_its_stock_figure_once_the_next_step_was_carried_out(code: ErrorCode) -> None:
    def found(
        variants: tuple[Variant, ...], items: dict[str, Item], archived: set[int]
    ) -> tuple[set[int], list[ErrorCode]]:
        """The variants that get figures, and the problems."""
        matched = match_variants(variants, items, withheld={}, locations=(1,), company="nleu")
        on_sale = {each.variant_id for each in variants} - archived
        chosen = choose_variants(matched.shared, on_sale=on_sale, withheld=())
        with_figures = {each.variant_id for each in (*matched.single, *chosen.items)}
        return with_figures, [problem.code for problem in (*matched.problems, *chosen.problems)]

    wrong, *right = STOCK_REPAIRED[code]
    assert found(*wrong) == (set(), [code])
    for variants, items, archived in right:
        sold = {each.variant_id for each in variants} - archived
        assert found(variants, items, archived) == (sold, [])


@pytest.mark.parametrize("code", sorted(ErrorCode))
def test_every_code_has_its_advice_carried_out_or_is_closed_by_hand(code: ErrorCode) -> None:
    is_parked = CATALOGUE[code].status is None and code not in REPORTED  # tests/unit/sync/messages has the refused ones
    places = [code in REPAIRED, code in CLOSED, code in CARRIED_OUT_IN]
    assert not is_parked or any(places), (
        f"{code}: add a row to REPAIRED, or end its next step with _DISCARD or _BY_HAND where nothing can be repaired"
    )


@pytest.mark.parametrize(("code", "name"), CARRIED_OUT_IN.items(), ids=CARRIED_OUT_IN)
def test_a_test_that_carries_out_advice_elsewhere_provokes_its_code(code: ErrorCode, name: str) -> None:
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    provoked = (f'await app.parked() == {{"{code}"}}', f'await app.push_shipments() == ["{code}"]')
    assert any(each in text for each in provoked)
    assert "await app.next_steps()" in text


async def provoked(app: App, code: ErrorCode, repair: Repair) -> Scene:
    """The order in both systems, with a message parked under the code."""
    scene = Scene(app, repair.rules)
    await (repair.before or nothing)(scene)
    await scene.check_out(repair)
    await (repair.then or nothing)(scene)
    assert await app.parked() == {code}
    return scene
