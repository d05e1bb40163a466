"""A refund becomes what the buyer is credited with: which documents, which lines, to the cent."""

from dataclasses import replace
from decimal import Decimal

import pytest

from shared.errors import RefusedError
from shared.mapping.refunds.lots import whole_prices
from shared.mapping.refunds.parts import read_parts
from shared.mapping.refunds.plan import RefundPlan, plan_refund, refund_reference
from shared.mapping.refunds.proof import prove_refund_plan
from shared.mapping.taxes.groups import TaxGroups
from shared.mapping.taxes.place import place_of_sale
from shared.model import (
    CurrencySide,
    LineKind,
    OrderRecord,
    Place,
    Restock,
    ReturnFee,
    TaxGroupPair,
    TaxKey,
    TransactionKind,
    TransactionStatus,
)
from tests.builders.payments import transaction
from tests.builders.refunds import ACCOUNT, PARTS, all_sold, back, beside, refund, rules, sold
from tests.builders.sales import US, address, dollars, euros, line, order, shipping, tax

VAT = {"taxes": [tax(euros("43.21"))]}
TENT = line(1, euros("249.00"), **VAT)


def plan(one, sale, applied=None, stock=None, known=None) -> RefundPlan:
    return plan_refund(
        one,
        sale,
        applied or rules(),
        customer_account=ACCOUNT,
        sales_order="SN5551234567890",
        sold=all_sold(sale) if stock is None else stock,
        known=known,
    )


def refusal(*arguments, **keys) -> RefusedError:
    with pytest.raises(RefusedError) as refused:
        plan(*arguments, **keys)
    return refused.value


def records(document) -> list[dict]:
    return [each.record for each in document.lines] if document else []


def returned(one: RefundPlan) -> list[tuple[str, Decimal, Decimal]]:
    return [
        (row["ReturningInventoryLotId"], row["ReturnSalesQuantity"], row["SalesPrice"])
        for row in records(one.return_order)
    ]


def credits_of(one: RefundPlan) -> dict[str, str]:
    """By part, what is credited on the free text invoice."""
    return {
        PARTS[int(row["MainAccountDisplayValue"].removeprefix("40"))]: str(-row["TransactionCurrencyAmount"])
        for row in records(one.invoice)
    }


def test_goods_that_came_back_are_returned_to_the_lot_they_were_sold_from():
    one = plan(refund(back(1, 1, "249.00", "43.21")), order(TENT), rules(reason_code="UNWANTED", disposition="CREDIT"))
    assert (one.company, one.reference) == ("nleu", "shopify-nordlys-r801")
    assert one.return_order.header == {
        "CustomerAccountNumber": ACCOUNT,
        "InvoiceCustomerAccountNumber": ACCOUNT,
        "CurrencyCode": "EUR",
        "CustomerRequisitionNumber": "SN5551234567890",
        "CustomerReturnReasonCode": "UNWANTED",
        "DefaultReturnSiteId": "EU",
        "DefaultReturnWarehouseId": "HAM",
    }
    assert records(one.return_order) == [
        {
            "ItemNumber": "TENT-2P",
            "ReturnSalesQuantity": Decimal(-1),
            "SalesPrice": Decimal("249.00"),
            "ReturningInventoryLotId": "NLEU-000001",
            "ReturnSiteId": "EU",
            "ReturnWarehouseId": "HAM",
            "ReturnDispositionCode": "CREDIT",
        }
    ]
    assert one.invoice is None


def test_an_amount_alone_is_a_free_text_invoice():
    one = plan(refund(adjustments=[beside("15.00")]), order(TENT))
    assert one.return_order is None
    assert one.invoice.header == {
        "CustomerAccount": ACCOUNT,
        "CurrencyCode": "EUR",
        "InvoiceDate": "2026-11-23T12:00:00Z",
        "CustomerRequisition": "SN5551234567890",
        "InclTax": "Yes",
    }
    assert records(one.invoice) == [
        {
            "LineNumber": Decimal(1),
            "Description": "Refund: goodwill",
            "InvoiceText": "Goodwill",
            "MainAccountDisplayValue": "4007",
            "Quantity": Decimal(1),
            "UnitPrice": Decimal("-15.00"),
            "TransactionCurrencyAmount": Decimal("-15.00"),
            "SalesTaxGroupId": "NL-VAT",
            "SalesTaxItemGroupId": "NONE",
        }
    ]


