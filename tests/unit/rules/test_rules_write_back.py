"""`[write_back]`: what is written, which tags are ours, and which rules contradict others."""

import pytest
from pydantic import ValidationError

from shared.rules import StoreRules, WriteBackRules, without_our_tag
from tests.builders.sales import EU, US, with_rules


def mistake(rules: StoreRules, **tables: object) -> str:
    with pytest.raises(ValidationError) as raised:
        with_rules(rules, **tables)
    return str(raised.value)


def test_by_default_there_is_a_metafield_of_our_own_and_no_tag():
    rules = WriteBackRules()
    assert (rules.namespace, rules.key) == ("$app", "sales_order")
    assert rules.tag_for("SN5001") is None
    assert without_our_tag(["F&O", ""], rules) == ("F&O", "")


@pytest.mark.parametrize(
    ("tag", "written"), [("In F&O", "In F&O"), ("F&O {number}", "F&O SN5001"), ("{number} (F&O)", "SN5001 (F&O)")]
)
def test_what_we_write_is_recognised_as_ours(tag: str, written: str):
    rules = WriteBackRules(tag=tag)
    assert rules.tag_for("SN5001") == written
    assert without_our_tag(["vip", written, written.lower(), f" {written} ", "gift"], rules) == ("vip", "gift")


@pytest.mark.parametrize(
    "tag", ["F&O", "F&O ", "F&O please", "My F&O SN5001", "F&O 12345678901234567890123", "FxO SN5001", "F&OSN5001"]
)
def test_tags_of_another_form_are_anothers(tag: str):
    assert without_our_tag([tag], WriteBackRules(tag="F&O {number}")) == (tag,)


def test_a_fixed_tag_is_only_itself():
    assert without_our_tag(["Dx365"], WriteBackRules(tag="D.365")) == ("Dx365",)
    assert without_our_tag(["In F&O", "In F&O 5"], WriteBackRules(tag="In F&O")) == ("In F&O 5",)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("{number}", "needs at least 2 letters or digits"),
        ("#-{number}", "needs at least 2 letters or digits"),
        ("F&O, {number}", "no comma"),
        ("F&O {order}", "other brace"),
        ("FO {number} {number}", "{number} once"),
        (" F&O", "blanks around it"),
        ("", "leave the key out"),
        ("Dynamics 365 for Finance and Operations: x", "40 characters"),
        ("Dynamics 365 for F&O: {number}", "40 characters"),
    ],
)
def test_a_tag_that_shopify_or_we_would_misread_is_refused(tag: str, expected: str):
    with pytest.raises(ValidationError, match=expected):
        WriteBackRules(tag=tag)


def test_the_longest_number_fits_the_longest_tag():
    rules = WriteBackRules(tag="D365 Finance & Ops: {number}")
    written = rules.tag_for("N" * 19 + "1")
    assert written is not None
    assert len(written) == 40
    assert rules.is_own(written)


@pytest.mark.parametrize("namespace", ["custom", "app--1", "$app:", "$app:a b", "$application"])
def test_only_namespaces_of_our_own_are_taken(namespace: str):
    with pytest.raises(ValidationError):
        WriteBackRules(namespace=namespace)


@pytest.mark.parametrize("hold_tag", ["In F&O", "in f&o"])
def test_our_tag_is_not_the_tag_that_holds_orders(hold_tag: str):
    assert "orders.hold_tag" in mistake(US, orders={"hold_tag": hold_tag})
    assert with_rules(US, orders={"hold_tag": "Hold"}).orders.hold_tag == "Hold"


def test_the_flow_needs_the_orders_flow():
    text = mistake(EU, flows={"orders": False, "stock": False})
    assert "write_back = true needs orders = true" in text


def test_an_unknown_key_is_refused():
    assert "enabled" in mistake(EU, write_back={"enabled": True})
