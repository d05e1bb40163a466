"""docs/mapping.md is right about F&O: it names what the app writes, all of it, in fields that exist."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from shared.d365.customers import Customers
from shared.d365.free_text_invoices import InvoiceDraft, create_invoice
from shared.d365.odata.batch import Operation
from shared.d365.payment_journals import JournalDraft, PaymentJournals
from shared.d365.returns import ReturnDraft, create_return
from shared.d365.sales_orders import SalesOrderDraft, create_numbered, create_sequenced
from shared.mapping.customers import customer_identity, customer_record
from shared.mapping.orders.allocation import AllocatedPart, Allocation
from shared.mapping.orders.plan import LINE_KEY, SalesOrderPlan, plan_sales_order
from shared.mapping.payments.plan import plan_payments
from shared.mapping.refunds.plan import RefundPlan, plan_refund
from shared.model import Item, LineKind, Money, Order, Rate, TransactionKind
from shared.rules import StoreRules, Tenant
from shared.store.shared_rows import SharedRows
from tests.builders import payments, refunds, sales
from tests.builders.fo_metadata import read_entity_sets
from tests.builders.fo_orders import FoModel
from tests.builders.mapping_page import answers_on_page, rows_of
from tests.builders.memory_table import MemoryTable
from tests.builders.sales import EU, address, buyer, euros, line, order, shipping, with_rules

ACCOUNT, NUMBER = "C7001001001001", "SN5551234567890"
PAGE = {field for row in rows_of() for field in row.fo}
DIMENSIONED = with_rules(EU, dimensions=({"dimension": "Department", "value": "WEB"},))
RULES = with_rules(
    DIMENSIONED,
    orders={
        "unit": "ea",
        "requested_date_attribute": "deliver on",
        "custom_line_item": "CUSTOM",
        "tip_item": "TIP",
        "gift_card_item": "GIFT",
        "duties_item": "DUTIES",
        "fees_item": "FEES",
        "rounding_item": "ROUNDING",
        "odd_cents": "charge",
    },
)


def rich_order(**changes: Any) -> Order:
    """Everything that can be charged, to a company's address in a state."""
    return order(
        line(1, euros("10.00"), 3, discount=euros("1.00"), taxes=[sales.tax(euros("5.03"))]),
        line(2, kind=LineKind.CUSTOM),
        line(3, kind=LineKind.GIFT_CARD, requires_shipping=False),
        line(4, kind=LineKind.TIP, requires_shipping=False),
        **{
            "shipping": (shipping(euros("5.00"), discount=euros("1.00"), taxes=[sales.tax(euros("0.69"))]),),
            "duties": euros("7.00"),
            "additional_fees": euros("1.50"),
            "cash_rounding": euros("-0.02"),
            "attributes": (("deliver on", "2026-12-24"),),
            "po_number": "PO-1",
            "billing_address": address("US", "CA", phone="+14155550100"),
            "shipping_address": address("NL", "NH", company="Lovelace BV"),
        }
        | changes,
    )


# ---- what is written