@pytest.mark.parametrize(
    ("kind", "restock", "part"),
    [
        (LineKind.PRODUCT, Restock.NO_RESTOCK, "goods_kept"),
        (LineKind.CUSTOM, Restock.RETURN, "custom_lines"),
        (LineKind.TIP, Restock.NO_RESTOCK, "tips"),
        (LineKind.GIFT_CARD, Restock.NO_RESTOCK, "gift_cards"),
    ],
)
def test_what_leaves_no_stock_to_come_back_is_money_by_its_kind(kind, restock, part):
    one = plan(refund(back(1, 1, "10.00", restock=restock)), order(line(1, kind=kind)))
    assert credits_of(one) == {part: "10.00"}
    assert one.return_order is None


@pytest.mark.parametrize("restock", [Restock.RETURN, Restock.LEGACY_RESTOCK])
def test_returned_goods_may_be_money_alone_by_rule(restock):
    one = plan(refund(back(1, 1, "10.00", restock=restock)), order(line()), rules(goods="free_text_invoice"), stock=[])
    assert credits_of(one) == {"goods_returned": "10.00"}
    assert one.return_order is None


def test_goods_that_never_left_and_what_the_order_is_smaller_by_need_no_document():
    early = [beside("4.95", "shipping_refund", "0.86", on_order=True), beside("7.00", "duties_refund", on_order=True)]
    one = plan(refund(back(1, 1, "249.00", "43.21", Restock.CANCEL), adjustments=early), order(TENT))
    assert (one.return_order, one.invoice, one.waits_for) == (None, None, ())
    assert off_order(one) == one.evidence.total == euros("260.95")


def test_shipping_given_back_later_is_credited_as_it_was_taxed():
    sale = order(TENT, shipping=(shipping(euros("9.95"), taxes=[tax(euros("1.73"))]),))
    one = plan(refund(adjustments=[beside("5.00", "shipping_refund", "0.87")]), sale)
    (row,) = records(one.invoice)
    assert credits_of(one) == {"shipping": "5.00"}
    assert (row["SalesTaxGroupId"], row["SalesTaxItemGroupId"]) == ("NL-VAT", "FULL")
    assert one.evidence.row("total tax").fo == euros("0.87")


def test_shipping_of_two_rates_is_credited_in_the_shares_it_was_charged_in():
    taxes = [tax(euros("1.39")), tax(euros("0.17"), "0.09")]  # of 8.00 at 21 % and 2.00 at 9 %
    sale = order(TENT, shipping=(shipping(euros("10.00"), taxes=taxes),))
    one = plan(refund(adjustments=[beside("5.00", "shipping_refund", "0.78")]), sale)
    rows = {row["SalesTaxItemGroupId"]: row["UnitPrice"] for row in records(one.invoice)}
    assert rows == {"FULL": Decimal("-3.98"), "REDUCED": Decimal("-1.02")}


def test_shipping_of_two_lines_is_credited_in_proportion():
    sale = order(TENT, shipping=(shipping(euros("9.00")), shipping(euros("3.00"), at=901)))
    one = plan(refund(adjustments=[beside("4.00", "shipping_refund")]), sale)
    assert [row["UnitPrice"] for row in records(one.invoice)] == [Decimal("-3.00"), Decimal("-1.00")]


def test_duties_given_back_later_have_their_account():
    assert credits_of(plan(refund(duties="7.00"), order(TENT, duties=euros("7.00")))) == {"duties": "7.00"}


