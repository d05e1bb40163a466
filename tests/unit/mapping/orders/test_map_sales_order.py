import json
from dataclasses import replace
from decimal import Decimal

import pytest

from shared.errors import RefusedError
from shared.mapping.evidence import ProofRow
from shared.mapping.orders.allocation import AllocatedPart, Allocation
from shared.mapping.orders.plan import check_booked, order_reference, plan_sales_order
from shared.mapping.shopify.order import read_order
from shared.model import CurrencySide, Item, LineKind
from tests.builders import orders as payloads
from tests.builders.sales import (
    EU,
    US,
    address,
    dollars,
    euros,
    everything_from,
    items_of,
    line,
    order,
    plan,
    shipping,
    tax,
    with_rules,
)

COLORADO = address("US", "CO", city="Denver", postal_code="80202")


def dutch(*lines, **other):
    """VAT of 21 % on every line, as Shopify has it."""
    taxed = [replace(each, taxes=(tax(euros(round(each.net.amount * 21 / 121, 2))),)) for each in lines]
    return order(*taxed, **other)


def american(*lines, **other):
    defaults = {"store": "prairie", "taxes_included": False, "shipping_address": COLORADO, "billing_address": None}
    return order(*lines, **(defaults | other))


def refusal(one, rules=EU, **more) -> RefusedError:
    with pytest.raises(RefusedError) as refused:
        plan(one, rules, **more)
    return refused.value


def records(planned) -> list[dict]:
    return [each.record for each in planned.lines]


def test_a_test_order_is_booked_only_where_the_rules_say_so():
    trial = dutch(line(), is_test=True)
    assert refusal(trial).code == "TEST_ORDER"
    books = EU.model_copy(update={"orders": EU.orders.model_copy(update={"test_orders": "book"})})
    assert plan(trial, books).lines == plan(dutch(line()), books).lines


def test_the_header_of_an_order():
    planned = plan(dutch(line(), shipping=(shipping(euros("0.00")),), po_number="PO-77"))
    assert (planned.company, planned.number, planned.reference) == (
        "nleu",
        "SN5551234567890",
        "shopify-nordlys-5551234567890",
    )
    assert planned.header == {
        "OrderingCustomerAccountNumber": "C7001001001001",
        "InvoiceCustomerAccountNumber": "C7001001001001",
        "CurrencyCode": "EUR",
        "CustomerRequisitionNumber": "PO-77",
        "SalesOrderName": "Ada Lovelace",
        "SalesOrderOriginCode": "SHOPIFY",
        "Email": "ada@example.com",
        "URL": "https://nordlys-outdoor.myshopify.com/admin/orders/5551234567890",
        "RequestedShippingDate": "2026-11-02T12:00:00Z",
        "DefaultShippingSiteId": "EU",
        "DefaultShippingWarehouseId": "AMS",
        "DeliveryModeCode": "STD",
        "DeliveryTermsCode": "DAP",
        "ArePricesIncludingSalesTax": "Yes",
        "InventoryReservationMethod": "Automatic",
        "IsDeliveryAddressOrderSpecific": "Yes",
        "DeliveryAddressName": "Ada Lovelace",
        "DeliveryAddressDescription": "Shopify",
        "DeliveryAddressStreet": "Damrak 1\n2 hoog",
        "DeliveryAddressCity": "Amsterdam",
        "DeliveryAddressZipCode": "1012 LG",
        "DeliveryAddressCountryRegionId": "NLD",
        "SalesTaxGroupCode": "NL-VAT",
    }


def test_a_line_of_an_order():
    (record,) = records(plan(dutch(line(14, euros("249.00"), 2, discount=euros("10.00")))))
    assert record == {
        "LineNumber": 1,
        "ItemNumber": "TENT-2P",
        "OrderedSalesQuantity": 2,
        "SalesPrice": Decimal("249.00"),
        "SalesPriceQuantity": 1,
        "LineDiscountAmount": Decimal("5.00"),
        "SalesTaxGroupCode": "NL-VAT",
        "SalesTaxItemGroupCode": "FULL",
        "LineDescription": "Two-person tent",
        "ExternalItemNumber": "14",
        "ShippingSiteId": "EU",
        "ShippingWarehouseId": "AMS",
    }


