"""Refunds and payment transactions as the webhooks give them, and the proofs about their money."""

from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shared.errors import RefusedError
from shared.mapping.payments.proof import prove_payments
from shared.mapping.refunds.proof import prove_refund
from shared.mapping.shopify.events import order_id_of, require_order_id
from shared.mapping.shopify.refund import read_refund
from shared.mapping.shopify.state import read_state
from shared.mapping.shopify.terms import Terms, read_terms
from shared.mapping.shopify.transaction import read_transaction, read_transactions
from shared.model import (
    CurrencySide,
    Money,
    OrderState,
    Refund,
    Restock,
    Transaction,
    TransactionKind,
    TransactionStatus,
)
from tests.builders.changed_orders import Bag, ChangedOrder, transaction
from tests.builders.orders import in_presentment, line, money_set, order_payload, parsed, shipping_line, tax_line


def euro(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def bag(amount: str, currency: str = "EUR") -> Bag:
    return Bag((Decimal(amount),) * 2, (currency, currency))


def terms(side: CurrencySide = CurrencySide.SHOP, **order: Any) -> Terms:
    return read_terms(parsed(order_payload(**order)), side)


def abroad(side: CurrencySide) -> Terms:
    return read_terms(parsed(in_presentment(order_payload(), "JPY", 160)), side)


def paid(**overrides: Any) -> Transaction:
    return read_transaction(transaction(bag("10.00"), **overrides), terms(), "transactions[0]")


def sale(amount: str, **overrides: Any) -> Transaction:
    return paid(kind="sale", id=600, amount=amount, parent_id=None, **overrides)


def delivered(**order: Any) -> ChangedOrder:
    lines = [line(11, quantity=2, taxes=[tax_line("3.47")]), line(12, price="20.00")]
    shipping = [shipping_line(taxes=[tax_line("0.87")])]
    life = ChangedOrder(order_payload(**({"lines": lines, "shipping": shipping} | order)))
    life.ship({11: 2, 12: 1})
    return life


def read(life: ChangedOrder, *payments: Transaction) -> OrderState:
    state = read_state(parsed(life.payload()), store="nordlys", side=CurrencySide.SHOP)
    of_refunds = (each for refund in state.refunds for each in refund.transactions)
    return replace(state, transactions=(*payments, *of_refunds))


# ---- transactions


def test_a_transaction_is_read_with_what_only_it_knows():
    read_one = paid(gateway="paypal", status="pending", parent_id=88, test=True, amount_rounding="0.02")
    assert (read_one.kind, read_one.status) == (TransactionKind.REFUND, TransactionStatus.PENDING)
    assert (read_one.gateway, read_one.parent_id, read_one.is_test) == ("paypal", 88, True)
    assert (read_one.amount, read_one.paid, read_one.exchange_rate) == (euro("10.00"), euro("10.00"), None)
    assert read_one.cash_rounding == euro("0.02")
    assert not read_one.moves_money


def test_a_transaction_without_currency_is_in_the_shops_and_without_processing_has_its_creation():
    read_one = paid(currency=None, processed_at=None)
    assert read_one.amount.currency == "EUR"
    assert read_one.processed_at.isoformat() == "2026-11-22T12:00:00+01:00"


def test_an_authorization_by_card_reader_is_an_authorization():
    assert paid(kind="emv_authorization").kind is TransactionKind.AUTHORIZATION


@pytest.mark.parametrize(("field", "value"), [("kind", "chargeback"), ("status", "maybe"), ("kind", "")])
def test_what_is_not_documented_is_refused_not_guessed(field: str, value: str):
    with pytest.raises(RefusedError) as caught:
        paid(**{field: value})
    assert caught.value.code == "TRANSACTION_UNKNOWN"
    assert f"the {field} “{value}”" in caught.value.cause


def test_a_suggestion_is_no_transaction():
    suggested = transaction(bag("10.00"), kind="suggested_refund")
    assert read_transactions([suggested, transaction(bag("5.00"))], terms(), "t") == (paid(amount="5.00"),)


def test_an_amount_in_the_buyers_currency_alone_is_refused_where_the_shops_is_booked():
    block = transaction(bag("1600", "JPY"))
    assert read_transaction(block, abroad(CurrencySide.PRESENTMENT), "t").amount == Money(Decimal(1600), "JPY")
    with pytest.raises(RefusedError) as caught:
        read_transaction(block, abroad(CurrencySide.SHOP), "t")
    assert caught.value.code == "TRANSACTION_CURRENCY"


def test_both_amounts_give_the_rate_of_the_payments_moment():
    both = {
        "shop_money": {"amount": "9.6", "currency_code": "EUR"},
        "presentment_money": {"amount": "1600.0", "currency_code": "JPY"},
    }
    read_one = read_transaction(transaction(bag("1600", "JPY"), amount_set=both), abroad(CurrencySide.SHOP), "t")
    assert (read_one.amount, read_one.paid) == (euro("9.60"), Money(Decimal(1600), "JPY"))
    assert read_one.exchange_rate == Decimal("0.006")


def test_a_payment_in_the_shops_currency_is_refused_where_the_buyers_is_booked():
    block = transaction(bag("10.00"), amount_set=money_set("10.00"))
    assert read_transaction(block, abroad(CurrencySide.SHOP), "t").amount == euro("10.00")
    with pytest.raises(RefusedError) as caught:
        read_transaction(block, abroad(CurrencySide.PRESENTMENT), "t")
    assert caught.value.code == "TRANSACTION_CURRENCY"


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"amount": "-1.00"}, "NEGATIVE_AMOUNT"),
        ({"amount": "1.005"}, "NOT_AN_ORDER"),
        ({"amount": 10}, "NOT_AN_ORDER"),
        ({"id": 0}, "NOT_AN_ORDER"),
        ({"processed_at": "2026-11-22"}, "NOT_AN_ORDER"),
        ({"test": None}, "NOT_AN_ORDER"),
    ],
)
def test_a_transaction_of_another_form_is_refused(overrides: Any, code: str):
    with pytest.raises(RefusedError) as caught:
        paid(**overrides)
    assert caught.value.code == code