class WritingFo:
    """F&O's OData client, which records the fields that are written."""

    def __init__(self) -> None:
        self.written: set[str] = set()
        self._lots = 0

    async def query(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
        return []

    async def create(self, entity_set: str, record: Mapping[str, Any]) -> dict[str, Any]:
        self.written |= {f"{entity_set}.{field}" for field in record}
        self._lots += 1
        drawn = {
            "SalesOrderNumber": NUMBER,
            "ReturnOrderNumber": "RN1",
            "JournalBatchNumber": "00001",
            "InvoiceIdentifier": 1,
            "IsPosted": "No",
            "InventoryLotId": f"LOT-{self._lots}",
        }
        amount = record.get("ReturnSalesQuantity", 0) * record.get("SalesPrice", 0)
        return {**drawn, "LineAmount": amount, **record}

    async def update(self, entity_set: str, _: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        self.written |= {f"{entity_set}.{field}" for field in changes}

    async def change_set(self, operations: Sequence[Operation]) -> list[dict[str, Any]]:
        return [await self.create(operation.entity_set, operation.body or {}) for operation in operations]


def planned_order(sale: Order, rules: StoreRules = RULES) -> SalesOrderPlan:
    """Divided over two warehouses, in variants that have every dimension."""
    variant = Item("TENT", "Green", "Light", "2P", "Summer", "V2")
    parts = tuple(AllocatedPart(units, place) for units, place in zip((1, 2), rules.warehouses, strict=True))
    return plan_sales_order(
        sale,
        rules,
        customer_account=ACCOUNT,
        items=dict.fromkeys((each.id for each in sale.lines), variant),
        allocation=Allocation(rules.warehouses[0], {1: parts}, ("told to",)),
    )


async def write_customers(fo: Any) -> None:
    for person in (
        buyer(),
        buyer(first_name="Augusta Ada King Byron of Lovelace", company=""),
        buyer(company="Lovelace BV"),
    ):
        sale = rich_order(buyer=person, shipping_address=address())
        record = customer_record(sale, RULES, customer_identity(sale, RULES))
        await Customers(fo).ensure(record, record["CustomerAccount"], None)


async def write_orders(fo: Any) -> None:
    plan = planned_order(rich_order())
    lines = [each.record for each in plan.lines]
    draft = SalesOrderDraft(
        company=plan.company, reference=plan.reference, header=plan.header, lines=lines, line_key=LINE_KEY, held=True
    )
    await create_numbered(fo, draft, NUMBER, is_new=True, accept=lambda _: True)
    grouped = planned_order(rich_order(), with_rules(RULES, orders={"number": "group", "number_group": "WEB"}))
    await create_sequenced(fo, replace(draft, header=grouped.header), accept=lambda _: True)
    abroad = address("US", "CA")
    to_a_state = planned_order(rich_order(lines=(line(1, quantity=3),), shipping=(), shipping_address=abroad))
    to_a_state_draft = replace(draft, header=to_a_state.header)
    await create_numbered(fo, to_a_state_draft, NUMBER, is_new=True, accept=lambda _: True)


async def write_payments(fo: Any) -> None:
    methods = [each | {"posting_profile": "GEN"} for each in payments.METHODS]
    rules = payments.rules(DIMENSIONED, methods=tuple(methods))
    kroner = Money(Decimal("746.00"), "DKK")
    state = payments.state(
        payments.transaction(1, "101.00", paid=kroner),
        payments.transaction(2, "5.02", rounding="-0.02"),
        payments.transaction(3, "1.00", kind=TransactionKind.REFUND),
        rate=Rate(euros("100.00"), kroner),
    )
    lines = plan_payments(state, rules, customer_account=ACCOUNT, sales_order=NUMBER, booked={})
    journal = lines[0].journal
    journals = PaymentJournals(fo, SharedRows(MemoryTable(), "journals"))  # type: ignore[arg-type]  # a fake, in memory
    draft = JournalDraft(company="nleu", name=journal.name, description=journal.description)
    await journals.book(draft, [each.record for each in lines])


def planned_refund() -> RefundPlan:
    sale = rich_order(cash_rounding=euros("0.00"))
    given = refunds.refund(refunds.back(1, 1, "9.67", "1.68"), adjustments=[refunds.beside("1.00")], duties="7.00")
    rules = refunds.rules(DIMENSIONED, reason_code="UNWANTED", disposition="CREDIT")
    dimensions = ("ProductColorId", "ProductConfigurationId", "ProductSizeId", "ProductStyleId", "ProductVersionId")
    lot = replace(refunds.sold(1, 3), product=dict.fromkeys(("ItemNumber", *dimensions), "X"))
    return plan_refund(given, sale, rules, customer_account=ACCOUNT, sales_order=NUMBER, sold=[lot])


async def write_refunds(fo: Any) -> None:
    plan = planned_refund()
    assert plan.return_order is not None
    assert plan.invoice is not None
    draft = ReturnDraft(
        company=plan.company,
        reference=plan.reference,
        header=plan.return_order.header,
        lines=[each.record for each in plan.return_order.lines],
        amount=-plan.return_order.amount.amount,
    )
    await create_return(fo, draft)
    lines = [each.record for each in plan.invoice.lines]
    await create_invoice(
        fo, InvoiceDraft(company=plan.company, reference=plan.reference, header=plan.invoice.header, lines=lines)
    )


async def write_changes(fo: Any) -> None:
    before, after = line(1, euros("10.00"), 3), line(1, euros("12.00"), 2, discount=euros("1.00"))
    rules = with_rules(RULES, tenant={"header_changes": "keep", "line_amount": "kept"})
    model = FoModel(order(before, shipping=(shipping(euros("5.00")),)), rules)
    now = order(
        after,
        shipping=(shipping(euros("7.00"), code="EXPRESS"),),
        shipping_address=address("US", "CO", company="Lovelace Inc."),
        po_number="PO-2",
        attributes=(("deliver on", "2026-12-24"),),
    )
    changes, _ = model.plan(now)
    for step in changes.steps:
        await fo.update("SalesOrderLinesV3" if step.lot else "SalesOrderHeadersV4", {}, step.fields)


async def test_the_page_names_every_field_that_is_written_and_no_other() -> None:
    fo = WritingFo()
    for write in (write_customers, write_orders, write_payments, write_refunds, write_changes):
        await write(fo)
    assert {"never written": sorted(PAGE - fo.written), "not on the page": sorted(fo.written - PAGE)} == {
        "never written": [],
        "not on the page": [],
    }


# ---- what is named exists


def test_every_field_of_f_and_o_exists() -> None:
    known = {f"{name}.{field}" for name, entity_set in read_entity_sets().items() for field in entity_set.fields}
    assert set() == PAGE - known


def keys_of(rules: type[BaseModel], table: str = "") -> Iterator[str]:
    """The keys of a store's file, those of tables with the table's name."""
    for name, field in rules.model_fields.items():
        yield f"{table}{name}"
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from keys_of(inner, f"{table}{name}.")


KEYS = set(keys_of(StoreRules))
NAMED = {key for row in rows_of() for key in row.rules}


def test_every_rule_is_a_key_of_a_stores_file() -> None:
    assert set() == NAMED - KEYS


@pytest.mark.parametrize(
    "table", ["orders", "customers", "shipping", "taxes", "tax", "payments", "refunds", "allocation"]
)
def test_every_rule_about_orders_and_their_money_is_on_the_page(table: str) -> None:
    own = {key for key in KEYS if key.startswith(f"{table}.")}
    leaves = {key for key in own if not any(other.startswith(f"{key}.") for other in own)}
    accounts = {key for key in leaves if key.startswith("refunds.accounts.") and key.count(".") > 2}
    assert set() == leaves - accounts - NAMED


def test_every_answer_of_a_tenant_on_the_page_is_one() -> None:
    named = list(answers_on_page())
    assert len(set(named)) == len(named) > 10
    for key, answer in named:
        assert getattr(Tenant.model_validate({key: answer}), key) == answer
