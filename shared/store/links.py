"""Which Shopify order became which F&O document, and which orders F&O does not have yet."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from azure.data.tables.aio import TableClient

from shared.errors import TransientError
from shared.store import tables

_PAGE: Final = 1000  # Table Storage gives no more rows at once
_CHUNK: Final = 30_000  # a string property of a table row holds 32 Ki characters


@dataclass(frozen=True, slots=True)
class OrderLink:
    store: str
    order_id: int
    version: datetime
    """Shopify's updated_at of the state that F&O has; of the parked one while F&O has none."""
    sales_order: str = ""
    """F&O's number; "" while F&O does not have the order: its goods are sold all the same."""
    digest: str = ""
    """Of the business content that F&O has."""
    parked_digest: str = ""
    """Of the latest content that was parked."""
    company: str = ""
    customer_account: str = ""
    lots: Mapping[str, str] = field(default_factory=dict)
    """F&O line key -> InventoryLotId."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """InventoryLotId -> what the line stands for in Shopify, for every line that is ours (PlannedLine.source)."""
    promised: Mapping[str, str] = field(default_factory=dict)
    """LineNumber -> the same, of lines that are about to be written: a crash leaves them known all the same."""
    further: tuple[str, ...] = ()
    """F&O's numbers of the sales orders that later additions went into."""
    said: Mapping[str, str] = field(default_factory=dict)
    """Kind of change -> fingerprint of what Shopify last said about it: what differs in F&O alone is a person's."""
    held: str = ""
    """Why we hold the order in F&O (shared.model.order_state.HoldReason); "" when we do not."""
    is_holding: bool = False
    """It is about to be held: a crash leaves that to be done."""
    has_parked: bool = False
    """A message about the order is parked."""
    given_up: bool = False
    """A person looks after the order in F&O: its later events are theirs too."""
    sold: Mapping[str, int] = field(default_factory=dict)
    """SKU -> units, of a parked order."""
    location_id: int | None = None
    """Where a parked order was sold; None for online."""
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class PendingSale:
    """Goods that Shopify has sold and F&O will not know of until somebody mends the parked order."""

    order_id: int
    sold: Mapping[str, int]
    location_id: int | None


class OrderLinks:
    """The table `links`: partition = store, row = the order's id padded, so that ids sort as numbers."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def get(self, store: str, order_id: int) -> OrderLink | None:
        row = await tables.read(self._table, store, _row_key(order_id))
        return _read(row) if row else None

    async def put(self, link: OrderLink) -> OrderLink:
        """Writes over the state the link was read in (its ETag), and gives the link as it can be written over again.

        Raises TransientError when another worker changed it meanwhile: the message is handled again from the new state.
        """
        etag = await tables.write(self._table, _row(link), etag=link.etag)
        if etag is None:
            raise TransientError(f"the link of order {link.order_id} was changed by another worker")
        return replace(link, etag=etag)

    async def known(self, store: str, order_ids: Collection[int]) -> set[int]:
        """Those of the orders that F&O has.

        Costs about what is asked for: links are read from one asked order on, twice as many as are asked, and where
        others fill the gap to the next asked one, reading goes on there.
        """
        query = "PartitionKey eq @store and RowKey ge @first and RowKey le @last"
        known: set[int] = set()
        asked = sorted(set(order_ids))
        while asked:
            links = self._table.query_entities(
                query,
                parameters={"store": store, "first": _row_key(asked[0]), "last": _row_key(asked[-1])},
                select=["RowKey", "sales_order"],
                results_per_page=min(2 * len(asked), _PAGE),
            )
            read_to = asked[-1]
            async for page in links.by_page():
                rows = [(_order_id(row["RowKey"]), row["sales_order"]) async for row in page]
                known |= {order_id for order_id, sales_order in rows if sales_order}
                if rows:  # a page may be empty and yet not the last
                    read_to = rows[-1][0]
                    break
            asked = [order_id for order_id in asked if order_id > read_to]
        return known & set(order_ids)

    async def parked(self, store: str) -> list[PendingSale]:
        """What was sold in orders that are parked."""
        query = "PartitionKey eq @store and RowKey ge 'order-' and RowKey lt 'order.' and sales_order eq ''"
        found = self._table.query_entities(query, parameters={"store": store})
        links = [_read(dict(row)) async for row in found]
        return [PendingSale(link.order_id, link.sold, link.location_id) for link in links]


def _row_key(order_id: int) -> str:
    return f"order-{order_id:020d}"


def _order_id(row_key: str) -> int:
    return int(row_key.removeprefix("order-"))


def _row(link: OrderLink) -> tables.Row:
    return {
        "PartitionKey": link.store,
        "RowKey": _row_key(link.order_id),
        "version": link.version.astimezone(UTC).isoformat(),
        "sales_order": link.sales_order,
        "digest": link.digest,
        "parked_digest": link.parked_digest,
        "company": link.company,
        "customer_account": link.customer_account,
        "location_id": str(link.location_id or ""),
        "has_parked": link.has_parked,
        "given_up": link.given_up,
        **_pieces("lots", link.lots),
        **_pieces("sold", link.sold),
        **_pieces("sources", link.sources),
        **_pieces("promised", link.promised),
        **_pieces("said", link.said),
        "further": " ".join(link.further),
        "held": link.held,
        "is_holding": link.is_holding,
    }


def _read(row: tables.Row) -> OrderLink:
    return OrderLink(
        store=row["PartitionKey"],
        order_id=_order_id(row["RowKey"]),
        version=datetime.fromisoformat(row["version"]),
        sales_order=row["sales_order"],
        digest=row["digest"],
        parked_digest=row["parked_digest"],
        company=row["company"],
        customer_account=row["customer_account"],
        lots=_join("lots", row),
        sold=_join("sold", row),
        sources=_join("sources", row),
        promised=_join("promised", row),
        said=_join("said", row),
        further=tuple(row.get("further", "").split()),
        held=row.get("held", ""),
        is_holding=row.get("is_holding", False),
        location_id=int(row["location_id"]) if row["location_id"] else None,
        has_parked=row.get("has_parked", False),
        given_up=row.get("given_up", False),
        etag=row.get("etag"),
    )


def _pieces(name: str, mapping: Mapping[str, object]) -> dict[str, str]:
    """A mapping as numbered properties: the lots of 500 lines are longer than one property may be."""
    text = json.dumps(dict(mapping))
    return {
        f"{name}_{number}": text[start : start + _CHUNK] for number, start in enumerate(range(0, len(text), _CHUNK))
    }


def _join[V](name: str, row: Mapping[str, object]) -> dict[str, V]:
    count = sum(1 for column in row if column.startswith(f"{name}_"))
    if not count:  # a row of a time when it was not written
        return {}
    loaded: dict[str, V] = json.loads("".join(str(row[f"{name}_{number}"]) for number in range(count)))
    return loaded
