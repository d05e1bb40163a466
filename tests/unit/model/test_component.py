"""The one vocabulary of what an order and a refund are made of, and the keys that the rules have for it."""

from __future__ import annotations

from shared.model import COMPONENTS, Component, LineKind, source_of
from shared.rules.sections.orders import OrderRules
from shared.rules.sections.refunds import RefundAccounts


def test_every_service_item_of_the_rules_is_one_components():
    keys = [each.order_key for each in Component if each.order_key]
    assert sorted(keys) == sorted(
        key for key in OrderRules.model_fields if key.endswith("_item") and key != "sku_missing_item"
    )


def test_every_account_of_the_rules_is_one_components():
    keys = [each.account_key for each in Component if each.account_key]
    assert sorted(keys) == sorted(RefundAccounts.model_fields)


def test_the_names_that_links_hold_stay_as_they_are():
    assert [source_of(COMPONENTS[kind], 7) for kind in LineKind] == [
        "products:7",
        "custom lines:7",
        "gift cards sold:7",
        "tips:7",
    ]
    charges = (Component.SHIPPING, Component.DUTIES, Component.FEES, Component.CASH_ROUNDING)
    assert [source_of(each, 7) for each in charges] == [
        "shipping:7",
        "duties:7",
        "additional fees:7",
        "cash rounding:7",
    ]
    assert [source_of(each, 7) for each in (Component.TAX, Component.TAX_DIFFERENCE)] == ["tax:7", "tax difference:7"]
    assert all(Component(each.value) is each for each in Component)
