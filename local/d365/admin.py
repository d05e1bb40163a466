"""`/_sim`: what F&O's people, warehouse and batch jobs would do, and what a test wants to know or break."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from aiohttp import web

from local.d365.admin_http import bad_request, body_of, json_answer, number_of
from local.d365.admin_slips import quantities_of, shipment_of
from local.d365.credit_holds import hold_for_credit, reject_credit, release_from_credit
from local.d365.faults import parse_fault
from local.d365.inventory import Stock
from local.d365.ledger import PostingError
from local.d365.parameters import with_changes
from local.d365.sales_tables import HEADERS, lines_of, progress_of
from local.d365.sequences import KINDS, Purpose
from local.d365.simulator import Simulator
from local.d365.tables import Row
from local.d365.tenant import tenant_of
from local.d365.views import on_hand_values

_PURPOSES: Final[dict[str, Purpose]] = {
    "sales_orders": "sales order",
    "customers": "customer",
    "payment_journals": "payment journal",
    "rma_numbers": "RMA",
}


class Admin:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_sim/health", self.health),
            web.post("/_sim/reset", self.reset),
            web.get("/_sim/calls", self.calls),
            web.delete("/_sim/calls", self.clear_calls),
            web.post("/_sim/faults", self.add_fault),
            web.delete("/_sim/faults", self.clear_faults),
            web.post("/_sim/tokens/revoke", self.revoke_tokens),
            web.post("/_sim/lacking", self.lack),
            web.post("/_sim/number-sequences", self.number_sequences),
            web.post("/_sim/parameters", self.parameters),
            web.post("/_sim/tenant", self.tenant),
            web.get("/_sim/on-hand", self.on_hand),
            web.post("/_sim/on-hand", self.set_on_hand),
            web.get("/_sim/orders", self.orders),
            web.get("/_sim/records/{entity_set}", self.records),
            web.post("/_sim/orders/{company}/{number}/{action}", self.post_order),
        ]

    async def health(self, _: web.Request) -> web.Response:
        return json_answer({"status": "ok"})

    async def reset(self, _: web.Request) -> web.Response:
        self._simulator.reset()
        return json_answer({})

    async def calls(self, _: web.Request) -> web.Response:
        """How often each HTTP address was called and each operation inside batches, searches that no index helps, and
        the most requests at once.
        """
        simulator = self._simulator
        counts = {
            "http": dict(simulator.http_calls),
            "batched": dict(simulator.batched_calls),
            "scans": dict(simulator.scans),
        }
        return json_answer({**counts, "under_way": simulator.under_way, "most_at_once": simulator.most_at_once})

    async def clear_calls(self, _: web.Request) -> web.Response:
        self._simulator.clear_calls()
        return json_answer({})

    async def add_fault(self, request: web.Request) -> web.Response:
        raw = await body_of(request)
        try:
            self._simulator.faults.add(parse_fault(raw))
        except (TypeError, ValueError) as error:
            raise bad_request(str(error)) from error
        return json_answer({}, 201)

    async def clear_faults(self, _: web.Request) -> web.Response:
        self._simulator.faults.clear()
        return json_answer({})

    async def revoke_tokens(self, _: web.Request) -> web.Response:
        self._simulator.tokens.revoke()
        return json_answer({})

    async def lack(self, request: web.Request) -> web.Response:
        """`{entity set: [field]}`: what this environment does not have, until the next call or reset."""
        raw = await body_of(request)
        try:
            self._simulator.lack({name: frozenset(fields) for name, fields in raw.items()})
        except (KeyError, TypeError) as error:
            raise bad_request(f"{error} is no entity set with a list of fields") from error
        return json_answer({})

    async def number_sequences(self, request: web.Request) -> web.Response:
        """`{"company", "sequence": "sales_orders" and others, "kind"?: "kept" and others, "next"?: int}`."""
        raw = await body_of(request)
        numbers = self._simulator.books.numbers
        if raw.get("company") not in self._simulator.world.companies or raw.get("sequence") not in _PURPOSES:
            raise bad_request(f"a known company and a sequence of {', '.join(_PURPOSES)} are needed")
        if raw.get("kind", "kept") not in KINDS:
            raise bad_request(f"kind is one of {', '.join(sorted(KINDS))}")
        purpose = _PURPOSES[raw["sequence"]]
        if "kind" in raw:
            numbers.set_kind(raw["company"], purpose, raw["kind"])
        if "next" in raw:
            numbers.set_next(raw["company"], purpose, int(number_of(raw["next"])))
        return json_answer({})

    async def parameters(self, request: web.Request) -> web.Response:
        """`{"company", "update_order_lines"?: "Never", ...}` (local/d365/parameters.py): all there are now."""
        raw = await body_of(request)
        known = self._simulator.books.parameters
        company = raw.pop("company", None)
        if company not in known:
            raise bad_request(f"company {company} does not exist")
        try:
            known[company] = with_changes(known[company], raw)
        except ValueError as error:
            raise bad_request(str(error)) from error
        return json_answer(asdict(known[company]))

    async def tenant(self, request: web.Request) -> web.Response:
        """What readers of this environment meet (local/d365/tenant.py): all that is left out is as at start."""
        raw = await body_of(request)
        try:
            self._simulator.books.tenant = tenant_of(raw, self._simulator.schema)
        except ValueError as error:
            raise bad_request(str(error)) from error
        return json_answer({})

    async def on_hand(self, request: web.Request) -> web.Response:
        company = request.query.get("company")
        books = self._simulator.books
        found = [on_hand_values(books, place, stock) for place, stock in books.stock.items()]
        return json_answer([values for values in found if company in (None, values["dataAreaId"])])

    async def set_on_hand(self, request: web.Request) -> web.Response:
        """`{"company", "item": item or variant number, "warehouse", "physical": absolute | "delta": change}`, or with
        `"status"` how much of the physical stock has that status instead of `Available`: `"physical"`.
        """
        raw = await body_of(request)
        books = self._simulator.books
        sku = str(raw.get("variant") or raw.get("item", ""))
        try:
            place = books.bin(str(raw.get("company", "")), sku, str(raw.get("warehouse", "")))
        except KeyError as error:
            return json_answer({"error": str(error.args[0])}, 404)
        if ("physical" in raw) == ("delta" in raw):
            raise bad_request("either physical or delta is needed")
        stock = books.stock.get(place) or Stock()
        if "status" in raw:
            warehouse = books.warehouse(place.company, place.warehouse)
            if warehouse is None or not warehouse.inventory_statuses:
                raise bad_request("the warehouse has no inventory statuses")
            books.set_apart.put((place, str(raw["status"])), number_of(raw.get("physical")))
            return json_answer(on_hand_values(books, place, stock))
        physical = number_of(raw["physical"]) if "physical" in raw else stock.physical + number_of(raw["delta"])
        changed = Stock(physical, stock.reserved, stock.ordered, stock.reserved_ordered, stock.on_order)
        books.stock.put(place, changed)
        return json_answer(on_hand_values(books, place, changed))

    async def orders(self, _: web.Request) -> web.Response:
        return json_answer([self._flattened(order) for order in self._simulator.books.rows(HEADERS)])

    async def records(self, request: web.Request) -> web.Response:
        """Every record of an entity set with all its fields, of all companies."""
        entity_set = request.match_info["entity_set"]
        entity = self._simulator.entities.get(entity_set)
        if entity is None:
            return json_answer({"error": f"there is no entity set {entity_set}"}, 404)
        return json_answer([dict(row.values) for row in entity.rows()])

    async def post_order(self, request: web.Request) -> web.Response:
        """
        `confirm`, `release`, `pick`, `pack`, `invoice`, `cancel`, `give-up`, `hold`, `clear-hold`, `credit-hold`,
        `credit-release` or `credit-reject`, with the bodies that README lists; without lines, everything that remains
        leaves, is released or given up.
        """
        company, number, action = (request.match_info[name] for name in ("company", "number", "action"))
        order = self._simulator.books.find(HEADERS, company, number)
        if order is None:
            return json_answer({"error": f"company {company} has no sales order {number}"}, 404)
        raw = await body_of(request)
        posting = self._simulator.posting
        answer: dict[str, Any] = {}
        try:
            match action:
                case "confirm":
                    posting.confirm(order)
                case "release":
                    posting.release(order, str(raw.get("stage", "released")), quantities_of(raw))
                case "pick":
                    posting.pick(order)
                case "pack":
                    slips = self._simulator.slips.pack(order, shipment_of(self._simulator, company, raw))
                    answer |= {"packing_slip": slips[0], "packing_slips": slips}
                case "invoice":
                    answer["invoice"] = posting.invoice(order)
                case "cancel":
                    posting.cancel(order)
                case "give-up":
                    posting.give_up(order, quantities_of(raw))
                case "hold":
                    posting.add_hold(order, _code(raw))
                case "clear-hold":
                    posting.clear_hold(order, _code(raw))
                case "credit-hold":
                    chosen = {name: str(raw[name]) for name in ("reason", "document") if name in raw}
                    answer["credit_hold"] = hold_for_credit(self._simulator.books, order, **chosen)
                case "credit-release":
                    release_from_credit(self._simulator.books, order)
                case "credit-reject":
                    reject_credit(self._simulator.books, order)
                case _:
                    return json_answer({"error": f"there is no action {action}"}, 404)
        except PostingError as error:
            return json_answer({"error": str(error)}, 409)
        now = self._simulator.books.find(HEADERS, company, number)
        assert now is not None
        return json_answer(answer | self._flattened(now))

    def _flattened(self, order: Row) -> dict[str, Any]:
        """An order and its lines, as a table for people shows them."""
        books, header = self._simulator.books, order.values
        return {
            "company": header["dataAreaId"],
            "number": header["SalesOrderNumber"],
            "customer": header["OrderingCustomerAccountNumber"],
            "name": header["SalesOrderName"],
            "reference": header["CustomersOrderReference"],
            "currency": header["CurrencyCode"],
            "prices_include_tax": header["ArePricesIncludingSalesTax"] == "Yes",
            "status": header["SalesOrderStatus"],
            "processing_status": header["SalesOrderProcessingStatus"],
            "stopped": header["IsSalesProcessingStopped"] == "Yes",
            "lines": [
                {
                    "lot": line.values["InventoryLotId"],
                    "line": line.values["LineNumber"],
                    "item": line.values["ItemNumber"],
                    "external": line.values["ExternalItemNumber"],
                    "color": line.values["ProductColorId"],
                    "size": line.values["ProductSizeId"],
                    "quantity": line.values["OrderedSalesQuantity"],
                    "delivered": progress_of(books, line).delivered,
                    "price": line.values["SalesPrice"],
                    "line_amount": line.values["LineAmount"],
                    "warehouse": line.values["ShippingWarehouseId"],
                    "tax_group": line.values["SalesTaxGroupCode"],
                    "status": line.values["SalesOrderLineStatus"],
                }
                for line in lines_of(books, order)
            ],
        }


def _code(raw: Mapping[str, Any]) -> str:
    code = raw.get("code")
    if not isinstance(code, str) or not code:
        raise bad_request("code is the hold code")
    return code