# ---- refunds


def refund_block(**overrides: Any) -> Any:
    return parsed(delivered().refund({11: (1, "return")}, shipping=True, **overrides))


def test_a_refund_has_its_parts():
    refund = read_refund(refund_block(note=" Broken \n", **{"return": {"id": 55}}), terms())
    [goods], [shipping] = refund.lines, refund.adjustments
    assert (goods.line_id, goods.quantity, goods.restock, goods.location_id) == (11, 1, Restock.RETURN, 901)
    assert (goods.subtotal, goods.tax) == (euro("10.00"), euro("1.74"))
    assert (shipping.reason, shipping.amount, shipping.tax) == ("shipping_refund", euro("5.00"), euro("0.87"))
    assert (refund.note, refund.return_id, refund.duties) == ("Broken", 55, euro("0"))
    assert refund.presented is None


def adjustment(amount: str, tax: str = "0.00", **overrides: Any) -> Any:
    sets = {"amount_set": money_set(amount), "tax_amount_set": money_set(tax)}
    return {"id": 5, "kind": "refund_discrepancy", "reason": "Refund discrepancy", **sets} | overrides


def test_an_adjustment_is_what_the_buyer_gets_on_top():
    block = refund_block(refund_shipping_lines=[], order_adjustments=[adjustment("-2.50"), adjustment("1.00")])
    assert [each.amount for each in read_refund(block, terms()).adjustments] == [euro("2.50"), euro("-1.00")]


SHIPPING_BACK = adjustment("-4.13", "-0.87", kind="shipping_refund", reason="Shipping refund")


def shipping_row(subtotal: str, **other: Any) -> Any:
    return {"id": 6, "shipping_line_id": 21, "subtotal_amount_set": money_set(subtotal), **other}


@pytest.mark.parametrize(("order", "amount"), [({"taxes_included": True}, "5.00"), ({"taxes_included": False}, "4.13")])
def test_refunded_shipping_has_its_tax_in_the_adjustment_and_counts_once(order: Any, amount: str):
    rows = [shipping_row(amount)]
    block = refund_block(order_adjustments=[SHIPPING_BACK], refund_shipping_lines=rows)
    [both] = read_refund(block, terms(**order)).adjustments
    assert (both.reason, both.tax) == ("shipping_refund", euro("0.87"))
    assert both.amount == euro(amount)
    [old] = read_refund(block | {"refund_shipping_lines": None}, terms(**order)).adjustments
    assert old == both


def test_refunded_shipping_of_graphql_has_its_tax_in_its_own_row():
    rows = [shipping_row("5.00", tax_amount_set=money_set("0.87"))]
    [shipping] = read_refund(refund_block(order_adjustments=[], refund_shipping_lines=rows), terms()).adjustments
    assert (shipping.reason, shipping.amount, shipping.tax) == ("shipping_refund", euro("5.00"), euro("0.87"))


