"""For any consistent order F&O's side is Shopify's total, whatever is discounted, divided, taxed or charged."""

from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.mapping.orders.allocation import AllocatedPart, Allocation
from shared.mapping.orders.plan import check_booked
from shared.model import LineKind, Money, Order, OrderLine, ShippingLine, minor_digits, total
from tests.builders.sales import EU, line, order, plan, shipping, tax, with_rules

RATES = ("0.21", "0.09", None)
RULES = with_rules(
    EU,
    currencies=("EUR", "JPY", "KWD"),
    orders={
        key: key.upper()
        for key in ("custom_line_item", "tip_item", "gift_card_item", "duties_item", "fees_item", "rounding_item")
    },
    tax={"policy": "rounding_line", "difference_item": "TAXDIFF"},
)
ODD_CENTS = {odd: with_rules(RULES, orders={"odd_cents": odd}) for odd in ("price_unit", "charge")}
any_rule = st.sampled_from(sorted(ODD_CENTS))


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-minor_digits(currency)), ROUND_HALF_UP)


@st.composite
def amounts(draw: st.DrawFn, currency: str, largest: int = 100_000) -> Money:
    units = draw(st.integers(0, largest))
    return Money(Decimal(units).scaleb(-minor_digits(currency)), currency)


def taxed(net: Money, rate: str | None, cents_off: int, *, included: bool) -> tuple:
    """A tax line as Shopify might have it: right, or one unit off."""
    if rate is None:
        return ()
    base = net.amount / (1 + Decimal(rate)) if included else net.amount
    unit = Decimal(cents_off).scaleb(-minor_digits(net.currency))
    amount = max(Decimal(0), rounded(base * Decimal(rate), net.currency) + unit)
    return (tax(Money(amount, net.currency), rate),)


@st.composite
def order_lines(draw: st.DrawFn, line_id: int, currency: str, *, included: bool) -> OrderLine:
    price, quantity = draw(amounts(currency)), draw(st.integers(1, 12))
    gross = price * quantity
    unit = Decimal(1).scaleb(-minor_digits(currency))
    discount = Money(draw(st.integers(0, int(gross.amount / unit))) * unit, currency)
    kind = draw(st.sampled_from(LineKind))
    rate, off = draw(st.sampled_from(RATES)), draw(st.sampled_from((-1, 0, 0, 1)))
    taxes = taxed(gross - discount, rate, off if currency == "EUR" else 0, included=included)
    return line(line_id, price, quantity, discount=discount, taxes=taxes, kind=kind)


@st.composite
def shipping_lines(draw: st.DrawFn, at: int, currency: str, *, included: bool) -> ShippingLine:
    price = draw(amounts(currency, 2000))
    unit = Decimal(1).scaleb(-minor_digits(currency))
    discount = Money(draw(st.integers(0, int(price.amount / unit))) * unit, currency)
    taxes = taxed(price - discount, draw(st.sampled_from(RATES)), 0, included=included) if price else ()
    return shipping(price, discount=discount, taxes=taxes, at=at)


@st.composite
def orders(draw: st.DrawFn) -> Order:
    currency, included = draw(st.sampled_from(("EUR", "JPY", "KWD"))), draw(st.booleans())
    lines = [draw(order_lines(at, currency, included=included)) for at in range(1, draw(st.integers(1, 6)) + 1)]
    return order(
        *lines,
        taxes_included=included,
        shipping=tuple(
            draw(shipping_lines(900 + at, currency, included=included)) for at in range(draw(st.integers(0, 2)))
        ),
        duties=draw(amounts(currency, 500)),
        additional_fees=draw(amounts(currency, 500)),
        cash_rounding=draw(amounts(currency, 4)) * draw(st.sampled_from((-1, 1))),
    )


@st.composite
def allocations(draw: st.DrawFn, sale: Order) -> Allocation:
    """Every line whole, or divided over both warehouses anyhow."""
    parts = {}
    for each in sale.lines:
        first = draw(st.integers(0, each.quantity))
        shares = zip((first, each.quantity - first), RULES.warehouses, strict=True)
        parts[each.id] = tuple(AllocatedPart(quantity, warehouse) for quantity, warehouse in shares if quantity)
    return Allocation(RULES.warehouses[0], parts, ("drawn",))


