"""From Shopify's webhook to what F&O credits: what a refund means depends on what had been shipped."""

from shared.mapping.refunds.plan import RefundPlan, plan_refund
from shared.mapping.shopify.state import read_state
from shared.model import CurrencySide, Money
from tests.builders.changed_orders import Bag, ChangedOrder
from tests.builders.orders import line, order_payload, parsed, shipping_line, tax_line
from tests.builders.refunds import ACCOUNT, all_sold, rules
from tests.builders.sales import euros


def placed() -> ChangedOrder:
    tents = line(11, price="121.00", quantity=2, taxes=[tax_line("42.00")], sku="TENT-2P")
    freight = shipping_line(price="12.10", taxes=[tax_line("2.10")])
    return ChangedOrder(order_payload(lines=[tents], shipping=[freight], taxes_included=True))


def plans(life: ChangedOrder) -> list[RefundPlan]:
    state = read_state(parsed(life.payload()), store="nordlys", side=CurrencySide.SHOP)
    return [
        plan_refund(each, state.order, rules(), customer_account=ACCOUNT, sales_order="SN1", sold=all_sold(state.order))
        for each in state.refunds
    ]


def credited(plan: RefundPlan) -> dict[str, Money]:
    assert plan.evidence is not None
    return {row.name: row.fo for row in plan.evidence.components}


def euro(amount: str) -> Bag:
    money = euros(amount).amount
    return Bag((money, money), ("EUR", "EUR"))


def test_before_anything_was_shipped_the_order_alone_is_smaller():
    life = placed()
    life.refund({11: (1, "cancel")}, shipping=True)
    life.refund({11: (1, "no_restock")})
    for plan in plans(life):
        assert (plan.return_order, plan.invoice) == (None, None)


def test_after_it_was_shipped_goods_come_back_and_shipping_is_credited():
    life = placed()
    life.ship({11: 2})
    life.refund({11: (1, "return")}, shipping=True)
    life.refund({11: (1, "no_restock")}, adjustment=euro("10.00"), reason="Restocking fee discrepancy")
    life.refunds[-1]["order_adjustments"][0]["reason"] = "restock"
    first, second = plans(life)
    assert credited(first) == {"goods_returned": euros("121.00"), "shipping": euros("12.10")}
    assert credited(second) == {"goods_kept": euros("121.00"), "restocking_fee": euros("-10.00")}


def test_of_a_line_shipped_in_part_only_what_was_shipped_is_credited():
    life = placed()
    life.ship({11: 1})
    life.refund({11: (2, "no_restock")})
    (plan,) = plans(life)
    assert credited(plan) == {"goods_kept": euros("121.00")}
    assert plan.evidence is not None
    assert (plan.evidence.row("taken off the sales order").shopify, plan.evidence.total) == (
        euros("121.00"),
        euros("242.00"),
    )


def test_goodwill_and_its_pending_money_are_distinguished():
    life = placed()
    life.ship({11: 2})
    life.refund(adjustment=euro("-5.00"), status="pending")
    (plan,) = plans(life)
    assert credited(plan) == {"goodwill": euros("5.00")}
    assert plan.evidence is not None
    assert plan.evidence.row("given back").shopify == euros("0.00")
