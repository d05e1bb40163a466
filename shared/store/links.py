"""The F&O documents of each Shopify order, and the orders that F&O does not have yet."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any, Final

from azure.data.tables.aio import TableClient

from shared.errors import TransientError
from shared.model import HoldOrigin, HoldPlace, HoldRecord, OrderRecord, Part, PickUp, SoldUnits
from shared.store import tables
from shared.store.pick_up import read_pick_up, write_pick_up
from shared.store.records import read_record, write_record
from shared.store.tables import TableRow

_AT_ONCE: Final = 25  # links that are read concurrently
_NEVER_BEHIND: Final = datetime.max.replace(tzinfo=UTC)
_PAGE: Final = 1000  # Table Storage returns no more rows at once
LEASE: Final = timedelta(minutes=8)
"""An invocation may take four minutes (host.json), and F&O may work as long on its last call."""
LEASE_OF_NUMBERED: Final = timedelta(seconds=30)
"""Where the app numbers the sales order and sends it in one request: F&O itself refuses a second one, so that the lease
only saves calls.
"""
_CHUNKED: Final = tuple(
    f"{name}_"
    for name in (
        "lots",
        "sold",
        "goods",
        "sources",
        "promised",
        "said",
        "record",
        "released",
        "pick_up",
        "by_staff",
        "given_units",
        "intent",
    )
)
_MAY_WRITE: Final = "another worker, or F&O, may still be writing order {order}"
_ALWAYS: Final = frozenset(
    {"version", "sales_order", "digest", "parked_digest", "company", "customer_account", "location_id"}
)
"""Columns that every row has. The others are left out until they have a value: a new order has a third of them."""
_EMPTY: Final = ("", "{}", False)
"""What a column that a row lacks is read as."""
_CHUNK: Final = 30_000  # a string property of a table row holds 32 Ki characters


@dataclass(frozen=True, slots=True)
class OrderLink:
    store: str
    order_id: int
    version: datetime
    """Shopify's updated_at of the state that F&O has; of the parked one while F&O has none."""
    sales_order: str = ""
    """F&O's number; "" while F&O does not have the order, whose goods count as sold nevertheless."""
    digest: str = ""
    """Of the business content that F&O has."""
    parked_digest: str = ""
    """Of the latest content that was parked."""
    parked_version: datetime | None = None
    """Shopify's updated_at of the latest state that was parked, or that a person discarded: what it adds to the order
    is in `sold`. None for no such state, where what it adds is not known, and of a release that did not record it.
    """
    company: str = ""
    customer_account: str = ""
    lots: Mapping[str, str] = field(default_factory=dict)
    """F&O line key -> InventoryLotId."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """InventoryLotId -> what the line stands for in Shopify (PlannedLine.source); all lines that the app wrote."""
    promised: Mapping[str, str] = field(default_factory=dict)
    """LineNumber -> the same. Set before a line is written, so that a retry after a crash recognizes the line."""
    further: tuple[str, ...] = ()
    """F&O's numbers of further sales orders, which hold later additions."""
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    """Kind of change of the header, or source of a line -> fingerprint of the values that F&O last got from Shopify. If
    Shopify still has those values and F&O has others, staff changed them. The columns are named `said`."""
    held: str = ""
    """Why the app holds the order in F&O (shared.model.order_state.HoldReason); "" if it does not."""
    is_holding: bool = False
    """Set before the hold is sent, so that a retry after a crash finishes it."""
    released: Mapping[str, str] = field(default_factory=dict)
    """Reason of a hold -> why, by whom and when a person released the order from it: it is not held for that again."""
    by_staff: Mapping[str, int] = field(default_factory=dict)
    """Order line id -> units that others than the app have fulfilled in Shopify, as they were noted last."""
    would_send_again: bool = False
    """Whether F&O still has units of them to deliver, in a store that holds such orders."""
    pick_up: PickUp = field(default_factory=PickUp)
    holds: HoldRecord = field(default_factory=HoldRecord)
    """The order's holds in Shopify, as far as they are copies of one system's holds to the other."""
    parked_parts: frozenset[Part] = frozenset()
    """The parts of the order with a parked message; payments also while they wait."""
    payments_wait: bool = False
    """Whether payments are among them only because they wait."""
    given_up: bool = False
    """Staff handle the order in F&O by hand; later events about it are left to them too."""
    sold: tuple[SoldUnits, ...] = ()
    """The goods of an order that F&O does not have; of one that it has, what a parked change adds."""
    location_id: int | None = None
    """The location where a parked order was sold; None for online."""
    record: OrderRecord | None = None
    """What was decided when the order was booked; None of a release without records."""
    not_booked: str = ""
    """Why the app does not book the order at all, as text for people; "" for any other order."""
    claimed_until: datetime | None = None
    """Before this time one worker alone creates or changes the sales order, or F&O may still do what it was sent."""
    applied_at: datetime | None = None
    """When F&O last got the sales order or a change of it, taken or refused, by the app's clock. None for an order that
    F&O does not have, and of a release that did not record it.
    """
    shown_status: str = ""
    """F&O's status of the order (shared.model.OrderStatus) that was shown in Shopify, or told, last; "" for none."""
    shown_tag: str = ""
    """The tag that shows it."""
    told_version: str = ""
    """`version` when something of F&O's state was told last: where Shopify's order changed since, it may be settled."""
    given_up_units: Mapping[str, str] = field(default_factory=dict)
    """InventoryLotId -> units that F&O will not deliver, as a decimal number."""
    refund_intent: Mapping[str, str] = field(default_factory=dict)
    """A refund that is about to be made in Shopify: its idempotency `key`, and its `input` as JSON. Empty once its
    outcome is known.
    """
    cancel_sent_at: datetime | None = None
    """When Shopify was asked last to cancel the order because F&O has cancelled it."""
    stored: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)
    """The row as it was read or written last, by column: only what differs is written, and columns that a longer value
    had are emptied.
    """
    etag: str | None = None

    def held_for(self, reason: str, *, is_holding: bool) -> OrderLink:
        """The link of an order that is held for the reason: a release from that reason has ended."""
        released = {each: why for each, why in self.released.items() if each != reason}
        return replace(self, held=reason, is_holding=is_holding, released=released)

    @property
    def numbers(self) -> tuple[str, ...]:
        """F&O's numbers of its sales orders, the main one first."""
        return (self.sales_order, *self.further)

    @property
    def has_parked(self) -> bool:
        return bool(self.parked_parts)

    @property
    def counted_version(self) -> datetime:
        """Shopify's updated_at of the latest state of which F&O has all goods, or `sold` has those that F&O lacks; the
        end of time where staff maintain the order.
        """
        return _NEVER_BEHIND if self.given_up else max(self.version, self.parked_version or self.version)

    @property
    def is_decided(self) -> bool:
        """Whether F&O has the order, or the app has decided why not. An order that is only claimed is neither."""
        return bool(self.sales_order or self.not_booked or self.parked_parts)

    @property
    def is_pending_sale(self) -> bool:
        """Whether F&O will not know the order until a person acts, so that its goods are counted from here.

        An order that is only claimed, or that could not be read, is not: its goods are read in Shopify. Of an order
        that F&O has, the goods that a parked change adds are pending.
        """
        if self.sales_order:
            return Part.ORDER in self.parked_parts and bool(self.sold) and not self.given_up
        return Part.ORDER in self.parked_parts or bool(self.not_booked)