@st.composite
def allocated_orders(draw: st.DrawFn) -> tuple[Order, Allocation]:
    sale = draw(orders())
    return sale, draw(allocations(sale))


def line_amount(record: dict, currency: str) -> Decimal:
    """What F&O computes from the fields that it is sent."""
    exact = (
        record["OrderedSalesQuantity"]
        * (record["SalesPrice"] - record["LineDiscountAmount"])
        / record["SalesPriceQuantity"]
    ) + record.get("FixedPriceCharges", 0)
    return rounded(exact, currency)


@given(allocated_orders(), any_rule)
def test_what_fo_computes_is_shopifys_total(drawn: tuple[Order, Allocation], odd: str):
    sale, allocation = drawn
    planned = plan(sale, ODD_CENTS[odd], allocation)
    booked = sum(line_amount(each.record, sale.currency) for each in planned.lines)
    tax_in_fo = Decimal(0) if sale.taxes_included else sum(each.expected_tax.amount for each in planned.lines)
    assert booked + tax_in_fo == sale.total.amount + sale.cash_rounding.amount


@given(allocated_orders(), any_rule)
def test_no_line_loses_a_cent_by_discount_or_division(drawn: tuple[Order, Allocation], odd: str):
    sale, allocation = drawn
    planned = plan(sale, ODD_CENTS[odd], allocation)
    for each in sale.lines:
        mine = [one for one in planned.lines if one.source_id == each.id]
        assert total((one.amount for one in mine), sale.currency) == each.net
        assert sum(one.record["OrderedSalesQuantity"] for one in mine) == each.quantity


@given(allocated_orders(), any_rule)
def test_fo_is_sent_nothing_finer_than_the_smallest_unit(drawn: tuple[Order, Allocation], odd: str):
    sale, allocation = drawn
    for each in plan(sale, ODD_CENTS[odd], allocation).lines:
        for field in ("SalesPrice", "LineDiscountAmount"):
            assert Money(each.record[field], sale.currency).is_whole()
        if odd == "charge":
            pieces, charges = abs(each.record["OrderedSalesQuantity"]), each.record["FixedPriceCharges"]
            assert each.record["SalesPriceQuantity"] == 1
            assert Money(charges, sale.currency).is_whole()
            assert abs(charges) <= pieces * Decimal(1).scaleb(-minor_digits(sale.currency))
        assert each.record["LineDiscountAmount"] <= each.record["SalesPrice"]


@given(allocated_orders(), any_rule)
def test_line_numbers_are_unique_and_what_is_booked_as_sent_is_accepted(drawn: tuple[Order, Allocation], odd: str):
    sale, allocation = drawn
    planned = plan(sale, ODD_CENTS[odd], allocation)
    assert [each.number for each in planned.lines] == list(range(1, len(planned.lines) + 1))
    check_booked(
        planned,
        [{"LineNumber": each.number, "LineAmount": line_amount(each.record, sale.currency)} for each in planned.lines],
    )


@given(orders(), any_rule)
def test_a_different_allocation_changes_no_amount(sale: Order, odd: str):
    rules = ODD_CENTS[odd]
    whole = plan(sale, rules)
    divided = Allocation(
        RULES.warehouses[0],
        {
            each.id: (AllocatedPart(1, RULES.warehouses[0]), AllocatedPart(each.quantity - 1, RULES.warehouses[1]))
            for each in sale.lines
            if each.quantity > 1
        },
        ("drawn",),
    )
    parts = plan(sale, rules, divided)
    mine = {row.name: row.fo for row in whole.evidence.components if row.name != "tax difference"}
    assert {row.name: row.fo for row in parts.evidence.components if row.name != "tax difference"} == mine
    assert parts.evidence.row("total tax").shopify == whole.evidence.row("total tax").shopify
    assert (parts.left_behind, parts.evidence.totals[1:]) == (whole.left_behind, whole.evidence.totals[1:])