@pytest.mark.parametrize(
    ("reason", "amount", "part"),
    [
        ("restock", "-5.00", "restocking_fee"),
        ("customer", "5.00", "goodwill"),
        ("damage", "5.00", "goodwill"),
        ("refund_discrepancy", "5.00", "discrepancy"),
        ("refund_discrepancy", "-5.00", "discrepancy"),
        ("full_return_balancing_adjustment", "-0.01", "discrepancy"),
    ],
)
def test_more_and_less_than_the_goods_cost_has_its_account_by_reason(reason, amount, part):
    sale, one = order(TENT), refund(back(1, 1, "249.00", "43.21"), adjustments=[beside(amount, reason)])
    planned = plan(one, sale)
    assert credits_of(planned) == {part: amount}
    assert planned.evidence.total == euros("249.00") + euros(amount)


@pytest.mark.parametrize(
    ("reason", "part"), [("RestockingFee", "restocking_fee"), ("ReturnShippingFee", "return_shipping_fee")]
)
def test_a_fee_of_a_return_is_charged_from_its_account(reason, part):
    one = replace(refund(back(1, 1, "249.00", "43.21")), return_fees=(ReturnFee(reason, euros("5.00"), euros(0)),))
    planned = plan(one, order(TENT))
    assert credits_of(planned) == {part: "-5.00"}
    assert [row["UnitPrice"] for row in records(planned.invoice)] == [Decimal("5.00")]
    assert planned.evidence.total == euros("244.00")
    without = refusal(one, order(TENT), rules(without=[part]))
    assert (without.code, without.details["key"]) == ("AMOUNT_WITHOUT_RULE", f"refunds.accounts.{part}")


@pytest.mark.parametrize(
    ("fee", "code"),
    [
        (ReturnFee("RestockingFee", euros("5.00"), euros("0.87")), "REFUND_TAX_UNKNOWN"),
        (ReturnFee("InspectionFee", euros("5.00"), euros(0)), "REFUND_REASON_UNKNOWN"),
        (ReturnFee("", euros("5.00"), euros(0)), "REFUND_REASON_UNKNOWN"),
    ],
    ids=["taxed", "another type", "deleted"],
)
def test_a_fee_that_cannot_be_booked_is_refused(fee, code):
    one = replace(refund(back(1, 1, "249.00", "43.21")), return_fees=(fee,))
    assert refusal(one, order(TENT)).code == code


def test_money_alone_is_goodwill_but_a_discrepancy_where_it_favours_the_seller():
    assert credits_of(plan(refund(adjustments=[beside("5.00")]), order(TENT))) == {"goodwill": "5.00"}
    assert credits_of(plan(refund(adjustments=[beside("-5.00")]), order(TENT))) == {"discrepancy": "-5.00"}


def test_an_unknown_reason_is_refused():
    error = refusal(refund(adjustments=[beside("5.00", "karma")]), order(TENT))
    assert (error.code, error.details["reason"]) == ("REFUND_REASON_UNKNOWN", "karma")


@pytest.mark.parametrize("part", ["goods_kept", "shipping", "duties", "goodwill", "restocking_fee", "discrepancy"])
def test_a_part_without_account_is_refused_by_the_name_of_its_key(part):
    sale = order(TENT, shipping=(shipping(euros("9.95")),))
    one = refund(
        back(1, 1, "249.00", "43.21", Restock.NO_RESTOCK),
        duties="7.00",
        adjustments=[
            beside("5.00", "shipping_refund"),
            *(
                beside(amount, why)
                for amount, why in (("1.00", "damage"), ("-2.00", "restock"), ("3.00", "discrepancy"))
            ),
        ],
    )
    assert set(credits_of(plan(one, sale))) >= {part}
    error = refusal(one, sale, rules(without=[part]))
    assert (error.code, error.details["key"]) == ("AMOUNT_WITHOUT_RULE", f"refunds.accounts.{part}")


def test_an_account_may_have_tax_groups_of_its_own_for_what_is_not_taxed():
    accounts = {"goodwill": {"main_account": "4", "sales_tax_group": "NL-VAT", "item_tax_group": "FULL"}}
    (row,) = records(plan(refund(adjustments=[beside("5.00")]), order(TENT), rules(accounts=accounts)).invoice)
    assert (row["SalesTaxGroupId"], row["SalesTaxItemGroupId"]) == ("NL-VAT", "FULL")


