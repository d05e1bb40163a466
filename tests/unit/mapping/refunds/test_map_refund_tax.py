"""What F&O posts for a refund's tax, by its own tax codes: document by document, day by day, with its rounding."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from shared.errors import RefusedError
from shared.mapping.refunds.plan import RefundPlan, plan_refund
from shared.model import Component, Order, Refund, TaxSetup
from shared.rules import StoreRules
from tests.builders.refunds import ACCOUNT, all_sold, back, beside, refund, rules
from tests.builders.sales import US, address, dollars, line, order, shipping, tax
from tests.builders.tax_setups import DENVER, code, rate, setup

ROUNDING_LINE = {"policy": "rounding_line", "difference_item": "TAXDIFF"}
COLORADO = address("US", "CO", city="Denver", postal_code="80202")


def american(*taxed: str, freight: str = "") -> Order:
    """An order of lines of 0.57 each, with these taxes; and freight, which is taxed like the first."""
    parcels = (shipping(dollars("0.57"), taxes=[tax(dollars(freight), "0.0881")]),) if freight else ()
    return order(
        *(line(at, dollars("0.57"), taxes=[tax(dollars(each), "0.0881")]) for at, each in enumerate(taxed, start=1)),
        store="prairie",
        taxes_included=False,
        shipping=parcels,
        shipping_address=COLORADO,
        billing_address=COLORADO,
    )


def back_of(sale: Order, **other) -> Refund:
    """All of its goods, with their taxes."""
    lines = [back(each.id, 1, each.net, each.taxes[0].amount) for each in sale.lines]
    return refund(*lines, duties=dollars(0), **other)


def asking(**tax_rules) -> StoreRules:
    """A store that has F&O's tax codes asked."""
    return rules(US, tax={"verify": "fo", "tolerance": 0, "tolerance_per_line": 0} | tax_rules)


def plan(one: Refund, sale: Order, applied: StoreRules, tax_setup: TaxSetup | None = DENVER) -> RefundPlan:
    return plan_refund(
        one, sale, applied, customer_account=ACCOUNT, sales_order="S1", sold=all_sold(sale), tax_setup=tax_setup
    )


def expected_tax(planned: RefundPlan) -> Decimal:
    assert planned.evidence is not None
    return planned.evidence.row("total tax").fo.amount


def difference_in(planned: RefundPlan) -> list[Decimal]:
    credited = planned.invoice.lines if planned.invoice else ()
    return [each.amount.amount for each in credited if each.component is Component.TAX_DIFFERENCE]


def test_each_tax_code_is_rounded_by_itself():
    # 0.57 at 2.9, 4.81 and 1.1 % is 0.01653 + 0.027417 + 0.00627; at 8.81 % it is 0.050217.
    sale = american("0.06")
    planned = plan(back_of(sale), sale, asking())
    assert expected_tax(planned) == Decimal("0.06")
    assert planned.return_order is not None
    assert [(each.code, each.amount.amount) for each in planned.return_order.lines[0].codes] == [
        ("CO-STATE", Decimal("0.02")),
        ("DENVER", Decimal("0.03")),
        ("RTD", Decimal("0.01")),
    ]


def test_the_sum_of_the_rates_counts_where_f_and_o_is_not_asked():
    sale = american("0.05")
    assert expected_tax(plan(back_of(sale), sale, rules(US), tax_setup=None)) == Decimal("0.05")


def test_a_difference_to_f_and_os_rounding_is_refused_or_a_line():
    sale = american("0.05", "0.05")
    with pytest.raises(RefusedError) as refused:
        plan(back_of(sale), sale, asking())
    assert refused.value.code == "TAX_DIFFERS"
    sides = {"shopify": "0.10 USD", "fo": "0.12 USD", "difference": "0.02 USD"}
    assert refused.value.proof["taxes"] == [{"name": "CO-STATE + DENVER + RTD", **sides}]
    assert refused.value.proof["totals"][0] == {"name": "total tax", **sides}
    planned = plan(back_of(sale), sale, asking(**ROUNDING_LINE, tolerance=2))
    assert (expected_tax(planned), difference_in(planned)) == (Decimal("0.12"), [Decimal("-0.02")])


def test_each_document_is_rounded_by_itself():
    """By the calculation method "total": twice 0.57 on one document are 0.03 + 0.05 + 0.01, on two twice 0.06."""
    total = asking(calculation_method="total", tolerance=9)
    goods, freight = american("0.05", "0.05"), american("0.05", freight="0.05")
    assert expected_tax(plan(back_of(goods), goods, total)) == Decimal("0.09")
    shipping_back = [beside(dollars("0.57"), "shipping_refund", "0.05")]
    planned = plan(back_of(freight, adjustments=shipping_back), freight, total)
    assert planned.return_order is not None
    assert planned.invoice is not None
    assert expected_tax(planned) == Decimal("0.12")


def test_goods_are_taxed_as_on_the_day_of_their_sale_and_other_credits_as_on_their_invoices():
    """Late on the 31st in Denver, where it is the 1st in Greenwich already, the new rate does not hold yet."""
    old, new = rate("10", last=date(2026, 10, 31)), rate("20", first=date(2026, 11, 1))
    changed = setup(
        code("VAT", rates=(old, new)),
        groups={"CO-DEN": "VAT", "NOTAX": ""},
        item_groups={"ALL": "VAT", "EXEMPT": ""},
    )
    sale = replace(american("0.05", freight="0.05"), created_at=datetime(2026, 11, 1, 4, tzinfo=UTC))
    generous = asking(tolerance=99)
    assert expected_tax(plan(back_of(sale), sale, generous, changed)) == Decimal("0.06")
    freight = refund(adjustments=[beside(dollars("0.57"), "shipping_refund", "0.05")], duties=dollars(0))
    assert expected_tax(plan(freight, sale, generous, changed)) == Decimal("0.11")


def test_cents_that_f_and_o_would_tax_are_refused():
    sale = american("0.05")
    applied = asking(**ROUNDING_LINE, tolerance=2)
    assert applied.refunds is not None
    taxed = {"main_account": "4099", "sales_tax_group": "CO-DEN", "item_tax_group": "ALL"}
    heavy = setup(code("CO", "70"), groups={"CO-DEN": "CO"}, item_groups={"ALL": "CO"})
    accounts = applied.refunds.accounts.model_dump(exclude_unset=True) | {"tax_difference": taxed}
    odd = rules(US, accounts=accounts, tax={"verify": "fo", "tolerance": 99, "tolerance_per_line": 0} | ROUNDING_LINE)
    with pytest.raises(RefusedError) as refused:
        plan(back_of(sale), sale, odd, heavy)
    assert refused.value.code == "TAX_DIFFERS"


def test_a_waiting_refund_asks_nothing():
    sale = american("0.05")
    planned = plan_refund(
        back_of(sale),
        sale,
        asking(),
        customer_account=ACCOUNT,
        sales_order="S1",
        sold=[replace(each, returnable=Decimal(0)) for each in all_sold(sale)],
        tax_setup=DENVER,
    )
    assert planned.waits_for
    assert planned.evidence is None


def test_a_store_that_asks_f_and_o_needs_its_tax_set_up():
    sale = american("0.06")
    with pytest.raises(ValueError, match="none was given"):
        plan(back_of(sale), sale, asking(), None)
