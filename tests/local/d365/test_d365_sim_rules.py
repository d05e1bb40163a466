"""The simulator's pure arithmetic: prices, stock, statuses, numbers, change sets."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.d365.inventory import Bin, Claim, NotEnoughError, Stock, claim, issue, release
from local.d365.pricing import line_amount
from local.d365.sequences import FIRST_RECORD_ID, NumberSequences
from local.d365.statuses import Progress, line_status, order_status, processing_status
from local.d365.tables import Journal, Table

PLACE = Bin("web", "LAMP", ("", "", "", "", ""), "1", "11")
QUANTITIES = st.decimals(0, 1000, places=2)


ONE = {"discount": "0", "discount_percent": "0", "price_unit": "1"}


@pytest.mark.parametrize(
    ("figures", "currency", "amount"),
    [
        (ONE | {"quantity": "10", "price": "150"}, "USD", "1500"),
        (ONE | {"quantity": "2", "price": "49.95", "discount": "5"}, "USD", "89.90"),
        (ONE | {"quantity": "3", "price": "10", "discount_percent": "33.333"}, "EUR", "20.00"),
        (ONE | {"quantity": "1", "price": "0.125"}, "EUR", "0.13"),
        (ONE | {"quantity": "-1", "price": "0.125"}, "EUR", "-0.13"),
        (ONE | {"quantity": "1", "price": "199.5"}, "JPY", "200"),
        (ONE | {"quantity": "1", "price": "1.2345"}, "KWD", "1.235"),
        (ONE | {"quantity": "250", "price": "3.99", "price_unit": "100"}, "EUR", "9.98"),
        (ONE | {"quantity": "2", "price": "100", "discount": "10", "discount_percent": "50"}, "EUR", "90"),
        (ONE | {"quantity": "3", "price": "10", "discount": "3.33", "charges": "-0.01"}, "EUR", "20.00"),
        (ONE | {"quantity": "-3", "price": "10", "discount": "3.33", "charges": "-0.01"}, "EUR", "-20.00"),
    ],
)
def test_a_line_costs_what_f_and_o_makes_of_it(figures: dict[str, str], currency: str, amount: str) -> None:
    computed = line_amount(**{name: Decimal(text) for name, text in figures.items()}, currency=currency)
    assert computed == Decimal(amount)


def test_a_shortage_is_reserved_as_far_as_stock_goes() -> None:
    stock, held = claim(Stock(physical=Decimal(5), reserved=Decimal(2)), PLACE, Decimal(10), reserve=True)
    assert (held.reserved, held.on_order) == (3, 7)
    assert (stock.available, stock.reserved, stock.on_order) == (0, 5, 7)
    assert stock.total_available == -7


def test_without_reservation_everything_is_on_order() -> None:
    stock, held = claim(Stock(physical=Decimal(5)), PLACE, Decimal(2), reserve=False)
    assert (held.reserved, held.on_order) == (0, 2)
    assert stock.available == 5


def test_stock_below_zero_gives_nothing_to_reserve() -> None:
    _, held = claim(Stock(physical=Decimal(1), reserved=Decimal(4)), PLACE, Decimal(2), reserve=True)
    assert (held.reserved, held.on_order) == (0, 2)


def test_a_returned_line_announces_a_receipt_and_brings_it() -> None:
    stock, held = claim(Stock(physical=Decimal(1)), PLACE, Decimal(-2), reserve=True)
    assert (stock.ordered, held.receipt) == (2, 2)
    stock, held = issue(stock, held, Decimal(-2))
    assert (stock.physical, stock.ordered, held.receipt) == (3, 0, 0)


def test_goods_reserved_for_others_do_not_leave() -> None:
    with pytest.raises(NotEnoughError):
        issue(Stock(physical=Decimal(5), reserved=Decimal(5)), Claim(PLACE, on_order=Decimal(1)), Decimal(1))


@given(physical=QUANTITIES, wanted=QUANTITIES.filter(bool), reserve=st.booleans())
def test_giving_back_a_claim_leaves_no_trace(*, physical: Decimal, wanted: Decimal, reserve: bool) -> None:
    before = Stock(physical=physical, reserved=physical / 2)
    stock, held = claim(before, PLACE, wanted, reserve=reserve)
    assert held.reserved + held.on_order == wanted
    assert release(stock, held) == before


@given(physical=QUANTITIES, wanted=QUANTITIES.filter(bool), share=st.decimals(0, 1, places=2))
def test_what_leaves_was_there(physical: Decimal, wanted: Decimal, share: Decimal) -> None:
    stock, held = claim(Stock(physical=physical), PLACE, wanted, reserve=True)
    leaving = (held.reserved * share).quantize(Decimal("0.01"))
    after, left = issue(stock, held, leaving)
    assert after.physical == physical - leaving
    assert after.physical >= after.reserved >= 0
    assert left.reserved + left.on_order == wanted - leaving


@pytest.mark.parametrize(
    ("delivered", "invoiced", "canceled", "status"),
    [(0, 0, 0, "Backorder"), (3, 0, 0, "Backorder"), (5, 0, 0, "Delivered"), (5, 3, 0, "Delivered"),
     (5, 5, 0, "Invoiced"), (0, 0, 5, "Canceled"), (3, 3, 2, "Invoiced")],
)  # fmt: skip
def test_a_lines_status_follows_its_quantities(delivered: int, invoiced: int, canceled: int, status: str) -> None:
    progress = Progress(Decimal(delivered), Decimal(invoiced), Decimal(canceled))
    assert line_status(Decimal(5), progress) == status


@pytest.mark.parametrize(
    ("lines", "status"),
    [([], "None"), (["Invoiced", "Backorder"], "Backorder"), (["Invoiced", "Delivered", "Canceled"], "Delivered"),
     (["Invoiced", "Canceled"], "Invoiced"), (["Canceled"], "Canceled")],
)  # fmt: skip
def test_an_order_is_as_far_as_its_least_advanced_line(lines: list[str], status: str) -> None:
    assert order_status(lines) == status


@pytest.mark.parametrize(
    ("status", "delivered", "invoiced", "current", "processing"),
    [
        ("None", 0, 0, "Active", "Active"),
        ("Backorder", 0, 0, "Confirmed", "Confirmed"),
        ("Backorder", 0, 0, "PartiallyDelivered", "Active"),
        ("Backorder", 1, 0, "Confirmed", "PartiallyDelivered"),
        ("Backorder", 1, 1, "PartiallyDelivered", "PartiallyInvoiced"),
        ("Delivered", 5, 0, "Picked", "Delivered"),
        ("Delivered", 5, 1, "Delivered", "DeliveredPartiallyInvoiced"),
        ("Invoiced", 5, 5, "Delivered", "Invoiced"),
        ("Canceled", 0, 0, "Confirmed", "Canceled"),
    ],
)
def test_processing_status_follows_the_documents(
    status: str,
    delivered: int,
    invoiced: int,
    current: str,
    processing: str,
) -> None:
    progress = [Progress(Decimal(delivered), Decimal(invoiced))]
    assert processing_status(status, progress, current) == processing


def test_each_company_counts_its_own_numbers_and_passes_over_taken_ones() -> None:
    numbers = NumberSequences()
    taken = {"DAT-000002"}
    drawn = [numbers.draw("dat", "sales order", taken.__contains__) for _ in range(2)]
    assert drawn == ["DAT-000001", "DAT-000003"]
    assert numbers.draw("web", "sales order", taken.__contains__) == "WEB-000001"
    assert numbers.draw("dat", "customer", taken.__contains__) == "DAT-000001"
    numbers.set_next("dat", "sales order", 24)
    assert numbers.draw("dat", "sales order", taken.__contains__) == "DAT-000024"
    assert numbers.record_id() == FIRST_RECORD_ID


class MishapError(Exception):
    pass


def change_both(journal: Journal, table: Table[str, int]) -> None:
    """A change set that replaces, adds and (inside another) removes before it fails."""
    with journal.change_set():
        table.put("new", 3)
        table.put("kept", 4)
        with journal.change_set():
            table.remove("removed")
        raise MishapError


def test_a_change_set_that_fails_leaves_the_tables_as_they_were() -> None:
    journal = Journal()
    table: Table[str, int] = Table(journal)
    with journal.change_set():
        table.put("kept", 1)
        table.put("removed", 2)
    with pytest.raises(MishapError):
        change_both(journal, table)
    assert dict(table.items()) == {"kept": 1, "removed": 2}