def test_three_pieces_for_ten_have_prices_that_can_be_paid():
    sale = order(line(1, euros("4.00"), 3, discount=euros("2.00")))
    one = plan(refund(back(1, 3, "10.00")), sale)
    lot = "NLEU-000001"
    assert returned(one) == [(lot, Decimal(-2), Decimal("3.33")), (lot, Decimal(-1), Decimal("3.34"))]
    assert whole_prices(euros("10.00"), 2) == [(2, euros("5.00"))]


def test_units_come_back_to_several_lots_where_several_warehouses_sold_them():
    sale = order(line(1, euros("10.00"), 3))
    stock = [sold(1, 2, lot="A"), sold(1, 1, lot="B")]
    assert returned(plan(refund(back(1, 3, "30.00")), sale, stock=stock)) == [
        ("A", Decimal(-2), Decimal("10.00")),
        ("B", Decimal(-1), Decimal("10.00")),
    ]


def test_two_lines_of_one_refund_do_not_take_the_same_units():
    sale = order(line(1, euros("10.00"), 2))
    stock = [sold(1, 1, lot="A"), sold(1, 1, lot="B")]
    one = plan(refund(back(1, 1), back(1, 1, restock=Restock.LEGACY_RESTOCK)), sale, stock=stock)
    assert [lot for lot, _, _ in returned(one)] == ["A", "B"]


def test_free_goods_come_back_too():
    sale = order(line(1, euros("10.00"), discount=euros("10.00")))
    assert returned(plan(refund(back(1, 1, "0.00")), sale)) == [("NLEU-000001", Decimal(-1), Decimal("0.00"))]


def test_free_goods_that_the_buyer_keeps_are_nothing_to_credit():
    sale = order(line(1, euros("10.00"), discount=euros("10.00")))
    assert plan(refund(back(1, 1, "0.00", restock=Restock.NO_RESTOCK)), sale).invoice is None


def test_goods_that_are_not_invoiced_wait_with_all_of_their_refund():
    sale = order(line(1, euros("10.00"), 2))
    one = plan(refund(back(1, 2, "20.00"), adjustments=[beside("5.00")]), sale, stock=[sold(1, 2, invoiced=1)])
    assert one.waits_for == ("2 x TENT-2P",)
    assert one.evidence is None


@pytest.mark.parametrize("stock", [[], [sold(2, 5)], [sold(1, 1)]])
def test_more_than_the_sales_order_has_is_refused(stock):
    error = refusal(refund(back(1, 2, "20.00")), order(line(1, euros("10.00"), 2)), stock=stock)
    assert error.code == "RETURN_BEYOND_ORDER"


def test_goods_go_into_the_warehouse_of_the_location_they_came_to():
    applied = rules(warehouses=({"location": 5, "id": "AMS", "site": "NL"},))
    for location, place in ((5, ("NL", "AMS")), (6, ("EU", "HAM")), (None, ("EU", "HAM"))):
        one = plan(refund(back(1, location_id=location)), order(line()), applied)
        (row,) = records(one.return_order)
        assert (row["ReturnSiteId"], row["ReturnWarehouseId"]) == place
        assert one.return_order.header["DefaultReturnWarehouseId"] == place[1]


def test_the_longest_reference_fits():
    assert len(refund_reference("n" * 31, 10**18 - 1)) <= 60


# ---- tax
TEXAS = address("US", "TX")


def american(*taxes, price="100.00", quantity=1):
    return order(
        line(1, dollars(price), quantity, taxes=taxes),
        store="prairie",
        taxes_included=False,
        shipping_address=TEXAS,
        billing_address=TEXAS,
    )


def texan(amount: str, **other):
    return tax(dollars(amount), "0.0825", **other)


def us_rules(**changes):
    return rules(US, **changes)


