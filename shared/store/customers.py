"""Customers that F&O is known to have, so that the next order of a known buyer needs no call to F&O."""

from __future__ import annotations

from azure.data.tables.aio import TableClient

from shared.store import tables


class KnownCustomers:
    """Rows of the table `links`: partition = company, row = account."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def has(self, company: str, account: str) -> bool:
        return await tables.read(self._table, *_keys(company, account)) is not None

    async def add(self, company: str, account: str) -> None:
        partition, row = _keys(company, account)
        await tables.overwrite(self._table, {"PartitionKey": partition, "RowKey": row})


def _keys(company: str, account: str) -> tuple[str, str]:
    return tables.key(f"customers-{company}"), tables.key(account)
