"""docs/mapping.md is right about where values go: another value changes those fields of F&O that its row names."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from shared.d365.entities import CUSTOMERS, SALES_ORDER_LINES, SALES_ORDERS
from shared.mapping.customers import customer_identity, customer_record
from shared.mapping.orders.allocation import allocate, needs
from shared.mapping.orders.items import resolve
from shared.mapping.orders.plan import plan_sales_order
from shared.mapping.shopify.state import read_state
from shared.mapping.taxes.place import ship_to
from shared.model import CurrencySide, Item, OnHand
from tests.builders.mapping_page import ORDER, MappingRow, rows_of
from tests.builders.orders import address, customer, line, order_payload, parsed, shipping_line, tax_line
from tests.builders.sales import EU, with_rules

RULES = with_rules(
    EU,
    orders={"requested_date_attribute": "deliver on", "tip_item": "TIP", "duties_item": "DUTIES"},
    customers={"organization_when_company": False},
)
ROWS: dict[str, MappingRow] = {name: row for row in rows_of(*ORDER) for name in row.shopify}
OTHERS: dict[str, Any] = {
    "id": 5_500_000_000_009,
    "name": "#1002",
    "created_at": "2026-11-21T10:15:00+01:00",
    "po_number": "PO-2",
    "note_attributes.value": "2026-12-27",
    "customer.id": 6_111_111_111_999,
    "customer.first_name": "Anna",
    "customer.last_name": "Jansen",
    "customer.email": "anna@example.com",
    "customer.phone": "+31205567199",
    "shipping_address.name": "Anna Jansen",
    "shipping_address.company": "Jansen BV",
    "shipping_address.address1": "Damrak 1",
    "shipping_address.address2": "2 hoog",
    "shipping_address.city": "Utrecht",
    "shipping_address.zip": "3511 AB",
    "billing_address.address1": "Damrak 1",
    "billing_address.city": "Utrecht",
    "billing_address.zip": "3511 AB",
    "line_items.id": 19,
    "line_items.sku": "SKU-12",
    "line_items.title": "Tent for two",
    "shipping_lines.id": 59,
    "shipping_lines.code": "EXPRESS",
    "shipping_lines.title": "By bike",
}


def sold() -> dict[str, Any]:
    return parsed(
        order_payload(
            lines=[line(11, price="12.10", taxes=[tax_line("2.10")])],
            shipping=[shipping_line(taxes=[tax_line("0.87")])],
            tip="3.00",
            duties="7.00",
            customer=customer(phone="+31205567100"),
            shipping_address=address(company="De Vries BV"),
            billing_address=address(company="De Vries BV"),
            note_attributes=[{"name": "deliver on", "value": ""}],
        )
    )


def with_value(document: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The document with another value at this place, in the first of each list on the way."""
    *way, last = name.split(".")
    place: Any = document
    for key in way:
        place = place[key]
        place = place[0] if isinstance(place, list) else place
    assert place[last] != value
    place[last] = value
    return document


def written(document: dict[str, Any]) -> dict[str, list[Any]]:
    """Every field that F&O gets for the order and its new customer, with its values."""
    order = read_state(document, store="nordlys", side=CurrencySide.SHOP).order
    catalogue = {sku: Item(sku) for sku in ("SKU-11", "SKU-12")}
    much, nothing = Decimal(100), Decimal(0)
    on_hand = [OnHand(item, "EU", "AMS", much, nothing, much, nothing, nothing) for item in catalogue.values()]
    items = resolve(order, RULES, catalogue)
    allocation = allocate(
        needs(order, items), on_hand, RULES, destination=ship_to(order), location_id=order.location_id
    )
    account = customer_identity(order, RULES)
    plan = plan_sales_order(order, RULES, customer_account=account, items=items, allocation=allocation)
    header = plan.header | {"SalesOrderNumber": plan.number, "CustomersOrderReference": plan.reference}
    values: dict[str, list[Any]] = defaultdict(list)
    for entity_set, records in {
        CUSTOMERS: [customer_record(order, RULES, account)],
        SALES_ORDERS: [header],
        SALES_ORDER_LINES: [each.record for each in plan.lines],
    }.items():
        for record in records:
            for field, value in record.items():
                values[f"{entity_set}.{field}"].append(value)
    return values


@pytest.mark.parametrize(("name", "other"), OTHERS.items())
def test_another_value_changes_fields_that_its_row_names_and_no_others(name: str, other: Any) -> None:
    before, after = written(sold()), written(with_value(sold(), name, other))
    changed = {field for field in before.keys() | after.keys() if before.get(field) != after.get(field)}
    assert changed
    assert changed - set(ROWS[name].fo) == set()