@pytest.mark.parametrize("subtotal", ["4.99", "5.01", "4.13"])
def test_a_row_of_refunded_shipping_may_be_rounded_apart_or_before_tax(subtotal: str):
    block = refund_block(order_adjustments=[SHIPPING_BACK], refund_shipping_lines=[shipping_row(subtotal)])
    assert [each.amount for each in read_refund(block, terms()).adjustments] == [euro("5.00")]


def test_refunded_shipping_of_two_different_amounts_is_refused():
    block = refund_block(order_adjustments=[SHIPPING_BACK], refund_shipping_lines=[shipping_row("7.00")])
    with pytest.raises(RefusedError, match=r"refund_shipping_lines is “7\.00 EUR”, not 5\.00 EUR") as caught:
        read_refund(block, terms())
    assert caught.value.code == "NOT_AN_ORDER"


def test_refunded_shipping_whose_tax_stands_nowhere_is_refused():
    block = refund_block(order_adjustments=[], refund_shipping_lines=[shipping_row("5.00")])
    with pytest.raises(RefusedError, match="tax_amount") as caught:
        read_refund(block, terms())
    assert caught.value.code == "NOT_AN_ORDER"


def test_duties_are_read_from_either_place_unless_the_prices_hold_them():
    told = [{"duty_id": 1, "amount_set": money_set("1.10")}, {"duty_id": 2, "amount_set": money_set("2.00")}]
    block = refund_block(total_duties_set=None) | {"duties": told}
    assert read_refund(block, terms()).duties == euro("3.10")
    assert read_refund(block | {"total_duties_set": money_set("3.10")}, terms()).duties == euro("3.10")
    assert read_refund(block, terms(duties_included=True)).duties == euro("0")


# ---- the proof of a refund


def components(proof: Any) -> dict[str, str]:
    return {row["name"]: row["shopify"] for row in proof["components"]}


def proved(life: ChangedOrder) -> Any:
    state = read(life)
    return prove_refund(state.refunds[-1], state.order).as_dict()


def test_the_parts_of_a_refund_are_what_was_given_back():
    life = delivered()
    life.refund({11: (1, "return"), 12: (1, "no_restock")}, shipping=True, adjustment=bag("1.00"))
    assert proved(life) == {
        "subject": "#1001, refund 701",
        "components": [
            {"name": "goods that came back", "shopify": "10.00 EUR"},
            {"name": "goods that stay where they are", "shopify": "20.00 EUR"},
            {"name": "shipping_refund", "shopify": "5.00 EUR"},
            {"name": "refund_discrepancy", "shopify": "-1.00 EUR"},
        ],
        "totals": [{"name": "given back", "shopify": "34.00 EUR"}],
    }


def test_tax_on_top_is_a_part():
    life = delivered(taxes_included=False)
    life.refund({11: (1, "return")}, shipping=True)
    assert components(proved(life))["tax"] == "2.61 EUR"


def test_money_on_its_way_counts_and_money_that_failed_does_not():
    life = delivered()
    life.refund({12: (1, "return")}, status="pending")
    assert proved(life)["notes"] == ["on its way: refund of 20.00 EUR"]
    life = delivered()
    life.refund({12: (1, "return")}, status="failure")
    assert components(proved(life)) == {"goods that came back": "20.00 EUR", "not given back": "-20.00 EUR"}


def test_what_a_refund_is_short_of_while_its_money_is_on_the_way_is_no_part_of_it():
    life = delivered()
    pending = adjustment("20.00", reason="Pending refund discrepancy")
    life.refund({12: (1, "return")}, status="pending", order_adjustments=[pending])
    refund = read_refund(parsed(life.refunds[0]), terms())
    assert [each.reason for each in refund.adjustments] == ["pending_refund_discrepancy"]
    evidence = prove_refund(refund, read(delivered()).order)
    assert components(evidence.as_dict()) == {"goods that came back": "20.00 EUR"}


PENDING = "Pending refund discrepancy"


@pytest.mark.parametrize(
    ("units", "amount", "own"),
    [({12: (1, "return")}, "20.00", []), ({}, "15.00", [adjustment("-15.00")])],
    ids=["of goods", "of money alone"],
)
def test_a_refund_is_worth_the_same_before_and_after_its_money_moved(units: Any, amount: str, own: list[Any]):
    worths = []
    for status, rows in (("pending", []), ("success", [adjustment(f"-{amount}", reason=PENDING)])):
        life = delivered()
        adjustments = [*own, adjustment(amount), *rows]
        life.refund(
            units, transactions=[transaction(bag(amount), status=status)], order_adjustments=deepcopy(adjustments)
        )
        refund = read_refund(parsed(life.refunds[0]), terms())
        evidence = prove_refund(refund, read(delivered()).order)
        worths.append(sum((row.shopify.amount for row in evidence.components), Decimal(0)))
    assert worths == [Decimal(amount)] * 2