def dollars_back(subtotal: str, tax_amount: str, quantity: int = 1):
    return refund(back(1, quantity, dollars(subtotal), dollars(tax_amount)), duties=dollars(0))


def test_tax_on_top_is_f_and_os_matter_and_no_line():
    one = plan(dollars_back("100.00", "8.25"), american(texan("8.25")), us_rules())
    assert [row["SalesPrice"] for row in records(one.return_order)] == [Decimal("100.00")]
    assert one.invoice is None
    assert (one.evidence.row("total tax").shopify, one.evidence.row("total tax").fo) == (
        dollars("8.25"),
        dollars("8.25"),
    )
    assert one.evidence.total == dollars("108.25")


def test_tax_that_f_and_o_would_compute_otherwise_is_refused_beyond_the_tolerance():
    one = plan(dollars_back("100.00", "8.21"), american(texan("8.21")), us_rules())
    assert one.evidence.row("total tax").fo - one.evidence.row("total tax").shopify == dollars("0.04")
    assert refusal(dollars_back("100.00", "8.20"), american(texan("8.20")), us_rules()).code == "TAX_DIFFERS"


def test_the_rounding_line_takes_the_cents():
    applied = us_rules(tax={"policy": "rounding_line", "difference_item": "TAXDIFF"})
    one = plan(dollars_back("100.00", "8.23"), american(texan("8.23")), applied)
    assert credits_of(one) == {"tax_difference": "-0.02"}


def test_the_rounding_line_has_a_number_of_its_own():
    applied = us_rules(tax={"policy": "rounding_line", "difference_item": "TAXDIFF"})
    one = replace(dollars_back("100.00", "8.23"), adjustments=(beside(dollars("5.00"), "damage"),))
    rows = records(plan(one, american(texan("8.23")), applied).invoice)
    assert [row["LineNumber"] for row in rows] == [1, 2]


def test_prices_that_include_tax_need_no_rounding_line():
    applied = rules(tax={"policy": "rounding_line", "difference_item": "TAXDIFF"})
    one = plan(
        refund(back(1, 1, "249.00", "43.20")), order(line(1, euros("249.00"), taxes=[tax(euros("43.20"))])), applied
    )
    assert one.invoice is None
    assert one.evidence.row("total tax").fo == euros("43.21")


def test_prices_with_tax_hold_shopifys_tax():
    one = plan(dollars_back("100.00", "8.25"), american(texan("8.25")), us_rules(tax={"policy": "prices_with_tax"}))
    assert [row["SalesPrice"] for row in records(one.return_order)] == [Decimal("108.25")]


def test_tax_sold_as_a_line_is_credited_as_a_line():
    policy = {
        "policy": "service_line",
        "service_item": "TAX",
        "exempt_sales_tax_group": "NOTAX",
        "exempt_item_tax_group": "EXEMPT",
    }
    one = plan(dollars_back("100.00", "8.25"), american(texan("8.25")), us_rules(tax=policy))
    assert [row["SalesPrice"] for row in records(one.return_order)] == [Decimal("100.00")]
    assert credits_of(one) == {"tax": "8.25"}
    assert one.invoice.header["InclTax"] == "No"


def test_a_marketplaces_tax_is_not_ours_to_give_back():
    sale = american(texan("8.25", channel_liable=True))
    one = plan(dollars_back("100.00", "8.25"), sale, us_rules(tax={"marketplace": "leave_out"}))
    assert one.evidence.row("tax owed by a marketplace").shopify == dollars("8.25")
    assert one.evidence.row("total tax").shopify == dollars(0)
    assert refusal(dollars_back("100.00", "8.25"), sale, us_rules()).code == "TAX_OF_MARKETPLACE"


def test_a_part_of_a_line_gives_back_a_part_of_each_of_its_taxes():
    sale = american(texan("16.50"), tax(dollars("4.00"), "0.02", channel_liable=True), quantity=2)
    one = plan(dollars_back("100.00", "10.25"), sale, us_rules(tax={"marketplace": "leave_out"}))
    assert (one.evidence.row("total tax").shopify, one.evidence.row("tax owed by a marketplace").shopify) == (
        dollars("8.25"),
        dollars("2.00"),
    )


