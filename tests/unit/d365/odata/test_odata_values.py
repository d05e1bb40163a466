"""Values on their way to F&O and back: literals, keys, filters, exact JSON."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.d365.odata.exact_json import decode, encode
from shared.d365.odata.filters import all_of, any_of, chunks, eq
from shared.d365.odata.literals import keyed, literal


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("O'Hara's", "'O''Hara''s'"),
        (" RFI-1", "' RFI-1'"),
        (5637144576, "5637144576"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.10"), "0.10"),
        (True, "true"),
        (date(2026, 7, 14), "2026-07-14T12:00:00Z"),
        (datetime(2026, 7, 14, 1, 30, tzinfo=timezone(timedelta(hours=2))), "2026-07-13T23:30:00Z"),
    ],
)
def test_a_value_is_written_as_odata_wants_it(value, text):
    assert literal(value) == text


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="ambiguous"):
        literal(datetime(2026, 7, 14))  # noqa: DTZ001 -- that is the point


def test_a_key_keeps_its_blanks_and_quotes_through_the_url():
    path = keyed("ReleasedProductsV2", {"dataAreaId": "dat", "ItemNumber": " A/B'C?&#%"})
    assert path == "ReleasedProductsV2(dataAreaId='dat',ItemNumber='%20A%2FB''C%3F%26%23%25')"


@given(st.text())
def test_no_text_can_leave_its_literal(text):
    inside = unquote(keyed("Set", {"Field": text})).removeprefix("Set(Field='").removesuffix("')")
    assert inside.replace("''", "") == inside.replace("''", "").replace("'", "")
    assert inside.replace("''", "'") == text


def test_filters_compose():
    assert all_of(any_of("A", ["x", "y"]), eq("B", 1)) == "(A eq 'x' or A eq 'y') and B eq 1"


def test_a_choice_of_nothing_is_refused_rather_than_left_out():
    with pytest.raises(ValueError, match="no value"):
        any_of("ItemNumber", [])


@given(st.lists(st.text(min_size=1, max_size=40), max_size=60))
def test_chunks_keep_every_value_and_the_room(values):
    pieces = list(chunks("ItemNumber", values, room=500))
    assert " or ".join(piece[1:-1] for piece in pieces) == " or ".join(eq("ItemNumber", value) for value in values)


def test_chunks_stay_below_the_room_in_encoded_characters():
    pieces = list(chunks("ItemNumber", ["ÄÖÜ/" * 5] * 40, room=500))
    assert [len(quote(piece, safe="")) <= 500 for piece in pieces] == [True] * 14


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=6))
def test_an_amount_keeps_every_digit_in_json(amount):
    assert decode(encode({"LineAmount": amount})) == {"LineAmount": amount}
    assert "E" not in encode(amount)


def test_json_reads_every_number_as_decimal():
    row = decode('{"a": 150, "b": 389.45, "c": 5637145331}')
    assert row == {"a": Decimal(150), "b": Decimal("389.45"), "c": Decimal(5637145331)}
    assert {type(value) for value in row.values()} == {Decimal}


def test_json_writes_what_f_and_o_reads():
    record = {"day": date(2026, 7, 23), "at": datetime(2026, 7, 23, 8, tzinfo=UTC), "n": [1, None, True, 'q"ß']}
    assert encode(record) == (
        '{"day":"2026-07-23T12:00:00Z","at":"2026-07-23T08:00:00Z","n":[1,null,true,"q\\"\\u00df"]}'
    )


@pytest.mark.parametrize("value", [0.1, Decimal("NaN"), Decimal("Infinity"), object()])
def test_json_refuses_what_is_not_exact(value):
    with pytest.raises(TypeError, match="exact"):
        encode({"LineAmount": value})


def test_json_refuses_nan():
    with pytest.raises(ValueError, match="not a JSON number"):
        decode('{"a": NaN}')
