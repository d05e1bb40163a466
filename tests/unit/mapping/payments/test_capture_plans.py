"""What is captured of an order, and when a person is told: every branch of the plan, without I/O."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest

from shared.mapping.payments.captures import Capture, CapturePlan, CaptureTerms, plan_captures
from shared.model import (
    Authorization,
    CurrencySide,
    Invoicing,
    Money,
    OrderPayments,
    RefundedMoney,
    RefundRecord,
)
from tests.builders.invoiced_order import CAPTURING
from tests.builders.sales import with_rules

NOW: Final = datetime(2026, 11, 29, 12, tzinfo=UTC)


def eur(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def authorization(left: str = "100.00", number: int = 1, **given: Any) -> Authorization:
    usual: dict[str, Any] = {
        "id": number,
        "gateway": "shopify_payments",
        "uncaptured": eur(left),
        "left": eur(left),
        "is_multiple": True,
        "takes_final": True,
        "is_voided": False,
        "authorized_at": NOW - timedelta(days=1),
        "expires_at": NOW + timedelta(days=9),
    }
    return Authorization(**usual | given)


def payments(*authorizations: Authorization, received: str = "0", outstanding: str = "100.00", **given: Any) -> Any:
    usual: dict[str, Any] = {
        "placed": (eur("100.00"), eur("100.00")),
        "received": eur(received),
        "outstanding": eur(outstanding),
        "is_cancelled": False,
        "authorizations": authorizations or (authorization(),),
        "captures": (),
        "refunds": (),
    }
    return OrderPayments(**usual | given)


def plan(
    shop: OrderPayments,
    invoiced: str,
    *,
    complete: bool = False,
    cancelled: bool = False,
    refunds: dict[int, RefundRecord] | None = None,
    side: CurrencySide = CurrencySide.SHOP,
    **rules: Any,
) -> CapturePlan:
    return plan_captures(
        shop,
        Invoicing(eur(invoiced), is_complete=complete, is_cancelled=cancelled),
        with_rules(CAPTURING, captures={"on": "invoiced", **rules}),
        terms=CaptureTerms(side, 2, refunds or {}),
        now=NOW,
    )


def taken(found: CapturePlan) -> list[tuple[int, str, bool]]:
    return [(each.authorization_id, str(each.amount.amount), each.is_final) for each in found.captures]


def code(found: CapturePlan) -> str | None:
    return found.finding.code if found.finding is not None else None


def test_what_is_invoiced_and_not_paid_is_captured() -> None:
    found = plan(payments(), "30.00")
    assert taken(found) == [(1, "30.00", False)]
    assert found.finding is None
    assert found.look_at == NOW + timedelta(days=1)
    assert plan(payments(), "0").look_at == NOW + timedelta(days=8)
    assert taken(plan(payments(received="20.00", outstanding="80.00"), "30.00")) == [(1, "10.00", False)]


def test_a_difference_of_the_tolerance_is_no_capture_of_its_own() -> None:
    """That of two lines is 2 cents, and one for each."""
    assert plan(payments(), "0.04").captures == ()
    assert taken(plan(payments(), "0.05")) == [(1, "0.05", False)]


def test_the_last_capture_takes_what_the_order_costs_within_the_tolerance() -> None:
    for invoiced in ("99.96", "100.00", "100.04"):
        assert taken(plan(payments(), invoiced, complete=True)) == [(1, "100.00", False)]
    for invoiced in ("99.95", "100.05"):
        found = plan(payments(), invoiced, complete=True)
        assert (found.captures, code(found)) == ((), "CAPTURE_DIFFERS")


def test_more_than_the_order_costs_is_told_before_all_is_invoiced_too() -> None:
    assert taken(plan(payments(), "100.04")) == [(1, "100.00", False)]
    found = plan(payments(), "100.05")
    assert (found.captures, code(found)) == ((), "CAPTURE_DIFFERS")
    assert found.finding is not None
    assert found.finding.details == {
        "invoiced": "100.05 EUR",
        "paid": "0.00 EUR",
        "outstanding": "100.00 EUR",
        "due": "100.05 EUR",
    }


def test_a_tax_policy_without_tolerance_allows_no_difference() -> None:
    rules = with_rules(CAPTURING, tax={"policy": "park"})
    terms = CaptureTerms(CurrencySide.SHOP, 2, {})
    invoicing = Invoicing(eur("99.99"), is_complete=True, is_cancelled=False)
    found = plan_captures(payments(), invoicing, rules, terms=terms, now=NOW)
    assert code(found) == "CAPTURE_DIFFERS"
    assert found.finding is not None
    (row,) = found.finding.proof["totals"]
    assert Decimal(row["difference"].split()[0]) == Decimal(row["fo"].split()[0]) - Decimal(row["shopify"].split()[0])


def test_the_last_capture_releases_the_rest_where_that_is_possible() -> None:
    assert taken(plan(payments(authorization("120.00")), "100.00", complete=True)) == [(1, "100.00", True)]
    other = authorization("120.00", takes_final=False)
    assert taken(plan(payments(other), "100.00", complete=True)) == [(1, "100.00", False)]
    assert taken(plan(payments(authorization("120.00")), "60.00")) == [(1, "60.00", False)]


def test_one_capture_waits_until_all_is_invoiced() -> None:
    once = authorization(is_multiple=False, takes_final=False)
    assert plan(payments(once), "60.00").captures == ()
    assert code(plan(payments(once), "60.00")) is None
    assert taken(plan(payments(once), "100.00", complete=True)) == [(1, "100.00", False)]


def test_the_authorization_that_expires_first_is_captured_first() -> None:
    late = authorization("60.00", 1)
    soon = authorization("40.00", 2, expires_at=NOW + timedelta(days=5))
    shop = payments(late, soon)
    assert taken(plan(shop, "50.00")) == [(2, "40.00", False), (1, "10.00", False)]
    assert taken(plan(shop, "30.00")) == [(2, "30.00", False)]
    assert plan(shop, "0").look_at == NOW + timedelta(days=4)


def test_other_gateways_are_left_alone() -> None:
    assert plan(payments(), "50.00", gateways=("paypal",)) == CapturePlan()
    assert taken(plan(payments(), "50.00", gateways=("Shopify*",))) == [(1, "50.00", False)]


def test_an_order_that_fo_canceled_before_it_invoiced_is_left_alone() -> None:
    ending = payments(authorization(expires_at=NOW + timedelta(hours=1)))
    assert plan(ending, "0", complete=True, cancelled=True) == CapturePlan()
    assert code(plan(payments(), "40.00", complete=True, cancelled=True)) == "CAPTURE_DIFFERS"


def test_an_order_that_is_cancelled_in_shopify_is_told_if_it_is_not_paid() -> None:
    shop = payments(is_cancelled=True, outstanding="0")
    assert plan(shop, "0.04") == CapturePlan()
    assert code(plan(shop, "0.05")) == "CAPTURE_CANCELLED"
    assert plan(replace(shop, received=eur("50.00")), "50.00") == CapturePlan()


def test_what_no_authorization_is_left_for_is_told_after_the_captures() -> None:
    shop = payments(authorization("80.00"))
    first = plan(shop, "100.00", complete=True)
    assert (taken(first), code(first)) == ([(1, "80.00", False)], None)
    spent = payments(authorization("0"), received="80.00", outstanding="20.00")
    found = plan(spent, "100.00", complete=True)
    assert (found.captures, code(found)) == ((), "CAPTURE_SHORT")
    assert found.finding is not None
    assert found.finding.details["missing"] == "20.00 EUR"
    enough = payments(authorization("0"), received="99.96", outstanding="0.04")
    assert code(plan(enough, "100.00", complete=True)) is None


def test_an_authorization_that_ended_is_told_although_nothing_is_due() -> None:
    none = eur("0")
    expired = authorization(left="100.00", expires_at=NOW)
    for one, reason in (
        (replace(expired, left=none), "expired"),
        (authorization(left="100.00", is_voided=True), "voided"),
    ):
        found = plan(payments(replace(one, left=none)), "0")
        assert code(found) == "AUTHORIZATION_ENDED"
        assert found.finding is not None
        assert (found.finding.details["reason"], found.finding.details["missing"]) == (reason, "100.00 EUR")
    both = plan(payments(replace(expired, left=none), replace(expired, id=2, left=none, is_voided=True)), "0")
    assert both.finding is not None
    assert both.finding.details["reason"] == "voided or expired"


def test_an_authorization_that_ended_is_no_matter_where_others_cover_the_order() -> None:
    ended = authorization(number=2, is_voided=True)
    assert code(plan(payments(replace(ended, left=eur("0")), authorization()), "0")) is None
    used = authorization(left="0", expires_at=NOW - timedelta(days=1))
    assert code(plan(payments(used, received="100.00", outstanding="0"), "100.00", complete=True)) is None
    early = authorization(left="100.00", expires_at=NOW + timedelta(seconds=1))
    final = plan(payments(replace(early, left=eur("0"))), "60.00")
    assert code(final) == "CAPTURE_SHORT"


def test_an_authorization_is_told_in_time() -> None:
    end = NOW + timedelta(hours=24)
    early = plan(payments(authorization(expires_at=end + timedelta(seconds=1))), "0")
    assert (early.finding, early.expires_at, early.look_at) == (None, None, NOW + timedelta(seconds=1))
    found = plan(payments(authorization(expires_at=end)), "0")
    assert (code(found), found.expires_at, found.look_at) == ("AUTHORIZATION_EXPIRES", end, end)
    assert found.finding is not None
    assert found.finding.details["left"] == "100.00 EUR"
    assert found.finding.details["expires_at"] == "2026-11-30 12:00 UTC"
    past = plan(payments(authorization(expires_at=NOW - timedelta(hours=1))), "0")
    assert (code(past), past.look_at) == ("AUTHORIZATION_EXPIRES", None)


def test_what_is_due_is_captured_before_the_rest_is_told() -> None:
    found = plan(payments(authorization(expires_at=NOW + timedelta(hours=2))), "30.00")
    assert (taken(found), found.finding) == ([(1, "30.00", False)], None)
    assert found.expires_at == NOW + timedelta(hours=2)


def test_nothing_is_told_of_an_authorization_that_the_order_does_not_need() -> None:
    spare = payments(authorization(expires_at=NOW + timedelta(hours=2)), received="100.00", outstanding="0")
    assert plan(spare, "50.00") == CapturePlan()
    done = payments(authorization("20.00", expires_at=NOW + timedelta(hours=2)), received="100.00", outstanding="0")
    assert plan(done, "100.00", complete=True) == CapturePlan()


def test_a_difference_is_told_with_the_expiry_that_it_hides() -> None:
    end = NOW + timedelta(hours=2)
    found = plan(payments(authorization(expires_at=end)), "40.00", complete=True)
    assert (code(found), found.expires_at, found.look_at) == ("CAPTURE_DIFFERS", end, end)


def test_without_shopifys_word_the_rule_says_when_it_expires() -> None:
    unknown = authorization(expires_at=None)
    assert plan(payments(unknown), "0", valid_hours=72).look_at == NOW + timedelta(hours=24)
    assert code(plan(payments(unknown), "0", valid_hours=47)) == "AUTHORIZATION_EXPIRES"


def test_all_that_the_order_costs_is_captured_before_it_expires_by_rule() -> None:
    soon = NOW + timedelta(hours=2)
    rule = {"expiring": "capture_all"}
    assert taken(plan(payments(authorization(expires_at=soon)), "0", **rule)) == [(1, "100.00", False)]
    assert taken(plan(payments(authorization("120.00", expires_at=soon)), "30.00", **rule)) == [(1, "100.00", False)]
    once = authorization(expires_at=soon, is_multiple=False)
    assert taken(plan(payments(once), "30.00", **rule)) == [(1, "100.00", False)]
    two = payments(authorization("60.00", 1), authorization("70.00", 2, expires_at=soon))
    assert taken(plan(two, "0", **rule)) == [(2, "70.00", False)]
    both = payments(authorization("60.00", 1, expires_at=soon), authorization("70.00", 2, expires_at=soon))
    assert taken(plan(both, "0", **rule)) == [(1, "60.00", False), (2, "40.00", False)]
    assert plan(payments(), "0", **rule).captures == ()


def refund(**given: Any) -> RefundedMoney:
    usual: dict[str, Any] = {
        "refund_id": 9,
        "amount": eur("20.00"),
        "returned": eur("0"),
        "has_lines": True,
        "cancels": False,
    }
    return RefundedMoney(**usual | given)


@pytest.mark.parametrize(
    ("given", "record", "is_explained"),
    [
        (refund(cancels=True), None, True),
        (refund(), None, False),
        (refund(has_lines=False), RefundRecord(shipping_off_order=True), True),
        (refund(has_lines=False), RefundRecord(duties_off_order=True), True),
        (refund(has_lines=False), RefundRecord(fees_off_order=True), True),
        (refund(has_lines=False), RefundRecord(), False),
        (refund(has_lines=False), None, False),
        (refund(), RefundRecord(shipping_off_order=True), False),
    ],
)
def test_money_given_back_for_what_was_taken_off_the_order_explains_a_difference(
    given: RefundedMoney, record: RefundRecord | None, *, is_explained: bool
) -> None:
    """Of 100.00, 30.00 were paid otherwise and 20.00 of that given back: 80.00 are invoiced, and 70.00 owed."""
    shop = payments(received="30.00", outstanding="70.00", refunds=(given,))
    found = plan(shop, "80.00", complete=True, refunds={9: record} if record is not None else {})
    assert taken(found) == ([(1, "70.00", True)] if is_explained else [])
    assert code(found) == (None if is_explained else "CAPTURE_DIFFERS")


def test_goods_that_came_back_explain_a_difference() -> None:
    """60.00 captured, goods of 30.00 came back, 10.00 given back: the buyer still owes 20.00 of the last 40.00."""
    back = refund(returned=eur("30.00"), amount=eur("10.00"))
    shop = payments(authorization("40.00"), received="60.00", outstanding="20.00", refunds=(back,))
    assert taken(plan(shop, "100.00", complete=True)) == [(1, "20.00", True)]
    assert taken(plan(shop, "90.00")) == [(1, "20.00", False)]
    assert code(plan(shop, "110.05")) == "CAPTURE_DIFFERS"
    others = refund(amount=eur("10.00"), refund_id=8)
    both = replace(shop, refunds=(back, others))
    assert taken(plan(both, "100.00", complete=True)) == [(1, "20.00", True)]


def test_a_buyer_who_is_owed_money_is_charged_nothing() -> None:
    shop = payments(received="100.00", outstanding="-30.00", refunds=(refund(returned=eur("30.00"), amount=eur("0")),))
    assert plan(shop, "100.00", complete=True) == CapturePlan()


def test_amounts_are_converted_at_the_orders_own_rate() -> None:
    def sek(amount: str) -> Money:
        return Money(Decimal(amount), "SEK")

    one = authorization(left="0", uncaptured=sek("1135.71"))
    shop = payments(
        replace(one, left=sek("1135.71")),
        placed=(eur("100.00"), sek("1135.71")),
    )
    shop = replace(shop, received=sek("0"), outstanding=sek("1135.71"))
    assert plan(shop, "30.00").captures == (Capture(1, sek("340.71"), is_final=False),)
    # 4 cents are 0.45 crowns, and one unit is allowed for each line and one for their sum
    assert plan(shop, "99.96", complete=True).captures == (Capture(1, sek("1135.71"), is_final=False),)
    assert code(plan(replace(shop, outstanding=sek("1136.19")), "100.00", complete=True)) is None
    assert code(plan(replace(shop, outstanding=sek("1136.20")), "100.00", complete=True)) == "CAPTURE_DIFFERS"