def test_only_as_much_of_a_discrepancy_is_pending_as_money_is_on_its_way():
    life = delivered()
    rows = [adjustment("5.00"), adjustment("15.00"), adjustment("5.00")]
    life.refund({12: (1, "return")}, transactions=[transaction(bag("5.00"), status="pending")], order_adjustments=rows)
    refund = read_refund(parsed(life.refunds[0]), terms())
    assert [each.reason for each in refund.adjustments] == [
        "pending_refund_discrepancy",
        "refund_discrepancy",
        "refund_discrepancy",
    ]


def test_money_that_failed_leaves_its_discrepancy_and_a_reversal_alone_counts():
    life = delivered()
    life.refund(
        {12: (1, "return")},
        transactions=[transaction(bag("20.00"), status="failure")],
        order_adjustments=[adjustment("20.00")],
    )
    assert [each.amount for each in read_refund(parsed(life.refunds[0]), terms()).adjustments] == [euro("-20.00")]
    block = refund_block(refund_shipping_lines=[], order_adjustments=[adjustment("-3.00", reason=PENDING)])
    [alone] = read_refund(block, terms()).adjustments
    assert (alone.reason, alone.amount) == ("refund_discrepancy", euro("3.00"))


def test_a_refund_of_money_alone_has_a_component_of_its_own():
    life = delivered()
    life.refund(transactions=[transaction(bag("3.00"))])
    assert components(proved(life)) == {"owed before": "3.00 EUR"}


@pytest.mark.parametrize("amount", ["19.99", "20.01"])
def test_a_refund_that_gave_another_amount_is_refused(amount: str):
    life = delivered()
    life.refund({12: (1, "return")}, transactions=[transaction(bag(amount))])
    with pytest.raises(RefusedError) as caught:
        proved(life)
    assert caught.value.code == "REFUND_SUM_DIFFERS"
    assert caught.value.details["total"] == f"{amount} EUR"
    proof = caught.value.proof
    assert [row["shopify"] for row in proof["lines"]] == ["20.00 EUR", f"{amount} EUR"]
    assert proof["lines"][1]["name"].endswith(" by shopify_payments, success")
    assert components(proof) == {"goods that came back": "20.00 EUR"}
    difference = f"{Decimal(20) - Decimal(amount):.2f} EUR"
    assert proof["totals"] == [
        {"name": "worth of the parts", "shopify": "20.00 EUR"},
        {"name": "given back", "shopify": f"{amount} EUR", "difference": difference},
    ]


# ---- the proof of the payments


def test_payments_leave_open_what_was_not_paid_and_not_credited():
    life = delivered()
    assert prove_payments(read(life, sale("45.00"))).total == euro("0")
    assert prove_payments(read(life, sale("40.00"))).total == euro("5.00")
    life.refund({12: (1, "return")}, adjustment=bag("-1.00"))
    evidence = prove_payments(read(life, sale("45.00"))).as_dict()
    assert components(evidence) == {
        "charged": "45.00 EUR",
        "credited": "-21.00 EUR",
        "received": "-45.00 EUR",
        "given back": "21.00 EUR",
    }
    assert evidence["totals"] == [{"name": "open", "shopify": "0.00 EUR"}]


def test_what_an_edit_or_a_cancellation_took_off_is_owed_to_the_buyer():
    life = ChangedOrder(order_payload(lines=[line(11, quantity=2), line(12, price="20.00")]))
    life.refund({12: (1, "cancel")}, status=None)
    life.edit(11, 1)
    assert prove_payments(read(life, sale("45.00"))).total == euro("-30.00")


def test_shipping_given_back_early_is_off_the_order_already_and_later_it_is_credited():
    early = ChangedOrder(order_payload(lines=[line(11)]))
    early.refund(shipping=True)
    evidence = prove_payments(read(early, sale("15.00")))
    assert components(evidence.as_dict()) == {
        "charged": "10.00 EUR",
        "received": "-15.00 EUR",
        "given back": "5.00 EUR",
    }
    late = delivered()
    late.refund(shipping=True)
    assert prove_payments(read(late, sale("45.00"))).row("credited").shopify == euro("-5.00")