def test_goods_have_the_unit_of_the_rules_and_charges_that_of_their_item():
    rules = with_rules(EU, orders={"unit": "ea", "custom_line_item": "CUSTOM"})
    sale = dutch(line(1), line(2, kind=LineKind.CUSTOM), shipping=(shipping(euros("5.00")),))
    units = [record.get("SalesUnitSymbol") for record in records(plan(sale, rules))]
    assert units == ["ea", None, None]


def test_a_day_is_the_stores_day():
    late = american(line(price=dollars("1.00")))  # 23:30 UTC is the afternoon of the same day in Denver
    assert plan(late, US).header["RequestedShippingDate"] == "2026-11-01T12:00:00Z"


def test_an_american_order_has_states_dimensions_and_prices_without_tax():
    sale = american(
        line(1, dollars("139.00"), sku="BOOT-BRN-9", taxes=[tax(dollars("12.25"), "0.0881")]),
        shipping=(shipping(dollars("9.50"), code="Express overnight"),),
    )
    boot = Item("BOOT", color="Brown", size="9")
    planned = plan_sales_order(
        sale, US, customer_account="WEB-US", items={1: boot}, allocation=everything_from(US, sale)
    )
    assert planned.number is None
    assert planned.header["DeliveryAddressStateId"] == "CO"
    assert planned.header["ArePricesIncludingSalesTax"] == "No"
    assert planned.header["DeliveryModeCode"] == "20"
    assert planned.header["SalesTaxGroupCode"] == "CO-DEN"
    goods, freight = records(planned)
    assert (goods["ItemNumber"], goods["ProductColorId"], goods["ProductSizeId"]) == ("BOOT", "Brown", "9")
    assert "ProductStyleId" not in goods
    assert (freight["ItemNumber"], freight["SalesPrice"], freight["SalesTaxItemGroupCode"]) == (
        "SHIPPING",
        Decimal("9.50"),
        "EXEMPT",
    )
    assert planned.evidence.row("total tax").fo == dollars("12.25")


def test_a_discount_that_is_no_whole_cents_a_piece_keeps_its_cents():
    planned = plan(dutch(line(1, euros("10.00"), 3, discount=euros("10.00"))))
    (record,) = records(planned)
    assert (record["SalesPrice"], record["SalesPriceQuantity"], record["LineDiscountAmount"]) == (30, 3, 10)
    assert planned.lines[0].amount == euros("20.00")


def test_a_line_given_away_costs_nothing():
    planned = plan(dutch(line(1, euros("9.99"), 3, discount=euros("29.97"))))
    assert planned.lines[0].amount == euros(0)


def test_the_parts_of_a_divided_line_sum_to_it():
    sale = dutch(line(1, euros("10.00"), 7, discount=euros("10.00")), line(2, euros("5.00")))
    ams, ham = EU.warehouses
    divided = Allocation(
        ams, {1: (AllocatedPart(4, ams), AllocatedPart(3, ham)), 2: (AllocatedPart(1, ams),)}, ("divided",)
    )
    planned = plan(sale, allocation=divided)
    assert [(each.source_id, each.number, each.record["ShippingWarehouseId"]) for each in planned.lines] == [
        (1, 1, "AMS"),
        (2, 2, "AMS"),
        (1, 3, "HAM"),
    ]
    assert planned.lines[0].amount + planned.lines[2].amount == euros("60.00")


def test_a_line_keeps_its_number_whatever_the_stock_is():
    sale = dutch(line(1, quantity=4), line(2), shipping=(shipping(euros("5.00"), taxes=[tax(euros("0.87"))]),))
    ams, ham = EU.warehouses
    divided = Allocation(
        ams, {1: (AllocatedPart(1, ams), AllocatedPart(3, ham)), 2: (AllocatedPart(1, ham),)}, ("divided",)
    )
    whole = {each.source_id: each.number for each in plan(sale).lines}
    assert {each.source_id: each.number for each in reversed(plan(sale, allocation=divided).lines)} == whole


def test_shipping_is_a_service_line_after_its_discount():
    sale = dutch(
        line(), shipping=(shipping(euros("7.00"), discount=euros("2.00"), taxes=[tax(euros("0.87"))], code="express"),)
    )
    planned = plan(sale)
    freight = planned.lines[1]
    assert freight.amount == euros("5.00")
    assert freight.record["ItemNumber"] == "FREIGHT"
    assert freight.record["ExternalItemNumber"] == "900"
    assert "ShippingWarehouseId" not in freight.record
    assert planned.header["DeliveryModeCode"] == "EXPR"


def test_free_shipping_is_no_line():
    assert len(plan(dutch(line(), shipping=(shipping(euros("0.00")),))).lines) == 1


