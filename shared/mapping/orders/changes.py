"""The changes that make F&O's sales order equal to Shopify's current order, as a value with reasons.

The plan is made against F&O's current state. After it is carried out, planning again gives an empty plan.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from shared.mapping.orders.differences import (
    PRICE_FIELDS,
    Aspect,
    closed_status,
    differences,
    kind_of_charge,
    line_fingerprints,
    unchanged_aspects,
    without_aspect,
    without_aspects,
)
from shared.mapping.orders.header import (
    FIELDS,
    ON_LINES,
    header_changes,
    header_fingerprints,
    loses_delivery_mode,
    missing_on_line,
    unseen_on_lines,
    wanted_on_lines,
)
from shared.mapping.orders.lines import PlannedLine
from shared.mapping.orders.matching import OwnLines, Placement
from shared.mapping.orders.plan import SalesOrderPlan
from shared.model import COMPONENTS, Component, FoHeader, FoLine, FoOrder, FoRow, FoStatus, Money, Order, source_of
from shared.rules import ChangeKind, Decision, StoreRules

_QUANTITY: Final = "OrderedSalesQuantity"


class Action(StrEnum):
    CHANGE_HEADER = "change the order"
    ADD_LINE = "add a line"
    CHANGE_LINE = "change the line"
    REMOVE_LINE = "remove the line"
    REMOVE_ORDER = "remove the order"
    NEW_ORDER = "create a further order"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the matrix of changes, and what it decided about."""

    kind: ChangeKind
    status: FoStatus
    decision: Decision
    what: str
    by_staff: bool = False
    """Whether staff changed it in F&O, while Shopify has it as before."""
    source: str = ""
    """Of the line that it is about (PlannedLine.source); "" for the header and for whole orders."""
    aspect: Aspect | None = None
    refused_by: str = ""
    """The answer of the tenant (config/tenants) by which F&O does not take it, though the rules would send it."""

    def __str__(self) -> str:
        if self.refused_by:
            return f"{self.what}: {self.refused_by} in config/tenants"
        if not self.by_staff:
            return f"{self.what}: [changes.{self.kind}] {self.status} = {self.decision}"
        if self.decision is Decision.IGNORE:
            return f"{self.what}, which staff changed in F&O: [changes] by_staff = keep"
        return (
            f"{self.what}, which staff had changed in F&O: [changes] by_staff = overrule, "
            f"[changes.{self.kind}] {self.status} = {self.decision}"
        )


@dataclass(frozen=True, slots=True)
class ChangeStep:
    """One write."""

    action: Action
    order: str
    """The sales order's number; of a further order, the one that it follows."""
    reason: str
    cells: tuple[Cell, ...]
    lot: str = ""
    fields: FoRow = field(default_factory=dict)
    """What is sent, and nothing that F&O has already."""
    lines: tuple[PlannedLine, ...] = ()
    """What is added, numbered anew."""

    def __str__(self) -> str:
        fields = ", ".join(f"{name} = {value}" for name, value in self.fields.items())
        where = f"{self.order} {self.lot}".rstrip()
        return f"{self.action} {where}: {self.reason}" + (f" ({fields})" if fields else "")


def _with_units(step: ChangeStep, units: Decimal) -> ChangeStep:
    if _QUANTITY not in step.fields or not units:
        return step
    return replace(step, fields={**step.fields, _QUANTITY: step.fields[_QUANTITY] + units})