@dataclass(frozen=True, slots=True)
class PendingSale:
    """Goods of a parked order: sold in Shopify, and not in F&O until the order is booked."""

    order_id: int
    sold: tuple[SoldUnits, ...]
    location_id: int | None
    is_readable: bool = True
    """Otherwise the order was parked before its goods were known: `sold` is empty."""
    version: datetime | None = None
    """Shopify's updated_at of the state whose goods are in `sold`, of an order that F&O does not have. None where no
    later state counts, or F&O has the order.
    """


@dataclass(frozen=True, slots=True)
class BookedOrder:
    """An order that F&O has."""

    order_id: int
    sales_orders: tuple[str, ...]
    """F&O's numbers."""
    applied_at: datetime
    """When F&O last got it or a change of it; Shopify's updated_at where that was not recorded."""


class OrderLinks:
    """The table `links`: partition = store, row = the order's id padded, so that ids sort as numbers."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def get(self, store: str, order_id: int) -> OrderLink | None:
        row = await tables.read(self._table, store, tables.order_key(order_id))
        return _read(row) if row else None

    async def get_several(self, store: str, order_ids: Iterable[int]) -> dict[int, OrderLink]:
        """The links of those of the orders that have one."""
        found: dict[int, OrderLink] = {}
        for some in batched(order_ids, _AT_ONCE, strict=False):
            links = await asyncio.gather(*(self.get(store, order) for order in some))
            found |= {link.order_id: link for link in links if link is not None}
        return found

    async def put(self, link: OrderLink) -> OrderLink:
        """Replaces the state that the link was read in, and returns the link with its new ETag.

        Raises TransientError if another worker changed it meanwhile; the message is then processed again.
        """
        row = _row(link)
        outdated = {column: "" for column in link.stored.keys() - row.keys() if column.startswith(_CHUNKED)}
        row |= outdated
        known = link.stored if link.etag is not None else {}
        keys = {"PartitionKey": row.pop("PartitionKey"), "RowKey": row.pop("RowKey")}
        changed = {column: value for column, value in row.items() if _is_other(column, value, known)}
        etag = await tables.write(self._table, keys | changed, etag=link.etag, keep_others=True)
        if etag is None and link.etag is None:
            raise TransientError(_MAY_WRITE.format(order=link.order_id))
        if etag is None:
            raise TransientError(f"the link of order {link.order_id} was changed by another worker")
        return replace(link, stored={**link.stored, **row}, etag=etag)

    async def claim(self, link: OrderLink, now: datetime, lease: timedelta) -> OrderLink:
        """The link as this worker's alone, to create the sales order: until it is stored without a claim, or for the
        lease if this worker dies.

        Raises TransientError while another worker has it.
        """
        refuse_claimed(link, now)
        return await self.put(replace(link, claimed_until=now + lease))

    async def known(self, store: str, order_ids: Collection[int]) -> dict[int, datetime]:
        """The given orders that F&O has, with their counted_version.

        Reads about as many rows as orders are given: one page of at most twice that many links from the lowest given
        order on, then another page from the lowest one that is not covered.
        """
        query = "PartitionKey eq @store and RowKey ge @first and RowKey le @last"
        known: dict[int, datetime] = {}
        asked = sorted(set(order_ids))
        wanted = frozenset(asked)
        while asked:
            links = self._table.query_entities(
                query,
                parameters={"store": store, "first": tables.order_key(asked[0]), "last": tables.order_key(asked[-1])},
                select=["RowKey", "sales_order", "version", "parked_version", "given_up"],
                results_per_page=min(2 * len(asked), _PAGE),
            )
            read_to = asked[-1]
            async for page in links.by_page():
                rows = {tables.order_id_of(row["RowKey"]): row async for row in page}
                known |= {each: _counted(row) for each, row in rows.items() if each in wanted and row["sales_order"]}
                if rows:  # a page may be empty and yet not the last
                    read_to = max(rows)
                    break
            asked = [order_id for order_id in asked if order_id > read_to]
        return known

    async def booked(self, store: str, *, after: int) -> AsyncIterator[BookedOrder]:
        """The orders with a higher id that F&O has, the lowest first, read a page at a time."""
        found = self._table.query_entities(
            "PartitionKey eq @store and RowKey gt @after and RowKey lt 'order.' and sales_order gt ''",
            parameters={"store": store, "after": tables.order_key(after)},
            select=["RowKey", "sales_order", "further", "applied_at", "version"],
        )
        async for row in found:
            yield BookedOrder(
                tables.order_id_of(row["RowKey"]),
                (row["sales_order"], *row.get("further", "").split()),
                datetime.fromisoformat(row.get("applied_at") or row["version"]),
            )

    async def held(self, store: str) -> list[OrderLink]:
        """The sales orders that the app holds in F&O."""
        query = "PartitionKey eq @store and RowKey ge 'order-' and RowKey lt 'order.' and held gt ''"
        found = self._table.query_entities(query, parameters={"store": store})
        links = [_read(tables.with_etag(row)) async for row in found]
        return [link for link in links if link.sales_order and not link.given_up]

    async def with_holds(self, store: str) -> dict[str, int]:
        """The sales orders whose order has a hold recorded in Shopify: number -> order."""
        query = "PartitionKey eq @store and RowKey ge 'order-' and RowKey lt 'order.' and holds gt ''"
        found = self._table.query_entities(
            query, parameters={"store": store}, select=["RowKey", "sales_order", "further"]
        )
        return {
            number: tables.order_id_of(row["RowKey"])
            async for row in found
            for number in (row["sales_order"], *row.get("further", "").split())
        }

    async def parked(self, store: str) -> list[PendingSale]:
        """All parked orders with their goods, also those that could not be read, and what parked changes add."""
        unknown = "(sales_order eq '' or parked_digest gt '')"
        query = f"PartitionKey eq @store and RowKey ge 'order-' and RowKey lt 'order.' and {unknown}"
        found = self._table.query_entities(query, parameters={"store": store})
        links = [_read(dict(row)) async for row in found]
        return [
            PendingSale(
                link.order_id,
                link.sold,
                link.location_id,
                is_readable=link.is_pending_sale,
                version=None if link.sales_order or link.not_booked or not link.is_pending_sale else link.version,
            )
            for link in links
            if link.is_pending_sale or (link.parked_parts and not link.sales_order)
        ]


def refuse_claimed(link: OrderLink, now: datetime) -> None:
    """Raises TransientError while another worker, or F&O, may be writing the sales order."""
    until = link.claimed_until
    if until is not None and now < until:
        raise TransientError(_MAY_WRITE.format(order=link.order_id), retry_after=until - now)


def _is_other(column: str, value: object, known: Mapping[str, object]) -> bool:
    """Whether the column is to be written to a row that has the columns `known`."""
    if column in known:
        return known[column] != value
    return column in _ALWAYS or value not in _EMPTY


def _row(link: OrderLink) -> TableRow:
    goods = [[each.sku, each.units, each.variant_id] for each in link.sold]
    return {
        "PartitionKey": link.store,
        "RowKey": tables.order_key(link.order_id),
        "version": link.version.astimezone(UTC).isoformat(),
        "sales_order": link.sales_order,
        "digest": link.digest,
        "parked_digest": link.parked_digest,
        "parked_version": link.parked_version.astimezone(UTC).isoformat() if link.parked_version else "",
        "company": link.company,
        "customer_account": link.customer_account,
        "location_id": str(link.location_id or ""),
        "has_parked": link.has_parked,  # for a release without parts
        "parked_parts": " ".join(sorted(link.parked_parts)),
        "payments_wait": link.payments_wait,
        "not_booked": link.not_booked,
        "claimed_until": link.claimed_until.astimezone(UTC).isoformat() if link.claimed_until else "",
        "applied_at": link.applied_at.astimezone(UTC).isoformat() if link.applied_at else "",
        **_pieces("record", write_record(link.record) if link.record else {}),
        "given_up": link.given_up,
        **_pieces("lots", link.lots),
        **_pieces("sold", _by_sku(link.sold)),  # for a release that knows goods by their SKU alone
        **_pieces("goods", {"units": goods} if goods else {}),
        **_pieces("sources", link.sources),
        **_pieces("promised", link.promised),
        **_pieces("said", link.fingerprints),
        "shown_status": link.shown_status,
        "shown_tag": link.shown_tag,
        "told_version": link.told_version,
        **_pieces("given_units", link.given_up_units),
        **_pieces("intent", link.refund_intent),
        "cancel_sent_at": link.cancel_sent_at.astimezone(UTC).isoformat() if link.cancel_sent_at else "",
        "further": " ".join(link.further),
        "held": link.held,
        "is_holding": link.is_holding,
        "holds": _holds_text(link.holds),
        **_pieces("released", link.released),
        **_pieces("by_staff", link.by_staff),
        "would_send_again": link.would_send_again,
        **_pieces("pick_up", write_pick_up(link.pick_up)),
    }


def _read(row: TableRow) -> OrderLink:
    return OrderLink(
        store=row["PartitionKey"],
        order_id=tables.order_id_of(row["RowKey"]),
        version=datetime.fromisoformat(row["version"]),
        sales_order=row["sales_order"],
        digest=row["digest"],
        parked_digest=row["parked_digest"],
        parked_version=_moment(row.get("parked_version")),
        company=row["company"],
        customer_account=row["customer_account"],
        lots=_join("lots", row),
        sold=_goods(row),
        sources=_join("sources", row),
        promised=_join("promised", row),
        fingerprints=_join("said", row),
        further=tuple(row.get("further", "").split()),
        held=row.get("held", ""),
        is_holding=row.get("is_holding", False),
        holds=_holds_of(row.get("holds", "")),
        released=_join("released", row),
        by_staff=_join("by_staff", row),
        would_send_again=row.get("would_send_again", False),
        pick_up=read_pick_up(_join("pick_up", row)),
        location_id=int(row["location_id"]) if row["location_id"] else None,
        parked_parts=_parked_parts(row),
        payments_wait=row.get("payments_wait", False),
        record=read_record(_join("record", row)),
        not_booked=row.get("not_booked", ""),
        claimed_until=_moment(row.get("claimed_until")),
        applied_at=_moment(row.get("applied_at")),
        shown_status=row.get("shown_status", ""),
        shown_tag=row.get("shown_tag", ""),
        told_version=row.get("told_version", ""),
        given_up_units=_join("given_units", row),
        refund_intent=_join("intent", row),
        cancel_sent_at=_moment(row.get("cancel_sent_at")),
        stored=row,
        given_up=row.get("given_up", False),
        etag=row.get("etag"),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _counted(row: Mapping[str, Any]) -> datetime:
    """OrderLink.counted_version of the row."""
    if row.get("given_up", False):
        return _NEVER_BEHIND
    version = datetime.fromisoformat(row["version"])
    return max(version, _moment(row.get("parked_version")) or version)


def _holds_text(record: HoldRecord) -> str:
    """Empty for none, so that a query finds the others."""
    if not record:
        return ""
    return json.dumps(
        {
            "copied": sorted(record.copied),
            "let_go": sorted(record.let_go),
            "holds": {str(hold): list(place) for hold, place in record.holds.items()},
        }
    )


def _holds_of(text: str) -> HoldRecord:
    if not text:
        return HoldRecord()
    found = json.loads(text)
    return HoldRecord(
        copied=frozenset(map(HoldOrigin, found["copied"])),
        let_go=frozenset(map(HoldOrigin, found["let_go"])),
        holds={int(hold): HoldPlace(HoldOrigin(origin), part) for hold, (origin, part) in found["holds"].items()},
    )


def _parked_parts(row: TableRow) -> frozenset[Part]:
    """A release without parts wrote only that something is parked: it may be of any part."""
    parts = frozenset(map(Part, row.get("parked_parts", "").split()))
    if not row.get("has_parked", False):
        return frozenset()
    return parts or frozenset(Part)


def _goods(row: TableRow) -> tuple[SoldUnits, ...]:
    by_sku: dict[str, int] = _join("sold", row)
    goods: dict[str, list[tuple[str, int, int | None]]] = _join("goods", row)
    sold = tuple(SoldUnits(*each) for each in goods.get("units", ()))
    if _by_sku(sold) == by_sku:
        return sold
    return tuple(SoldUnits(sku, units) for sku, units in by_sku.items())  # a release without variants wrote last


def _by_sku(sold: Iterable[SoldUnits]) -> dict[str, int]:
    units: Counter[str] = Counter()
    for each in sold:
        units[each.sku] += each.units
    return dict(units)


def _pieces(name: str, mapping: Mapping[str, object]) -> dict[str, str]:
    """A mapping as numbered columns: the lots of 500 lines exceed the limit of one column."""
    text = json.dumps(dict(mapping))
    return {
        f"{name}_{number}": text[start : start + _CHUNK] for number, start in enumerate(range(0, len(text), _CHUNK))
    }


def _join[V](name: str, row: Mapping[str, object]) -> dict[str, V]:
    count = sum(1 for column in row if column.startswith(f"{name}_"))
    if not count:  # a row from an earlier release
        return {}
    loaded: dict[str, V] = json.loads("".join(str(row[f"{name}_{number}"]) for number in range(count)))
    return loaded