def test_a_shipping_method_without_rule_is_refused():
    refused = refusal(dutch(line(), shipping=(shipping(euros("5.00"), code="DRONE"),)))
    assert refused.code == "SHIPPING_WITHOUT_RULE"
    assert "DRONE" in refused.cause


@pytest.mark.parametrize(
    ("field", "key", "what"),
    [("duties", "duties_item", "duties"), ("additional_fees", "fees_item", "additional fees")],
)
def test_a_charge_is_a_service_line_by_rule_or_a_refusal(field, key, what):
    sale = dutch(line(), **{field: euros("12.34")})
    assert refusal(sale).code == "AMOUNT_WITHOUT_RULE"
    planned = plan(sale, with_rules(EU, orders={key: "CHARGE"}))
    assert planned.lines[1].amount == euros("12.34")
    assert ProofRow(what, euros("12.34"), euros("12.34")) in planned.evidence.components


@pytest.mark.parametrize("amount", ["0.02", "-0.02"])
def test_cash_rounding_is_booked_beside_the_total(amount):
    sale = dutch(line(), cash_rounding=euros(amount))
    assert refusal(sale).code == "AMOUNT_WITHOUT_RULE"
    planned = plan(sale, with_rules(EU, orders={"rounding_item": "ROUNDING"}))
    rounding = planned.lines[1]
    assert rounding.amount == euros(amount)
    assert rounding.record["SalesPrice"] == Decimal("0.02")


def test_tips_and_gift_cards_go_to_their_own_items():
    sale = order(
        line(1, taxes=[tax(euros("1.74"))]),
        line(2, euros("3.00"), kind=LineKind.TIP, requires_shipping=False),
        line(3, euros("50.00"), kind=LineKind.GIFT_CARD, requires_shipping=False),
    )
    planned = plan(sale)
    assert [each.component for each in planned.lines] == ["products", "tips", "gift cards sold"]
    assert [each.record["SalesTaxItemGroupCode"] for each in planned.lines] == ["FULL", "NONE", "NONE"]


def test_a_total_that_is_not_its_parts_is_never_sent():
    sale = dutch(line())
    refused = refusal(replace(sale, total=sale.total + euros("0.01")))
    assert refused.code == "SUM_DIFFERS"
    assert refused.details["difference"] == "-0.01 EUR"
    same = {"shopify": "10.00 EUR", "fo": "10.00 EUR", "difference": "0.00 EUR"}
    assert refused.proof["lines"] == [{"name": "1 x TENT-2P", **same}]
    assert refused.proof["totals"][-1] == {
        "name": "total",
        "shopify": "10.01 EUR",
        "fo": "10.00 EUR",
        "difference": "-0.01 EUR",
    }


def test_prices_with_fractions_of_a_cent_that_fo_would_round_away_are_refused():
    assert refusal(order(line(1, euros("0.125"), 3))).code == "SUM_DIFFERS"


def test_prices_with_fractions_of_a_cent_that_sum_to_cents_are_exact():
    planned = plan(order(line(1, euros("0.125"), 8)))
    assert planned.lines[0].amount == euros("1.00")
    assert planned.lines[0].record["SalesPriceQuantity"] == 8


def test_a_currency_with_no_cents_has_none():
    yen = with_rules(EU, currencies=("JPY",))
    nothing = euros(0)
    price = replace(nothing, amount=Decimal(1000), currency="JPY")
    planned = plan(order(line(1, price, 3, discount=replace(price, amount=Decimal(100)))), yen)
    (record,) = records(planned)
    assert (record["SalesPrice"], record["SalesPriceQuantity"], record["LineDiscountAmount"]) == (3000, 3, 100)


def test_tax_that_fo_would_compute_otherwise_is_refused():
    sale = order(line(1, euros("121.00"), taxes=[tax(euros("21.04"))]))
    refused = refusal(sale)
    assert refused.code == "TAX_DIFFERS"
    sides = {"shopify": "21.04 EUR", "fo": "21.00 EUR", "difference": "-0.04 EUR"}
    assert refused.proof["taxes"] == [{"name": "NL-VAT/FULL", **sides}, {"name": "tax on 1 x TENT-2P", **sides}]
    assert refused.proof["totals"][0] == {"name": "total tax", **sides}


