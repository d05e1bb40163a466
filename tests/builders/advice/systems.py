"""Advice about access, versions, conflicts and what F&O or Shopify override, and how it is carried out."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from local.d365.faults import Fault
from local.d365.sales_tables import HEADERS, LINES
from local.shopify.faults import FaultKind
from shared.d365.entities import WAREHOUSE_LINES
from shared.error_catalogue import ErrorCode
from tests.builders.advice.scene import UNPAID, Act, Repair, Scene, changed, deploying, replaying
from tests.builders.sales import EU

RETIRED: Final = "2026-07"
"""The version that the store's file names, when Shopify no longer serves it as it was."""
GOODS: Final = [
    ("TENT-2P", Decimal(2), Decimal("498.00")),
    ("MUG-ENAMEL", Decimal(1), Decimal("12.95")),
    ("FREIGHT", Decimal(1), Decimal("6.95")),
]
PRICES: Final = {item: amount / quantity for item, quantity, amount in GOODS}


def faulty(*faults: Fault) -> Act:
    async def act(scene: Scene) -> None:
        for fault in faults:
            scene.app.fo.faults.add(fault)

    return act


def overriding(method: str, entity_set: str, field: str, value: Any) -> Act:
    """F&O stores or gives this value in the field, whatever was sent."""
    return faulty(Fault("override", method, entity_set, times=None, field=field, value=value))


async def _mend_fo(scene: Scene) -> None:
    scene.app.fo.faults.clear()
    await scene.replay()


async def _exhaust(scene: Scene) -> None:
    assert scene.app.waiting
    await scene.app.exhaust_waiting()


async def _take_one_tent(scene: Scene) -> None:
    await scene.step("edit", {"quantities": {"TENT-2P": 1}})


async def _keep_two_tents(scene: Scene) -> None:
    """A workflow in F&O puts the quantity back."""
    await overriding("PATCH", LINES, "OrderedSalesQuantity", 2)(scene)
    await _take_one_tent(scene)


async def _change_at_once(scene: Scene) -> None:
    scene.app.fo.faults.add(Fault("changed", "PATCH", LINES))
    await _take_one_tent(scene)


async def _in_unknown_status(scene: Scene) -> None:
    _set_status(scene, "AwaitingCredit")
    await _take_one_tent(scene)


async def _leave_unknown_status(scene: Scene) -> None:
    _set_status(scene, "Active")
    await scene.replay()


def _set_status(scene: Scene, status: str) -> None:
    rows = scene.app.fo.books.rows(HEADERS)
    for key, row in rows.items():
        rows.put(key, replace(row, values={**row.values, "SalesOrderProcessingStatus": status}))


AGREEMENT: Final = [
    Fault("override", method, LINES, times=None, field="SalesPrice", value=199) for method in ("POST", "PATCH")
]


async def _correct_price(scene: Scene) -> None:
    """The agreement is ended, and a person gives the lines the prices of the order in F&O."""
    scene.app.fo.faults.clear()
    for line in scene.lines:
        key = {"dataAreaId": "nleu", "InventoryLotId": line["InventoryLotId"]}
        await scene.app.client.update(LINES, key, {"SalesPrice": PRICES[line["ItemNumber"]]})
    await scene.replay()


async def _take_one_tent_in_fo(scene: Scene) -> None:
    scene.app.fo.faults.clear()
    line = next(line for line in scene.lines if line["ItemNumber"] == "TENT-2P")
    key = {"dataAreaId": "nleu", "InventoryLotId": line["InventoryLotId"]}
    await scene.app.client.update(LINES, key, {"OrderedSalesQuantity": Decimal(1)})
    await scene.replay()


def other_answer(body: dict[str, Any]) -> Act:
    """What the retired version answers to the query of an order."""

    async def act(scene: Scene) -> None:
        faults = scene.app.shopify.simulator.faults
        faults.clear()
        fault = {"kind": FaultKind.OTHER_ANSWER, "times": None, "version": RETIRED, "body": body}
        faults.add(fault)

    return act


async def _withdraw_scope(scene: Scene) -> None:
    scene.shop.scopes -= {"read_orders", "write_orders"}


async def _grant_scope(scene: Scene) -> None:
    scene.shop.scopes |= {"read_orders", "write_orders"}
    await scene.replay()


async def _unregister(scene: Scene) -> None:
    scene.take_out("SysAADClients")


async def _register(scene: Scene) -> None:
    scene.set_up()
    await scene.replay()


async def _lack(scene: Scene) -> None:
    """In a process that has not asked yet."""
    assert scene.app.client._known is not None
    scene.app.client._known._known.clear()
    scene.app.client._known._asked.clear()
    scene.app.fo.lack({"CustomersV3": {"CustomerAccount"}})


async def _grant(scene: Scene) -> None:
    scene.app.fo.lack({})
    await scene.replay()


def with_parameters(**parameters: bool) -> Act:
    """F&O's company takes something, or does not."""

    async def act(scene: Scene) -> None:
        known = scene.app.fo.books.parameters
        known["nleu"] = replace(known["nleu"], **parameters)

    return act


async def _cancel_in_shopify(scene: Scene) -> None:
    await scene.step("cancel", {})


async def _cancel_in_fo(scene: Scene) -> None:
    for header in scene.sales_orders:
        scene.app.fo.posting.cancel(header)
    await scene.replay()


async def _take_zero(scene: Scene) -> None:
    await with_parameters(takes_zero_quantity=True)(scene)
    await scene.replay()


