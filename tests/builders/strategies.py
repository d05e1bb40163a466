"""Both example stores under every strategy of the rules, with a rule for whatever can be sold."""

from __future__ import annotations

from functools import cache
from typing import Any

from shared.rules import StoreRules
from tests.builders.sales import EU, US, with_rules

STORES = {"nordlys": EU, "prairie": US}
CHARGES = ("custom_line_item", "tip_item", "gift_card_item", "duties_item", "fees_item")
POLICIES: dict[str, dict[str, Any]] = {
    "tolerate": {},
    "rounding_line": {"difference_item": "TAXDIFF"},
    "prices_with_tax": {},
    "service_line": {"service_item": "SALESTAX"},
}
EXEMPT = {
    "nordlys": {"exempt_sales_tax_group": "EXPORT", "exempt_item_tax_group": "NONE"},
    "prairie": {"exempt_sales_tax_group": "NOTAX", "exempt_item_tax_group": "EXEMPT"},
}
RATES = {"FULL": "0.21", "REDUCED": "0.09", "NONE": "0", "ALL": "0.0881", "EXEMPT": "0"}
"""What F&O taxes a line with in Amsterdam and in Denver, by item sales tax group."""
GENEROUS = 60
"""Smallest units of tax that may differ: shares of many discounts are rounded one by one."""


@cache
def strategy(
    store: str,
    policy: str = "tolerate",
    *,
    number: str = "own",
    identity: str | None = None,
    side: str = "shop",
    goods: str = "return_order",
    cancellation: str = "delete_lines",
    verify: str = "rules",
    odd_cents: str = "price_unit",
    known_price: str = "given",
) -> StoreRules:
    """A store's rules as another business would have them.

    Each charge has an item of its own name; gift cards are credited from a liability, all else from 418190.
    """
    base = STORES[store]
    rounding = {} if base.payments and base.payments.rounding_account else {"rounding_item": "ROUNDING"}
    account = {"main_account": "418190"}
    exempt = EXEMPT[store] if policy == "service_line" else {}
    prefixes = {"number_prefix": "SN" if number == "own" else ""}
    parts = ("goods_returned", "custom_lines", "tips", "gift_cards", "duties", "fees", "tax", "tax_difference")
    assert base.refunds is not None
    accounts = base.refunds.accounts.model_dump(exclude_unset=True)
    return with_rules(
        base,
        currencies=("EUR", "USD", "DKK", "CAD", "JPY", "KWD", "HUF"),
        currency_side=side,
        orders={key: key.removesuffix("_item").upper() for key in CHARGES}
        | rounding
        | prefixes
        | {
            "number": number,
            "product_identity": identity or base.orders.product_identity,
            "odd_cents": odd_cents,
        },
        tax={"policy": policy, "verify": verify, "tolerance": GENEROUS, "tolerance_per_line": GENEROUS}
        | POLICIES[policy]
        | exempt,
        changes={"cancellation": cancellation},
        tenant={"return_price": known_price} | ({"order_number": "kept"} if number == "own" else {}),
        refunds={
            "goods": goods,
            "accounts": accounts | {part: account for part in parts if part not in accounts},
        },
    )
