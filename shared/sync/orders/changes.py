"""Changes F&O's sales order to Shopify's order of now: read, plan, write, and read again until nothing differs.

Only what a proof needs is read again: the lines, whose amounts F&O computes and whose address parcels follow. Where the
header alone changed, and lines take it from their header, they are not read before it is written either.

Nothing depends on earlier runs: after a crash at any point the next run finds what is still missing. What a run has to
know about its own writes is stored in the order's link before it writes. It claims the order with that: where an answer
is lost, F&O may do later what it was sent, and nothing is read or written before it has surely ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import batched
from string import ascii_uppercase
from typing import Any, Final, Protocol

from shared.d365.odata.answers import settling_time
from shared.d365.odata.batch import Operation
from shared.d365.odata.client import ODataClient
from shared.d365.order_changes import (
    HELD,
    header_change,
    header_removal,
    line_change,
    line_removal,
    new_line,
    read_fo_order,
    read_header,
    read_in_warehouse,
    read_written,
    write,
)
from shared.d365.sales_orders import SalesOrderDraft, create_numbered, create_sequenced
from shared.errors import ConnectorError, DeniedError, ErrorCode, RefusedError
from shared.mapping.fo.fields import fit
from shared.mapping.orders.changes import (
    Action,
    Cell,
    ChangePlan,
    ChangeStep,
    HeaderWrites,
    fingerprints_of,
    header_writes,
    while_written,
    without_undone,
)
from shared.mapping.orders.header import without_past
from shared.mapping.orders.holds import hold_reason, holdable
from shared.mapping.orders.matching import number_key
from shared.mapping.orders.plan import LINE_KEY, SalesOrderPlan
from shared.mapping.orders.record import digest
from shared.model import FoHeader, FoOrder, FoRow, FoStatus, HoldReason, Item, OrderState, TaxSetup
from shared.rules import StoreRules
from shared.store.links import LEASE, OrderLink, refuse_claimed
from shared.sync.orders.planning import Allocate, PlannedChange, plan_change, plan_header, plan_with_lines_as_written
from shared.sync.orders.safety import is_released

_ROUNDS: Final = 3
"""Readings: before the change, after it, and once more for what an earlier attempt left different."""
_SUFFIXES: Final = ascii_uppercase[1:]
"""Suffixes of the numbers of further sales orders."""


class Links(Protocol):
    async def put(self, link: OrderLink) -> OrderLink: ...


@dataclass(frozen=True, slots=True)
class ChangePorts:
    fo: ODataClient
    links: Links
    allocate: Allocate
    """From F&O's on-hand of this moment."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """F&O has the order as it is. `note` describes what was done, `evidence` proves that it is right."""

    note: str
    number: str
    link: OrderLink
    """To be stored: with the app's lines that F&O has now, but without the state's version and digest."""
    evidence: dict[str, Any] = field(default_factory=dict)


async def converge_changes(
    state: OrderState,
    link: OrderLink,
    rules: StoreRules,
    ports: ChangePorts,
    *,
    items: Mapping[int, Item],
    tax_setup: TaxSetup | None = None,
) -> ChangeReport:
    """Changes the sales order of the link to the state; `items` is by order line id, as for its creation.

    Raises RefusedError: CHANGE_HELD for what a person has to decide, CHANGE_REFUSED for what F&O does not take,
    CHANGE_NOT_TAKEN when F&O stores something else than was written, FO_ORDER_GONE, and what the mapping refuses. Then
    the order is held in F&O, as far as it still can be; the hold ends when a later run finds nothing to do.
    """
    return await _OrderChange(state, link, rules, ports, items, tax_setup).run()


