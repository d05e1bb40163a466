"""Hostile orders take work in proportion to their size. `make bench` measures the time."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from builders.counted import calls_of, growth
from builders.orders import line, money_set, order_payload, parsed, tax_line
from builders.sales import EU

from shared.errors import RefusedError
from shared.mapping.customers import customer_identity, customer_record
from shared.mapping.shopify.edits.shares import ONE_BY_ONE
from shared.mapping.shopify.order import read_order
from shared.mapping.shopify.state import read_state
from shared.mapping.text import one_line, split_to_lengths, storable
from shared.model import CurrencySide

RULES = EU
LINEAR = 2.2

type Work = Callable[[], object]


def state_of(payload: dict[str, Any]) -> Work:
    def work() -> None:
        with suppress(RefusedError):  # the edited ones have no sum that fits
            read_state(parsed(payload), store="nordlys", side=CurrencySide.SHOP)

    return work


def edited(units: int) -> Work:
    """An order of which an edit took all units but one."""
    return state_of(
        order_payload(lines=[line(11, quantity=units, current_quantity=1)], current_total_price_set=money_set("0.01"))
    )


def waived_taxes(count: int) -> Work:
    """One line with many taxes that were not charged."""
    taxes = [tax_line("0.00", rate="0.0001", title=f"T{at}") for at in range(count)]
    return state_of(order_payload(lines=[line(11, quantity=9, price="9999.00", taxes=taxes)]))


def endless_name(words: int) -> Work:
    """A buyer whose names have many words."""
    payload = order_payload()
    payload["customer"] |= {"first_name": "a " * words, "last_name": "b " * words}
    for block in ("billing_address", "shipping_address"):
        payload[block] |= {"first_name": "a " * words, "last_name": "b " * words, "name": "a " * words}
    order = read_order(parsed(payload), store="nordlys", side=CurrencySide.SHOP)

    def work() -> None:
        with pytest.raises(RefusedError) as refused:
            customer_record(order, RULES, customer_identity(order, RULES))
        assert refused.value.code == "FIELD_TOO_LONG"

    return work


def many_lines(count: int) -> Work:
    return state_of(order_payload(lines=[line(at + 1) for at in range(count)]))


def many_edited_lines(count: int) -> Work:
    lines = [line(at + 1, quantity=3, current_quantity=1) for at in range(count)]
    return state_of(order_payload(lines=lines, current_total_price_set=money_set("0.01")))


@pytest.mark.parametrize("work_of", [waived_taxes, many_lines, many_edited_lines])
def test_twice_the_size_is_twice_the_work(work_of: Callable[[int], Work]) -> None:
    work_of(10)()  # what is loaded at the first use
    assert growth(work_of, 100) < LINEAR


def test_of_an_endless_name_no_more_words_are_tried_than_its_field_holds() -> None:
    endless_name(1000)()
    assert calls_of(endless_name(8000)) < 1.1 * calls_of(endless_name(1000))


def test_an_edit_of_many_units_is_no_more_work_than_one_of_a_few_thousand() -> None:
    edited(10)()
    bound = calls_of(edited(ONE_BY_ONE))
    assert calls_of(edited(1_000_000)) <= bound


def test_removed_units_are_gone_through_once_for_all_ways_to_understand_an_order() -> None:
    edited(10)()
    assert calls_of(edited(ONE_BY_ONE - 7)) < 20 * ONE_BY_ONE


@pytest.mark.parametrize("marks", ["\u0316\u0301", "\u0301"], ids=["two classes", "one"])
def test_a_letter_with_endless_marks_is_parted_where_no_script_has_as_many(marks: str) -> None:
    """Sorting n marks on one letter takes n * n steps."""
    text = storable("e" + marks * 500)
    runs = text.split("\u034f")
    assert max(map(len, runs)) <= 2 * 31
    assert len("".join(runs)) >= 500
    assert storable(text) == text


def test_letters_as_people_write_them_are_not_parted() -> None:
    for text in ("Zoë", "Nguyễn", "ศิริพงษ์", "a" + "\u0323" * 30):
        assert "\u034f" not in storable(text)


@pytest.mark.parametrize("unit", ["a", "é", "e\u0301", "\U0001f468\u200d"])
def test_a_word_is_divided_with_as_many_steps_as_it_has_letters(unit: str) -> None:
    assert growth(lambda size: lambda: split_to_lengths(unit * size, 60), 2000) < LINEAR
    assert "".join(split_to_lengths(unit * 500, 60)) == unit * 500


def test_blanks_are_read_once() -> None:
    assert growth(lambda size: lambda: one_line("a " * size), 2000) < LINEAR