@pytest.mark.parametrize(
    "one",
    [
        refund(back(1, 1, "10.00", "1.00")),
        refund(adjustments=[beside("5.00", "shipping_refund", "0.87")]),
        refund(adjustments=[beside("5.00", tax="0.87")]),
    ],
)
def test_tax_given_back_where_none_was_charged_is_refused(one):
    assert refusal(one, order(line())).code == "REFUND_TAX_UNKNOWN"


# ---- evidence
def off_order(planned):
    return planned.evidence.row("taken off the sales order").shopify


def row(name: str, shopify: str, fo: str) -> dict[str, str]:
    difference = Decimal(fo) - Decimal(shopify)
    return {"name": name, "shopify": f"{shopify} EUR", "fo": f"{fo} EUR", "difference": f"{difference} EUR"}


def test_the_evidence_names_every_part_and_the_money():
    sale = order(TENT, shipping=(shipping(euros("9.95")),))
    paid = transaction(9, "200.00", kind=TransactionKind.REFUND)
    coming = replace(paid, id=10, status=TransactionStatus.PENDING)
    one = refund(
        back(1, 1, "249.00", "43.21"),
        adjustments=[beside("9.95", "shipping_refund"), beside("-20.00", "restock")],
        transactions=[paid, coming],
    )
    assert plan(one, sale).evidence.as_dict() == {
        "subject": "#1001, refund 801",
        "components": [
            row("shipping", "9.95", "9.95"),
            row("goods_returned", "249.00", "249.00"),
            row("restocking_fee", "-20.00", "-20.00"),
        ],
        "taxes": [row("NL-VAT/FULL", "43.21", "43.21")],
        "totals": [
            row("total tax", "43.21", "43.21"),
            {"name": "given back", "shopify": "200.00 EUR"},
            row("worth", "238.95", "238.95"),
        ],
        "notes": ["prices in F&O include tax"],
    }


def test_lines_that_are_not_the_refunds_worth_are_refused():
    sale, one = order(TENT), refund(back(1, 1, "249.00", "43.21"))
    taxes = TaxGroups(rules(), place_of_sale(sale, rules()), included=True)
    parts = read_parts(one, sale, taxes, return_orders=True)
    lines = plan(one, sale).return_order.lines
    assert prove_refund_plan(one, sale, parts, lines, taxes).total == euros("249.00")
    with pytest.raises(RefusedError) as refused:
        prove_refund_plan(one, sale, parts, [replace(lines[0], amount=euros("248.99"))], taxes)
    assert refused.value.code == "REFUND_PLAN_DIFFERS"
    assert refused.value.details["difference"] == "-0.01 EUR"
    assert refused.value.proof["lines"] == [row("goods returned: Two-person tent", "249.00", "248.99")]
    assert refused.value.proof["totals"][-1] == row("worth", "249.00", "248.99")


def test_a_store_without_rules_plans_nothing():
    with pytest.raises(ValueError, match="books no refunds"):
        plan(refund(back()), order(line()), rules().model_copy(update={"refunds": None}))


def test_a_refund_is_taxed_as_the_order_was_whose_address_is_erased_now():
    sale = order(TENT)
    erased = replace(sale, shipping_address=None, billing_address=None)
    key = TaxKey(Place("NL", ""), Decimal("0.21"), ("VAT",))
    known = OrderRecord(CurrencySide.SHOP, place=key.place, tax_groups={key: TaxGroupPair("NL-OLD", "OLD")})
    given_back = refund(back(1, 1, "249.00", "43.21"))
    assert refusal(given_back, erased).code == "NO_ADDRESS"
    credited = plan(given_back, erased, known=known)
    assert {each.tax.sales_tax_group for each in credited.return_order.lines} == {"NL-OLD"}
    assert returned(credited) == returned(plan(given_back, sale))
