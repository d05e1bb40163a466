"""When a value of the shop is the same as F&O's."""

from decimal import Decimal

import pytest

from shared.mapping.products.shop.owned import changed_metafields, owned_fields, same_code, same_weight
from shared.model import Metafield, Weight


def test_what_is_given_once_is_sent_of_something_new_only() -> None:
    new, old = owned_fields(frozenset({"title"}), is_new=True), owned_fields(frozenset({"title"}), is_new=False)
    assert (new("title"), old("title"), old("vendor")) == (True, False, True)


def weight(value: str, unit: str = "KILOGRAMS") -> Weight:
    return Weight(Decimal(value), unit)


def test_a_weight_is_the_same_but_for_a_milligram() -> None:
    assert same_weight(weight("1.5"), weight("1.50"))
    assert same_weight(weight("0.3333333"), weight("0.33333331"))
    assert not same_weight(weight("1.5"), weight("1.501"))
    assert not same_weight(weight("1.500001"), weight("1.5"))
    assert not same_weight(weight("1.5"), weight("1.5", "POUNDS"))
    assert not same_weight(weight("1.5"), None)


def test_punctuation_in_an_hs_code_does_not_matter() -> None:
    assert same_code("6306.22", "630622")
    assert not same_code("630622", None)


@pytest.mark.parametrize(
    ("type_", "wanted", "shown"),
    [
        ("number_decimal", "1.50", "1.5"),
        ("number_integer", "007", "7"),
        ("date_time", "2026-11-29T10:00:00Z", "2026-11-29T10:00:00+00:00"),
        ("json", '{"a": 1}', '{"a":1}'),
        ("money", '{"amount": "5.00", "currency_code": "EUR"}', '{"currency_code":"EUR","amount":"5.0"}'),
        ("single_line_text_field", "Nylon", "Nylon"),
    ],
)
def test_a_metafield_is_the_same_however_its_value_is_written(type_: str, wanted: str, shown: str) -> None:
    assert changed_metafields([Metafield("custom", "x", type_, wanted)], [Metafield("custom", "x", type_, shown)]) == ()


@pytest.mark.parametrize(
    ("type_", "wanted", "shown"),
    [
        ("number_decimal", "1.50", "1.6"),
        ("number_decimal", "1.50", "?"),
        ("single_line_text_field", "1.50", "1.5"),
        ("money", '{"amount": "5.00", "currency_code": "EUR"}', '{"currency_code":"USD","amount":"5.0"}'),
    ],
)
def test_a_metafield_with_another_value_is_sent(type_: str, wanted: str, shown: str) -> None:
    field = Metafield("custom", "x", type_, wanted)
    assert changed_metafields([field], [Metafield("custom", "x", type_, shown)]) == (field,)


def test_a_metafield_that_the_shop_lacks_is_sent_and_others_stay() -> None:
    field = Metafield("custom", "x", "boolean", "true")
    assert changed_metafields([field], [Metafield("custom", "y", "boolean", "true")]) == (field,)


def test_the_apps_own_namespaces_are_known_in_shopifys_words() -> None:
    own = [Metafield("$app", "x", "boolean", "true"), Metafield("$app:fo", "x", "boolean", "true")]
    shown = [each._replace(namespace=name) for each, name in zip(own, ["app--12", "app--12--fo"], strict=True)]
    assert changed_metafields(own, shown) == ()
    assert changed_metafields(own, shown[:1]) == (own[1],)
    assert changed_metafields([own[0]._replace(namespace="custom")], shown) != ()