def test_the_cents_between_both_taxes_can_be_a_line():
    sale = american(line(1, dollars("100.00"), taxes=[tax(dollars("8.82"), "0.0881")]))
    assert len(plan(sale, US).lines) == 1
    planned = plan(sale, with_rules(US, tax={"policy": "rounding_line", "difference_item": "TAXDIFF"}))
    assert [each.amount for each in planned.lines] == [dollars("100.00"), dollars("0.01")]
    assert planned.lines[1].record["LineNumber"] == 2
    assert sum(each.amount.amount + each.expected_tax.amount for each in planned.lines) == sale.total.amount


def test_a_marketplaces_tax_is_in_the_evidence():
    rules = with_rules(US, tax={"marketplace": "leave_out"})
    sale = american(line(1, dollars("100.00"), taxes=[tax(dollars("8.81"), "0.0881", channel_liable=True)]))
    evidence = plan(sale, rules).evidence
    assert (
        evidence.row("tax owed by a marketplace").shopify,
        evidence.row("total tax").shopify,
        evidence.row("total tax").fo,
    ) == (
        dollars("8.81"),
        dollars(0),
        dollars(0),
    )


def test_a_currency_that_the_store_does_not_book_is_refused():
    assert refusal(order(line(1, dollars("1.00")))).code == "CURRENCY_WITHOUT_RULE"


def test_lines_that_need_different_groups_are_refused():
    mixed = with_rules(
        EU,
        taxes=(
            EU.taxes[0].model_dump() | {"sales_tax_group": "OTHER"},
            *(rule.model_dump() for rule in EU.taxes[1:]),
        ),
    )
    sale = order(line(1, taxes=[tax(euros("1.74"))]), line(2, taxes=[tax(euros("0.83"), "0.09")]))
    assert refusal(sale, mixed).code == "TAX_AMBIGUOUS"


def test_a_long_purchase_order_number_is_refused_or_kept_whole_in_the_journal():
    long = dutch(line(), po_number="PO-2026-000000000000001")
    assert refusal(long).code == "FIELD_TOO_LONG"
    planned = plan(long, with_rules(EU, orders={"po_number_too_long": "journal"}))
    assert "CustomerRequisitionNumber" not in planned.header
    assert planned.left_behind == ("the purchase order number PO-2026-000000000000001",)


def test_an_order_without_purchase_order_number_is_found_by_its_name():
    assert plan(dutch(line())).header["CustomerRequisitionNumber"] == "#1001"
    silent = with_rules(EU, orders={"order_name_as_requisition": False})
    assert "CustomerRequisitionNumber" not in plan(dutch(line()), silent).header


def test_a_company_at_the_address_is_not_lost():
    sale = dutch(line(), shipping_address=address(company="Acme BV"))
    assert plan(sale).header["DeliveryBuildingCompliment"] == "Acme BV"
    alone = dutch(line(), shipping_address=address(name="Acme BV", company="Acme BV"))
    assert "DeliveryBuildingCompliment" not in plan(alone).header


def test_cash_rounding_is_named_only_where_there_is_some_and_the_payment_books_it():
    books_it = with_rules(EU, orders={"rounding_item": None}, payments={"rounding_account": "618170"})
    paid_in_cash = dutch(line(), cash_rounding=euros("0.02"))
    assert plan(paid_in_cash, books_it).left_behind == ("cash rounding of 0.02 EUR, which is booked with the payment",)
    assert plan(dutch(line()), books_it).left_behind == ()
    ordered = plan(paid_in_cash, with_rules(EU, orders={"rounding_item": "ROUNDING"}))
    assert ordered.left_behind == ()


def test_what_fo_has_no_field_for_is_named():
    sale = dutch(
        line(),
        note="Leave at the door",
        attributes=(("gift_wrap", "yes"),),
        tags=("vip",),
        shipping_address=address("NL", "NH", phone="+31611111111"),
    )
    left = plan(sale).left_behind
    assert [what.split(",")[0] for what in left] == [
        "the note",
        "the attributes gift_wrap",
        "the tags vip",
        "the phone number of the delivery address",
        "the state NH",
    ]
    assert "Leave at the door" not in str(plan(sale).evidence.as_dict())


def test_an_order_over_the_counter_has_no_address_and_the_counters_tax():
    sale = american(
        line(1, dollars("100.00"), taxes=[tax(dollars("8.25"), "0.0825")]),
        location_id=72002002,
        shipping_address=None,
        billing_address=COLORADO,
        buyer=None,
    )
    planned = plan(sale, US, everything_from(US, sale, warehouse=2))
    assert planned.header["SalesTaxGroupCode"] == "TX-AUS"
    assert planned.header["SalesOrderName"] == "#1001"
    assert planned.header["DeliveryModeCode"] == "10"
    assert "IsDeliveryAddressOrderSpecific" not in planned.header


