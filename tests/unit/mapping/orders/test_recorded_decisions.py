"""What was decided about an order when it was booked stays decided, whatever Shopify and the rules contain later."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from shared.errors import RefusedError
from shared.mapping.orders.header import header_changes, header_fingerprints
from shared.mapping.orders.plan import SalesOrderPlan, plan_sales_order
from shared.mapping.orders.record import reconstruct, with_decisions
from shared.model import (
    CurrencySide,
    DeliveryMethod,
    Item,
    LineKind,
    LineRecord,
    Money,
    Order,
    OrderRecord,
    Place,
    RefundRecord,
    ReturnFee,
    TaxGroupPair,
    TaxKey,
)
from shared.rules import ChangeKind, StoreRules
from shared.store.records import read_record, write_record
from tests.builders.sales import (
    EU,
    address,
    buyer,
    euros,
    everything_from,
    items_of,
    line,
    order,
    shipping,
    tax,
    with_rules,
)

NETHERLANDS = Place("NL", "")
FULL = TaxKey(NETHERLANDS, Decimal("0.21"), ("VAT",))
STANDARD = ("STANDARD", "Standard")
NO_TAX_RULE = EU.model_copy(update={"taxes": tuple(rule for rule in EU.taxes if rule.countries == ("DE",))})
NO_SHIPPING_RULE = EU.model_copy(update={"shipping": ()})


def plan(one: Order, rules: StoreRules = EU, known: OrderRecord | None = None) -> SalesOrderPlan:
    return plan_sales_order(
        one,
        rules,
        customer_account="C1",
        items=items_of(one),
        allocation=everything_from(rules, one),
        known=known,
    )


def taxed(**other) -> Order:
    return order(line(1, euros("12.10"), taxes=[tax(euros("2.10"))]), **other)


def shipped(**other) -> Order:
    return taxed(shipping=(shipping(euros("12.10"), taxes=[tax(euros("2.10"))]),), **other)


def record_of(planned: SalesOrderPlan) -> OrderRecord:
    return OrderRecord(
        CurrencySide.SHOP,
        place=planned.place,
        tax_groups=planned.tax_groups,
        delivery_modes=planned.delivery_modes,
    )


def test_a_plan_has_the_decisions_to_record():
    planned = plan(shipped())
    assert planned.place == NETHERLANDS
    assert planned.tax_groups == {FULL: TaxGroupPair("NL-VAT", "FULL")}
    assert planned.delivery_modes == {STANDARD: planned.header["DeliveryModeCode"]}


def test_the_delivery_method_joins_the_record_and_is_not_lost_where_it_is_not_read():
    collected = replace(taxed(shipping_address=None), delivery=DeliveryMethod.PICK_UP, served_by=71001001)
    booked = with_decisions(OrderRecord(CurrencySide.SHOP), plan(collected))
    assert (booked.delivery, booked.served_by) == (DeliveryMethod.PICK_UP, 71001001)
    later = with_decisions(booked, plan(taxed(), EU, booked))
    assert (later.delivery, later.served_by) == (DeliveryMethod.PICK_UP, 71001001)
    assert read_record(write_record(later)) == later


@pytest.mark.parametrize("presented", [None, Money(Decimal("37.30"), "DKK")])
def test_the_fees_that_a_refund_is_less_by_are_stored_with_it(presented: Money | None):
    fee = ReturnFee("RestockingFee", euros("5.00"), euros("0.87"), presented)
    record = OrderRecord(CurrencySide.SHOP, refunds={801: RefundRecord(return_fees=(fee,)), 802: RefundRecord()})
    assert read_record(json.loads(json.dumps(write_record(record)))) == record


def test_an_order_keeps_its_tax_groups_when_the_rules_change():
    booked = plan(taxed())
    with pytest.raises(RefusedError, match="No tax rule"):
        plan(taxed(), NO_TAX_RULE)
    again = plan(taxed(), NO_TAX_RULE, record_of(booked))
    assert again.lines == booked.lines
    assert again.tax_groups == booked.tax_groups


def test_another_rate_is_a_new_decision_which_joins_the_recorded_ones():
    booked = record_of(plan(taxed()))
    with_a_book = order(
        line(1, euros("12.10"), taxes=[tax(euros("2.10"))]), line(2, euros("10.90"), taxes=[tax(euros("0.90"), "0.09")])
    )
    decided = plan(with_a_book, EU, booked).tax_groups
    assert set(decided) == {FULL, TaxKey(NETHERLANDS, Decimal("0.09"), ("VAT",))}


def test_an_order_keeps_its_mode_of_delivery_when_the_rules_change():
    booked = plan(shipped())
    with pytest.raises(RefusedError) as refused:
        plan(shipped(), NO_SHIPPING_RULE)
    assert refused.value.code == "SHIPPING_WITHOUT_RULE"
    assert plan(shipped(), NO_SHIPPING_RULE, record_of(booked)).header == booked.header


def test_an_order_without_shipping_keeps_its_mode_of_delivery():
    collected = with_rules(EU, orders={"delivery_mode_without_shipping": "PICKUP"})
    booked = plan(taxed(), collected)
    assert booked.header["DeliveryModeCode"] == "PICKUP"
    assert plan(taxed(), EU, record_of(booked)).header == booked.header
    without = plan(taxed())
    assert "DeliveryModeCode" not in plan(taxed(), collected, record_of(without)).header


@pytest.mark.parametrize("missing", [None, address("DE", street="", city="", postal_code="", name="")])
def test_an_order_whose_address_is_withheld_now_is_taxed_where_it_was(missing):
    booked = record_of(plan(taxed()))
    erased = taxed(shipping_address=missing, billing_address=missing)
    planned = plan(erased, EU, booked)
    assert planned.place == NETHERLANDS
    assert planned.lines == plan(taxed()).lines


def test_another_full_address_is_taxed_anew():
    booked = record_of(plan(taxed()))
    moved = replace(
        order(line(1, euros("11.90"), taxes=[tax(euros("1.90"), "0.19")])), shipping_address=address("DE", city="Bonn")
    )
    assert plan(moved, EU, booked).place == Place("DE", "")


def test_withheld_data_keep_what_fo_has_and_are_no_change_when_they_come_back():
    booked = plan(taxed())
    withheld = address(street="", city="", postal_code="", name="")
    erased = taxed(
        shipping_address=withheld, billing_address=withheld, buyer=buyer(first_name="", last_name="", email="")
    )
    header = plan(erased, EU, record_of(booked)).header
    fingerprints = header_fingerprints(booked.header)
    assert header_changes(header, booked.header, fingerprints) == {}
    later = header_fingerprints(header, fingerprints)
    corrected_by_staff = {**booked.header, "DeliveryAddressStreet": "Damrak 3", "SalesOrderName": "A. Lovelace"}
    assert header_changes(plan(taxed()).header, corrected_by_staff, later) == {}


def test_a_missing_email_never_empties_one_while_another_name_is_followed():
    booked = plan(taxed())
    married = taxed(buyer=buyer(last_name="King", email=""))
    changes = header_changes(
        plan(married, EU, record_of(booked)).header, booked.header, header_fingerprints(booked.header)
    )
    assert changes == {ChangeKind.CONTACT: {"SalesOrderName": "Ada King"}}


def test_of_an_order_of_a_release_without_records_its_lines_in_fo_and_its_refunds_documents_decide():
    items = [("products:11", Item("TENT-2P")), ("tips:12", Item("TIP")), ("shipping:13", Item("FREIGHT"))]
    record = reconstruct(CurrencySide.PRESENTMENT, items, {7: True, 8: False})
    assert record.lines == {
        11: LineRecord(LineKind.PRODUCT, Item("TENT-2P")),
        12: LineRecord(LineKind.TIP, Item("TIP")),
    }
    assert (record.side, record.is_reconstructed) == (CurrencySide.PRESENTMENT, True)
    by_documents = RefundRecord(None, shipping_off_order=False, duties_off_order=False, fees_off_order=False)
    off_the_order = RefundRecord(None, shipping_off_order=True, duties_off_order=True, fees_off_order=True)
    assert record.refunds == {7: by_documents, 8: off_the_order}
