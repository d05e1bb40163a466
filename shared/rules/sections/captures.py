"""Which authorised money is captured for what F&O invoiced: `[captures]`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import Field

from shared.rules.base import Rules


class CaptureRules(Rules):
    on: Literal["never", "invoiced"] = Field(
        default="never",
        description="When the app captures authorised money: for what F&O invoiced (`invoiced`), or not at all "
        "(`never`). A shop that captures by itself, at the checkout or when the order is fulfilled, needs `never`.",
    )
    gateways: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=("*",),
        min_length=1,
        description="Shopify's keys of the payment providers whose authorisations are captured (`shopify_payments`, "
        "`paypal`). `*` and `?` as in file names; case does not count.",
    )
    expiring: Literal["tell", "capture_all"] = Field(
        default="tell",
        description="What becomes of an authorisation that is about to expire before F&O has invoiced all of the "
        "order: it is parked (`tell`), or all that the order still costs is captured (`capture_all`), before the "
        "goods leave.",
    )
    expiring_hours: int = Field(
        default=24, ge=1, le=336, description="How long before it expires an authorisation counts as about to expire."
    )
    valid_hours: int = Field(
        default=168,
        ge=1,
        le=2160,
        description="How long an authorisation lasts where Shopify does not say when it expires, as in shops without "
        "Shopify Plus.",
    )

    @property
    def is_on(self) -> bool:
        return self.on != "never"

    def takes(self, gateway: str) -> bool:
        """Whether authorisations at this payment provider are captured."""
        return any(fnmatchcase(gateway.casefold(), pattern.casefold()) for pattern in self.gateways)