@dataclass(frozen=True, slots=True)
class ChangePlan:
    steps: tuple[ChangeStep, ...] = ()
    held: tuple[Cell, ...] = ()
    """What a person has to decide: then nothing else is changed, except that a cancellation gives up open lines."""
    ignored: tuple[Cell, ...] = ()

    def with_units(self, given_up: Mapping[str, Decimal]) -> ChangePlan:
        """The plan for lines that were ordered with so many units more, by InventoryLotId, which F&O gave up: they
        stay ordered, since F&O takes a smaller quantity from what remains.
        """
        return replace(self, steps=tuple(_with_units(step, given_up.get(step.lot, Decimal(0))) for step in self.steps))

    @property
    def cells(self) -> tuple[Cell, ...]:
        return (*(cell for step in self.steps for cell in step.cells), *self.held, *self.ignored)

    def __str__(self) -> str:
        lines = [str(step) for step in self.steps]
        lines += [f"held for a person: {cell}" for cell in self.held]
        lines += [f"left alone: {cell}" for cell in self.ignored]
        return "\n".join(lines) or "nothing to do"


type HeaderWrites = Mapping[str, Mapping[ChangeKind, FoRow]]
"""By sales order and kind, what a header had in the fields that were written."""
NOTHING_WRITTEN: Final[HeaderWrites] = {}


def header_writes(steps: Iterable[ChangeStep], fo: FoOrder) -> HeaderWrites:
    return {
        step.order: {
            cell.kind: {
                field: fo.header(step.order).fields.get(field, "")
                for field in FIELDS[cell.kind]
                if field in step.fields
            }
            for cell in step.cells
        }
        for step in steps
        if step.action is Action.CHANGE_HEADER
    }


def fingerprints_of(target: SalesOrderPlan, before: Mapping[str, str] | None = None) -> dict[str, str]:
    """Of the header and the lines, to be stored in the order's link once F&O has them."""
    return {**header_fingerprints(target.header, before), **line_fingerprints(target.lines)}


def while_written(
    fingerprints: Mapping[str, str], steps: Iterable[ChangeStep], sources: Mapping[str, str]
) -> dict[str, str]:
    """The fingerprints to be stored before the steps are carried out: without what is written, so that after a crash
    nobody takes the app's own change for one by staff. `sources` is by InventoryLotId.
    """
    left = dict(fingerprints)
    for step in steps:
        if step.action in {Action.CHANGE_HEADER, Action.CHANGE_LINE}:
            left |= {cell.kind.value: "" for cell in step.cells if cell.kind in FIELDS and not cell.source}
        for source in {line.source for line in step.lines} | {sources.get(step.lot, "")}:
            if source in left:
                left[source] = without_aspects(left[source], step.fields)
    return left


def without_undone(fingerprints: Mapping[str, str], cells: Iterable[Cell]) -> dict[str, str]:
    """The fingerprints without what the rules left to a person or left alone: F&O does not have it from the app, and
    where it differs later, that does not show that staff changed it.
    """
    left = dict(fingerprints)
    for cell in cells:
        if cell.aspect is not None and not cell.by_staff and cell.source in left:
            left[cell.source] = without_aspect(left[cell.source], cell.aspect)
    return left


def plan_changes(
    target: SalesOrderPlan,
    fo: FoOrder,
    placement: Placement,
    rules: StoreRules,
    *,
    fingerprints: Mapping[str, str],
    written: HeaderWrites = NOTHING_WRITTEN,
    today: date | None = None,
) -> ChangePlan:
    """The steps from `fo` to `target`, which was planned with the placement's allocation.

    `fingerprints` are those that the link has of what was last brought to F&O (fingerprints_of). `written` is what the
    headers got since (header_writes): now their lines are compared with them. With `today` no ship date is written that
    has passed.
    """
    draft = _PlanDraft(fo, rules, target.header["CurrencyCode"], today)
    for header in fo.headers:
        draft.change_header(header, target.header, fingerprints, written.get(header.number, {}))
    is_mode_written = any(ChangeKind.DELIVERY_MODE in kinds for kinds in written.values())
    unshipped = not is_mode_written and loses_delivery_mode(target.header, fingerprints)
    own = placement.own
    sources = {planned.source for planned in target.lines}
    unchanged = unchanged_aspects(target.lines, fingerprints)
    claimed: set[str] = set()
    for planned in target.lines:
        line = _line_of(planned, placement)
        same = unchanged.get(planned.source, frozenset())
        if line is None:
            growing = placement.growing.get(planned.source_id)
            draft.add(planned, own.get(planned.source, ()), growing, by_staff=Aspect.QUANTITY in same)
        else:
            claimed.add(line.lot)
            draft.change(planned.without_delivery_mode() if unshipped else planned, line, same)
    for source, lines in own.items():
        by_staff = Aspect.QUANTITY in unchanged.get(source, frozenset())
        for line in lines:
            if line.lot not in claimed:
                draft.remove(line, _removal_kind(source, sources), source, by_staff=by_staff)
    draft.follow_headers([line for lines in own.values() for line in lines], target.header, fingerprints)
    return draft.plan()


