"""Several sales orders in F&O with one reference: one is kept, the others are held until a person decides.

Two workers at once, a lost answer or a copy made by staff leave such a pair, and both would be shipped. The hold
(IsSalesProcessingStopped = Yes) is set again in each comparison until all but one of the sales orders are cancelled or
deleted.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.d365.order_changes import read_header, read_headers
from shared.d365.sales_orders import hold
from shared.errors import RefusedError
from shared.mapping.orders.plan import order_reference
from shared.mapping.reconciliation import Finding, choose_kept, duplicate_finding
from shared.model import FoHeader
from shared.rules import StoreRules
from shared.store.links import OrderLink
from shared.sync.orders.ports import OrderPorts
from shared.telemetry import emit


@dataclass(frozen=True, slots=True)
class Duplicates:
    kept: tuple[str, ...]
    """The sales orders that are this order: the main one first, then those of later additions."""
    others: tuple[str, ...] = ()
    """Further sales orders with the main one's reference, cancelled ones too."""
    findings: tuple[Finding, ...] = ()


async def hold_duplicates(link: OrderLink, rules: StoreRules, ports: OrderPorts) -> Duplicates:
    """Reads all sales orders with the references of the order, and holds those that are not kept.

    Works for an order without sales order in its link too: F&O may have several that no link names. Further sales
    orders have references of their own (-2, -3 ...). Raises RefusedError FO_STATUS_UNKNOWN.
    """
    reference = order_reference(link.store, link.order_id)
    company = link.company or rules.company
    kept_numbers: list[str] = []
    others: list[str] = []
    findings: list[Finding] = []
    for place, number in enumerate(link.numbers, start=1):
        its_reference = reference if place == 1 else f"{reference}-{place}"
        orders = await read_headers(ports.fo, company, its_reference)
        if number and orders and number not in {each.number for each in orders}:
            linked = await read_header(ports.fo, company, number)  # staff may have given it another reference
            orders += [linked] if linked is not None else []
        kept, to_hold = choose_kept(orders, number)
        held_now = await _hold(to_hold, company, link.order_id, ports)
        if kept is not None and (finding := duplicate_finding(its_reference, orders, kept, held_now)) is not None:
            findings.append(finding)
        kept_numbers.append(kept.number if kept is not None else number)
        if place == 1:
            others += [each.number for each in orders if each.number != kept_numbers[0]]
    return Duplicates(tuple(kept_numbers), tuple(others), tuple(findings))


async def _hold(orders: Sequence[FoHeader], company: str, order_id: int, ports: OrderPorts) -> list[FoHeader]:
    """Returns those that F&O holds now: one that it does not hold must not keep the others from it."""
    held = []
    for each in orders:
        try:
            await hold(ports.fo, company, each.number)
        except RefusedError as refusal:
            emit(
                "reconciliation.refused",
                level=logging.WARNING,
                order=order_id,
                sales_order=each.number,
                code=refusal.code,
                owner=refusal.entry.owner,
            )
        else:
            held.append(each)
    return held


async def follow_kept(link: OrderLink, duplicates: Duplicates, rules: StoreRules, ports: OrderPorts) -> bool:
    """Whether the link named other sales orders; now it names the kept ones, as if an earlier attempt had created them.

    The next event of the order recognizes their lines. Raises TransientError if another worker changed the link.
    """
    number, *further = duplicates.kept
    if (number, *further) == link.numbers:
        return False
    await ports.links.put(
        replace(
            link,
            sales_order=number,
            further=tuple(further),
            digest="",
            lots={},
            sources={},
            promised={},
            fingerprints={},
            held="",
            is_holding=False,
        )
    )
    if rules.flows.write_back and number != link.sales_order:
        await ports.outbox.put(link.store, link.order_id, number, now=link.version)
    return True
