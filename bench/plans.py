"""Planning a change and a refund of one order, compared with reading its JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from bench.figures import Figure, at_most, microseconds
from local.stack import ROOT
from shared.mapping.orders.allocation import AllocatedPart, Allocation
from shared.mapping.orders.changes import ChangePlan, fingerprints_of, plan_changes
from shared.mapping.orders.differences import FOLLOWING
from shared.mapping.orders.lines import PlannedLine
from shared.mapping.orders.matching import LinkedOrder, match_lines, own_lines, place_lines
from shared.mapping.orders.plan import SalesOrderPlan, plan_sales_order
from shared.mapping.refunds.lots import SoldLot
from shared.mapping.refunds.plan import RefundPlan, plan_refund
from shared.mapping.shopify.state import read_state
from shared.model import FoHeader, FoLine, FoOrder, FoPrice, FoStatus, Item, Order, OrderState
from shared.rules import StoreRules, load_store, load_tenant

type Payload = dict[str, Any]

_ACCOUNT: Final = "C1"
_NUMBER: Final = "SN1"


def measure(placed: Payload, edited: Payload, refunded: Payload) -> list[Figure]:
    """Orders of five lines of the store nordlys as their webhooks have them: as placed, with three lines changed, and
    with three lines given back after delivery.
    """
    rules = load_store(ROOT / "config/stores/nordlys.toml", load_tenant(ROOT / "config/tenants/local.toml"))
    change = _Change(_state(_exact(placed), rules).order, _state(_exact(edited), rules).order, rules)
    refund = _Refund(_state(_exact(refunded), rules), rules)
    _expect(3, len(change.plan().steps))
    _expect(3, len(documents.lines) if (documents := refund.plan().return_order) else 0)
    body, parsed = json.dumps(edited).encode(), _exact(edited)
    plain = microseconds(lambda: json.loads(body))
    reading = microseconds(lambda: _state(parsed, rules))
    planning, refunding = microseconds(change.plan), microseconds(refund.plan)
    return [
        Figure("reading the order after the edit", reading, "µs"),
        Figure("planning the edit of 3 of 5 lines", planning, "µs"),
        at_most("planning the edit / json.loads of the order", planning / plain, "ratio", 12),
        Figure("planning a refund of 3 lines and the shipping", refunding, "µs"),
        at_most("planning the refund / json.loads of the order", refunding / plain, "ratio", 12),
    ]


class _Change:
    """An edit of an order that F&O has as it was placed."""

    def __init__(self, before: Order, after: Order, rules: StoreRules) -> None:
        self._after = after
        self._rules = rules
        self._items = {line.id: Item(line.sku) for line in before.lines}
        warehouse = rules.warehouses[0]
        parts = {line.id: (AllocatedPart(line.quantity, warehouse),) for line in before.lines}
        target = self._target(before, Allocation(warehouse, parts, ("all of it",)))
        lines = tuple(map(_booked, target.lines))
        self._fo = FoOrder((FoHeader(_NUMBER, FoStatus.OPEN, False, target.header),), lines)
        sources = {line.lot: planned.source for line, planned in zip(lines, target.lines, strict=True)}
        self._memory = LinkedOrder(sources=sources, fingerprints=fingerprints_of(target))

    def plan(self) -> ChangePlan:
        own = own_lines(self._fo, self._after, self._rules, self._memory)
        matched = match_lines(self._after, self._items, own, self._rules, self._memory.fingerprints)
        placement = place_lines(matched, self._after, self._rules, None)
        target = self._target(self._after, placement.allocation)
        return plan_changes(target, self._fo, placement, self._rules, fingerprints=self._memory.fingerprints)

    def _target(self, order: Order, allocation: Allocation) -> SalesOrderPlan:
        return plan_sales_order(order, self._rules, customer_account=_ACCOUNT, items=self._items, allocation=allocation)


class _Refund:
    """A refund of goods that F&O has invoiced."""

    def __init__(self, state: OrderState, rules: StoreRules) -> None:
        self._order = state.order
        (self._refund,) = state.refunds
        self._rules = rules
        self._sold = [
            SoldLot(
                lot=f"LOT-{line.id}",
                line_id=line.id,
                product={"ItemNumber": line.sku},
                site="EU",
                warehouse="AMS",
                price=FoPrice(line.unit_price.amount, Decimal(1), Decimal(0)),
                ordered=Decimal(line.quantity),
                returnable=Decimal(line.quantity),
            )
            for line in self._order.lines
        ]

    def plan(self) -> RefundPlan:
        return plan_refund(
            self._refund,
            self._order,
            self._rules,
            customer_account=_ACCOUNT,
            sales_order=_NUMBER,
            sold=self._sold,
        )


def _exact(payload: Payload) -> Payload:
    """The payload as it comes out of a webhook's body, its rates exact."""
    exact: Payload = json.loads(json.dumps(payload), parse_float=Decimal)
    return exact


def _state(payload: Mapping[str, Any], rules: StoreRules) -> OrderState:
    return read_state(payload, store=rules.key, side=rules.currency_side)


def _booked(planned: PlannedLine) -> FoLine:
    """The line as F&O has it once it was created."""
    record = planned.record
    return FoLine(
        order=_NUMBER,
        lot=f"LOT-{planned.number}",
        number=planned.number,
        item=record["ItemNumber"],
        external=record["ExternalItemNumber"],
        description=record["LineDescription"],
        warehouse=record.get("ShippingWarehouseId", ""),
        quantity=record["OrderedSalesQuantity"],
        remaining=record["OrderedSalesQuantity"],
        to_invoice=Decimal(0),
        price=record["SalesPrice"],
        price_unit=record["SalesPriceQuantity"],
        discount=record["LineDiscountAmount"],
        charges=record.get("FixedPriceCharges", Decimal(0)),
        amount=planned.amount.amount,
        sales_tax_group=record["SalesTaxGroupCode"],
        item_tax_group=record["SalesTaxItemGroupCode"],
        fields={name: record.get(name, "") for name in FOLLOWING},
        status=FoStatus.OPEN,
    )


def _expect(count: int, found: int) -> None:
    if found != count:
        raise RuntimeError(f"{found} lines are planned, not {count}: something else would be measured")
