"""Where each provider's money goes: the first rule that fits decides, and a rule that could not is a mistake."""

import tomllib

import pytest
from builders.root import ROOT
from pydantic import ValidationError

from shared.rules import StoreRules
from tests.builders.payments import rules
from tests.builders.sales import EU, US, with_rules

WORLD = tomllib.loads((ROOT / "local" / "world.toml").read_text(encoding="utf-8"))


def method(gateway: str, account: str = "110110", **changes):
    return {"gateway": gateway, "method": "M", "offset_type": "ledger", "offset_account": account} | changes


def decided(methods, gateway: str, currency: str = "EUR") -> str | None:
    found = rules(methods=tuple(methods)).payments.method_for(gateway, currency)
    return found and found.offset_account


def mistake(**changes) -> str:
    with pytest.raises(ValidationError) as wrong:
        rules(**changes)
    return wrong.value.errors()[0]["msg"]


def test_the_first_rule_that_fits_decides():
    methods = [method("paypal", "1"), method("bogus*", "2"), method("*", "3")]
    assert [decided(methods, each) for each in ("paypal", "bogus_2", "klarna", "")] == ["1", "2", "3", "3"]
    assert decided(methods[:2], "klarna") is None


def test_a_rule_may_be_for_one_currency():
    methods = [method("paypal", "1", currency="USD"), method("paypal", "2")]
    assert (decided(methods, "paypal", "USD"), decided(methods, "paypal", "EUR")) == ("1", "2")


@pytest.mark.parametrize("written", ["Cash on Delivery (COD)", "cash on delivery (cod)", "Cash*(COD)"])
def test_a_payment_method_of_the_merchants_own_is_named_as_shopify_shows_it(written):
    assert decided([method(written)], "Cash on Delivery (COD)") == "110110"


@pytest.mark.parametrize("pattern", ["pay?al", "[p]aypal"])
def test_only_the_star_stands_for_other_text(pattern):
    assert "only `*` is a wildcard" in mistake(methods=(method(pattern),))


@pytest.mark.parametrize(
    "hiding",
    [method("*"), method("paypal"), method("PayPal"), method("pay*"), method("*", currency="USD")],
)
def test_a_rule_that_an_earlier_one_hides_is_a_mistake(hiding):
    hidden = method("paypal", currency="USD")
    assert "rule #2 never applies: rule #1 covers it" in mistake(methods=(hiding, hidden))


@pytest.mark.parametrize("other", [method("pay", "2"), method("p*l*", "2"), method("*", "2"), method("paypal", "2")])
def test_a_rule_that_still_decides_something_is_none(other):
    assert rules(methods=(method("paypal", currency="EUR"), other)).payments


@pytest.mark.parametrize("gateway", ["gift_card", "shopify_store_credit"])
def test_money_that_the_store_owes_already_cannot_come_into_a_bank(gateway):
    to_bank = method("*", offset_type="bank")
    both = {"gift_card", "shopify_store_credit"}
    other = (both - {gateway}).pop()
    assert f"rule #2 books {gateway} on a bank account" in mistake(methods=(method(other), to_bank))
    assert rules(methods=(method("gift_card"), method("shopify_store_credit"), to_bank)).payments
    eur_only = method(gateway, currency="EUR")
    assert f"rule #3 books {gateway}" in mistake(methods=(method(other), eur_only, to_bank))


def test_payments_are_not_written_where_they_are_true():
    with pytest.raises(ValidationError, match="F&O is the master of payments"):
        with_rules(EU, masters={"payments": "fo"})
    off = {"payments": None, "masters": {"payments": "fo"}}
    assert StoreRules.model_validate(EU.model_dump(exclude_unset=True) | off).payments is None


def test_cash_rounding_is_booked_once():
    assert "orders.rounding_item books cash rounding already" in mistake(orders={"rounding_item": "ROUNDING"})


@pytest.mark.parametrize("store", [EU, US], ids=lambda store: store.key)
@pytest.mark.parametrize(
    "gateway", ["shopify_payments", "paypal", "gift_card", "shopify_store_credit", "cash", "manual"]
)
def test_the_example_stores_know_the_usual_gateways(store, gateway):
    found = store.payments.method_for(gateway, store.currencies[0])
    assert found is not None
    assert (found.offset_type == "ledger") or gateway not in ("gift_card", "shopify_store_credit")


@pytest.mark.parametrize("store", [EU, US], ids=lambda store: store.key)
def test_the_example_stores_name_only_what_the_local_f_and_o_has(store):
    payments, ledger = store.payments, WORLD["ledger"][store.company]
    assert {payments.journal, *(each.journal for each in payments.methods)} - {None} <= set(ledger["payment_journals"])
    assert {each.method for each in payments.methods} <= set(WORLD["masters"][store.company]["payment_methods"])
    assert {each.posting_profile for each in payments.methods} - {None} <= set(ledger["posting_profiles"])
    banks = {each.offset_account for each in payments.methods if each.offset_type == "bank"}
    assert banks <= set(ledger["bank_accounts"])
    accounts = {each.offset_account for each in payments.methods if each.offset_type == "ledger"}
    accounts |= {payments.exchange_account, payments.rounding_account} - {None}
    assert {account.partition("-")[0] for account in accounts} <= set(ledger["main_accounts"])