def plan_cancellation(order: Order, fo: FoOrder, own: OwnLines, rules: StoreRules) -> ChangePlan:
    """Gives up all open lines of ours, even where a person has to decide about what was shipped.

    `order` is what Shopify still has of it: what was shipped, and the charges that were not given back.
    """
    draft = _PlanDraft(fo, rules, order.currency)
    left = {source_of(COMPONENTS[line.kind], line.id): line.quantity for line in order.lines}
    owed = _owed_charges(order, has_left=any(line.done for lines in own.values() for line in lines))
    for source, lines in own.items():
        component = Component(source.partition(":")[0])
        if component in owed:
            draft.reduce(component, lines[0], owed[component])
            continue
        units = left.get(source, 0)
        for line in lines:
            if line.is_open:
                draft.remove(line, ChangeKind.CANCEL, source)
            if line.status is not FoStatus.CANCELLED:
                units -= int(line.done)
        if units < 0:
            draft.decide(
                ChangeKind.CANCEL, closed_status(lines[-1]), f"{-units} x {lines[-1].item} were shipped ({source})"
            )
    gone = {step.lot for step in draft.steps if step.action is Action.REMOVE_LINE}
    for header in fo.headers if not draft.plan().held else ():
        its = [line.lot for line in fo.lines if line.order == header.number]
        if header.status is FoStatus.OPEN and rules.changes.cancellation == "delete_lines" and gone.issuperset(its):
            cell = draft.decide(ChangeKind.CANCEL, header.status, "the whole order is cancelled")
            if cell is not None:
                step = ChangeStep(Action.REMOVE_ORDER, header.number, "nothing is left of it", (cell,))
                draft.steps.append(step)
    return replace(draft.plan(), steps=tuple(draft.steps))


_OF_ONE_LINE: Final = (Component.DUTIES, Component.FEES)
"""Charges of the whole order, each on a line of one piece and without tax."""


def _owed_charges(order: Order, *, has_left: bool) -> Mapping[Component, Money]:
    """What Shopify still charges for what was shipped. Duties and fees are charged even if nothing was: an adjustment
    of the refund gives them back, and is credited separately.
    """
    amounts = {
        Component.DUTIES: order.duties,
        Component.FEES: order.additional_fees,
    }
    for_goods = {
        Component.SHIPPING: order.shipping_net,
        Component.TAX: order.total_tax,
        Component.TAX_DIFFERENCE: order.total_tax,
        Component.CASH_ROUNDING: order.cash_rounding,
    }
    owed = amounts | for_goods if has_left else amounts
    return {component: amount for component, amount in owed.items() if amount}


_HEADER_REASONS: Final = {
    ChangeKind.ADDRESS: "another address",
    ChangeKind.CONTACT: "another name or e-mail address",
    ChangeKind.PO_NUMBER: "another purchase order number",
    ChangeKind.REQUESTED_DATE: "another requested date",
    ChangeKind.DELIVERY_MODE: "another mode of delivery",
    ChangeKind.PRICE: "another sales tax group",
}


