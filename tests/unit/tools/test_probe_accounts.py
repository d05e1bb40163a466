"""The accounts of the probe's lines follow the tenant's delimiter."""

from __future__ import annotations

from typing import cast

from builders.sales import EU, with_rules

from shared.d365.odata.client import ODataClient
from shared.model import Item
from tools.probe.money import _combined, _payment
from tools.probe.sandbox import Person, Sandbox

DOTS = with_rules(
    EU,
    tenant={"account_delimiter": "."},
    payments={
        "methods": ({"gateway": "cash", "method": "CASH", "offset_type": "bank", "offset_account": "SHOP.EUR-1"},)
    },
    refunds={"accounts": {"goodwill": {"main_account": "418190.002"}, "shipping": {"main_account": "401100-1"}}},
)


def sandbox() -> Sandbox:
    item = Item("TENT-2P")
    return Sandbox(cast("ODataClient", None), DOTS, item, "C.1-2", cast("Person", None), print)


def test_a_payment_escapes_the_delimiter_of_the_tenant() -> None:
    assert DOTS.payments is not None
    body = _payment(sandbox(), DOTS.payments, "00001", 1).body
    assert body is not None
    assert (body["AccountDisplayValue"], body["OffsetAccountDisplayValue"]) == (r"C\.1-2", r"SHOP\.EUR-1")


def test_an_account_with_dimensions_is_found_by_the_delimiter_of_the_tenant() -> None:
    assert _combined(sandbox()) == "418190.002"
