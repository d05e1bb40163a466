"""What the app remembers in a product's metafield."""

import json

import pytest

from shared.mapping.products.shop.given import (
    Given,
    GivenPicture,
    GivenText,
    Shown,
    Withheld,
    given_metafield,
    item_metafield,
)

FULL = Given(
    tags=frozenset({"b", "a"}),
    texts={"title": GivenText("1", "2")},
    pictures={"main": GivenPicture("abc", 77)},
    tax_codes="ff",
    withheld={500: Withheld(sold_beyond_stock=True, tracked=False)},
    shown=Shown.WITHDRAWN,
    to_give=frozenset({"images"}),
)


def test_what_is_written_is_read_again() -> None:
    assert Given.of_text(FULL.text) == FULL
    assert Given.of_text(Given().text) == Given()


def test_the_same_content_has_the_same_text() -> None:
    other = json.dumps(dict(reversed(json.loads(FULL.text).items())), indent=1)
    assert Given.of_text(other).text == FULL.text
    assert Given().text == "{}"


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"pictures": {"a": 1}}', '{"withheld": {"x": [true, true]}}'])
def test_what_the_app_did_not_write_counts_as_nothing(text: str) -> None:
    assert Given.of_text(text) == Given()


def test_the_metafields_are_the_apps_own() -> None:
    assert item_metafield(" 0042 ") == ("$app", "item", "id", " 0042 ")
    assert given_metafield(Given()) == ("$app", "given", "json", "{}")
