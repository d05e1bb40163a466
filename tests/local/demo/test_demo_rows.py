"""`build/demo.json` holds the figures that the demo prints."""

from __future__ import annotations

import re
from decimal import Decimal
from io import StringIO

import pytest
from builders.root import ROOT
from rich.console import Console
from rich.table import Table

from local.demo import tables
from local.demo.systems import NOTHING_DONE, done_in_fo
from local.demo.values import (
    Account,
    Collected,
    OrderChange,
    OrderNumber,
    OrderResult,
    Parcel,
    ParkedOrder,
    Result,
    SalesOrder,
    StockLevel,
    documents,
)

MONEY = re.compile(r"-?\d+\.\d\d [A-Z]{3}")

BOOKED = OrderResult(
    order="#1001 nordlys",
    customer="Sanne de Vries",
    lines=2,
    total=Decimal("324.95"),
    currency="EUR",
    outcome="done",
    seconds=3.44,
    sales_order=SalesOrder("SN61", ("AMS", "HAM"), 3, Decimal("324.9")),
)
REFUSED = OrderResult(
    order="#1004 nordlys",
    customer="Zoé Lefèvre",
    lines=1,
    total=Decimal("18.90"),
    currency="EUR",
    outcome="parked",
    seconds=4.1,
    sales_order=None,
)
PARKED = ParkedOrder("#1004 nordlys", "SKU GHOST-1 is no item.", "operations clerk", "Release it.")
LEVEL = StockLevel("Nordlys Web", "TENT-2P", 5, 18, "AMS 14 (2 kept back), HAM 6", "18")
UNKNOWN = StockLevel("Nordlys Web", "GHOST-1", 5, 5)
CHANGE = OrderChange("refunds", "#1002 nordlys", "one of three stoves comes back", ("1 of 1 refunds", "RN61"))
ACCOUNT = Account(
    order="#1002 prairie",
    currency="USD",
    lines=(("2 x HAT-STR-ONE", (Decimal(90), Decimal("90.00"))), ("Ground", (Decimal("7.5"), Decimal("7.25")))),
    invoiced=(Decimal("130.91"), Decimal("130.90")),
    paid=(Decimal("120.91"), Decimal("130.91")),
)
PARCEL = Parcel("#1002 nordlys", "JD40AMS", "3 x STOVE-GAS from AMS", "3 x STOVE-GAS with DHL Express")
READY = Collected("#1003 prairie", "picked", "ready for pickup")
UNTOLD = Collected("#1003 prairie", "picked", "")
UNSEEN = Parcel("#1002 nordlys", "JD40HAM", "1 x BAG-DOWN from HAM", "")
NUMBER = OrderNumber("#1001 nordlys", "sales_order = SN61", "SN61")


def printed(table: Table) -> str:
    console = Console(width=240, file=StringIO(), record=True)
    console.print(table)
    return console.export_text()


@pytest.mark.parametrize(
    "result", [BOOKED, REFUSED, PARKED, LEVEL, UNKNOWN, CHANGE, PARCEL, UNSEEN, NUMBER, ACCOUNT], ids=repr
)
def test_every_row_has_the_six_texts(result: Result) -> None:
    rows = documents([result])
    assert rows
    for row in rows:
        assert list(row) == ["flow", "subject", "what", "shopify", "fo", "difference"]
        assert all(isinstance(text, str) for text in row.values())
        assert row["flow"]
        assert row["subject"]
        assert row["what"]


def test_difference_is_what_is_too_much_in_fo() -> None:
    rows = documents([ACCOUNT])
    assert [(row["flow"], row["what"], row["difference"]) for row in rows] == [
        ("orders", "2 x HAT-STR-ONE", "0.00 USD"),
        ("orders", "Ground", "-0.25 USD"),
        ("orders", "invoiced, tax included", "-0.01 USD"),
        ("payments", "paid, less money back", "10.00 USD"),
    ]
    assert all(MONEY.fullmatch(row[side]) for row in rows for side in ("shopify", "fo", "difference"))
    assert not ACCOUNT.agrees


def test_what_is_not_in_fo_is_not_compared() -> None:
    (refused,) = documents([REFUSED])
    (unknown,) = documents([UNKNOWN])
    assert (refused["shopify"], refused["fo"], refused["difference"]) == ("18.90 EUR", "", "")
    assert (unknown["shopify"], unknown["fo"], unknown["difference"]) == ("5", "", "")


def test_stock_is_compared_in_pieces() -> None:
    (level,) = documents([LEVEL])
    assert (level["subject"], level["shopify"], level["fo"], level["difference"]) == (
        "TENT-2P, Nordlys Web",
        "18",
        "18",
        "0",
    )


@pytest.mark.parametrize(
    ("table", "results"),
    [
        (tables.orders([BOOKED, REFUSED]), [BOOKED, REFUSED]),
        (tables.parked([PARKED]), [PARKED]),
        (tables.stock([LEVEL, UNKNOWN]), [LEVEL, UNKNOWN]),
        (tables.stock_changes([LEVEL]), [LEVEL]),
        (tables.changes([CHANGE]), [CHANGE]),
        (tables.parcels([PARCEL, UNSEEN]), [PARCEL, UNSEEN]),
        (tables.collected([READY, UNTOLD]), [READY, UNTOLD]),
        (tables.accounts([ACCOUNT]), [ACCOUNT]),
    ],
    ids=["orders", "parked", "stock", "stock changes", "changes", "parcels", "collected", "accounts"],
)
def test_tables_print_what_the_rows_hold(table: Table, results: list[Result]) -> None:
    text = printed(table)
    for row in documents(results):
        held = [row["subject"].partition(", ")[0], row["shopify"], *row["fo"].split("; ")]
        assert [each for each in held if each not in text] == []


def test_accounts_print_each_difference() -> None:
    text = printed(tables.accounts([ACCOUNT]))
    assert [each for each in (" 0.00 USD", " -0.25 USD", " -0.01 USD", " 10.00 USD") if each not in text] == []


def test_parts_of_a_note_without_a_change_in_fo_are_left_out() -> None:
    assert done_in_fo("LAMP-HEAD on line 2: quantity 2 -> 1; no money has moved; no refunds") == (
        "LAMP-HEAD on line 2: quantity 2 -> 1"
    )
    assert done_in_fo("F&O has the order as it is; no money has moved; no refunds") == ""


@pytest.mark.parametrize("beginning", NOTHING_DONE)
def test_what_is_left_out_of_a_note_is_what_the_app_writes(beginning: str) -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "shared/sync").rglob("*.py")]
    assert any(f'"{beginning}' in source for source in sources)
