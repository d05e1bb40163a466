"""The carrier of a packing slip as Shopify names it, by the store's rules."""

from __future__ import annotations

from shared.mapping.shipments.parcels.known_carriers import KNOWN_CARRIERS
from shared.model import PackingSlip, Tracking
from shared.rules import StoreRules


def tracking_company(slip: PackingSlip, rules: StoreRules) -> str:
    """Shopify's exact name of the carrier, which gives it the address of the tracking page; F&O's name of a carrier
    without a rule.
    """
    rule = rules.shipments.carrier_of(slip.carrier, slip.delivery_mode)
    return rule.company if rule is not None else slip.carrier


def tracking_of(slip: PackingSlip, rules: StoreRules) -> tuple[Tracking, ...]:
    """The slip's numbers with their addresses: F&O's own, else that of the rule's template."""
    rule = rules.shipments.carrier_of(slip.carrier, slip.delivery_mode)
    template = rule.url if rule is not None else None
    return tuple(
        each if each.url or template is None else Tracking(each.number, template.replace("{number}", each.number))
        for each in slip.tracking
    )


def is_known_to_shopify(company: str) -> bool:
    """Whether Shopify has the address of the carrier's tracking page; without a name it goes by the number."""
    return not company or company in KNOWN_CARRIERS
