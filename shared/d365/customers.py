"""Customers in F&O, each created once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Final

from shared.d365.documents import rows_with
from shared.d365.entities import CUSTOMERS
from shared.d365.odata.client import ODataClient
from shared.errors import RefusedError
from shared.model.fo_order import FoRow

_ACCOUNT: Final = "CustomerAccount"


class Customers:
    """Creates customers one at a time per company: CustomersV3 takes locks on which parallel calls fail (Microsoft)."""

    def __init__(self, client: ODataClient) -> None:
        self._client = client
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def ensure(self, record: FoRow, *, known_by: str = _ACCOUNT) -> str:
        """The customer's account. F&O's customer is left as it is; if F&O has none, the record is created.

        `known_by` is the field that identifies the customer: the account when we choose it, otherwise a field that we
        always fill with the same text while F&O draws the account. If several customers have that text (created by two
        instances at the same moment), the lowest account is used.
        """
        async with self._locks[record["dataAreaId"]]:
            found = await self._find(record, known_by)
            if found is not None:
                return found
            try:
                return str((await self._client.create(CUSTOMERS, record))[_ACCOUNT])
            except RefusedError:
                # F&O's "already exists" may be in any language, so the customer is looked up after any refusal.
                found = await self._find(record, known_by)
                if found is None:
                    raise
                return found

    async def _find(self, record: FoRow, known_by: str) -> str | None:
        rows = await rows_with(self._client, CUSTOMERS, record["dataAreaId"], known_by, record[known_by])
        return next((row[_ACCOUNT] for row in rows), None)