def test_orders_of_five_hundred_lines_work_and_more_are_refused():
    lines = [line(at, euros("9.99"), at % 7 + 1, discount=euros("0.05")) for at in range(1, 501)]
    planned = plan(dutch(*lines))
    assert [each.number for each in planned.lines] == list(range(1, 501))
    refused = refusal(dutch(*lines), with_rules(EU, orders={"max_lines": 499}))
    assert (refused.code, refused.details["count"]) == ("TOO_MANY_LINES", "500")


@pytest.mark.parametrize(
    "other",
    [
        {"shipping_address": address(street="x" * 311)},
        {"shipping_address": address(street="x" * 251, company="Acme BV")},
        {"shipping_address": address(postal_code="1" * 11)},
        {"shipping_address": address(name="x" * 400)},
    ],
)
def test_what_does_not_fit_a_field_is_refused_not_cut(other):
    assert refusal(dutch(line(), **other)).code == "FIELD_TOO_LONG"


def test_the_evidence_can_be_stored_as_json():
    evidence = plan(dutch(line(1, euros("121.00")))).evidence.as_dict()
    same = {"shopify": "121.00 EUR", "fo": "121.00 EUR", "difference": "0.00 EUR"}
    tax_of_both = {"shopify": "21.00 EUR", "fo": "21.00 EUR", "difference": "0.00 EUR"}
    assert json.loads(json.dumps(evidence)) == {
        "subject": "#1001",
        "components": [{"name": "products", "shopify": "121.00 EUR", "fo": "121.00 EUR"}],
        "taxes": [{"name": "NL-VAT/FULL", **tax_of_both}],
        "totals": [{"name": "total tax", **tax_of_both}, {"name": "total", **same}],
        "notes": ["prices include tax", "warehouse: AMS holds all of it"],
    }


def booked(planned):
    return [{**each.record, "LineAmount": each.amount.amount} for each in planned.lines]


def test_what_fo_booked_as_planned_is_accepted_in_any_order():
    planned = plan(dutch(line(1), line(2, euros("5.00"))))
    check_booked(planned, reversed(booked(planned)))


@pytest.mark.parametrize(
    ("spoil", "numbers"),
    [
        (lambda rows: rows[0].update(LineAmount=Decimal("9.99")), "1"),
        (lambda rows: rows.pop(), "2"),
        (lambda rows: rows.append({"LineNumber": Decimal(3), "LineAmount": Decimal(0)}), "3"),
        (lambda rows: [row.update(LineAmount=Decimal("7.50")) for row in rows], "1, 2"),  # the sum is still right
    ],
)
def test_what_fo_booked_otherwise_is_refused_line_by_line(spoil, numbers):
    planned = plan(dutch(line(1), line(2, euros("5.00"))))
    rows = booked(planned)
    spoil(rows)
    with pytest.raises(RefusedError) as refused:
        check_booked(planned, rows)
    assert refused.value.code == "FO_SUM_DIFFERS"
    assert refused.value.details["lines"] == numbers
    differing = [row["name"] for row in refused.value.proof["lines"] if row["difference"] != "0.00 EUR"]
    assert [f"line {number}" for number in numbers.split(", ")] == (
        [name.partition(":")[0] for name in differing] or ["line 3"]
    )


def test_the_longest_reference_fits_its_field():
    assert len(order_reference("s" * 31, 820_982_911_946_154_508)) <= 60


def test_planning_twice_plans_the_same():
    sale = dutch(line(1, quantity=3, discount=euros("1.00")), line(2))
    assert plan(sale) == plan(sale)
    assert items_of(sale)


def test_an_order_as_shopify_sends_it_becomes_a_sales_order():
    payload = payloads.order_payload(
        lines=[payloads.line(1, price="10.00", quantity=3, discounts=["1.00"], taxes=[payloads.tax_line("5.03")])],
        shipping=[payloads.shipping_line(code="STANDARD", price="4.84", taxes=[payloads.tax_line("0.84")])],
    )
    sale = read_order(payloads.parsed(payload), store="nordlys", side=CurrencySide.SHOP)
    planned = plan(sale)
    assert sum(each.amount.amount for each in planned.lines) == sale.total.amount == Decimal("33.84")
