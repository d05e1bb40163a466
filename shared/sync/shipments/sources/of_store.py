"""The places in F&O that the store's rules need to be looked at."""

from __future__ import annotations

from shared.rules import StoreRules
from shared.sync.shipments.ports import ShipmentPorts
from shared.sync.shipments.sources.captures import sources_of_captures
from shared.sync.shipments.sources.holds import sources_of_holds
from shared.sync.shipments.sources.packed import sources_of_packed
from shared.sync.shipments.sources.sales_orders import sources_of_sales_orders
from shared.sync.shipments.sources.slips import sources_of_slips
from shared.sync.shipments.sources.source import Source
from shared.sync.shipments.sources.states import sources_of_states


def sources_of(rules: StoreRules, ports: ShipmentPorts) -> tuple[Source, ...]:
    return (
        *sources_of_slips(rules, ports),
        *sources_of_sales_orders(rules, ports),
        *sources_of_packed(rules, ports),
        *sources_of_holds(rules, ports),
        *sources_of_captures(rules, ports),
        *sources_of_states(rules, ports),
    )
