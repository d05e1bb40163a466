"""What F&O does with sales orders: numbers, amounts, stock, changes, holds, deliveries."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from shared.d365.entities import ON_HAND, ON_HAND_BY_STATUS, SALES_LINE_PROGRESS, SALES_ORDER_LINES, SALES_ORDERS
from shared.d365.odata.batch import Operation
from shared.d365.odata.filters import Filter, all_of, eq
from shared.errors import ErrorCode, RefusedError
from shared.mapping.countries import find_country
from shared.model.fo_order import FoRow
from tools.probe.sandbox import Sandbox, Task

_PRICE: Final = Decimal(30)
_QUANTITIES: Final = (3, 1)
"""Pieces of the two lines of each order."""
_WAREHOUSES: Final = "Warehouses"
_RELEASED: Final = "WHSSalesLineBiEntities"


async def own_number(sandbox: Sandbox) -> None:
    """Call 2: header and lines in one change set under a number of ours; without it, if that is refused."""
    number = f"PROBE{sandbox.run}"
    written = await sandbox.attempt(_create(sandbox, number))
    if not isinstance(written, RefusedError):
        header = await sandbox.fo.get(SALES_ORDERS, sandbox.key(SalesOrderNumber=number))
        kept = header is not None and written[0]["SalesOrderNumber"] == number
        drawn = written[0]["SalesOrderNumber"]
        sandbox.keep(SALES_ORDERS, SalesOrderNumber=drawn)
        if kept:
            sandbox.answer("order_number", "kept", f"the order is {number}")
            await _twice(sandbox, number)
        else:
            sandbox.answer("order_number", "replaced", f"the order sent as {number} is {drawn}")
        return
    control = await sandbox.attempt(sandbox.fo.create(SALES_ORDERS, _header(sandbox)))
    if isinstance(control, RefusedError):
        sandbox.unanswered("order_number", f"F&O takes no order of this customer at all: {control}")
        return
    drawn = control["SalesOrderNumber"]
    sandbox.keep(SALES_ORDERS, SalesOrderNumber=drawn)
    lines = await sandbox.attempt(sandbox.fo.change_set(_lines(sandbox, drawn)))
    if isinstance(lines, RefusedError):
        sandbox.unanswered("order_number", f"F&O takes no lines of item {sandbox.item.number}: {lines}")
        return
    # A drawn number may be replaced together with that of its lines, or refused because of them.
    taken = await sandbox.attempt(sandbox.fo.create(SALES_ORDERS, _header(sandbox) | {"SalesOrderNumber": number}))
    if isinstance(taken, RefusedError):
        sandbox.answer("order_number", "refused", str(taken))
        return
    sandbox.keep(SALES_ORDERS, SalesOrderNumber=taken["SalesOrderNumber"])
    if taken["SalesOrderNumber"] == number:
        sandbox.unanswered("order_number", f"a header is kept, but with its lines in one change set: {written}")
    else:
        sandbox.answer("order_number", "replaced", f"the header sent as {number} is {taken['SalesOrderNumber']}")


async def _twice(sandbox: Sandbox, number: str) -> None:
    """Call 3: the same order again must be refused, with nothing written."""
    again = await sandbox.attempt(_create(sandbox, number))
    lines = await _lines_of(sandbox, number)
    if isinstance(again, RefusedError) and len(lines) == len(_QUANTITIES):
        sandbox.say(f"  the same order again is refused: {again}")
    else:
        sandbox.answer("order_number", "unknown", "F&O takes one number twice: let F&O draw the numbers")


async def statuses(sandbox: Sandbox) -> None:
    """Whether OData tells stock by inventory status, as stock.statuses needs it."""
    key, managed = "on_hand_by_status", "AreWarehouseManagementProcessesUsed"
    rows = await sandbox.attempt(
        sandbox.fo.query(
            ON_HAND_BY_STATUS,
            company=sandbox.company,
            where=_in_warehouse(sandbox),
            select=("InventoryStatusId", managed),
        )
    )
    what = f"{sandbox.item.number} in warehouse {sandbox.rules.warehouses[0].id}"
    if isinstance(rows, RefusedError):
        if rows.code == ErrorCode.FO_SET_MISSING:
            sandbox.answer(key, "no", f"F&O has no entity set {ON_HAND_BY_STATUS}")
        else:
            sandbox.unanswered(key, str(rows))
    elif not rows:
        sandbox.unanswered(key, f"{ON_HAND_BY_STATUS} has no row of {what}")
    elif found := sorted({str(row["InventoryStatusId"]) for row in rows if row[managed] == "Yes"}):
        sandbox.answer(key, "yes", f"{what} has the inventory statuses {', '.join(found)}")
    else:
        sandbox.answer(key, "no", f"{what} is not under warehouse management")


async def reservation(sandbox: Sandbox) -> None:
    """Call 5: whether units are reserved as soon as the order is there."""
    reserved, available = "ReservedOnHandQuantity", "AvailableOnHandQuantity"
    before = await _on_hand(sandbox, reserved)
    if await _on_hand(sandbox, available) <= 0:
        warehouse = sandbox.rules.warehouses[0].id
        sandbox.unanswered("reservation", f"nothing of {sandbox.item.number} is available in warehouse {warehouse}")
        return
    number = await new_order(sandbox, reserved=True)
    if number is None:
        sandbox.unanswered("reservation", "there is no order")
        return
    more = await _on_hand(sandbox, reserved) - before
    value = "at_creation" if more > 0 else "none"
    sandbox.answer("reservation", value, f"{more} more units are reserved after order {number}")


async def changes(sandbox: Sandbox) -> None:
    """Calls 6 and 7: what lines take from a changed header, and what a changed line is worth."""
    number = await new_order(sandbox)
    if number is None:
        return
    street = f"Probe street {sandbox.run}"
    country = find_country(sandbox.rules.country, "")
    address = {
        "IsDeliveryAddressOrderSpecific": "Yes",
        "DeliveryAddressName": "Probe",
        "DeliveryAddressStreet": street,
        "DeliveryAddressCity": "Probe",
        "DeliveryAddressCountryRegionId": country.alpha3 if country else "",
    }
    changed = await sandbox.attempt(sandbox.fo.update(SALES_ORDERS, sandbox.key(SalesOrderNumber=number), address))
    (first, second) = await _lines_of(sandbox, number)
    if isinstance(changed, RefusedError):
        sandbox.unanswered("header_changes", str(changed))
    else:
        line = await sandbox.read(SALES_ORDER_LINES, sandbox.key(InventoryLotId=first["InventoryLotId"]))
        follows = str(line["DeliveryAddressStreet"]) == street
        told = f"a line of order {number} has the street “{line['DeliveryAddressStreet']}”"
        sandbox.answer("header_changes", "follow" if follows else "keep", told)
    quantity = await _amount_after(sandbox, first, {"OrderedSalesQuantity": Decimal(4)})
    price = await _amount_after(sandbox, second, {"SalesPrice": Decimal(20)})
    if quantity is None or price is None:
        sandbox.unanswered("line_amount", "F&O refused the change of a line")
        return
    computed = (quantity, price) == (4 * _PRICE, Decimal(20))
    told = f"4 x 30.00 is {quantity}, 1 x 20.00 is {price}"
    sandbox.answer("line_amount", "recomputed" if computed else "kept", told)


async def charge(sandbox: Sandbox) -> None:
    """Whether a charge counts once in the line's net amount, as orders.odd_cents = "charge" needs it."""
    number = await new_order(sandbox)
    if number is None:
        return
    charged = _line(sandbox, number, 3, 3) | {"FixedPriceCharges": Decimal("0.01")}
    line = await sandbox.attempt(sandbox.fo.create(SALES_ORDER_LINES, charged))
    if isinstance(line, RefusedError):
        sandbox.say(f"  F&O takes no charge of a line: {line}")
        return
    counts = "counts" if line["LineAmount"] == 3 * _PRICE + Decimal("0.01") else "does NOT count"
    sandbox.say(f"  FixedPriceCharges {counts} in LineAmount: 3 x 30.00 and a charge of 0.01 is {line['LineAmount']}")