class _OrderChange:
    def __init__(  # noqa: PLR0917 - the arguments of converge_changes
        self,
        state: OrderState,
        link: OrderLink,
        rules: StoreRules,
        ports: ChangePorts,
        items: Mapping[int, Item],
        tax_setup: TaxSetup | None,
    ) -> None:
        self._state = state
        self._link = link
        self._rules = rules
        self._ports = ports
        self._items = items
        self._tax_setup = tax_setup
        self._target: SalesOrderPlan | None = None
        self._has_held = False
        self._hides_work = False
        """Whether F&O did not show what the warehouse works on."""
        self._written: HeaderWrites = {}
        self._sent: dict[str, FoRow] = {}
        """What headers got, by the sales order's number."""
        self._done: list[ChangeStep] = []
        self._ignored: dict[Cell, None] = {}

    async def run(self) -> ChangeReport:
        refuse_claimed(self._link, self._ports.now())
        try:
            return await self._converge()
        except ConnectorError as failure:
            if self._link.claimed_until is not None:
                wait = settling_time(failure)
                until = self._ports.now() + wait if wait else None
                self._link = await self._ports.links.put(replace(self._link, claimed_until=until))
            raise

    async def _converge(self) -> ChangeReport:
        written = await self._write_header_alone()
        for rounds_left in range(_ROUNDS, 0, -1):
            if written is not None and await self._is_as_planned(written):
                return self._report(written)
            fo = await self._read()
            if fo is None:
                break
            try:
                await self._hold_at_risk(fo)
                plan = await self._plan(fo)
                self._ignored |= dict.fromkeys(plan.ignored)
                await self._leave_to_a_person(plan.held)
                _refuse(plan, fo, is_last=rounds_left == 1)
                if plan.steps:
                    await self._carry_out(fo, plan)
                    written = fo if self._may_read_lines_alone(plan) else None
                    continue
            except RefusedError:
                await self._hold_for_change(fo)
                raise
            await self._release(fo)
            return self._report(fo)
        return self._gone()

    async def _write_header_alone(self) -> FoOrder | None:
        """Writes what changed where that is the header alone, whose lines follow it; what F&O had of the order before.

        None where nothing was written: the lines have to be read first.
        """
        target = self._target_with_lines_as_written() if self._may_skip_lines else None
        header = await self._header() if target is not None else None
        if target is None or header is None:
            return None
        fo = FoOrder((header,), ())
        plan = plan_header(target, fo, self._link, self._rules, today=self._today)
        if plan.held or plan.ignored or not plan.steps or self._depends_on_warehouse(plan):
            return None
        try:
            await self._carry_out(fo, plan)
        except RefusedError as refusal:
            if refusal.code is not ErrorCode.CHANGE_REFUSED:
                raise
            return None  # the order is read, so that it can be held for that
        return fo

    def _target_with_lines_as_written(self) -> SalesOrderPlan | None:
        try:
            return plan_with_lines_as_written(
                self._state.order, self._link, self._rules, items=self._items, tax_setup=self._tax_setup
            )
        except RefusedError:
            return None  # the order is read, so that it can be held for that

    async def _header(self) -> FoHeader | None:
        return await read_header(self._ports.fo, self._link.company, self._link.sales_order)

    @property
    def _may_skip_lines(self) -> bool:
        """Whether only what Shopify changed is to be written, and the lines take it from their header."""
        link, rules = self._link, self._rules
        is_settled = not (link.held or link.further or link.promised or link.given_up_units or link.has_parked)
        return (
            is_settled
            and rules.tenant.header_changes == "follow"
            and rules.changes.by_staff == "keep"
            and not self._state.order.is_given_up
            and self._hold_reason() is None
        )

    def _may_read_lines_alone(self, plan: ChangePlan) -> bool:
        """Whether the sales orders are as before, but for what their headers and lines got."""
        moved = {Action.NEW_ORDER, Action.REMOVE_ORDER}
        return not self._state.order.is_given_up and moved.isdisjoint(step.action for step in plan.steps)

    async def _is_as_planned(self, before: FoOrder) -> bool:
        """Whether F&O shows on the order's lines that it has taken what was written.

        The lines are proof enough: of their amounts, and of the address that their parcels follow. If they do not show
        it, or the app holds the order, all of the order is read.
        """
        if self._link.held or self._hold_reason() is not None:
            return False
        follows = self._rules.tenant.header_changes == "follow"
        company, sent = self._link.company, self._sent
        fo = await read_written(self._ports.fo, company, before, sent, with_headers=bool(sent) and not follows)
        if fo is None:
            return False
        try:
            plan = await self._plan(fo)
        except RefusedError:
            return False  # the reading that follows refuses it, and holds the order
        if plan.steps or plan.held:
            return False
        self._ignored |= dict.fromkeys(plan.ignored)
        return True

    @property
    def _today(self) -> date:
        return self._ports.now().astimezone(self._rules.zone).date()

    async def _read(self) -> FoOrder | None:
        numbers = self._link.numbers
        return await read_fo_order(self._ports.fo, self._link.company, numbers)

    async def _plan(self, fo: FoOrder) -> ChangePlan:
        planned = await self._planned(fo)
        if self._depends_on_warehouse(planned.plan) and (lots := await self._in_warehouse(fo)):
            planned = await self._planned(fo.in_warehouse(lots))
        self._link, self._target = planned.link, planned.target
        return planned.plan

    def _depends_on_warehouse(self, plan: ChangePlan) -> bool:
        """Whether the rules decide otherwise about something of the plan once the warehouse works on it."""
        if self._rules.tenant.warehouse_management == "no":
            return False
        decide = self._rules.changes.decide
        return any(decide(cell.kind, FoStatus.PICKED) is not decide(cell.kind, cell.status) for cell in plan.cells)

    async def _in_warehouse(self, fo: FoOrder) -> frozenset[str]:
        """Lines that the warehouse works on. Where nobody knows whether there is warehouse management, and F&O does not
        show it, its order's status decides, as in a company without it.
        """
        try:
            return await read_in_warehouse(self._ports.fo, self._link.company, fo)
        except (RefusedError, DeniedError) as hidden:
            is_hidden = hidden.code in {ErrorCode.FO_SET_MISSING, ErrorCode.FO_DENIED}
            if not is_hidden or self._rules.tenant.warehouse_management == "yes":
                raise
            self._hides_work = True
            return frozenset()

    async def _planned(self, fo: FoOrder) -> PlannedChange:
        return await plan_change(
            self._state.order,
            fo,
            self._link,
            self._rules,
            items=self._items,
            tax_setup=self._tax_setup,
            allocate=self._ports.allocate,
            written=self._written,
            today=self._today,
        )

    async def _carry_out(self, fo: FoOrder, plan: ChangePlan) -> None:
        """Changes of existing orders go in one request, each further order in its own.

        More than F&O writes in time go in several, while the order is held: the round that finds nothing to do
        releases it.
        """
        company = self._link.company
        promised = {
            number_key(line.number): line.source
            for step in plan.steps
            if step.action is Action.ADD_LINE
            for line in step.lines
        }
        fingerprints = while_written(self._link.fingerprints, plan.steps, self._link.sources)
        claimed = replace(self._link, promised=promised, fingerprints=fingerprints)
        self._link = await self._ports.links.put(replace(claimed, claimed_until=self._ports.now() + LEASE))
        operations = [operation for step in plan.steps for operation in _operations(step, company)]
        most = self._rules.orders.lines_per_request
        if len(operations) > most and (not self._link.held or self._link.is_holding):
            await self._hold(fo, HoldReason(self._link.held or HoldReason.CHANGE))
        for some in batched(operations, most, strict=False):
            await self._write(some, plan)
        self._written = {**self._written, **header_writes(plan.steps, fo)}
        for step in plan.steps:
            if step.action is Action.CHANGE_HEADER:
                self._sent[step.order] = {**self._sent.get(step.order, {}), **step.fields}
        if self._target is not None:
            for step in plan.steps:
                if step.action is Action.NEW_ORDER:
                    await self._create_further(step, fo, self._target)
        self._done += plan.steps

    async def _write(self, operations: Sequence[Operation], plan: ChangePlan) -> None:
        try:
            await write(self._ports.fo, operations)
        except RefusedError as refusal:
            if refusal.code is not ErrorCode.FO_REJECTED:
                raise
            changes = "; ".join(step.reason for step in plan.steps)
            raise RefusedError(
                ErrorCode.CHANGE_REFUSED,
                sales_order=self._link.sales_order,
                changes=changes,
                infolog=refusal.details["infolog"],
            ) from refusal

    async def _create_further(self, step: ChangeStep, fo: FoOrder, target: SalesOrderPlan) -> None:
        at = len(self._link.further)
        draft = SalesOrderDraft(
            company=self._link.company,
            reference=fit("CustomersOrderReference", f"{target.reference}-{at + 2}"),
            header=without_past(target.header, self._today),
            lines=[line.record for line in step.lines],
            line_key=LINE_KEY,
            lines_per_request=self._rules.orders.lines_per_request,
        )
        if self._rules.numbers_orders:
            number = fit("SalesOrderNumber", f"{fo.number}{suffix_of(at, fo.number)}")
            booked = await create_numbered(self._ports.fo, draft, number, is_new=False, accept=_accept)
        else:
            booked = await create_sequenced(self._ports.fo, draft, accept=_accept)
        self._link = await self._ports.links.put(replace(self._link, further=(*self._link.further, booked.number)))

    async def _hold_at_risk(self, fo: FoOrder) -> None:
        """Holds the order once for each reason. The sweep sets a hold again that is gone in F&O, and tells it."""
        reason = self._hold_reason()
        if reason is not None and (self._link.held != reason or self._link.is_holding):
            await self._hold(fo, reason)

    def _hold_reason(self) -> HoldReason | None:
        return hold_reason(
            self._state,
            self._rules,
            held=self._link.held,
            released=self._link.released,
            is_held_in_shop=self._link.holds.is_held_in_shop,
        )

    async def _hold(self, fo: FoOrder, reason: HoldReason) -> None:
        self._has_held = True
        to_hold = holdable(fo, self._link.sources)
        if not to_hold and not self._link.held:
            return  # a person holds it, or it can no longer be held
        self._link = await self._ports.links.put(self._link.held_for(reason, is_holding=bool(to_hold)))
        if to_hold:
            company = self._link.company
            await write(self._ports.fo, [header_change(company, number, {HELD: "Yes"}) for number in to_hold])
            self._link = await self._ports.links.put(replace(self._link, is_holding=False))

    async def _release(self, fo: FoOrder) -> None:
        """Releases a hold that the app set and has no reason for any more. Other holds stay."""
        reason = self._hold_reason()
        if not self._link.held:
            return
        held = [header.number for header in fo.headers if header.is_held and not header.status.is_closed]
        if held and reason is None:
            company = self._link.company
            await write(self._ports.fo, [header_change(company, number, {HELD: "No"}) for number in held])
        self._link = replace(self._link, held=reason.value if reason else "")

    async def _hold_for_change(self, fo: FoOrder) -> None:
        """Holds the order because F&O has other lines than were sold: it must not ship until a person has reviewed
        it.
        """
        if is_released(self._link, digest(self._state.order, self._rules)):
            return
        if not self._has_held and (self._link.is_holding or holdable(fo, self._link.sources)):
            await self._hold(fo, HoldReason.CHANGE)

    async def _leave_to_a_person(self, held: Sequence[Cell]) -> None:
        """What a person enters in F&O by hand for the buyer is no change of their own: Shopify may take it back."""
        fingerprints = without_undone(self._link.fingerprints, held)
        if fingerprints != self._link.fingerprints:
            self._link = await self._ports.links.put(replace(self._link, fingerprints=fingerprints))

    def _gone(self) -> ChangeReport:
        if not self._state.order.is_given_up:
            raise RefusedError(ErrorCode.FO_ORDER_GONE, sales_order=self._link.sales_order)
        note = "cancelled: F&O has nothing left of the order"
        link = replace(self._link, sources={}, promised={}, lots={}, held="", claimed_until=None)
        return ChangeReport(note, self._link.sales_order, link, self._evidence())

    def _report(self, fo: FoOrder) -> ChangeReport:
        note = "; ".join(step.reason for step in self._done) or "F&O has the order as it is"
        if self._hides_work:
            note += "; F&O does not show whether the warehouse works on it (warehouse_management in config/tenants)"
        link = replace(self._link, promised={}, claimed_until=None)
        if self._target is not None:
            fingerprints = fingerprints_of(self._target, self._link.fingerprints)
            link = replace(link, fingerprints=without_undone(fingerprints, self._ignored))
        kept = "; ".join(str(cell) for cell in self._ignored if cell.by_staff)
        return ChangeReport(f"{note}; {kept}" if kept else note, fo.number, link, self._evidence())

    def _evidence(self) -> dict[str, Any]:
        evidence: dict[str, Any] = {"steps": [str(step) for step in self._done]}
        evidence["decided_by"] = [str(cell) for step in self._done for cell in step.cells]
        evidence["left_alone"] = [str(cell) for cell in self._ignored]
        if self._target is not None:
            evidence["fo"] = self._target.evidence.as_dict()
        return evidence


