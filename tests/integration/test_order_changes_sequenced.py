"""Orders whose numbers F&O draws: held from the start, and further ones found by their reference."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

import pytest
from fixtures.order_changes import ChangeScenario, running_change_scenario

from shared.d365.sales_orders import SalesOrderDraft, create_sequenced
from shared.errors import TransientError
from shared.mapping.orders.allocation import AllocatedPart, Allocation, Need
from shared.mapping.orders.header import header_fingerprints
from shared.mapping.orders.plan import LINE_KEY, plan_sales_order
from shared.model import Item, Order, OrderState, Risk
from shared.store.links import OrderLink
from shared.sync.orders.changes import ChangePorts, converge_changes
from tests.builders.sales import US, address, dollars, everything_from, line, order, tax

TEE = Item("TEE", color="Red", size="M")


def tees(quantity: int) -> Order:
    taxes = [tax(dollars((Decimal("24.00") * quantity * Decimal("0.0881")).quantize(Decimal("0.01"))), "0.0881")]
    one = line(1, dollars("24.00"), quantity, taxes=taxes, sku="TEE-RED-M")
    return order(one, taxes_included=False, store="prairie", shipping_address=address("US", "CO", postal_code="80202"))


def draft_of(sale: Order, *, held: bool) -> SalesOrderDraft:
    planned = plan_sales_order(
        sale, US, customer_account="WEB-US", items={1: TEE}, allocation=everything_from(US, sale)
    )
    return SalesOrderDraft(
        company="usmf",
        reference=planned.reference,
        header=planned.header,
        lines=[each.record for each in planned.lines],
        line_key=LINE_KEY,
        held=held,
    )


@pytest.fixture
async def scenario() -> AsyncIterator[ChangeScenario]:
    async with running_change_scenario() as one:
        yield one


async def held(scenario: ChangeScenario, number: str) -> str:
    header = await scenario.fo.get("SalesOrderHeadersV4", {"dataAreaId": "usmf", "SalesOrderNumber": number})
    assert header is not None
    return str(header["IsSalesProcessingStopped"])


async def test_a_risky_order_is_complete_and_stays_held(scenario):
    draft = draft_of(tees(2), held=True)
    first = await create_sequenced(scenario.fo, draft, accept=lambda _: True)
    again = await create_sequenced(scenario.fo, draft, accept=lambda _: True)
    assert (first.number, len(first.lots), again.created) == (again.number, 1, False)
    assert await held(scenario, first.number) == "Yes"


@pytest.mark.parametrize("fails_at", [None, 1, 2])
async def test_what_is_added_after_the_invoice_goes_into_one_further_order(scenario, fails_at):
    sale = tees(1)
    draft = draft_of(sale, held=False)
    booked = await create_sequenced(scenario.fo, draft, accept=lambda _: True)
    (lot,) = booked.lots.values()
    link = scenario.stored.link = OrderLink(
        store="prairie",
        order_id=sale.id,
        version=sale.version,
        sales_order=booked.number,
        company="usmf",
        customer_account="WEB-US",
        lots={"1": lot},
        sources={lot: "products:1"},
        fingerprints=header_fingerprints(draft.header),
    )
    for action in ("pack", "invoice"):
        await scenario.post(action, booked.number, company="usmf")

    async def allocate(wanted: Sequence[Need]) -> Allocation:
        parts = {need.line_id: (AllocatedPart(need.quantity, US.warehouses[1]),) for need in wanted}
        return Allocation(US.warehouses[1], parts, ("told to",))

    async def converge() -> OrderLink:
        state = OrderState(order=tees(3), refunds=(), transactions=(), risk=Risk.NONE, shipped={})
        ports = ChangePorts(scenario.fo, scenario.stored, allocate, now=scenario.now)
        report = await converge_changes(state, scenario.link, US, ports, items={1: TEE})
        return await scenario.stored.put(report.link)

    scenario.wire.writes.clear()
    if fails_at == 1:
        scenario.wire.breaks_after = 1
    elif fails_at == 2:
        scenario.stored.fails_at = 1
    if fails_at:
        with pytest.raises(TransientError, match=r"the app was stopped|no answer"):
            await converge()
        scenario.wire.breaks_after = scenario.stored.fails_at = None
        scenario.pass_by(minutes=4)
    link = await converge()
    (further,) = link.further
    rows = await scenario.fo.query(
        "SalesOrderHeadersV4", company="usmf", where=None, select=("SalesOrderNumber", "CustomersOrderReference")
    )
    ours = {row["SalesOrderNumber"]: row["CustomersOrderReference"] for row in rows}
    assert ours == {booked.number: draft.reference, further: f"{draft.reference}-2"}
    scenario.wire.writes.clear()
    await converge()
    assert scenario.wire.writes == []
