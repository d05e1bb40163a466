"""Orders in the model's language, for what is decided after reading. Totals are computed from the parts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from builders.root import ROOT

from shared.mapping.orders.allocation import AllocatedPart, Allocation
from shared.mapping.orders.plan import SalesOrderPlan, plan_sales_order
from shared.model import (
    Address,
    Buyer,
    Item,
    ItemHandling,
    LineKind,
    Money,
    Order,
    OrderLine,
    ShippingLine,
    TaxLine,
    total,
)
from shared.rules import StoreRules, load_store, load_tenant

STORES = ROOT / "config" / "stores"
LOCAL = load_tenant(ROOT / "config/tenants/local.toml")
EU = load_store(STORES / "nordlys.toml", LOCAL)
US = load_store(STORES / "prairie.toml", LOCAL)


PIECES = ItemHandling(batches=False, serial_numbers=False, catch_weight=False, inventory_unit="ea", sales_unit="ea")


def with_rules(rules: StoreRules, **tables: Any) -> StoreRules:
    """The rules with other keys in their tables: with_rules(EU, orders={"tip_item": "TIP"}, country="DE")."""
    data = rules.model_dump(exclude_unset=True)
    for name, changes in tables.items():
        data[name] = data.get(name, {}) | changes if isinstance(changes, dict) else changes
    return StoreRules.model_validate(data)


def euros(amount: str | Decimal | int) -> Money:
    return Money(Decimal(amount), "EUR")


def dollars(amount: str | Decimal | int) -> Money:
    return Money(Decimal(amount), "USD")


def address(country: str = "NL", province: str = "", **other: Any) -> Address:
    alpha3 = {"NL": "NLD", "DE": "DEU", "US": "USA", "JP": "JPN", "DK": "DNK", "NO": "NOR"}[country]
    plain = Address(
        name="Ada Lovelace",
        company="",
        street="Damrak 1\n2 hoog",
        city="Amsterdam",
        postal_code="1012 LG",
        province=province,
        country=country,
        country_alpha3=alpha3,
        phone="",
    )
    return replace(plain, **other)


def buyer(**other: Any) -> Buyer:
    plain = Buyer(
        id=7_001_001_001_001,
        first_name="Ada",
        last_name="Lovelace",
        email="ada@example.com",
        phone="+31201234567",
        company="",
    )
    return replace(plain, **other)


def tax(amount: Money, rate: str = "0.21", title: str = "VAT", *, channel_liable: bool = False) -> TaxLine:
    return TaxLine(title=title, rate=Decimal(rate), amount=amount, channel_liable=channel_liable)


def line(
    line_id: int = 1,
    price: Money | None = None,
    quantity: int = 1,
    *,
    discount: Money | None = None,
    taxes: Sequence[TaxLine] = (),
    kind: LineKind = LineKind.PRODUCT,
    sku: str = "TENT-2P",
    requires_shipping: bool = True,
    title: str = "Two-person tent",
) -> OrderLine:
    unit_price = euros("10.00") if price is None else price
    return OrderLine(
        id=line_id,
        kind=kind,
        sku=sku if kind is LineKind.PRODUCT else "",
        title=title,
        quantity=quantity,
        unit_price=unit_price,
        discount=unit_price * 0 if discount is None else discount,
        taxes=tuple(taxes),
        requires_shipping=requires_shipping,
    )


def shipping(
    price: Money, *, discount: Money | None = None, taxes: Sequence[TaxLine] = (), code: str = "STANDARD", at: int = 900
) -> ShippingLine:
    return ShippingLine(
        id=at,
        code=code,
        title="Standard",
        price=price,
        discount=price * 0 if discount is None else discount,
        taxes=tuple(taxes),
    )


def order(*lines: OrderLine, **other: Any) -> Order:
    """A consistent order of these lines; prices include tax by default."""
    nothing = Money(Decimal(0), lines[0].unit_price.currency)
    plain = Order(
        store="nordlys",
        id=5_551_234_567_890,
        name="#1001",
        version=datetime(2026, 11, 2, 10, tzinfo=UTC),
        created_at=datetime(2026, 11, 1, 23, 30, tzinfo=UTC),
        cancelled_at=None,
        currency=nothing.currency,
        taxes_included=True,
        lines=lines,
        shipping=(),
        duties=nothing,
        additional_fees=nothing,
        cash_rounding=nothing,
        total=nothing,
        total_tax=nothing,
        buyer=buyer(),
        shipping_address=address(),
        billing_address=address(),
        location_id=None,
        po_number="",
        note="",
        attributes=(),
        tags=(),
        is_test=False,
    )
    made = replace(plain, **other)
    taxes = total((one.amount for one in made.taxes), made.currency)
    owed = made.lines_net + made.shipping_net + made.duties + made.additional_fees
    return replace(made, total_tax=taxes, total=owed if made.taxes_included else owed + taxes)


def items_of(one: Order) -> dict[int, Item]:
    return {each.id: Item(each.sku or each.kind.upper()) for each in one.lines}


def everything_from(rules: StoreRules, one: Order, warehouse: int = 0) -> Allocation:
    chosen = rules.warehouses[warehouse]
    parts = {each.id: (AllocatedPart(each.quantity, chosen),) for each in one.lines if each.requires_shipping}
    return Allocation(chosen, parts, (f"{chosen.id} holds all of it",))


def plan(one: Order, rules: StoreRules = EU, allocation: Allocation | None = None) -> SalesOrderPlan:
    return plan_sales_order(
        one,
        rules,
        customer_account="C7001001001001",
        items=items_of(one),
        allocation=allocation or everything_from(rules, one),
    )
