"""What a sweep looks at: `[sweep]`. When it runs is the app's setting SWEEP_SCHEDULE."""

from __future__ import annotations

from pydantic import Field

from shared.rules.base import Rules


class SweepRules(Rules):
    settle_minutes: int = Field(
        default=10,
        ge=0,
        le=240,
        description="An order that changed less long ago is left alone: its webhooks may be under way.",
    )
    overlap_minutes: int = Field(
        default=120,
        ge=10,
        le=1440,
        description="How far a run looks back behind the latest change that the one before saw. Shopify's search shows "
        "some changes late, and what got lost on our side is noticed while it is in there.",
    )
    sample: int = Field(
        default=25,
        ge=0,
        le=250,
        description="Orders in a run whose sales order, payments and refunds are compared with what F&O holds, 0 for "
        "none: each costs 1 or 2 calls to Shopify, about 80 points of its query budget, and 4 reads of F&O. The next "
        "run goes on where this one stopped.",
    )
    window_days: int = Field(
        default=31,
        ge=1,
        le=60,
        description="Age of the oldest order that is compared, at most the 60 days that Shopify shows an app. When all "
        "are compared it begins again.",
    )
