"""What edits left of each line, by Shopify's sales agreements."""

from decimal import Decimal
from typing import Any

import pytest

from shared.errors import RefusedError
from shared.mapping.orders.proof import prove
from shared.mapping.shopify.edits.agreements import AgreedLine, as_agreed, read_agreements
from shared.mapping.shopify.edits.shares import Goods
from shared.mapping.shopify.fields import Amounts
from shared.mapping.shopify.state import read_state
from shared.model import CurrencySide, Money
from tests.builders.agreements import agreement, back, of_return, sale
from tests.builders.orders import Payload, line, money_set, order_payload, parsed, tax_line

EUROS = Amounts(CurrencySide.SHOP, "EUR")


def euro(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


@pytest.mark.parametrize("sign", ["", "-"])
def test_edits_are_added_up_and_a_removal_counts_below_zero_whatever_its_sign(sign: str):
    removed = sale(11, int(f"{sign}1"), f"{sign}12.1", f"{sign}2.1", "RETURN")
    nodes = [agreement(sale(11, 3, "36.3", "6.3")), agreement(removed, reason="ORDER_EDIT")]
    assert read_agreements(nodes, EUROS).lines == {11: AgreedLine(2, euro("24.20"), euro("4.20"))}


def test_a_change_of_price_changes_no_units():
    cheaper = sale(11, 2, "-1.21", "-0.21", "UPDATE")
    nodes = [agreement(sale(11, 2, "24.2", "4.2")), agreement(cheaper, reason="ORDER_EDIT")]
    assert read_agreements(nodes, EUROS).lines == {11: AgreedLine(2, euro("22.99"), euro("3.99"))}


def test_refunds_and_returned_goods_do_not_count_but_goods_sent_in_exchange_do():
    gone = sale(11, -1, "-10.0", action="RETURN")
    nodes = [
        agreement(sale(11, 2, "20.0"), sale(None, 1, "5.0")),
        agreement(gone, reason="REFUND"),
        agreement(gone, sale(12, 1, "8.0"), reason="RETURN"),
    ]
    assert read_agreements(nodes, EUROS).lines == {
        11: AgreedLine(2, euro("20.00"), euro("0.00")),
        12: AgreedLine(1, euro("8.00"), euro("0.00")),
    }


def test_goods_that_a_return_puts_back_are_not_away_any_more():
    nodes = [
        agreement(sale(11, 2, "20.0")),
        of_return(back(11, 2, "20.0")),
        of_return(sale(11, 1, "10.0")),
    ]
    found = read_agreements(nodes, EUROS)
    assert found.lines == {11: AgreedLine(2, euro("20.00"), euro("0.00"))}
    assert found.returned == {11: AgreedLine(1, euro("10.00"), euro("0.00"))}


def test_amounts_of_another_currency_are_refused():
    with pytest.raises(RefusedError, match="currency"):
        read_agreements([agreement(sale(11, 1, "5.0"))], Amounts(CurrencySide.SHOP, "USD"))


def edited() -> Payload:
    """Two lines of which each lost a unit of a discount of its own, and got one again; taxes on top."""
    lines = [
        line(11, price="30.00", quantity=4, current_quantity=3, discounts=["10.00"], taxes=[tax_line("22.27")]),
        line(12, price="20.00", quantity=3, current_quantity=2, discounts=["3.00"], taxes=[tax_line("11.86")]),
    ]
    payload = order_payload(lines=lines, shipping=[], taxes_included=False)
    now = {"total_price": "145.79", "total_tax": "25.30", "total_discounts": "9.51"}
    for name, amount in now.items():
        payload |= {f"current_{name}": amount, f"current_{name}_set": money_set(amount)}
    return payload


def read(payload: Any, agreements: list[Payload] | None = None) -> Any:
    state = read_state(parsed(payload), store="nordlys", side=CurrencySide.SHOP, agreements=agreements)
    prove(state.order)
    return state


def test_lines_that_totals_cannot_explain_have_what_the_agreements_left_of_them():
    with pytest.raises(RefusedError, match="STATE_SUM_DIFFERS"):
        read(edited())
    agreed = [agreement(sale(11, 3, "100.83", "17.5"), sale(12, 2, "44.96", "7.8"))]
    tents, lamps = read(edited(), agreed).order.lines
    assert (tents.quantity, tents.discount, tents.taxes[0].amount) == (3, euro("6.67"), euro("17.50"))
    assert (lamps.quantity, lamps.discount, lamps.taxes[0].amount) == (2, euro("2.84"), euro("7.80"))


def test_a_line_that_lost_no_unit_has_the_price_that_was_agreed_last():
    order = read(order_payload(lines=[line(11, price="30.00", quantity=4, taxes=[])], taxes_included=False)).order
    agreed = {11: AgreedLine(4, euro("100.00"), euro("0.00"))}
    found = as_agreed(order, {11: Goods(ordered=4, removed=0, left=4)}, agreed)
    assert found is not None
    assert [(each.quantity, each.discount) for each in found[0].lines] == [(4, euro("20.00"))]


def test_agreements_that_do_not_sum_to_shopifys_totals_are_refused():
    agreed = [agreement(sale(11, 3, "100.84", "17.5"), sale(12, 2, "44.96", "7.8"))]
    with pytest.raises(RefusedError, match="STATE_SUM_DIFFERS"):
        read(edited(), agreed)


def test_agreements_with_other_units_than_the_line_has_are_not_used():
    with pytest.raises(RefusedError, match="STATE_SUM_DIFFERS"):
        read(edited(), [agreement(sale(11, 2, "100.83", "17.5"), sale(12, 2, "44.96", "7.8"))])


def test_agreements_with_tax_where_the_order_has_none_are_not_used():
    """As when they are newer than the body: an edit has removed a discount of everything since."""
    payload = edited()
    payload["line_items"][0] = line(
        11, price="30.00", quantity=4, current_quantity=3, discounts=["120.00"], taxes=[tax_line("0.00")]
    )
    with pytest.raises(RefusedError, match="STATE_SUM_DIFFERS"):
        read(payload, [agreement(sale(11, 3, "107.5", "17.5"), sale(12, 2, "44.96", "7.8"))])
