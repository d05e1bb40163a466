"""`[order_status]` and `[given_up]`: safe by default, and tags that nobody else's are."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from shared.model import OrderStatus
from shared.rules import GivenUpRules, OrderStatusRules, StatusTags
from tests.builders.sales import EU, with_rules


def test_by_default_a_person_is_told_and_nothing_is_shown():
    rules = OrderStatusRules()
    assert (rules.is_shown, rules.cancelled.action, GivenUpRules().action) == (False, "tell", "tell")


@pytest.mark.parametrize("shown", [{"metafield": "fo_status"}, {"tags": {"delivered": "Left"}}])
def test_a_metafield_or_a_tag_shows_the_status(shown):
    assert OrderStatusRules.model_validate(shown).is_shown


def test_each_status_but_open_may_have_a_tag():
    tags = StatusTags(on_hold="Held", partly_delivered="Part", delivered="Left", invoiced="Billed", cancelled="Gone")
    found = [tags.of(status) for status in OrderStatus]
    assert found == [None, "Held", "Part", "Left", "Billed", "Gone"]
    assert tags.all == {"held", "part", "left", "billed", "gone"}


@pytest.mark.parametrize("tag", ["", " Left", "Left ", "a,b", "x" * 41])
def test_a_tag_that_shopify_does_not_take_is_a_mistake(tag):
    with pytest.raises(ValidationError, match="has 1 to 40 characters"):
        StatusTags(delivered=tag)


def test_a_tag_of_40_characters_is_taken():
    assert StatusTags(delivered="x" * 40).delivered == "x" * 40


@pytest.mark.parametrize("tag", ["HOLD", "F&O 12"])
def test_a_tag_with_another_meaning_is_a_mistake(tag):
    rules = with_rules(EU, orders={"hold_tag": "hold"}, write_back={"tag": "F&O {number}"})
    with pytest.raises(ValidationError, match=r"must not be orders\.hold_tag"):
        with_rules(rules, order_status={"tags": {"on_hold": tag}})
    assert with_rules(rules, order_status={"tags": {"on_hold": "F&O holds"}})


def test_own_tags_are_no_change_of_the_order():
    rules = with_rules(EU, write_back={"tag": "F&O {number}"}, order_status={"tags": {"delivered": "Left"}})
    assert rules.without_own_tags(["vip", " left ", "F&O 12", "Left over"]) == ("vip", "Left over")
