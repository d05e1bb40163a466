"""Refunds, and what they meet on their way: F&O's documents in memory, strict, with calls whose answers get lost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from shared.d365.entities import (
    EXPANDED_LINES,
    KEYS,
    READ,
    SALES_ORDER_LINES,
    SALES_ORDERS,
    SALES_ORDERS_WITH_LINES,
)
from shared.d365.odata.client import Expand
from shared.d365.tax import TaxSetups
from shared.errors import OutcomeUnknownError, RefusedError
from shared.mapping.refunds.lots import SoldLot
from shared.model import (
    Adjustment,
    FoPrice,
    Money,
    Order,
    OrderLine,
    OrderState,
    Refund,
    RefundLine,
    Restock,
    Risk,
    Transaction,
)
from shared.rules import StoreRules
from shared.store.links import OrderLink
from shared.store.refunds import Refunds
from shared.sync.refunds import RefundPorts
from tests.builders.memory_table import MemoryTable
from tests.builders.sales import EU, euros, with_rules

_SAME_TABLE = {SALES_ORDERS_WITH_LINES: SALES_ORDERS, EXPANDED_LINES: SALES_ORDER_LINES}
ACCOUNT = "C7001001001001"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PARTS = (
    *("goods_returned", "goods_kept", "custom_lines", "tips", "gift_cards", "shipping", "duties", "goodwill"),
    *("restocking_fee", "discrepancy", "tax", "tax_difference", "fees", "return_shipping_fee"),
)


def rules(base: StoreRules = EU, without: Iterable[str] = (), **changes: Any) -> StoreRules:
    """A store with an account for every part but some: each is its number in PARTS."""
    accounts = {part: {"main_account": f"40{at:02d}"} for at, part in enumerate(PARTS) if part not in without}
    own = {"warehouses": (), "accounts": accounts}
    tables = {name: changes.pop(name) for name in ("tax", "orders", "masters", "currencies") if name in changes}
    return with_rules(base, refunds=own | changes, **tables)


def back(
    line_id: int = 1,
    quantity: int = 1,
    subtotal: Money | str = "10.00",
    tax: Money | str = "0.00",
    restock: Restock = Restock.RETURN,
    *,
    location_id: int | None = 71001001,
) -> RefundLine:
    amounts = [euros(each) if isinstance(each, str) else each for each in (subtotal, tax)]
    return RefundLine(line_id, quantity, restock, location_id, *amounts)


def beside(amount: Money | str, reason: str = "refund_discrepancy", tax: str = "0.00", **other: Any) -> Adjustment:
    """Above zero the buyer gets more than the lines are worth."""
    money = euros(amount) if isinstance(amount, str) else amount
    return Adjustment(reason, money, Money(Decimal(tax), money.currency), **other)


def refund(
    *lines: RefundLine,
    adjustments: Sequence[Adjustment] = (),
    transactions: Sequence[Transaction] = (),
    duties: Money | str = "0.00",
    number: int = 801,
) -> Refund:
    return Refund(
        id=number,
        order_id=5_551_234_567_890,
        created_at=datetime(2026, 11, 22, 23, 30, tzinfo=UTC),
        note="",
        lines=lines,
        adjustments=tuple(adjustments),
        duties=euros(duties) if isinstance(duties, str) else duties,
        transactions=tuple(transactions),
        return_id=None,
    )


def state(order: Order, *refunds: Refund) -> OrderState:
    return OrderState(order=order, refunds=refunds, transactions=None, risk=Risk.NONE, shipped={})


def link(order: Order, **other: Any) -> OrderLink:
    plain = OrderLink(
        store=order.store,
        order_id=order.id,
        version=NOON,
        sales_order=f"SN{order.id}",
        company="nleu",
        customer_account=ACCOUNT,
        sources={f"NLEU-{line.id:06d}": f"products:{line.id}" for line in order.lines},
    )
    return replace(plain, **other)


def sold(
    line_id: int = 1,
    units: int = 1,
    *,
    lot: str = "",
    item: str = "TENT-2P",
    invoiced: int | None = None,
    price: FoPrice = FoPrice(Decimal(10), Decimal(1), Decimal(0)),  # noqa: B008 - a value
) -> SoldLot:
    return SoldLot(
        lot=lot or f"NLEU-{line_id:06d}",
        line_id=line_id,
        product={"ItemNumber": item},
        site="EU",
        warehouse="HAM",
        price=price,
        ordered=Decimal(units),
        returnable=Decimal(units if invoiced is None else invoiced),
    )


def all_sold(order: Order) -> list[SoldLot]:
    return [sold(line.id, line.quantity) for line in order.lines]


_PRICE = ("SalesPrice", "SalesPriceQuantity", "LineDiscountAmount", "FixedPriceCharges")
_LITERAL = r"(?:'((?:[^']|'')*)'|(\d+))"
_POSTS = {
    "ReturnOrderHeadersV2": {
        *("dataAreaId", "ReturnOrderNumber", "CustomersOrderReference", "IsReturnProcessingStopped"),
        *("CustomerAccountNumber", "InvoiceCustomerAccountNumber", "CurrencyCode", "CustomerRequisitionNumber"),
        *("CustomerReturnReasonCode", "DefaultReturnSiteId", "DefaultReturnWarehouseId"),
    },
    "ReturnOrderLinesV2": {
        *("dataAreaId", "ReturnOrderNumber", "ItemNumber", "ReturnSalesQuantity", "SalesPrice", "ReturnSiteId"),
        *("ReturningInventoryLotId", "ReturnWarehouseId", "ReturnDispositionCode", "ProductColorId", "ProductSizeId"),
    },
    "FreeTextInvoiceHeaders": {
        *("dataAreaId", "CustomerReference", "CustomerAccount", "CurrencyCode", "InvoiceDate", "InclTax"),
        "CustomerRequisition",
    },
    "FreeTextInvoiceLines": {
        *("dataAreaId", "ParentRecId", "LineNumber", "Description", "InvoiceText", "MainAccountDisplayValue"),
        *("Quantity", "UnitPrice", "TransactionCurrencyAmount", "SalesTaxGroupId", "SalesTaxItemGroupId"),
    },
}


@dataclass
class MemoryFo:
    """F&O as the OData client shows it. It refuses whatever F&O would, and more."""

    tables: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in KEYS})
    calls: list[str] = field(default_factory=list)
    losses: dict[str, list[bool | None]] = field(default_factory=dict)
    """By call, whether its next answers are lost after (True) or before (False) F&O served it; None: not at all."""
    currency: str = "EUR"
    dearer_by: Decimal = Decimal(0)
    """What F&O adds to every line's amount on its own."""
    return_price: str = "given"
    """What a return line costs: what is sent, or (copied) what its lot has, with its charge or without."""
    ids: count[int] = field(default_factory=lambda: count(5_637_144_576))

    def sell(
        self, order: Order, *, invoiced: bool = True, number: str = "", company: str = "nleu", odd: str = "price_unit"
    ) -> None:
        """The sales order, a lot for each line. No line has Shopify's id: the order's link has it."""
        for at, line in enumerate(order.lines, start=1):
            sales_order = number or f"SN{order.id}"
            self.tables["SalesOrderLinesV3"].append(
                dict.fromkeys(("ProductConfigurationId", "ProductStyleId", "ProductVersionId"), "")
                | {
                    "dataAreaId": company,
                    "SalesOrderNumber": sales_order,
                    "InventoryLotId": f"{company.upper()}-{line.id:06d}",
                    "LineNumber": Decimal(at),
                    "ExternalItemNumber": "",
                    "ItemNumber": line.sku or line.kind.upper(),
                    "ProductColorId": "Green",
                    "ProductSizeId": "",
                    "OrderedSalesQuantity": Decimal(line.quantity),
                    "LineAmount": line.net.amount,
                    **_priced(line, odd),
                    "ShippingSiteId": "EU",
                    "ShippingWarehouseId": "HAM",
                }
            )
            self.tables["SalesLineBiEntities"].append(
                {
                    "dataAreaId": company,
                    "SalesId": sales_order,
                    "InventTransId": f"{company.upper()}-{line.id:06d}",
                    "SalesStatus": "Invoiced" if invoiced else "Backorder",
                    "SysModifiedDateTime": "2026-11-27T12:00:00Z",
                    "SalesQty": Decimal(line.quantity),
                    "RemainSalesPhysical": Decimal(0 if invoiced else line.quantity),
                    "RemainSalesFinancial": Decimal(0),
                }
            )

    def invoice(self) -> None:
        for row in self.tables["SalesLineBiEntities"]:
            row |= {"RemainSalesPhysical": Decimal(0), "RemainSalesFinancial": Decimal(0), "SalesStatus": "Invoiced"}

    async def query(
        self,
        entity_set: str,
        *,
        company: str,
        where: str,
        select: Sequence[str],
        order_by: Sequence[str] = (),
        expand: Expand | None = None,
    ) -> list[dict[str, Any]]:
        self._begin(f"GET {entity_set}")
        conditions = re.findall(rf"(\w+) eq {_LITERAL}", where)
        wanted: dict[str, set[str]] = {}
        for name, text, digits in conditions:
            wanted.setdefault(name, set()).add(digits or text.replace("''", "'").casefold())
        return [
            {field: row[field] for field in ("dataAreaId", *select)} | self._related(row, expand)
            for row in self.tables[_SAME_TABLE.get(entity_set, entity_set)]
            if row["dataAreaId"] == company
            and all(str(row[name]).casefold() in values for name, values in wanted.items())
        ]

    def _related(self, header: Mapping[str, Any], expand: Expand | None) -> dict[str, Any]:
        if expand is None:
            return {}
        lines = [
            {field: line[field] for field in ("dataAreaId", *expand.select)}
            for line in self.tables[_SAME_TABLE[expand.navigation]]
            if (line["dataAreaId"], line["SalesOrderNumber"]) == (header["dataAreaId"], header["SalesOrderNumber"])
        ]
        return {expand.navigation: lines}

    async def get(self, entity_set: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
        self._begin(f"GET {entity_set}")
        return deepcopy(self._find(entity_set, key))

    async def create(self, entity_set: str, record: Mapping[str, Any]) -> dict[str, Any]:
        lost = self._begin(f"POST {entity_set}")
        row = self._new(entity_set, dict(record))
        self.tables[entity_set].append(row)
        self._end(lost=lost)
        return dict(row)

    async def update(self, entity_set: str, key: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        lost = self._begin(f"PATCH {entity_set}")
        row = self._find(entity_set, key)
        assert row is not None
        row |= changes
        self._end(lost=lost)

    async def change_set(self, operations: Sequence[Any]) -> list[dict[str, Any]]:
        lost = self._begin("change set")
        before = deepcopy(self.tables)
        rows = []
        try:
            for operation in operations:
                assert operation.method == "POST"
                rows.append(self._new(operation.entity_set, dict(operation.body)))
                self.tables[operation.entity_set].append(rows[-1])
        except RefusedError:
            self.tables = before
            raise
        self._end(lost=lost)
        return deepcopy(rows)

    def _new(self, entity_set: str, row: dict[str, Any]) -> dict[str, Any]:
        assert set(row) <= _POSTS[entity_set], set(row) - _POSTS[entity_set]
        match entity_set:
            case "ReturnOrderHeadersV2":
                row = {"ReturnOrderNumber": f"RMA-{next(self.ids)}", "IsReturnProcessingStopped": "No"} | row
                assert len(row["ReturnOrderNumber"]) <= 20
            case "ReturnOrderLinesV2":
                row |= self._returned(row) | {"ReturnInventoryLotId": f"LOT-{next(self.ids)}"}
            case "FreeTextInvoiceHeaders":
                row |= {"InvoiceIdentifier": next(self.ids), "IsPosted": "No"}
                assert len(row["CustomerReference"]) <= 60
            case "FreeTextInvoiceLines":
                if self._find("FreeTextInvoiceHeaders", {"InvoiceIdentifier": row["ParentRecId"]}) is None:
                    raise _refused("There is no such invoice.")
                assert row["UnitPrice"] * row["Quantity"] == row["TransactionCurrencyAmount"]
                row["TransactionCurrencyAmount"] += self.dearer_by
        if self._find(entity_set, {name: row[name] for name in KEYS[entity_set]}):
            raise _refused("The record already exists.")
        assert set(READ[entity_set]) <= set(row)
        return row

    def _returned(self, row: dict[str, Any]) -> dict[str, Any]:
        if self._find("ReturnOrderHeadersV2", {"ReturnOrderNumber": row["ReturnOrderNumber"]}) is None:
            raise _refused("There is no such return order.")
        assert row["ReturnSalesQuantity"] < 0
        lot = row["ReturningInventoryLotId"]
        line = self._find("SalesOrderLinesV3", {"InventoryLotId": lot})
        progress = self._find("SalesLineBiEntities", {"InventTransId": lot})
        assert line is not None
        assert progress is not None
        same = [
            each["ReturnSalesQuantity"]
            for each in self.tables["ReturnOrderLinesV2"]
            if each["ReturningInventoryLotId"] == lot
        ]
        invoiced = line["OrderedSalesQuantity"] - progress["RemainSalesPhysical"] - progress["RemainSalesFinancial"]
        if -sum(same, row["ReturnSalesQuantity"]) > invoiced:
            raise _refused("The quantity is more than was invoiced.")
        if self.return_price == "given":
            return {"LineAmount": row["ReturnSalesQuantity"] * row["SalesPrice"] + self.dearer_by}
        of_piece = (line["SalesPrice"] - line["LineDiscountAmount"]) / line["SalesPriceQuantity"]
        amount = Money(row["ReturnSalesQuantity"] * of_piece, self.currency).rounded().amount
        charge = line["FixedPriceCharges"] if self.return_price == "copied_with_charges" else 0
        return {"SalesPrice": line["SalesPrice"], "LineAmount": amount - charge + self.dearer_by}

    def _find(self, entity_set: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
        rows = self.tables[entity_set]
        return next((row for row in rows if all(row[name] == value for name, value in key.items())), None)

    def _begin(self, call: str) -> bool:
        """Counts the call; whether its answer will be lost."""
        self.calls.append(call)
        coming = self.losses.get(call)
        loss = coming.pop(0) if coming else None
        if loss is False:
            raise OutcomeUnknownError("the line broke before F&O saw it")
        return bool(loss)

    def _end(self, *, lost: bool) -> None:
        if lost:
            raise OutcomeUnknownError("the line broke after F&O had served it")


def _priced(line: OrderLine, odd: str) -> dict[str, Decimal]:
    """Price and discount of all pieces, or of one piece each with a charge for the rest."""
    pieces, currency = Decimal(line.quantity), line.unit_price.currency
    if odd == "price_unit":
        whole = (line.unit_price * line.quantity).amount, pieces, line.discount.amount, Decimal(0)
        return dict(zip(_PRICE, whole, strict=True))
    discount = Money(line.discount.amount / pieces, currency).rounded().amount
    charge = line.net.amount - pieces * (line.unit_price.amount - discount)
    return dict(zip(_PRICE, (line.unit_price.amount, Decimal(1), discount, charge), strict=True))


def _refused(infolog: str) -> RefusedError:
    return RefusedError("FO_REJECTED", what="a change set", infolog=infolog)


@dataclass
class Books:
    """F&O, the app's table, and the time."""

    fo: MemoryFo = field(default_factory=MemoryFo)
    table: MemoryTable = field(default_factory=MemoryTable)
    now: datetime = NOON

    @property
    def ports(self) -> RefundPorts:
        fo: Any = self.fo
        return RefundPorts(Refunds(self.table), fo, TaxSetups(fo))  # type: ignore[arg-type]  # a table in memory

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)

    @property
    def writes(self) -> list[str]:
        return [call for call in self.fo.calls if not call.startswith("GET")]

    def credited(self, currency: str = "EUR") -> Money:
        """What all documents together take off what the buyer owes, tax on top aside."""
        amounts = [row["LineAmount"] for row in self.fo.tables["ReturnOrderLinesV2"]]
        amounts += [row["TransactionCurrencyAmount"] for row in self.fo.tables["FreeTextInvoiceLines"]]
        return Money(-sum(amounts, Decimal(0)), currency)
