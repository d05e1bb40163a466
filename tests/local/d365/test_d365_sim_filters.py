"""What $filter means to the F&O simulator."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from local.d365.csdl import EntitySet, EnumType, Property
from local.d365.filters import FilterError, compile_filter, values_of

STATUS = EnumType("Microsoft.Dynamics.DataEntities.SalesStatus", {"None": 0, "Backorder": 1})
PROPERTIES = [
    Property("Name", "Edm.String", nullable=True),
    Property("Quantity", "Edm.Decimal", nullable=False),
    Property("Count", "Edm.Int32", nullable=False),
    Property("ShippingDate", "Edm.DateTimeOffset", nullable=False),
    Property("SysModifiedDateTime", "Edm.DateTimeOffset", nullable=False),
    Property("Status", STATUS.name, nullable=True, enum=STATUS),
]
ORDERS = EntitySet("Orders", "Test.Order", ("Name",), {p.name: p for p in PROPERTIES}, {})
ROW = {
    "Name": "O'Neill Retail",
    "Quantity": Decimal("2.50"),
    "Count": 3,
    "ShippingDate": datetime(2026, 8, 1, 12, tzinfo=UTC),
    "SysModifiedDateTime": datetime(2026, 8, 1, 9, 30, tzinfo=UTC),
    "Status": "Backorder",
}


@pytest.mark.parametrize(
    "text",
    [
        "Name eq 'O''Neill Retail'",
        "Name eq 'o''neill retail'",  # the database compares text without case
        "Name eq '*retail*'",
        "Name eq 'O*'",
        "Name ne '*wholesale'",
        "Quantity eq 2.5 and Count eq 3",
        "Quantity gt 2 and Quantity lt 3",
        "Count ge 3 and Count le 3",
        "3 eq Count",
        "Count eq 9 or Count eq 3",
        "not (Count eq 9)",
        "Count eq 3 or Count eq 4 and Count eq 9",  # and binds tighter
        "(Count eq 3 or Count eq 4) and Count ne 9",
        "Status eq Microsoft.Dynamics.DataEntities.SalesStatus'Backorder'",
        "Status ne null",
        "ShippingDate eq 2026-08-01T12:00:00Z",
        "ShippingDate eq 2026-08-01T00:00:00Z",  # days compare as days
        "SysModifiedDateTime gt 2026-08-01T09:29:59Z",
        "SysModifiedDateTime eq 2026-08-01T11:30:00+02:00",
    ],
)
def test_a_filter_that_fits_finds_the_row(text: str) -> None:
    assert compile_filter(text, ORDERS)(ROW)


@pytest.mark.parametrize(
    "text",
    [
        "Name eq 'Retail'",
        "Name ne '*retail*'",
        "Quantity gt 2.5",
        "not (Count eq 3)",
        "(Count eq 3 or Count eq 4) and Count eq 9",
        "Status eq Microsoft.Dynamics.DataEntities.SalesStatus'None'",
        "ShippingDate gt 2026-08-01T00:00:00Z",
        "SysModifiedDateTime gt 2026-08-01T09:30:00Z",
    ],
)
def test_a_filter_that_does_not_fit_passes_the_row_over(text: str) -> None:
    assert not compile_filter(text, ORDERS)(ROW)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Nam eq 'x'", "Could not find a property named 'Nam'"),
        ("Name in ('a','b')", "'in' is not supported"),
        ("contains(Name,'x')", "function 'contains' is not supported"),
        ("startswith(Name,'x') eq true", "function 'startswith' is not supported"),
        ("Status has Microsoft.Dynamics.DataEntities.SalesStatus'None'", "'has' is not supported"),
        ("Status eq 'Backorder'", "incompatible types"),
        ("Status eq Microsoft.Dynamics.DataEntities.SalesStatus'Open'", "not a valid enumeration"),
        ("Status eq Microsoft.Dynamics.DataEntities.NoYes'No'", "incompatible types"),
        ("Status gt Microsoft.Dynamics.DataEntities.SalesStatus'None'", "eq and ne only"),
        ("Quantity eq '2.5'", "incompatible types"),
        ("Name eq 5", "incompatible types"),
        ("ShippingDate eq '2026-08-01'", "incompatible types"),
        ("ShippingDate eq 2026-08-01", "Syntax error"),
        ("ShippingDate eq 2026-13-01T00:00:00Z", "no date"),
        ("Name eq 'open", "Syntax error"),
        ("Name eq", "ends too early"),
        ("(Count eq 3", "ends too early"),
        ("Count eq 3)", "is not expected"),
        ("Lines/any(l: l/Count eq 1)", "Navigation"),
        ("", "ends too early"),
    ],
)
def test_a_filter_that_f_and_o_would_not_answer_is_refused(text: str, reason: str) -> None:
    with pytest.raises(FilterError, match=reason.replace("(", r"\(")):
        compile_filter(text, ORDERS)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Name eq 'Lamp'", {"lamp"}),
        ("Count eq 3 and (Name eq 'Lamp' or Name eq 'tent')", {"lamp", "tent"}),
        ("Name eq 'Lamp' or Count eq 3", None),
        ("not (Name eq 'Lamp')", None),
        ("Name eq 'L*'", None),
        ("Name ne 'Lamp'", None),
        ("Count eq 3", None),
    ],
)
def test_a_filter_tells_which_values_of_a_field_it_leaves(text: str, values: set[str] | None) -> None:
    assert values_of(compile_filter(text, ORDERS), "Name") == values