_STAGES: Final = {
    FoStatus.PICKED: "released to the warehouse or picked",
    FoStatus.PARTLY_DELIVERED: "partly delivered",
}
"""How an error calls a status, where not by its own word."""


def _refuse(plan: ChangePlan, fo: FoOrder, *, is_last: bool) -> None:
    """Raises for what a person has to decide, once nothing else is to do, and for a change that F&O does not store."""
    if plan.steps:
        if is_last:
            changes = "; ".join(step.reason for step in plan.steps)
            raise RefusedError(ErrorCode.CHANGE_NOT_TAKEN, sales_order=fo.number, changes=changes)
    elif refused := [cell for cell in plan.held if cell.refused_by]:
        answers = ", ".join(sorted({cell.refused_by for cell in refused}))
        raise RefusedError(
            ErrorCode.CHANGE_REFUSED,
            sales_order=fo.number,
            changes="; ".join(cell.what for cell in plan.held),
            infolog=f"nothing was sent, since config/tenants says {answers}",
        )
    elif plan.held:
        changes = "; ".join(f"{cell.what}, which is {_STAGES.get(cell.status, cell.status)}" for cell in plan.held)
        is_closed = all(header.status.is_closed for header in fo.headers)
        hold = "F&O cannot hold it any more." if is_closed else "The order is held in F&O."
        raise RefusedError(ErrorCode.CHANGE_HELD, sales_order=fo.number, changes=changes, hold=hold)


def _operations(step: ChangeStep, company: str) -> list[Operation]:
    match step.action:
        case Action.CHANGE_HEADER:
            return [header_change(company, step.order, step.fields)]
        case Action.CHANGE_LINE:
            return [line_change(company, step.lot, step.fields)]
        case Action.REMOVE_LINE:
            return [line_removal(company, step.lot)]
        case Action.REMOVE_ORDER:
            return [header_removal(company, step.order)]
        case Action.ADD_LINE:
            return [new_line(company, step.order, line.record) for line in step.lines]
        case Action.NEW_ORDER:
            return []


def suffix_of(at: int, sales_order: str) -> str:
    """The suffix of the further order `at`, counted from 0. Raises RefusedError FURTHER_ORDERS_EXHAUSTED."""
    if at >= len(_SUFFIXES):
        raise RefusedError(ErrorCode.FURTHER_ORDERS_EXHAUSTED, sales_order=sales_order, count=at)
    return _SUFFIXES[at]


def _accept(_: object) -> bool:
    """The next round compares the further order with the plan."""
    return True
