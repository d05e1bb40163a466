"""What a sweep checks: `[sweep]`. The app's setting SWEEP_SCHEDULE has its schedule."""

from __future__ import annotations

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
        "search shows some changes late, and a message that was lost in the app is noticed within this time.",
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
