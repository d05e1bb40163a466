"""OData values in the F&O simulator: read strictly, written exactly."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from local.d365 import edm
from local.d365.csdl import EnumType, Property
from local.d365.edm import TypeMismatchError

YES_NO = EnumType("X.NoYes", {"No": 0, "Yes": 1})
ZONES = EnumType("X.Timezone", {"GMT": 24})


def prop(type_name: str, name: str = "Field", *, nullable: bool = True, enum: EnumType | None = None) -> Property:
    return Property(name, type_name, nullable, enum)


@pytest.mark.parametrize(
    ("field", "raw", "value"),
    [
        (prop("Edm.String"), " leading blank", " leading blank"),
        (prop("Edm.String"), None, ""),
        (prop("Edm.Decimal"), Decimal("0.1"), Decimal("0.1")),
        (prop("Edm.Decimal"), 2, Decimal(2)),
        (prop("Edm.Int64"), 5637144576, 5637144576),
        (prop("Edm.Boolean"), True, True),
        (prop("X.NoYes", enum=YES_NO), "Yes", "Yes"),
        (prop("X.NoYes", enum=YES_NO), None, None),
        (prop("Edm.DateTimeOffset"), "2026-07-23", datetime(2026, 7, 23, 12, tzinfo=UTC)),
        (prop("Edm.DateTimeOffset"), "2026-07-23T23:59:00Z", datetime(2026, 7, 23, 12, tzinfo=UTC)),
        (
            prop("Edm.DateTimeOffset", "OrderCreationDateTime"),
            "2026-07-30T10:58:53.25+02:00",
            datetime(2026, 7, 30, 8, 58, 53, tzinfo=UTC),
        ),
        (prop("Edm.Guid"), "0F1D7A2E-0000-0000-0000-000000000000", "0f1d7a2e-0000-0000-0000-000000000000"),
    ],
)
def test_a_value_of_the_right_type_is_kept(field: Property, raw: Any, value: Any) -> None:
    assert edm.read(field, raw) == value


@pytest.mark.parametrize(
    ("field", "raw"),
    [
        (prop("Edm.String"), 5),
        (prop("Edm.Decimal"), "2.5"),
        (prop("Edm.Decimal"), True),
        (prop("Edm.Decimal", nullable=False), None),
        (prop("Edm.Int32"), 2**31),
        (prop("Edm.Int32"), Decimal("1.5")),
        (prop("X.NoYes", enum=YES_NO), "yes"),
        (prop("X.NoYes", enum=YES_NO), 1),
        (prop("X.NoYes", enum=YES_NO), True),
        (prop("Edm.DateTimeOffset"), "2026-02-30"),
        (prop("Edm.DateTimeOffset"), "2026-07-23T10:00:00"),
        (prop("Edm.DateTimeOffset"), "tomorrow"),
        (prop("Edm.Guid"), "not-a-guid"),
        (prop("Edm.Binary"), "%%%"),
    ],
)
def test_a_value_of_another_type_is_refused(field: Property, raw: Any) -> None:
    with pytest.raises(TypeMismatchError):
        edm.read(field, raw)


def test_an_unset_field_shows_as_f_and_o_shows_it() -> None:
    assert edm.default(prop("Edm.String")) == ""
    assert edm.default(prop("Edm.Decimal")) == 0
    assert edm.default(prop("X.NoYes", enum=YES_NO)) == "No"
    assert edm.default(prop("X.Timezone", enum=ZONES)) is None
    assert edm.dumps(edm.default(prop("Edm.DateTimeOffset", "ShippingDate"))) == '"1900-01-01T12:00:00Z"'
    assert edm.dumps(edm.default(prop("Edm.DateTimeOffset", "AddressValidFrom"))) == '"1900-01-01T00:00:00Z"'


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("389.45", "389.45"),
        ("150.00", "150"),
        ("1500", "1500"),
        ("0.000", "0"),
        ("-0.0", "0"),
        ("1E+3", "1000"),
        ("-5.10", "-5.1"),
        ("12345678901234567890.12", "12345678901234567890.12"),
    ],
)
def test_amounts_are_written_exactly_and_without_trailing_zeros(number: str, written: str) -> None:
    assert edm.dumps({"a": [Decimal(number)]}) == f'{{"a":[{written}]}}'


def test_json_keeps_every_digit_and_refuses_what_is_no_json() -> None:
    assert edm.loads('{"a": 0.1000000000000000055}')["a"] == Decimal("0.1000000000000000055")
    for text in ("NaN", '{"a": Infinity}', "{", b"\xff"):
        with pytest.raises(ValueError):
            edm.loads(text)
