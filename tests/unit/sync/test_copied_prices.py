"""Return orders where F&O may give the lines the price of the lot that comes back."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.errors import OutcomeUnknownError, RefusedError
from shared.rules import StoreRules
from shared.sync.refunds import RefundsReport, converge_refunds
from tests.builders.refunds import Books, back, beside, link, refund, rules, state
from tests.builders.sales import euros, line, order, with_rules

# 30.00 less 10.00 for three: each has cost 6.67, 6.67 or 6.66.
SALE = order(line(1, euros("10.00"), 3, discount=euros("10.00")))
TWO_BACK = refund(back(1, 2, "13.34"))
LINKED = link(SALE)


def store(known: str, **changes: object) -> StoreRules:
    return with_rules(rules(**changes), tenant={"return_price": known})


def sold(kind: str, odd: str = "price_unit") -> Books:
    books = Books()
    books.fo.return_price = kind
    books.fo.sell(SALE, odd=odd)
    return books


async def converge(books: Books, applied: StoreRules, given_back=TWO_BACK) -> RefundsReport:
    return await converge_refunds(state(SALE, given_back), link=LINKED, rules=applied, ports=books.ports, now=books.now)


def held(books: Books) -> str:
    (header,) = books.fo.tables["ReturnOrderHeadersV2"]
    held: str = header["IsReturnProcessingStopped"]
    return held


def on_invoice(books: Books) -> list[tuple[str, Decimal]]:
    lines = books.fo.tables["FreeTextInvoiceLines"]
    return [(row["Description"], row["TransactionCurrencyAmount"]) for row in lines]


@pytest.mark.parametrize("known", ["copied", "unknown"])
async def test_what_a_copied_price_leaves_is_credited_beside_the_return(known: str):
    books = sold("copied")
    report = await converge(books, store(known))
    # Two at 20.00 for three are 13.33; a cent is left of 13.34.
    assert [row["LineAmount"] for row in books.fo.tables["ReturnOrderLinesV2"]] == [Decimal("-13.33")]
    assert on_invoice(books) == [("Refund: discrepancy", Decimal("-0.01"))]
    assert held(books) == "No"
    assert books.credited() == euros("13.34")
    components = report.evidence["801"]["components"]
    assert {row["name"]: row["fo"] for row in components} == {
        "goods_returned": "13.33 EUR",
        "discrepancy": "0.01 EUR",
    }


@pytest.mark.parametrize(
    ("kind", "left"),
    [("copied", None), ("copied_with_charges", "-0.01")],  # 2 x 6.67 = 13.34; less the charge of 0.01
)
async def test_a_line_with_a_charge_is_credited_whether_f_and_o_copies_the_charge_or_not(kind: str, left: str | None):
    books = sold(kind, odd="charge")
    await converge(books, store("unknown"))
    assert on_invoice(books) == ([("Refund: discrepancy", Decimal(left))] if left else [])
    assert books.credited() == euros("13.34")


async def test_the_rest_stands_beside_the_refunds_other_credits():
    books = sold("copied")
    await converge(books, store("unknown"), refund(back(1, 2, "13.34"), adjustments=[beside("-2.00", "restock")]))
    assert on_invoice(books) == [("Refund: restocking fee", Decimal("2.00")), ("Refund: discrepancy", Decimal("-0.01"))]
    assert books.credited() == euros("11.34")


async def test_where_f_and_o_is_known_to_take_the_price_no_other_is_accepted():
    books = sold("copied")
    with pytest.raises(RefusedError) as refused:
        await converge(books, store("given"))
    assert refused.value.code == "FO_REFUND_DIFFERS"
    assert held(books) == "Yes"
    assert on_invoice(books) == []


@pytest.mark.parametrize("known", ["copied", "unknown"])
async def test_an_amount_that_no_price_explains_is_held(known: str):
    books = sold("copied")
    books.fo.dearer_by = Decimal("0.50")
    with pytest.raises(RefusedError) as refused:
        await converge(books, store(known))
    assert refused.value.code == "FO_REFUND_DIFFERS"
    assert refused.value.details["booked"] == "-12.83"
    assert refused.value.details["expected"] == "-13.34"
    assert refused.value.proof["totals"][0]["difference"] == "-0.51 EUR"
    assert held(books) == "Yes"
    assert on_invoice(books) == []

    books.fo.dearer_by = Decimal(0)
    books.fo.tables["ReturnOrderLinesV2"][0]["LineAmount"] = Decimal("-13.33")  # corrected by a person
    await converge(books, store(known))
    assert held(books) == "No"
    assert books.credited() == euros("13.34")


async def test_without_an_account_for_the_rest_nothing_is_written():
    books = sold("copied")
    with pytest.raises(RefusedError) as refused:
        await converge(books, store("unknown", without=["discrepancy"]))
    assert refused.value.code == "AMOUNT_WITHOUT_RULE"
    assert refused.value.details["key"] == "refunds.accounts.discrepancy"
    assert books.writes == []


async def test_whole_prices_need_no_account_for_a_rest():
    whole = order(line(1, euros("10.00"), 3))
    books = Books()
    books.fo.return_price = "copied"
    books.fo.sell(whole)
    applied = store("unknown", without=["discrepancy"])
    given_back = refund(back(1, 2, "20.00"))
    await converge_refunds(state(whole, given_back), link=link(whole), rules=applied, ports=books.ports, now=books.now)
    assert books.credited() == euros("20.00")
    assert held(books) == "No"


@pytest.mark.parametrize("served", [True, False], ids=["answer lost", "request lost"])
async def test_an_attempt_that_breaks_anywhere_is_completed_by_the_next(*, served: bool):
    applied = store("unknown")
    calm = sold("copied")
    await converge(calm, applied)
    breaks = 0
    for at, call in enumerate(calm.writes):
        books = sold("copied")
        nth = calm.writes[:at].count(call)
        books.fo.losses = {call: [None] * nth + [served]}
        with pytest.raises(OutcomeUnknownError):
            await converge(books, applied)
        breaks += 1
        books.pass_by(hours=1)
        await converge(books, applied)
        assert books.credited() == euros("13.34"), call
        assert on_invoice(books) == [("Refund: discrepancy", Decimal("-0.01"))]
        assert held(books) == "No"
    assert breaks >= 4


async def test_a_person_who_releases_the_return_order_early_loses_no_rest():
    books = sold("copied")
    books.fo.losses = {"POST FreeTextInvoiceHeaders": [False]}
    with pytest.raises(OutcomeUnknownError):
        await converge(books, store("unknown"))
    books.fo.tables["ReturnOrderHeadersV2"][0]["IsReturnProcessingStopped"] = "No"
    books.pass_by(hours=1)
    await converge(books, store("unknown"))
    assert books.credited() == euros("13.34")
