"""What a sweep checks: `[sweep]`. The app's setting SWEEP_SCHEDULE has its schedule."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shared.rules.base import Rules


class SweepRules(Rules):
    settle_minutes: int = Field(
        default=10,
        ge=0,
        le=240,
        description="Minutes during which a changed order is not checked: its webhooks may still arrive.",
    )
    overlap_minutes: int = Field(
        default=120,
        ge=10,
        le=1440,
        description="Minutes that a run looks back before the latest change that the previous run saw. Shopify's "
        "search shows some changes late. An event that a sweep sent and that was not handled after this time is sent "
        "again.",
    )
    heal: tuple[Literal["orders", "states", "differences"], ...] = Field(
        default=("orders", "states"),
        description='What a sweep mends by an event of its own: "orders" that F&O lacks; "states": changes, payments '
        'and refunds that F&O missed; "differences" of the sales order, as far as [changes] allow. Each is in the '
        "journal. What is left out is only reported.",
    )
    subscriptions: Literal["api", "toml"] = Field(
        default="api",
        description="Where the shop's webhook subscriptions are made: by the sweep, which makes and repairs them "
        "(`api`), or in the app's own configuration, shopify.app.toml, where the app cannot see them (`toml`).",
    )
    sample: int = Field(
        default=25,
        ge=0,
        le=250,
        description="Orders of each run whose sales order, payments and refunds are compared with F&O; 0 for none. "
        "Each costs 1 or 2 calls to Shopify, about 80 points of its query budget, and 5 reads of F&O. The next run "
        "continues where this one stopped.",
    )
    window_days: int = Field(
        default=31,
        ge=1,
        le=60,
        description="Age in days of the oldest order that is compared, at most the 60 days that an app may read in "
        "Shopify. After the last order the comparison starts again.",
    )