async def _amount_after(sandbox: Sandbox, line: FoRow, change: FoRow) -> Decimal | None:
    key = sandbox.key(InventoryLotId=line["InventoryLotId"])
    if isinstance(await sandbox.attempt(sandbox.fo.update(SALES_ORDER_LINES, key, change)), RefusedError):
        return None
    amount: Decimal = (await sandbox.read(SALES_ORDER_LINES, key))["LineAmount"]
    return amount


async def hold(sandbox: Sandbox) -> None:
    """Call 8: whether a held order stays held."""
    number = await new_order(sandbox)
    if number is None:
        return
    key = sandbox.key(SalesOrderNumber=number)
    await sandbox.fo.update(SALES_ORDERS, key, {"IsSalesProcessingStopped": "Yes"})
    if not await sandbox.person.does(Task.CONFIRM_HELD, number):
        sandbox.unanswered("hold_flag", "nobody tried to confirm a held order")
        return
    if (await sandbox.read(SALES_ORDERS, key))["SalesOrderProcessingStatus"] == "Confirmed":
        sandbox.unanswered("hold_flag", f"order {number} was confirmed although it is held: do not rely on holds")
        return
    if not await sandbox.person.does(Task.HOLD_CODE, number):
        sandbox.unanswered("hold_flag", "nobody added and cleared a hold code")
        return
    stopped = (await sandbox.read(SALES_ORDERS, key))["IsSalesProcessingStopped"] == "Yes"
    told = f"after a hold code came and went, order {number} is {'still' if stopped else 'no longer'} held"
    sandbox.answer("hold_flag", "blocks" if stopped else "recomputed", told)


