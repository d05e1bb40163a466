"""A store whose tax F&O leaves to an engine outside it (tax.verify = "external")."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from shared.errors import RefusedError
from shared.mapping.evidence import ProofRow
from shared.mapping.reconciliation import invoice_finding
from shared.mapping.refunds.plan import RefundPlan, plan_refund
from shared.model import Component, Order, Refund, Restock, TaxedCharge
from shared.rules import StoreRules
from tests.builders.fo_orders import FoModel
from tests.builders.refunds import ACCOUNT, all_sold, back, beside, refund
from tests.builders.sales import US, address, dollars, line, order, plan, shipping, tax, with_rules

COLORADO = address("US", "CO", city="Denver", postal_code="80202")
EXEMPT = {"sales_tax_group": "NOTAX", "item_tax_group": "EXEMPT"}
ENGINE = {"engine_sales_tax_group": "AVATAX", "engine_item_tax_group": "ALL"}


def outside(tax_rules: dict[str, Any] | None = None, accounts: dict[str, Any] | None = None, **more: Any) -> StoreRules:
    known = {
        "goods_kept": {"main_account": "401100"},
        "shipping": {"main_account": "401100"},
        **{name: {"main_account": "418190"} | EXEMPT for name in ("goodwill", "restocking_fee", "discrepancy")},
    }
    return with_rules(
        US,
        taxes=(),
        tax={"verify": "external", "tolerance": 2, "tolerance_per_line": 1} | (tax_rules or {}),
        refunds={"accounts": known | (accounts or {})},
        **more,
    )


RULES = outside(ENGINE)


def american(*lines: Any, **other: Any) -> Order:
    defaults = {"store": "prairie", "taxes_included": False, "shipping_address": COLORADO, "billing_address": COLORADO}
    return order(*lines, **(defaults | other))


SALE = american(
    line(1, dollars("24.00"), 3, taxes=[tax(dollars("6.34"), "0.0881", "Colorado")]),
    line(2, dollars("5.00"), sku="MUG"),
    shipping=(shipping(dollars("7.50")),),
)


# ---- orders


def test_no_line_and_no_header_has_tax_groups():
    planned = plan(SALE, RULES)
    assert "SalesTaxGroupCode" not in planned.header
    for each in planned.lines:
        assert "SalesTaxGroupCode" not in each.record
        assert "SalesTaxItemGroupCode" not in each.record
    assert planned.tax_groups == {}


def test_the_proof_has_shopifys_tax_by_itself():
    evidence = plan(SALE, RULES).evidence
    assert evidence.row("total tax") == ProofRow("total tax", dollars("6.34"))
    assert evidence.taxes == (ProofRow("Colorado 8.81 %", dollars("6.34")),)
    assert evidence.row("total").difference == dollars(0)
    assert evidence.notes[:2] == (
        "tax on top of prices",
        "tax is computed by F&O's external engine, and compared once F&O has invoiced",
    )


def test_any_rate_in_any_place_is_booked():
    """No rule names them, and no tax is refused before F&O has computed it."""
    japan = american(
        line(1, dollars("100.00"), taxes=[tax(dollars("99.00"), "0.0123")]),
        shipping_address=address("JP", "JP-13", city="Tokyo"),
        duties=dollars("10.00"),
        taxed_duties=(TaxedCharge(dollars("10.00"), (tax(dollars("9.00"), "0.01"),)),),
    )
    planned = plan(japan, with_rules(RULES, orders={"duties_item": "DUTIES"}))
    assert [each.amount for each in planned.lines] == [dollars("100.00"), dollars("10.00")]


def test_an_order_that_was_booked_with_groups_keeps_them():
    before = american(line(1, dollars("24.00"), 3, taxes=[tax(dollars("6.34"), "0.0881")]))
    model = FoModel(before, US)
    model.rules = RULES
    changes, _ = model.plan(before)
    assert changes.steps == changes.held == changes.ignored == ()
    fewer = american(line(1, dollars("24.00"), 2, taxes=[tax(dollars("4.23"), "0.0881")]))
    changes, target = model.plan(fewer)
    assert [step.fields for step in changes.steps] == [{"OrderedSalesQuantity": 2}]
    model.carry_out(changes, target)
    assert {each.sales_tax_group for each in model.order.lines} == {"CO-DEN"}


def test_tax_of_a_marketplace_is_refused():
    owed = american(line(1, dollars("24.00"), taxes=[tax(dollars("1.00"), "0.05", channel_liable=True)]))
    with pytest.raises(RefusedError) as refused:
        plan(owed, RULES)
    assert refused.value.code == "TAX_OF_MARKETPLACE"


# ---- refunds


def planned(one: Refund, applied: StoreRules = RULES) -> RefundPlan:
    return plan_refund(one, SALE, applied, customer_account=ACCOUNT, sales_order="S1", sold=all_sold(SALE))


def groups(one: RefundPlan) -> list[tuple[Component, str, str]]:
    lines = one.invoice.lines if one.invoice else ()
    return [(each.component, each.record["SalesTaxGroupId"], each.record["SalesTaxItemGroupId"]) for each in lines]


KEPT = refund(
    back(1, 1, dollars("24.00"), dollars("2.11"), Restock.NO_RESTOCK),
    adjustments=[beside(dollars("3.00"))],
    duties=dollars(0),
)


def test_credits_of_taxed_goods_have_the_engines_groups_and_others_the_accounts():
    plan_ = planned(KEPT)
    assert groups(plan_) == [
        (Component.GOODS_KEPT, "AVATAX", "ALL"),
        (Component.DISCREPANCY, "NOTAX", "EXEMPT"),
    ]
    assert plan_.evidence is not None
    assert plan_.evidence.row("total tax") == ProofRow("total tax", dollars("2.11"))
    assert plan_.evidence.taxes == (ProofRow("Colorado 8.81 %", dollars("2.11")),)
    assert plan_.evidence.row("worth").difference == dollars(0)


def test_a_return_order_needs_no_groups():
    plan_ = planned(refund(back(1, 1, dollars("24.00"), dollars("2.11")), duties=dollars(0)), outside())
    assert plan_.return_order is not None
    assert plan_.invoice is None


@pytest.mark.parametrize(
    ("one", "key"),
    [
        (KEPT, "tax.engine_sales_tax_group"),
        (
            refund(adjustments=[beside(dollars("7.50"), "shipping_refund")], duties=dollars(0)),
            "refunds.accounts.shipping.sales_tax_group",
        ),
    ],
    ids=["taxed", "untaxed"],
)
def test_a_credit_whose_groups_no_rule_has_is_refused(one: Refund, key: str):
    with pytest.raises(RefusedError) as refused:
        planned(one, outside())
    assert (refused.value.code, refused.value.details["key"]) == ("AMOUNT_WITHOUT_RULE", key)


# ---- invoices


def found(invoiced: str, charged: str, sale: Order = SALE, applied: StoreRules = RULES) -> tuple[str, str] | None:
    finding = invoice_finding("S1", sale, invoiced=dollars(invoiced), tax=dollars(charged), rules=applied)
    return None if finding is None else (finding.shopify, finding.fo)


def test_an_invoice_within_the_tolerance_is_no_finding():
    """Two cents, and one for the line that is taxed. Shopify: 72.00 + 5.00 + 7.50 + 6.34."""
    assert found("90.84", "6.34") is found("90.87", "6.37") is found("90.81", "6.31") is None
    assert found("90.88", "6.38") == ("90.84 USD with a tax of 6.34 USD", "90.88 USD with a tax of 6.38 USD")
    assert found("90.80", "6.30") is not None


def test_tax_in_the_prices_is_compared_although_the_total_is_right():
    included = order(line(1, dollars("24.00"), taxes=[tax(dollars("1.94"), "0.0881")]), store="prairie")
    assert found("24.00", "1.94", included) is None
    assert found("24.00", "0.00", included) == ("24.00 USD with a tax of 1.94 USD", "24.00 USD with a tax of 0.00 USD")


def test_a_charge_that_f_and_o_added_is_found_although_the_tax_is_right():
    assert found("95.84", "6.34") is not None


def test_cash_rounding_counts_where_the_sales_order_has_it():
    rounded = american(line(1, dollars("24.02")), cash_rounding=dollars("-0.20"))
    with_line = outside(orders={"rounding_item": "ROUNDING"}, payments={"rounding_account": None})
    assert found("23.82", "0.00", rounded, with_line) is None
    assert found("24.02", "0.00", rounded, with_line) is not None
    assert found("24.02", "0.00", rounded) is None


# ---- rules


@pytest.mark.parametrize(
    ("tax_rules", "mistake"),
    [
        ({"policy": "park"}, "policy must be 'tolerate'"),
        ({"policy": "prices_with_tax"}, "policy must be 'tolerate'"),
        ({"policy": "rounding_line", "difference_item": "TAXDIFF"}, "policy must be 'tolerate'"),
        ({"policy": "service_line", "service_item": "T"} | {f"exempt_{key}": "X" for key in EXEMPT}, "policy must be"),
        ({"shipping_rates": "divide"}, "shipping_rates must be 'add_up'"),
        ({"marketplace": "leave_out"}, "marketplace must be 'refuse'"),
        ({"engine_sales_tax_group": "AVATAX"}, "go together"),
    ],
)
def test_keys_that_need_the_tax_before_it_is_known_are_mistakes(tax_rules: dict[str, Any], mistake: str):
    with pytest.raises(ValidationError, match=mistake):
        outside(tax_rules)


def test_tax_rules_beside_an_engine_are_a_mistake():
    with pytest.raises(ValidationError, match=r"remove \[\[taxes\]\]"):
        with_rules(US, tax={"verify": "external"})


def test_groups_of_an_engine_without_one_are_a_mistake():
    with pytest.raises(ValidationError, match="for verify = 'external' only"):
        with_rules(US, tax=ENGINE)


@pytest.mark.parametrize("account", ["goodwill", "restocking_fee", "return_shipping_fee", "discrepancy"])
def test_accounts_of_untaxed_amounts_need_groups_that_are_not_taxed(account: str):
    with pytest.raises(ValidationError, match=rf"accounts.{account}: needs sales_tax_group"):
        outside(accounts={account: {"main_account": "418190"}})