def test_only_money_that_moved_was_received():
    payments = (sale("45.00", status="pending"), paid(kind="authorization", id=601, amount="45.00"))
    evidence = prove_payments(read(delivered(), *payments))
    assert evidence.total == euro("45.00")
    assert evidence.notes == ("on its way: sale of 45.00 EUR",)


def test_change_given_at_the_counter_was_not_received():
    change = paid(kind="change", id=602, amount="5.00")
    assert prove_payments(read(delivered(), sale("50.00"), change)).total == euro("0")


def test_payments_that_contradict_each_other_are_refused():
    life = delivered()
    life.refund({12: (1, "return")})
    state = read(life, sale("45.00"))
    with pytest.raises(RefusedError, match="which the order does not have") as unknown:
        prove_payments(replace(state, transactions=(sale("45.00"),)))
    assert [row["shopify"] for row in unknown.value.proof["lines"]] == ["45.00 EUR", "20.00 EUR"]
    assert [(row["shopify"], row.get("difference")) for row in unknown.value.proof["totals"]] == [
        ("-20.00 EUR", None),
        ("20.00 EUR", "20.00 EUR"),
    ]
    with pytest.raises(RefusedError, match=r"20\.00 EUR was given back of 15\.00 EUR received") as more_back:
        prove_payments(read(life, sale("15.00")))
    assert [row["shopify"] for row in more_back.value.proof["lines"]] == ["15.00 EUR", "20.00 EUR"]
    assert more_back.value.proof["totals"][1:] == [
        {"name": "received", "shopify": "15.00 EUR"},
        {"name": "given back", "shopify": "20.00 EUR", "difference": "5.00 EUR"},
    ]
    with pytest.raises(ValueError, match="has no transactions"):
        prove_payments(replace(state, transactions=None))


def test_the_refunds_of_a_state_are_the_refunds_alone():
    life = delivered()
    life.refund({12: (1, "return")})
    [refund] = read(life).refunds
    assert isinstance(refund, Refund)
    assert refund == read_refund(parsed(life.refunds[0]), terms())


# ---- whose order it is


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"id": 1, "order_id": 7}, 7),
        ({"order_edit": {"id": 1, "order_id": 7}}, 7),
        ({"id": 1, "order": {"id": 7, "admin_graphql_api_id": "gid://shopify/Order/7"}}, 7),
        ({"order_id": "7"}, 7),
        ({"order_id": 820982911946154508}, 820982911946154508),
        ({"order_id": "9" * 19}, None),
        ({"order_id": "9" * 5000}, None),
        ({"order_id": "\N{ARABIC-INDIC DIGIT SEVEN}"}, None),
        ({"order_id": None}, None),
        ({"order_id": True}, None),
        ({"order_id": 7.0}, None),
        ({"order_id": -7}, None),
        ({"order": {}}, None),
        ({"order": {"admin_graphql_api_id": "gid://shopify/Order/7"}}, 7),
        ({"admin_graphql_api_id": "gid://shopify/Order/7"}, 7),
        ({"admin_graphql_api_order_id": "gid://shopify/Order/7", "order_id": None}, 7),
        ({"order_graphql_api_id": "gid://shopify/Order/7"}, 7),
        ({"admin_graphql_api_id": "gid://shopify/Refund/1", "order_id": 7}, 7),
        ({"admin_graphql_api_id": "gid://shopify/Refund/1", "id": 1}, None),
        ({"admin_graphql_api_id": "gid://shopify/Order/7x"}, None),
        ({"line_items": [{"id": 7, "order_id": 7}]}, None),
        ({"id": 7}, None),
        ({}, None),
        ([], None),
    ],
)
def test_a_body_without_an_order_names_it(body: Any, expected: int | None):
    assert order_id_of(body) == expected


def test_the_id_of_an_orders_own_body_is_its_id() -> None:
    assert order_id_of({"id": 7, "refunds": [{"order_id": 8}]}, "orders/updated") == 7
    assert order_id_of({"id": 7}, "refunds/create") is None


def test_an_event_that_names_no_order_is_refused_with_what_to_set_in_the_subscription() -> None:
    with pytest.raises(RefusedError) as refused:
        require_order_id({"name": "#1001"}, "orders/updated")
    assert (refused.value.code, refused.value.details) == ("ORDER_NOT_NAMED", {"topic": "orders/updated"})
    assert "includeFields" in refused.value.next_step
    assert require_order_id({"id": 7}, "orders/updated") == 7
    with pytest.raises(RefusedError, match="the body is not an object"):
        require_order_id([7], "orders/updated")