async def release(sandbox: Sandbox) -> None:
    """Call 9: whether OData shows what was released to the warehouse."""
    warehouse = sandbox.rules.warehouses[0]
    found = await sandbox.fo.get(_WAREHOUSES, sandbox.key(WarehouseId=warehouse.id))
    if found is None:
        sandbox.unanswered("warehouse_management", f"the app's role does not see warehouse {warehouse.id}")
        return
    if found["AreAdvancedWarehouseManagementProcessesEnabled"] == "No":
        sandbox.answer("warehouse_management", "no", f"warehouse {warehouse.id} does not use it")
        return
    number = await new_order(sandbox)
    if number is None or not await sandbox.person.does(Task.RELEASE, number):
        sandbox.unanswered("warehouse_management", "no order was released")
        return
    lot = (await _lines_of(sandbox, number))[0]["InventoryLotId"]
    row = await sandbox.attempt(sandbox.fo.get(_RELEASED, sandbox.key(InventTransId=lot)))
    if row is None or isinstance(row, RefusedError) or row["ReleasedQty"] == 0:
        sandbox.unanswered("warehouse_management", f"{_RELEASED} does not show what was released of order {number}")
        return
    sandbox.answer("warehouse_management", "yes", f"{_RELEASED} shows {row['ReleasedQty']} of order {number}")


async def deletion(sandbox: Sandbox) -> None:
    """Call 11: whether a confirmed order can be deleted with its lines."""
    number = await new_order(sandbox)
    if number is None or not await sandbox.person.does(Task.CONFIRM, number):
        sandbox.unanswered("confirmed_order_deleted", "no order was confirmed")
        return
    operations = [
        Operation("DELETE", SALES_ORDER_LINES, key=sandbox.key(InventoryLotId=line["InventoryLotId"]))
        for line in await _lines_of(sandbox, number)
    ]
    operations.append(Operation("DELETE", SALES_ORDERS, key=sandbox.key(SalesOrderNumber=number)))
    deleted = await sandbox.attempt(sandbox.fo.change_set(operations))
    if isinstance(deleted, RefusedError):
        sandbox.answer("confirmed_order_deleted", "no", str(deleted))
    else:
        sandbox.answer("confirmed_order_deleted", "yes", f"order {number} is gone")


async def delivery(sandbox: Sandbox) -> str | None:
    """Call 10, and the invoice for call 14: the first lot of an invoiced order, None without one."""
    number = await new_order(sandbox)
    if number is None or not await sandbox.person.does(Task.PACK_ONE, number):
        for key in ("delivered_quantity", "zero_quantity", "invoiced_order_lines"):
            sandbox.unanswered(key, "no packing slip was posted")
        return None
    first, second = await _lines_of(sandbox, number)
    where = all_of(eq("SalesId", number), eq("InventTransId", first["InventoryLotId"]))
    progress = await sandbox.fo.query(
        SALES_LINE_PROGRESS, company=sandbox.company, where=where, select=("RemainSalesPhysical",)
    )
    if not progress or progress[0]["RemainSalesPhysical"] != _QUANTITIES[0] - 1:
        sandbox.unanswered("delivered_quantity", f"{SALES_LINE_PROGRESS} does not show 2 of 3 pieces as open")
    else:
        await _set_quantity(sandbox, first, 1, "delivered_quantity")
    await _set_quantity(sandbox, second, 0, "zero_quantity")
    before = await _further_line(sandbox, number, 3)  # which stays open, so that the order is partly invoiced
    if not await sandbox.person.does(Task.INVOICE, number):
        sandbox.unanswered("invoiced_order_lines", "no order was invoiced")
        return None
    after = await _further_line(sandbox, number, 4)
    if before is not None:
        sandbox.unanswered("invoiced_order_lines", f"order {number} took no further line before its invoice: {before}")
    elif after is not None:
        sandbox.answer("invoiced_order_lines", "refused", str(after))
    else:
        sandbox.answer("invoiced_order_lines", "taken", f"order {number} took a line after its invoice")
    return str(first["InventoryLotId"])


