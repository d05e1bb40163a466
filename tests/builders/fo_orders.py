"""A sales order of F&O as a value that plans can be carried out on: it refuses what F&O refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from shared.mapping.orders.allocation import AllocatedPart, Allocation
from shared.mapping.orders.changes import (
    Action,
    ChangePlan,
    ChangeStep,
    fingerprints_of,
    plan_cancellation,
    plan_changes,
)
from shared.mapping.orders.differences import FOLLOWING
from shared.mapping.orders.header import FIELDS, ON_LINES
from shared.mapping.orders.lines import PlannedLine
from shared.mapping.orders.matching import LinkedOrder, match_lines, own_lines, place_lines
from shared.mapping.orders.plan import SalesOrderPlan
from shared.model import FoHeader, FoLine, FoOrder, FoStatus, Order, minor_digits
from shared.rules import StoreRules
from tests.builders.sales import EU, items_of, plan

HEADER_FIELDS = tuple(field for kind in ON_LINES for field in FIELDS[kind])
"""What a line has of its header from its creation on."""


_PRICE = ("SalesPrice", "SalesPriceQuantity", "LineDiscountAmount", "FixedPriceCharges")


class RefusedByFoError(AssertionError):
    """The plan asks for what F&O does not do."""


class FoModel:
    """F&O's side of one order, and the app's memory of it."""

    def __init__(self, sale: Order, rules: StoreRules = EU, status: FoStatus = FoStatus.OPEN) -> None:
        self.rules = rules
        self.currency = sale.currency
        target = plan(sale, rules)
        self.memory = LinkedOrder(fingerprints=fingerprints_of(target))
        self._lot = 0
        self.fo: FoOrder | None = FoOrder((FoHeader("SN1", status, False, target.header),), ())
        self._add("SN1", target.lines)

    @property
    def order(self) -> FoOrder:
        assert self.fo is not None
        return self.fo

    @property
    def amount(self) -> Decimal:
        return sum((line.amount for line in self.order.lines), Decimal(0))

    def progress(self, lot: str, *, delivered: int = 0, invoiced: int = 0, cancelled: bool = False) -> None:
        """What F&O's people have done with a line, and what that makes of the order."""
        line = self._line(lot)
        done = line.quantity if cancelled else Decimal(delivered)
        remaining = line.quantity - done
        status = FoStatus.PARTLY_DELIVERED if done else line.status
        if not remaining:
            status = FoStatus.INVOICED if invoiced == delivered else FoStatus.DELIVERED
        if cancelled:
            status = FoStatus.CANCELLED
        self._put(replace(line, remaining=remaining, to_invoice=Decimal(delivered - invoiced), status=status))
        self._refresh()

    def lot(self, source: str) -> str:
        return next(lot for lot, known in self.memory.sources.items() if known == source)

    def plan(self, sale: Order, warehouse: int = 0) -> tuple[ChangePlan, SalesOrderPlan | None]:
        """What the app would do now; additional pieces come from this warehouse."""
        own = own_lines(self.order, sale, self.rules, self.memory)
        if sale.cancelled_at is not None or not sale.lines:
            return plan_cancellation(sale, self.order, own, self.rules), None
        matched = match_lines(sale, items_of(sale), own, self.rules, self.memory.fingerprints)
        chosen = self.rules.warehouses[warehouse]
        parts = {need.line_id: (AllocatedPart(need.quantity, chosen),) for need in matched.wanted}
        extra = Allocation(chosen, parts, ("told to",)) if parts else None
        placement = place_lines(matched, sale, self.rules, extra)
        target = plan(sale, self.rules, placement.allocation)
        return plan_changes(target, self.order, placement, self.rules, fingerprints=self.memory.fingerprints), target

    def carry_out(self, steps: ChangePlan, target: SalesOrderPlan | None) -> None:
        for step in steps.steps:
            _DO[step.action](self, step, target)
        if target is not None and not steps.held:
            self.memory = replace(self.memory, fingerprints=fingerprints_of(target))
        if self.fo is not None:
            self._refresh()

    def change_header(self, step: ChangeStep, _: SalesOrderPlan | None) -> None:
        header = self.order.header(step.order)
        if header.status.is_closed:
            raise RefusedByFoError(f"{header.number} is {header.status}")
        changed = replace(header, fields={**header.fields, **step.fields})
        for line in self.order.lines if self.rules.tenant.header_changes == "follow" else ():
            if line.order == header.number and line.remaining:
                taken = {name: step.fields[name] for name in HEADER_FIELDS if name in step.fields}
                self._put(replace(line, fields={**line.fields, **taken}))
        headers = tuple(changed if each is header else each for each in self.order.headers)
        self.fo = replace(self.order, headers=headers)

    def change_line(self, step: ChangeStep, _: SalesOrderPlan | None) -> None:
        line = self._line(step.lot)
        quantity = step.fields.get("OrderedSalesQuantity", line.quantity)
        if line.status.is_closed or abs(quantity) < abs(line.done):
            raise RefusedByFoError(f"{step} on {line}")
        if line.is_invoiced and not step.fields.keys().isdisjoint(_PRICE):
            raise RefusedByFoError(f"{step}: {line} is partly invoiced")
        changed = replace(
            line,
            quantity=quantity,
            remaining=quantity - line.done,
            price=step.fields.get("SalesPrice", line.price),
            price_unit=step.fields.get("SalesPriceQuantity", line.price_unit),
            discount=step.fields.get("LineDiscountAmount", line.discount),
            charges=step.fields.get("FixedPriceCharges", line.charges),
            sales_tax_group=step.fields.get("SalesTaxGroupCode", line.sales_tax_group),
            item_tax_group=step.fields.get("SalesTaxItemGroupCode", line.item_tax_group),
            fields={**line.fields, **step.fields},
        )
        if not quantity:
            changed = replace(changed, status=FoStatus.CANCELLED)
        self._put(self._priced(changed))

    def remove_line(self, step: ChangeStep, _: SalesOrderPlan | None) -> None:
        line = self._line(step.lot)
        if line.done:
            raise RefusedByFoError(f"{line} has left")
        self.fo = replace(self.order, lines=tuple(each for each in self.order.lines if each is not line))

    def remove_order(self, step: ChangeStep, _: SalesOrderPlan | None) -> None:
        if any(line.order == step.order for line in self.order.lines):
            raise RefusedByFoError(f"{step.order} has lines")
        self.fo = None

    def add_lines(self, step: ChangeStep, _: SalesOrderPlan | None) -> None:
        if self.order.header(step.order).status.is_closed:
            raise RefusedByFoError(f"{step.order} is closed")
        self._add(step.order, step.lines)

    def create_order(self, step: ChangeStep, target: SalesOrderPlan | None) -> None:
        assert target is not None
        number = f"SN1{'BCDEF'[len(self.order.headers) - 1]}"
        header = FoHeader(number, FoStatus.OPEN, False, target.header)
        self.fo = replace(self.order, headers=(*self.order.headers, header))
        self._add(number, step.lines)

    def _add(self, order: str, planned: tuple[PlannedLine, ...]) -> None:
        numbers = {line.number for line in self.order.lines}
        for each in planned:
            if each.number in numbers:
                raise RefusedByFoError(f"line number {each.number} is taken")
            self._lot += 1
            record = each.record
            line = FoLine(
                order=order,
                lot=f"LOT-{self._lot}",
                number=each.number,
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
                amount=Decimal(0),
                sales_tax_group=record["SalesTaxGroupCode"],
                item_tax_group=record["SalesTaxItemGroupCode"],
                fields={name: record.get(name, "") for name in FOLLOWING}
                | {name: self.order.header(order).fields.get(name, "") for name in HEADER_FIELDS},
                status=self.order.header(order).status,
            )
            self.fo = replace(self.order, lines=(*self.order.lines, self._priced(line)))
            self.memory = replace(self.memory, sources={**self.memory.sources, line.lot: each.source})

    def _priced(self, line: FoLine) -> FoLine:
        exact = line.quantity * (line.price - line.discount) / line.price_unit + line.charges
        unit = Decimal(1).scaleb(-minor_digits(self.currency))
        return replace(line, amount=exact.quantize(unit, ROUND_HALF_UP))

    def _line(self, lot: str) -> FoLine:
        return next(line for line in self.order.lines if line.lot == lot)

    def _put(self, line: FoLine) -> None:
        lines = tuple(line if each.lot == line.lot else each for each in self.order.lines)
        self.fo = replace(self.order, lines=lines)

    def _refresh(self) -> None:
        """Statuses as they follow from what remains: orders first, then their open lines."""
        headers = tuple(replace(header, status=self._status_of(header)) for header in self.order.headers)
        self.fo = replace(self.order, headers=headers)
        for line in self.order.lines:
            if line.remaining:
                self._put(replace(line, status=self.order.header(line.order).status))

    def _status_of(self, header: FoHeader) -> FoStatus:
        lines = [line for line in self.order.lines if line.order == header.number]
        living = [line for line in lines if line.remaining or line.status is not FoStatus.CANCELLED]
        if not lines:
            return header.status
        if not living:
            return FoStatus.CANCELLED
        if any(line.remaining for line in living):
            some = any(line.done for line in living)
            early = (FoStatus.OPEN, FoStatus.CONFIRMED, FoStatus.PICKED)
            return FoStatus.PARTLY_DELIVERED if some else header.status if header.status in early else FoStatus.OPEN
        return FoStatus.INVOICED if all(not line.to_invoice for line in living) else FoStatus.DELIVERED


_DO: Mapping[Action, Callable[[FoModel, ChangeStep, Any], None]] = {
    Action.CHANGE_HEADER: FoModel.change_header,
    Action.CHANGE_LINE: FoModel.change_line,
    Action.REMOVE_LINE: FoModel.remove_line,
    Action.REMOVE_ORDER: FoModel.remove_order,
    Action.ADD_LINE: FoModel.add_lines,
    Action.NEW_ORDER: FoModel.create_order,
}