_LINE_REASONS: Final = {kind: f"{_HEADER_REASONS[kind]} than its header" for kind in ON_LINES}
_AMOUNT_FIELDS: Final = frozenset({_QUANTITY, *PRICE_FIELDS})
"""From which F&O computes the amount of a line."""


class _PlanDraft:
    """Collects the steps of a plan."""

    def __init__(self, fo: FoOrder, rules: StoreRules, currency: str, today: date | None = None) -> None:
        self._fo = fo
        self._today = today
        self._rules = rules
        self._currency = currency
        self.steps: list[ChangeStep] = []
        self._held: list[Cell] = []
        self._ignored: list[Cell] = []
        self._new: defaultdict[str, list[tuple[PlannedLine, Cell]]] = defaultdict(list)
        """By the number of the order that takes them; by "" what needs a further order."""
        self._removed: set[str] = set()
        """InventoryLotIds."""
        self._changed: dict[str, int] = {}
        """InventoryLotId -> the position of the line's step."""
        self._decided: dict[tuple[str, ChangeKind], Cell | None] = {}
        """By header and kind of ON_LINES that differs on the header: the cell, None where the rules leave it."""
        refuses_lines = rules.tenant.invoiced_order_lines == "refused"
        self._locked = {line.order for line in fo.lines if line.is_invoiced} if refuses_lines else set()
        """Sales orders that take no further line."""

    def decide(
        self,
        kind: ChangeKind,
        status: FoStatus,
        what: str,
        *,
        by_staff: bool = False,
        source: str = "",
        aspect: Aspect | None = None,
        refused_by: str = "",
    ) -> Cell | None:
        """The matrix cell, if its decision is to change something; cells that hold or ignore are recorded."""
        is_kept = by_staff and self._rules.changes.by_staff == "keep"
        decision = Decision.IGNORE if is_kept else self._rules.changes.decide(kind, status)
        if decision in {Decision.HOLD, Decision.IGNORE}:
            refused_by = ""
        elif refused_by:
            decision = Decision.HOLD
        cell = Cell(kind, status, decision, what, by_staff, source, aspect, refused_by)
        match cell.decision:
            case Decision.HOLD:
                self._held.append(cell)
            case Decision.IGNORE:
                self._ignored.append(cell)
            case _:
                return cell
        return None

    def change_header(
        self, header: FoHeader, target: FoRow, fingerprints: Mapping[str, str], written: Mapping[ChangeKind, FoRow]
    ) -> None:
        if header.status is FoStatus.CANCELLED and header.number != self._fo.number:
            return
        fields: FoRow = {}
        cells = []
        for kind, changed in header_changes(target, header.fields, fingerprints, written, today=self._today).items():
            cell = self.decide(kind, header.status, _HEADER_REASONS[kind])
            self._decided[header.number, kind] = cell
            if cell is not None:
                fields |= changed
                cells.append(cell)
        if cells:
            reason = ", ".join(cell.what for cell in cells)
            self.steps.append(ChangeStep(Action.CHANGE_HEADER, header.number, reason, tuple(cells), fields=fields))

    def add(
        self, planned: PlannedLine, siblings: Sequence[FoLine], growing: FoStatus | None, *, by_staff: bool
    ) -> None:
        """A line that F&O lacks. For additional pieces the status of the line that they are added to decides."""
        last = self._fo.headers[-1]
        kind = kind_of_charge(planned.component)
        status = last.status
        if kind is None:
            kind = ChangeKind.QUANTITY_UP if siblings else ChangeKind.LINE_ADDED
            status = growing or status
        record = planned.record
        what = f"{record['OrderedSalesQuantity']} x {record['ItemNumber']} more"
        cell = self.decide(kind, status, what, by_staff=by_staff, source=planned.source, aspect=Aspect.QUANTITY)
        if cell is None:
            return
        further = [last.number] if len(self._fo.headers) > 1 and not last.status.is_closed else []
        match cell.decision:
            case Decision.NEW_ORDER:
                orders = further
            case Decision.NEW_LINE:
                orders = [siblings[-1].order, *further]
            case _:
                orders = [last.number]
        taking = next((order for order in orders if order not in self._locked), "")
        self._new[taking].append((planned, cell))

    def change(self, planned: PlannedLine, line: FoLine, unchanged: frozenset[Aspect]) -> None:
        fields: FoRow = {}
        cells = []
        for aspect, kind, status, what, changed in differences(planned, line):
            cell = self.decide(
                kind,
                status,
                f"{_named(line)}: {what}",
                by_staff=aspect in unchanged,
                source=planned.source,
                aspect=aspect,
                refused_by=self._refusal(line, changed["OrderedSalesQuantity"]) if aspect is Aspect.QUANTITY else "",
            )
            if cell is not None:
                fields |= changed
                cells.append(cell)
        if cells:
            self._change_line(line, fields, *cells)

    def follow_headers(self, lines: Sequence[FoLine], target: FoRow, fingerprints: Mapping[str, str]) -> None:
        """Open lines get what their header gets. Where F&O gives it to them by itself, they are only compared with the
        header once that was written.
        """
        open_lines = defaultdict(list)
        for line in lines:
            if self._stays_open(line):
                open_lines[line.order].append(line)
        for header in self._fo.headers:
            for kind in ON_LINES:
                if (header.number, kind) in self._decided:
                    follows = self._rules.tenant.header_changes == "follow"
                    wanted = {} if follows else wanted_on_lines(kind, target, today=self._today)
                else:
                    wanted = unseen_on_lines(kind, target, header.fields, fingerprints)
                for line, fields in _behind(kind, wanted, open_lines[header.number]):
                    if (header.number, kind) not in self._decided:
                        self._decided[header.number, kind] = self.decide(kind, header.status, _LINE_REASONS[kind])
                    cell = self._decided[header.number, kind]
                    if cell is None:
                        break
                    self._change_line(line, fields, cell)

    def _stays_open(self, line: FoLine) -> bool:
        """Whether something of the line is to be delivered, also after the steps so far."""
        at = self._changed.get(line.lot)
        fields = self.steps[at].fields if at is not None else {}
        is_given_up = line.lot in self._removed or fields.get("OrderedSalesQuantity", line.quantity) == line.done
        return line.is_open and not is_given_up

    def _change_line(self, line: FoLine, fields: FoRow, *cells: Cell) -> None:
        """One write for each line, whatever changes on it."""
        if self._rules.tenant.line_amount == "kept" and not _AMOUNT_FIELDS.isdisjoint(fields):
            # Microsoft: without "Calculate line net amount" F&O computes the amount only where it is 0, or 0 is sent.
            fields = {**fields, "LineAmount": Decimal(0)}
        reason = "; ".join(f"{_named(line)}: {cell.what}" if cell.kind in ON_LINES else cell.what for cell in cells)
        at = self._changed.setdefault(line.lot, len(self.steps))
        if at == len(self.steps):
            step = ChangeStep(Action.CHANGE_LINE, line.order, reason, cells, lot=line.lot, fields=fields)
            self.steps.append(step)
            return
        known = self.steps[at]
        self.steps[at] = replace(
            known,
            reason=f"{known.reason}; {reason}",
            cells=(*known.cells, *cells),
            fields={**known.fields, **fields},
        )

    def _refusal(self, line: FoLine, quantity: Decimal) -> str:
        """The answer of the tenant by which F&O does not take that what is open of the line is given up so."""
        if not line.is_open or quantity != line.done:
            return ""
        name = "delivered_quantity" if line.done else "zero_quantity"
        return f'{name} = "refused"' if getattr(self._rules.tenant, name) == "refused" else ""

    def remove(self, line: FoLine, kind: ChangeKind, source: str, *, by_staff: bool = False) -> None:
        """What is open of the line is given up. Below the shipped quantity the line's own status decides."""
        status = line.status
        if kind is not ChangeKind.CANCEL and line.done and line.status is not FoStatus.CANCELLED:
            status = closed_status(line)
        what = f"{line.remaining.normalize():f} of {line.quantity.normalize():f} x {line.item} given up ({source})"
        is_deleted = not line.done and self._is_deletable(line)
        refused_by = "" if is_deleted else self._refusal(line, line.done)
        cell = self.decide(
            kind, status, what, by_staff=by_staff, source=source, aspect=Aspect.QUANTITY, refused_by=refused_by
        )
        if cell is None or not line.is_open:
            return
        if is_deleted:
            self._removed.add(line.lot)
            self.steps.append(ChangeStep(Action.REMOVE_LINE, line.order, what, (cell,), lot=line.lot))
        else:
            self._change_line(line, {"OrderedSalesQuantity": line.done, **self._left_charges(line)}, cell)

    def _is_deletable(self, line: FoLine) -> bool:
        if self._rules.changes.cancellation != "delete_lines":
            return False
        return line.status is FoStatus.OPEN or self._rules.tenant.confirmed_order_deleted != "no"

    def _left_charges(self, line: FoLine) -> FoRow:
        """The charge with which what was shipped keeps its share of the line's amount."""
        if not line.charges or line.is_invoiced:
            return {}
        share = Money(line.amount * line.done / line.quantity, self._currency).rounded().amount
        return {"FixedPriceCharges": share - line.done * (line.price - line.discount) / line.price_unit}

    def reduce(self, component: Component, line: FoLine, amount: Money) -> None:
        """A charge that was partly given back gets its new amount, unless it is invoiced."""
        if component not in _OF_ONE_LINE or line.amount == amount.amount:
            return
        what = f"{line.item}: amount {line.amount} -> {amount} ({component})"
        cell = self.decide(ChangeKind.CANCEL, closed_status(line) if line.is_invoiced else line.status, what)
        if cell is not None:
            self._change_line(line, {"SalesPrice": amount.amount}, cell)

    def plan(self) -> ChangePlan:
        if self._held:
            return ChangePlan(held=tuple(self._held), ignored=tuple(self._ignored))
        return ChangePlan(steps=(*self.steps, *self._additions()), ignored=tuple(self._ignored))

    def _additions(self) -> Iterator[ChangeStep]:
        """New lines with numbers that no line of the order has had."""
        number = max((line.number for line in self._fo.lines), default=Decimal(0)).to_integral_value()
        for order, added in self._new.items():
            numbered = []
            for planned, _ in added:
                number += 1
                numbered.append(planned.numbered(number))
            cells = tuple(cell for _, cell in added)
            action = Action.ADD_LINE if order else Action.NEW_ORDER
            reason = ", ".join(cell.what for cell in cells)
            yield ChangeStep(action, order or self._fo.number, reason, cells, lines=tuple(numbered))


def _behind(kind: ChangeKind, wanted: FoRow, lines: Iterable[FoLine]) -> Iterator[tuple[FoLine, FoRow]]:
    """The lines that do not have what is wanted, and what they are to get."""
    for line in lines:
        fields = missing_on_line(kind, wanted, line.fields)
        if fields:
            yield line, fields


def _named(line: FoLine) -> str:
    return f"{line.item} on line {line.number.normalize():f}"


def _removal_kind(source: str, wanted: set[str]) -> ChangeKind:
    kind = kind_of_charge(Component(source.partition(":")[0]))
    return kind or (ChangeKind.QUANTITY_DOWN if source in wanted else ChangeKind.LINE_REMOVED)


def _line_of(planned: PlannedLine, placement: Placement) -> FoLine | None:
    if kind_of_charge(planned.component) is None:
        return placement.lines[planned.source_id][planned.part]
    its = placement.own.get(planned.source, ())
    return its[planned.part] if planned.part < len(its) else None
