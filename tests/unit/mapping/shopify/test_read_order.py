from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from shared.errors import RefusedError
from shared.mapping.orders.proof import prove
from shared.mapping.shopify.order import read_order
from shared.model import CurrencySide, LineKind, Money, Order
from tests.builders.orders import (
    Payload,
    address,
    custom_line,
    customer,
    in_presentment,
    line,
    money_set,
    order_payload,
    parsed,
    shipping_line,
    tax_line,
    tip_line,
)


def read(payload: Payload, side: CurrencySide = CurrencySide.SHOP, **options) -> Order:
    return read_order(parsed(payload), store="nordlys", side=side, **options)


def read_and_prove(payload: Payload, side: CurrencySide = CurrencySide.SHOP) -> Order:
    order = read(payload, side)
    prove(order)
    return order


def euros(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def test_an_order_is_read_field_by_field():
    order = read_and_prove(
        order_payload(
            lines=[line(12, price="24.95", quantity=2, discounts=["1.00", "0.50"], taxes=[tax_line("8.40")])],
            shipping=[shipping_line(taxes=[tax_line("0.87")])],
            note="Ring twice,\r\nplease ",
            note_attributes=[{"name": "gift", "value": "yes"}, {"name": "count", "value": ""}],
            tags="vip, web ,,b2c",
            po_number=" PO 7 ",
            location_id=77,
        )
    )
    assert (order.store, order.id, order.name) == ("nordlys", 5_500_000_000_001, "#1001")
    assert order.version == datetime(2026, 11, 22, 9, 15, 2, tzinfo=UTC)
    assert order.version.utcoffset() == timedelta(hours=1)
    (sold,) = order.lines
    assert (sold.id, sold.kind, sold.sku, sold.title) == (12, LineKind.PRODUCT, "SKU-12", "Tent 12")
    assert (sold.quantity, sold.unit_price, sold.discount) == (2, euros("24.95"), euros("1.50"))
    assert sold.net == euros("48.40")
    assert [(tax.title, tax.rate, tax.amount) for tax in order.taxes] == [
        ("VAT", Decimal("0.21"), euros("8.40")),
        ("VAT", Decimal("0.21"), euros("0.87")),
    ]
    assert (order.shipping[0].code, order.shipping[0].net) == ("STANDARD", euros("5.00"))
    assert (order.total, order.total_tax) == (euros("53.40"), euros("9.27"))
    assert order.note == "Ring twice,\nplease"
    assert order.attributes == (("gift", "yes"), ("count", ""))
    assert order.tags == ("vip", "web", "b2c")
    assert (order.po_number, order.location_id, order.is_test) == ("PO 7", 77, False)
    assert order.destination is not None
    assert order.destination.country_alpha3 == "NLD"


@pytest.mark.parametrize("taxes_included", [True, False])
def test_several_tax_lines_stay_apart(*, taxes_included: bool):
    taxes = [
        tax_line("0.62", "0.0625", "State", channel_liable=True),
        tax_line("0.10", "0.01", "County", channel_liable=None),
        tax_line("0.00", "0", "City"),
    ]
    order = read_and_prove(order_payload(lines=[line(taxes=taxes)], taxes_included=taxes_included))
    assert [(tax.title, tax.rate, tax.channel_liable) for tax in order.lines[0].taxes] == [
        ("State", Decimal("0.0625"), True),
        ("County", Decimal("0.01"), False),
        ("City", Decimal(0), False),
    ]
    assert order.total == euros("15.00" if taxes_included else "15.72")


def test_an_order_discount_of_all_leaves_nothing_to_pay():
    lines = [line(11, price="10.00", quantity=3, discounts=["30.00"]), line(12, price="0.01", discounts=["0.01"])]
    order = read_and_prove(order_payload(lines=lines, shipping=[shipping_line(discounts=["5.00"])]))
    assert [each.net for each in order.lines] == [euros("0.00"), euros("0.00")]
    assert order.shipping_net == euros("0.00")
    assert order.total == euros("0.00")


def test_an_order_discount_across_lines_comes_from_its_allocations():
    lines = [
        line(11, price="19.90", discounts=["3.34"]),
        line(12, price="19.90", discounts=["3.33"], total_discount="9"),
    ]
    assert read_and_prove(order_payload(lines=lines)).lines_net == euros("33.13")


def test_a_removed_shipping_line_is_left_out():
    shipping = [shipping_line(51, is_removed=True), shipping_line(52, price="7.00")]
    assert [each.id for each in read_and_prove(order_payload(shipping=shipping)).shipping] == [52]


@pytest.mark.parametrize(("currency", "price", "tax"), [("JPY", "2360", "215"), ("KWD", "12.345", "1.122")])
def test_currencies_without_hundredths_are_exact(currency: str, price: str, tax: str):
    taxes = [tax_line(tax, "0.1", currency=currency)]
    sold = line(price=price, currency=currency, quantity=3, taxes=taxes)
    order = read_and_prove(order_payload(lines=[sold], shipping=[], currency=currency, taxes_included=False))
    assert order.total == Money(Decimal(price) * 3 + Decimal(tax), currency)


def test_the_presentment_side_is_read_in_the_buyers_currency():
    payload = in_presentment(order_payload(lines=[line(taxes=[tax_line("1.74")])]), "JPY", 100)
    assert read_and_prove(payload, CurrencySide.SHOP).total == euros("15.00")
    seen = read_and_prove(payload, CurrencySide.PRESENTMENT)
    assert (seen.currency, seen.total, seen.total_tax) == (
        "JPY",
        Money(Decimal(1500), "JPY"),
        Money(Decimal(174), "JPY"),
    )


def test_bare_amounts_serve_the_shop_side_only():
    payload = order_payload()
    del payload["total_price_set"]
    payload["line_items"][0]["price_set"] = None
    assert read_and_prove(payload).total == euros("15.00")
    with pytest.raises(RefusedError, match=r"line_items\[0\]\.price_set is null"):
        read(payload, CurrencySide.PRESENTMENT)


def test_kind_of_a_line_comes_from_its_product_or_gift_card():
    lines = [
        line(1),
        line(2, variant_id=None, product_exists=False),
        line(3, product_id=None),
        custom_line(4),
        line(5, gift_card=True, requires_shipping=False),
        custom_line(6, gift_card=True),
        custom_line(7, title="Tip"),
    ]
    kinds = [each.kind for each in read_and_prove(order_payload(lines=lines)).lines]
    product, custom, gift_card = LineKind.PRODUCT, LineKind.CUSTOM, LineKind.GIFT_CARD
    assert kinds == [product, product, product, custom, gift_card, gift_card, custom]


def test_a_tip_is_the_line_with_its_name_and_its_amount():
    lines = [line(1), tip_line("3.00", 2), custom_line(3, price="3.00", requires_shipping=False)]
    order = read_and_prove(order_payload(lines=lines, tip="3.00"))
    assert [each.kind for each in order.lines] == [LineKind.PRODUCT, LineKind.TIP, LineKind.CUSTOM]


def test_a_tip_in_another_language_is_the_only_line_of_its_amount():
    lines = [line(1), custom_line(2, price="3.00", title="Fooi", requires_shipping=False)]
    payload = order_payload(lines=lines, tip="0.00") | {"total_tip_received": "3.00"}
    assert [each.kind for each in read_and_prove(payload).lines] == [LineKind.PRODUCT, LineKind.TIP]


@pytest.mark.parametrize(
    "not_tips",
    [
        [line(1, title="Tip jar", price="3.00", requires_shipping=False)],
        [custom_line(1, price="3.00", title="Engraving")],
        [custom_line(1, price="3.00", requires_shipping=False, title="Insurance", taxes=[tax_line("0.52")])],
        [custom_line(1, price="3.00", discounts=["1.00"], requires_shipping=False, title="Gift wrap")],
        [custom_line(at, price="3.00", requires_shipping=False, title="Deposit") for at in (1, 2)],
    ],
    ids=["product", "shipped", "taxed", "discounted", "not the only one"],
)
def test_a_line_that_only_looks_like_the_tip_stays_what_it_is(not_tips: list[Payload]):
    order = read_and_prove(order_payload(lines=not_tips, tip="3.00"))
    kinds = [each.kind for each in order.lines]
    assert LineKind.TIP not in kinds[:-1]
    assert order.lines[-1].id == order.id


def test_a_line_named_tip_of_another_amount_is_not_the_tip():
    lines = [tip_line("2.00", 1), custom_line(2, price="3.00", requires_shipping=False)]
    order = read(order_payload(lines=lines) | {"total_tip_received": "3.00"})
    with pytest.raises(RefusedError, match="SUM_DIFFERS"):
        prove(order)


def test_several_lines_can_be_the_tip_together():
    order = read_and_prove(order_payload(lines=[line(1), tip_line("1.00", 2), tip_line("2.00", 3)], tip="3.00"))
    assert [each.kind for each in order.lines] == [LineKind.PRODUCT, LineKind.TIP, LineKind.TIP]


def test_a_tip_beside_the_lines_becomes_a_line():
    order = read_and_prove(order_payload(tip="3.00"))
    assert [(each.kind, each.net) for each in order.lines] == [
        (LineKind.PRODUCT, euros("10.00")),
        (LineKind.TIP, euros("3.00")),
    ]
    assert order.lines[1].id == order.id


def test_a_tip_is_found_by_its_shop_amount_on_the_presentment_side():
    payload = in_presentment(order_payload(lines=[line(), tip_line("3.00")], tip="3.00"), "JPY", 100)
    order = read_and_prove(payload, CurrencySide.PRESENTMENT)
    assert [(each.kind, str(each.net)) for each in order.lines] == [
        (LineKind.PRODUCT, "1000 JPY"),
        (LineKind.TIP, "300 JPY"),
    ]


def test_a_tip_that_is_known_in_the_shops_currency_only_is_refused():
    with pytest.raises(RefusedError, match="total_tip_received is in EUR only"):
        read(in_presentment(order_payload(tip="3.00"), "JPY", 100), CurrencySide.PRESENTMENT)


def test_duties_fees_and_cash_rounding_are_kept_apart():
    payload = order_payload(duties="4.20", fees="1.10", total_cash_rounding_payment_adjustment_set=money_set("-0.02"))
    order = read_and_prove(payload)
    assert (order.duties, order.additional_fees, order.cash_rounding) == (euros("4.20"), euros("1.10"), euros("-0.02"))
    assert order.total == euros("20.30")


def test_duties_within_the_prices_are_not_added():
    order = read_and_prove(order_payload(duties="4.20", duties_included=True))
    assert (order.duties, order.total) == (euros("0"), euros("15.00"))


def test_a_guests_contact_comes_from_the_order_and_its_address():
    buyer = read(order_payload(customer=None, email=None)).buyer
    assert buyer is not None
    assert (buyer.id, buyer.name, buyer.email) == (None, "Sanne de Vries", "sanne@example.com")
    assert buyer.phone == "+31205567100"


def test_the_customers_own_fields_come_first():
    payload = order_payload(
        customer=customer(first_name="Ilse", last_name="Bos", email="ilse@example.com", phone="+31612345678"),
        billing_address=address(company="Bos BV"),
    )
    buyer = read(payload).buyer
    assert buyer is not None
    assert (buyer.id, buyer.name, buyer.email) == (6_111_111_111_111, "Ilse Bos", "ilse@example.com")
    assert (buyer.phone, buyer.company) == ("+31612345678", "Bos BV")


def test_an_anonymous_sale_at_the_counter_has_no_buyer_and_no_address():
    payload = order_payload(shipping=[], location_id=5, email="", contact_email=None)
    for key in ("customer", "billing_address", "shipping_address"):
        del payload[key]
    order = read_and_prove(payload)
    assert (order.buyer, order.destination, order.location_id) == (None, None, 5)


def test_a_company_buys_for_one_of_its_locations():
    payload = order_payload(
        company={"id": 901, "location_id": 902}, po_number="4500012", shipping_address=address(company="Fjell AS")
    )
    order = read(payload)
    assert order.buyer is not None
    assert (order.buyer.company_id, order.buyer.company_location_id) == (901, 902)
    assert (order.buyer.company, order.po_number) == ("Fjell AS", "4500012")


def test_names_keep_their_script():
    block = address(
        name="山田 太郎", first_name="太郎", last_name="山田", city="渋谷区", country="Japan", country_code="JP"
    )
    order = read(order_payload(shipping_address=block, customer=customer(first_name="太郎", last_name="山田")))
    assert order.buyer is not None
    assert order.buyer.name == "太郎 山田"
    assert order.shipping_address is not None
    assert (order.shipping_address.name, order.shipping_address.city) == ("山田 太郎", "渋谷区")


def test_a_sku_keeps_its_inner_blanks_and_loses_what_cannot_be_stored():
    order = read(order_payload(lines=[line(1, sku=" A  1\ud800 "), custom_line(2)]))
    assert [each.sku for each in order.lines] == ["A  1", ""]


def test_ids_beyond_the_precision_of_doubles_stay_exact():
    order = read(order_payload(lines=[line(9_007_199_254_740_993)], id=2**63 - 1))
    assert (order.id, order.lines[0].id) == (2**63 - 1, 9_007_199_254_740_993)


def test_an_order_of_five_hundred_lines_adds_up():
    lines = [line(at, price="9.99", quantity=3, discounts=["0.01"], taxes=[tax_line("5.20")]) for at in range(1, 501)]
    order = read_and_prove(order_payload(lines=lines, taxes_included=False))
    assert len(order.lines) == 500
    assert order.total == euros("17585.00")


def test_a_cancelled_order_has_the_time_of_its_cancellation():
    order = read(order_payload(cancelled_at="2026-11-22T10:15:01+01:00"))
    assert order.cancelled_at == datetime(2026, 11, 22, 9, 15, 1, tzinfo=UTC)


def test_keys_of_older_api_versions_may_be_absent():
    payload = order_payload()
    for key in ("total_cash_rounding_payment_adjustment_set", "duties_included", "company", "note_attributes"):
        del payload[key]
    del payload["line_items"][0]["current_quantity"]
    del payload["shipping_lines"][0]["is_removed"]
    assert read_and_prove(payload).cash_rounding == euros("0")