async def _hide_warehouse(scene: Scene) -> None:
    sets = scene.app.fo.schema.sets
    scene.hidden_sets[WAREHOUSE_LINES] = sets.pop(WAREHOUSE_LINES)
    await _take_one_tent(scene)


async def _show_warehouse(scene: Scene) -> None:
    scene.app.fo.schema.sets.update(scene.hidden_sets)
    await scene.replay()


async def _write_no_warehouse(scene: Scene) -> None:
    await scene.deploy(tenant={"warehouse_management": "no"})
    scene.app.fo.schema.sets.update(scene.hidden_sets)


REDUCED_TO_ZERO: Final = changed(EU, changes={"cancellation": "zero_remaining"})
WITH_WAREHOUSE: Final = changed(EU, tenant={"warehouse_management": "yes"})
UPGRADED: Final = deploying(api_version=EU.api_version)
ON_RETIRED: Final = changed(EU, api_version=RETIRED)
ONE_TENT: Final = [("TENT-2P", Decimal(1), Decimal("249.00")), *GOODS[1:]]

REPAIRED: Final[dict[ErrorCode, Repair]] = {
    ErrorCode.ATTEMPTS_EXHAUSTED: Repair(
        before=faulty(Fault("unavailable", times=None)), then=_exhaust, act=_mend_fo, has={"goods": GOODS}
    ),
    ErrorCode.CHANGE_NOT_TAKEN: Repair(then=_keep_two_tents, act=_mend_fo, has={"goods": ONE_TENT, "is_held": False}),
    ErrorCode.CHANGE_REFUSED: Repair(
        rules=REDUCED_TO_ZERO,
        before=with_parameters(takes_zero_quantity=False),
        then=_cancel_in_shopify,
        act=_take_zero,
        has={"open_units": 0},
    ),
    ErrorCode.FO_SET_MISSING: Repair(
        rules=WITH_WAREHOUSE, then=_hide_warehouse, act=_show_warehouse, has={"goods": ONE_TENT, "is_held": False}
    ),
    ErrorCode.FO_CONFLICT: Repair(then=_change_at_once, act=replaying, has={"goods": ONE_TENT, "is_held": False}),
    ErrorCode.FO_DENIED: Repair(before=_unregister, then=_exhaust, act=_register, has={"goods": GOODS}),
    ErrorCode.FO_FIELD_MISSING: Repair(before=_lack, then=_exhaust, act=_grant, has={"goods": GOODS}),
    ErrorCode.FO_REJECTED: Repair(
        rules=changed(EU, shipping=[{"code": "STANDARD", "delivery_mode": "NO-SUCH"}]),
        act=deploying(shipping=[{"code": "STANDARD", "delivery_mode": "STD"}]),
        has={"goods": GOODS},
    ),
    ErrorCode.FO_STATUS_UNKNOWN: Repair(then=_in_unknown_status, act=_leave_unknown_status, has={"goods": ONE_TENT}),
    ErrorCode.FO_SUM_DIFFERS: Repair(
        order=UNPAID,
        before=faulty(*AGREEMENT),
        act=_correct_price,
        has={"goods": GOODS, "is_held": False},
    ),
    ErrorCode.FO_TAX_GROUPS_REPLACED: Repair(
        order=UNPAID,
        before=overriding("POST", LINES, "SalesTaxGroupCode", "DE-VAT"),
        act=replaying,
        has={"goods": GOODS, "is_held": False},
    ),
    ErrorCode.FO_WRONG_COMPANY: Repair(
        before=overriding("GET", "", "dataAreaId", "usmf"), act=_mend_fo, has={"goods": GOODS}
    ),
    ErrorCode.SHOPIFY_DENIED: Repair(before=_withdraw_scope, then=_exhaust, act=_grant_scope, has={"goods": GOODS}),
    ErrorCode.SHOPIFY_REJECTED: Repair(
        rules=ON_RETIRED,
        before=other_answer({"errors": [{"message": "Field 'poNumber' doesn't exist on type 'Order'"}]}),
        act=UPGRADED,
        has={"goods": GOODS},
    ),
    ErrorCode.SHOPIFY_SHAPE: Repair(
        rules=ON_RETIRED, before=other_answer({"notice": "retired"}), act=UPGRADED, has={"goods": GOODS}
    ),
}

ALSO_REPAIRED: Final = (
    (
        ErrorCode.CHANGE_REFUSED,
        Repair(
            rules=REDUCED_TO_ZERO,
            before=with_parameters(takes_zero_quantity=False),
            then=_cancel_in_shopify,
            act=_cancel_in_fo,
            has={"open_units": 0},
        ),
    ),
    (
        ErrorCode.FO_SET_MISSING,
        Repair(
            rules=WITH_WAREHOUSE,
            then=_hide_warehouse,
            act=_write_no_warehouse,
            has={"goods": ONE_TENT, "is_held": False},
        ),
    ),
    (
        ErrorCode.CHANGE_NOT_TAKEN,
        Repair(then=_keep_two_tents, act=_take_one_tent_in_fo, has={"goods": ONE_TENT, "is_held": False}),
    ),
    (
        ErrorCode.FO_SUM_DIFFERS,
        Repair(
            order=UNPAID,
            before=faulty(*AGREEMENT),
            act=_mend_fo,
            has={"goods": GOODS, "is_held": False},
        ),
    ),
)
