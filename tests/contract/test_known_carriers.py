"""The carriers that the app takes for known are those of Shopify's schema."""

from __future__ import annotations

from local.shopify.shipping import known_companies
from shared.mapping.shipments.parcels.known_carriers import KNOWN_CARRIERS


def test_the_known_carriers_are_those_of_the_schema() -> None:
    assert known_companies() == KNOWN_CARRIERS