async def _further_line(sandbox: Sandbox, number: str, line: int) -> RefusedError | None:
    """F&O's refusal of one more line, None where it is taken."""
    written = await sandbox.attempt(sandbox.fo.create(SALES_ORDER_LINES, _line(sandbox, number, line, 1)))
    if isinstance(written, RefusedError):
        return written
    sandbox.keep(SALES_ORDER_LINES, InventoryLotId=written["InventoryLotId"])
    return None


async def _set_quantity(sandbox: Sandbox, line: FoRow, quantity: int, answer: str) -> None:
    key = sandbox.key(InventoryLotId=line["InventoryLotId"])
    changed = await sandbox.attempt(
        sandbox.fo.update(SALES_ORDER_LINES, key, {"OrderedSalesQuantity": Decimal(quantity)})
    )
    if isinstance(changed, RefusedError):
        sandbox.answer(answer, "refused", str(changed))
        return
    now = (await sandbox.read(SALES_ORDER_LINES, key))["OrderedSalesQuantity"]
    value = "taken" if now == quantity else "refused"
    sandbox.answer(answer, value, f"sent {quantity}, F&O has {now}")


async def new_order(sandbox: Sandbox, *, reserved: bool = False) -> str | None:
    """A sales order under F&O's number, 3 and 1 pieces. None when F&O takes none."""
    method = {"InventoryReservationMethod": "Automatic"} if reserved else {}
    header = await sandbox.attempt(sandbox.fo.create(SALES_ORDERS, _header(sandbox) | method))
    if isinstance(header, RefusedError):
        sandbox.say(f"  no order for this question: {header}")
        return None
    number: str = header["SalesOrderNumber"]
    sandbox.keep(SALES_ORDERS, SalesOrderNumber=number)
    lines = await sandbox.attempt(sandbox.fo.change_set(_lines(sandbox, number)))
    if isinstance(lines, RefusedError):
        sandbox.say(f"  no lines for this question: {lines}")
        return None
    return number


async def _create(sandbox: Sandbox, number: str) -> list[FoRow]:
    header = _header(sandbox) | {"SalesOrderNumber": number}
    return await sandbox.fo.change_set([Operation("POST", SALES_ORDERS, body=header), *_lines(sandbox, number)])


def _header(sandbox: Sandbox) -> FoRow:
    rules = sandbox.rules
    return {
        "dataAreaId": sandbox.company,
        "OrderingCustomerAccountNumber": sandbox.customer,
        "InvoiceCustomerAccountNumber": sandbox.customer,
        "CurrencyCode": rules.currencies[0],
        "CustomersOrderReference": f"probe-{sandbox.run}",
        "SalesOrderOriginCode": rules.orders.origin_code,
        "DefaultShippingSiteId": rules.warehouses[0].site,
        "DefaultShippingWarehouseId": rules.warehouses[0].id,
    }


def _lines(sandbox: Sandbox, number: str) -> list[Operation]:
    return [
        Operation("POST", SALES_ORDER_LINES, body=_line(sandbox, number, line, quantity))
        for line, quantity in enumerate(_QUANTITIES, 1)
    ]


def _line(sandbox: Sandbox, number: str, line: int, quantity: int) -> FoRow:
    warehouse = sandbox.rules.warehouses[0]
    return {
        "dataAreaId": sandbox.company,
        "SalesOrderNumber": number,
        "LineNumber": Decimal(line),
        **sandbox.product,
        "OrderedSalesQuantity": Decimal(quantity),
        "SalesPrice": _PRICE,
        "ShippingSiteId": warehouse.site,
        "ShippingWarehouseId": warehouse.id,
    }


async def _lines_of(sandbox: Sandbox, number: str) -> list[FoRow]:
    rows = await sandbox.fo.query(
        SALES_ORDER_LINES,
        company=sandbox.company,
        where=eq("SalesOrderNumber", number),
        select=("InventoryLotId", "LineNumber", "LineAmount"),
    )
    return sorted(rows, key=lambda row: Decimal(row["LineNumber"]))


async def _on_hand(sandbox: Sandbox, field: str) -> Decimal:
    rows = await sandbox.fo.query(ON_HAND, company=sandbox.company, where=_in_warehouse(sandbox), select=(field,))
    return sum((row[field] for row in rows), Decimal(0))


def _in_warehouse(sandbox: Sandbox) -> Filter:
    product = (eq(field, value) for field, value in sandbox.product.items())
    return all_of(*product, eq("InventoryWarehouseId", sandbox.rules.warehouses[0].id))
