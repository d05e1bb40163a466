"""Sales lines of which F&O gave up units: what Shopify takes off of them is off the sales order already."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from shared.mapping.orders.matching import without_given_up
from shared.model import Component, FoLine, FoStatus, LineKind, source_of


@dataclass(frozen=True)
class Line:
    id: int
    quantity: int
    kind: LineKind = LineKind.PRODUCT


@dataclass(frozen=True)
class Order:
    lines: tuple[Line, ...]
    currency: str = "EUR"


def fo_line(lot, quantity, remaining, **fields):
    price = Decimal("11.797")
    whole = FoLine(
        order="SN1",
        lot=lot,
        number=Decimal(1),
        item="BAG",
        external="7",
        description="",
        warehouse="AMS",
        quantity=Decimal(quantity),
        remaining=Decimal(remaining),
        to_invoice=Decimal(0),
        price=price,
        price_unit=Decimal(1),
        discount=Decimal(0),
        charges=Decimal(0),
        amount=(price * quantity).quantize(Decimal("0.01")),
        sales_tax_group="",
        item_tax_group="",
        fields={},
        status=FoStatus.OPEN,
    )
    return replace(whole, **fields)


SOURCE = source_of(Component.PRODUCTS, 7)


def shortened(quantity, *lines, **given_up):
    own = without_given_up({SOURCE: lines}, Order((Line(7, quantity),)), given_up, {})
    return [(line.lot, int(line.quantity), int(line.done), str(line.amount)) for line in own[SOURCE]]


@pytest.mark.parametrize(
    ("quantity", "given_up", "expected"),
    [
        (3, {"A": "1"}, [("A", 3, 1, "35.39")]),
        (2, {"A": "1"}, [("A", 2, 0, "23.59")]),
        (1, {"A": "1"}, [("A", 2, 0, "23.59")]),
        (2, {}, [("A", 3, 1, "35.39")]),
        (2, {"B": "1"}, [("A", 3, 1, "35.39")]),
        (0, {"A": "3"}, []),
    ],
)
def test_units_that_both_sides_took_off_were_never_ordered(quantity, given_up, expected):
    assert shortened(quantity, fo_line("A", 3, 2), **given_up) == expected


def test_units_are_taken_off_one_line_after_the_other():
    lines = [fo_line("A", 2, 0), fo_line("B", 2, 1)]
    assert shortened(1, *lines, A="2", B="1") == [("B", 1, 0, "11.80")]
    assert shortened(3, *lines, A="2", B="1") == [("A", 1, 1, "11.80"), ("B", 2, 1, "23.59")]
    assert shortened(5, *lines, A="2", B="1") == [("A", 2, 2, "23.59"), ("B", 2, 1, "23.59")]
