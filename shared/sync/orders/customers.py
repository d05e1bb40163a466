"""The F&O customer of an order's buyer: created once, also by two orders at the same moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from shared.d365.odata.answers import settling_time
from shared.errors import ConnectorError, ErrorCode, RefusedError
from shared.mapping.customers import customer_record
from shared.model import Order
from shared.rules import StoreRules
from shared.store.links import LEASE, LEASE_OF_NUMBERED
from shared.sync.orders.ports import OrderPorts


async def ensure_account(order: Order, identity: str, rules: StoreRules, ports: OrderPorts) -> str:
    """The account of the buyer with this identity, as F&O gave it. A customer that F&O lacks is created, unless all
    orders share an account that staff maintain.

    The buyer is claimed first: of two workers one creates the customer, and an attempt whose answer was lost is
    followed by the next one only when F&O has surely finished. Raises TransientError while another worker has the
    claim.
    """
    if identity == rules.customers.shared_account:
        return identity
    known = await ports.known_customers.get(rules.company, identity)
    if known.account:
        return known.account
    record = customer_record(order, rules, identity)
    lease = LEASE_OF_NUMBERED if rules.numbers_customers else LEASE
    claimed = await ports.known_customers.claim(known, ports.now(), lease)
    field = rules.customers.id_field
    try:
        customer = await ports.customers.ensure(record, identity, field)
    except ConnectorError as failure:
        # Where the app numbers customers, F&O itself refuses a second one.
        wait = timedelta(0) if rules.numbers_customers else settling_time(failure)
        await ports.known_customers.put(replace(claimed, claimed_until=ports.now() + wait if wait else None))
        raise
    await ports.known_customers.put(replace(claimed, account=customer.account, claimed_until=None))
    if not customer.has_identity:
        raise RefusedError(
            ErrorCode.CUSTOMER_FIELD_UNUSABLE,
            field=field,
            reason=f"it stored another value for customer {customer.account}",
        )
    return customer.account
