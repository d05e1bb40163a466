"""Customers in F&O, each created once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from shared.d365.documents import rows_with
from shared.d365.entities import CUSTOMERS
from shared.d365.odata.client import ODataClient
from shared.errors import DeniedError, ErrorCode, RefusedError
from shared.model.fo_order import FoRow

_ACCOUNT: Final = "CustomerAccount"


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as F&O has it."""

    account: str
    has_identity: bool
    """Whether F&O has stored what identifies the buyer, as far as it was to."""


class Customers:
    """Creates customers one at a time per company: CustomersV3 takes locks on which parallel calls fail (Microsoft).

    Reading waits for none of them, so that the buyers of a sale are looked up side by side.
    """

    def __init__(self, client: ODataClient) -> None:
        self._client = client
        self._creating: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """By company."""
        self._ensuring: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        """By company and identity: two orders of one new buyer at once create one customer."""

    async def ensure(self, record: FoRow, identity: str, id_field: str | None) -> Customer:
        """The customer under the account that F&O gave it. F&O's customer is left as it is; if F&O has none with this
        identity, the record is created.

        A customer is found by the identity as its account, which is how earlier releases created it, or in `id_field`.
        If several have it there, the one with the lowest account is used. Raises RefusedError CUSTOMER_FIELD_UNUSABLE
        where F&O cannot search the field, before anything is created, and whatever F&O refuses.
        """
        company = record["dataAreaId"]
        async with self._ensuring.setdefault((company, identity), asyncio.Lock()):
            found = await self._find(company, identity, id_field)
            if found is not None:
                return found
            try:
                async with self._creating[company]:
                    created = await self._client.create(CUSTOMERS, record)
            except RefusedError:
                # F&O's "already exists" may be in any language, so the customer is looked up after any refusal.
                found = await self._find(company, identity, id_field)
                if found is None:
                    raise
                return found
            return Customer(created[_ACCOUNT], id_field is None or created.get(id_field) == identity)

    async def _find(self, company: str, identity: str, id_field: str | None) -> Customer | None:
        rows = await rows_with(self._client, CUSTOMERS, company, _ACCOUNT, identity)
        if not rows and id_field is not None:
            rows = await self._with_identity(company, identity, id_field)
        return next((Customer(row[_ACCOUNT], has_identity=True) for row in rows), None)

    async def _with_identity(self, company: str, identity: str, id_field: str) -> list[FoRow]:
        try:
            return await rows_with(self._client, CUSTOMERS, company, id_field, identity)
        except RefusedError as refusal:
            raise RefusedError(
                ErrorCode.CUSTOMER_FIELD_UNUSABLE, field=id_field, reason=refusal.details.get("infolog", refusal.cause)
            ) from refusal
        except DeniedError as denied:
            if denied.code is not ErrorCode.FO_FIELD_MISSING:
                raise
            reason = denied.refusal.cause
            raise RefusedError(ErrorCode.CUSTOMER_FIELD_UNUSABLE, field=id_field, reason=reason) from denied
