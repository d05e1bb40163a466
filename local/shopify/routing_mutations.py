"""The mutations of fulfilment orders, with the user errors as recorded from live stores. Nothing is applied on one."""

from collections.abc import Mapping, Sequence
from typing import Any

from local.shopify.fulfillment_mutations import (
    BAD_QUANTITY,
    NO_FULFILLMENT_ORDER,
    NO_LINE,
    FulfillmentMutations,
    find_writable,
    may_write,
)
from local.shopify.holding import Wish, hold, release_holds
from local.shopify.ids import APP_ID
from local.shopify.moving import merge, move, open_again, split
from local.shopify.nodes import error, not_simulated, parse_gid
from local.shopify.order import LineItem, Order
from local.shopify.order_nodes import OrderNode
from local.shopify.routing import MAX_HOLDS, is_at_service
from local.shopify.routing_nodes import FulfillmentOrderNode, hold_node
from local.shopify.shipping_records import FulfillmentOrder, FulfillmentOrderLine, Notice
from local.shopify.stock import is_stocked
from local.shopify.user_errors import user_error

_LONGEST_HANDLE = 64
_AWAITS_SERVICE = ("SUBMITTED", "ACCEPTED", "CANCELLATION_REQUESTED", "CANCELLATION_REJECTED")
_PROGRESS = (
    "Cannot move a fulfillment order that has had progress reported. To move a fulfillment order that has had "
    "progress reported, the fulfillment order must first be marked as open resolving the ongoing progress state."
)
_AT_SERVICE = "Cannot move submitted fulfillment order that is at a 3PL fulfillment service."
_HANDLE_TAKEN = (
    "The handle provided for the fulfillment hold is already in use by this app for another hold on this "
    "fulfillment order."
)
_TOO_MANY_HOLDS = (
    "The maximum number of fulfillment holds for this fulfillment order has been reached for this app. An app can "
    "only have up to 10 holds on a single fulfillment order at any one time."
)

type Items = Sequence[Mapping[str, Any]]
type Units = list[tuple[FulfillmentOrderLine, int]]


class RoutingMutations(FulfillmentMutations):
    def fulfillment_order_hold(self, id_: str, fulfillment_hold: dict[str, Any]) -> dict[str, Any]:
        order, part = self._part(id_)
        nothing = {"fulfillmentHold": None, "fulfillmentOrder": None, "remainingFulfillmentOrder": None}
        items = fulfillment_hold.get("fulfillmentOrderLineItems") or []
        handle = fulfillment_hold.get("handle") or ""
        problem = _hold_problem(part, items, handle)
        if problem:
            return {**nothing, "userErrors": [problem]}
        status = part.status(self._request.shop.clock())
        if status not in ("OPEN", "IN_PROGRESS", "ON_HOLD") or len(handle) > _LONGEST_HANDLE:
            raise not_simulated(f"a hold of a fulfilment order that is {status.lower()}, or with a long handle")
        units, text = _units(part, items)
        if text:
            code = "INVALID_LINE_ITEM_QUANTITY" if text == BAD_QUANTITY else None
            return {**nothing, "userErrors": [user_error(None, text, code)]}
        wish = Wish(fulfillment_hold["reason"], fulfillment_hold.get("reasonNotes"), handle, APP_ID)
        made, remainder, events = hold(self._request.shop, order, part, wish, units)
        self._announce(order, events)
        return {
            "fulfillmentHold": hold_node(made),
            "fulfillmentOrder": self._node(order, part),
            "remainingFulfillmentOrder": remainder and self._node(order, remainder),
            "userErrors": [],
        }

    def fulfillment_order_release_hold(self, id_: str, hold_ids: list[str] | None = None) -> dict[str, Any]:
        """Without ids every hold is released, also those of others."""
        order, part = self._part(id_)
        chosen = part.holds
        if hold_ids is not None:
            numbers = {parse_gid(each, "FulfillmentHold"): each for each in hold_ids}
            chosen = [each for each in part.holds if each.id in numbers]
            for missing in numbers.keys() - {each.id for each in chosen}:
                raise _invalid_id(numbers[missing])
        events = release_holds(self._request.shop, order, part, list(chosen))
        self._announce(order, events)
        return {"fulfillmentOrder": self._node(order, part), "userErrors": []}

    def fulfillment_order_move(
        self, id_: str, new_location_id: str, fulfillment_order_line_items: Items | None = None
    ) -> dict[str, Any]:
        order, part = self._part(id_)
        location_id = parse_gid(new_location_id, "Location")
        units, text = _units(part, fulfillment_order_line_items or [])
        problem = self._move_problem(order, part, location_id, units) or (text and user_error(None, text))
        if problem:
            return {
                "movedFulfillmentOrder": None,
                "originalFulfillmentOrder": None,
                "remainingFulfillmentOrder": None,
                "userErrors": [problem],
            }
        whole = not units or sum(quantity for _, quantity in units) == part.remaining
        if part.holds and not (whole and not part.shipped):
            raise not_simulated("moving a part of a fulfilment order that is on hold")
        moved, events = move(self._request.shop, order, part, location_id, units)
        self._announce(order, events)
        return {
            "movedFulfillmentOrder": self._node(order, moved.moved),
            "originalFulfillmentOrder": self._node(order, moved.original),
            "remainingFulfillmentOrder": moved.remaining and self._node(order, moved.remaining),
            "userErrors": [],
        }

    def _move_problem(
        self, order: Order, part: FulfillmentOrder, location_id: int, units: Units
    ) -> dict[str, Any] | None:
        shop = self._request.shop
        if location_id not in shop.locations:
            return user_error(["id"], "Location not found.")
        if part.in_progress:
            return user_error(["id"], _PROGRESS, "CANNOT_MOVE_FULFILLMENT_ORDER_WITH_REPORTED_PROGRESS")
        if is_at_service(shop, part) and part.request_status in _AWAITS_SERVICE:
            return user_error(None, _AT_SERVICE)
        lines = _lines(order, [row for row, _ in units] or [row for row in part.lines if row.remaining])
        stocked = all(is_stocked(shop, line, location_id) for line in lines)
        service = shop.locations[location_id].fulfillment_service is not None
        if part.is_closed or location_id == part.location_id or not (stocked or service):
            return user_error(None, "Cannot change location.")
        if service and not may_write(self._request, location_id):
            raise not_simulated("a move to a third party without the scope for its fulfilment orders")
        return None

    def fulfillment_order_split(self, fulfillment_order_splits: list[dict[str, Any]]) -> dict[str, Any]:
        """All of the splits, or none."""
        problems, found = [], []
        for index, each in enumerate(fulfillment_order_splits):
            path, items = (
                ["fulfillmentOrderSplits", str(index), "fulfillmentOrderLineItems"],
                each["fulfillmentOrderLineItems"],
            )
            if not items:
                text = "There must be at least one item selected in this fulfillment to split it."
                problems.append(user_error(path, text, "NO_LINE_ITEMS_PROVIDED_TO_SPLIT"))
            text = "You must select at least one item to split into a new fulfillment order."
            problems += _not_positive(items, path, text, "GREATER_THAN")
            found.append(find_writable(self._request, parse_gid(each["fulfillmentOrderId"], "FulfillmentOrder")))
        splits: list[tuple[Order, FulfillmentOrder, Units]] = []
        for each, known in zip(fulfillment_order_splits, found, strict=True):
            if problems:
                break
            if known is None:
                problems.append(user_error(None, NO_FULFILLMENT_ORDER, "FULFILLMENT_ORDER_NOT_FOUND"))
                break
            units, wrong = _units(known[1], each["fulfillmentOrderLineItems"])
            if wrong:
                problems.append(user_error(None, wrong))
                break
            if known[1].status(self._request.shop.clock()) != "OPEN":
                raise not_simulated("splitting a fulfilment order that is not open")
            if sum(quantity for _, quantity in units) == known[1].remaining:
                raise not_simulated("splitting off all units of a fulfilment order")
            splits.append((*known, units))
        if problems:
            return {"fulfillmentOrderSplits": None, "userErrors": problems}
        results = []
        for order, part, units in splits:
            made = split(self._request.shop, order, part, units)
            results.append((order, part, made))
        return {
            "fulfillmentOrderSplits": [
                {
                    "fulfillmentOrder": self._node(order, part),
                    "remainingFulfillmentOrder": self._node(order, made),
                    "replacementFulfillmentOrder": None,
                }
                for order, part, made in results
            ],
            "userErrors": [],
        }

    def fulfillment_order_merge(self, fulfillment_order_merge_inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """All of the merges, or none. The first fulfilment order of each gets all units."""
        merges = []
        for index, each in enumerate(fulfillment_order_merge_inputs):
            parts = []
            for at, intent in enumerate(each["mergeIntents"]):
                path = ["fulfillmentOrderMergeInputs", str(index), "mergeIntents", str(at), "fulfillmentOrderLineItems"]
                known, problem = self._mergeable(intent, path)
                if problem or known is None:
                    return {"fulfillmentOrderMerges": None, "userErrors": [problem]}
                parts.append(known)
            places = {(order.id, part.location_id, part.delivery_method) for order, part in parts}
            if len(places) > 1 or len({part.id for _, part in parts}) < max(2, len(parts)):
                raise not_simulated("merging other than several fulfilment orders of one order and location")
            merges.append((parts[0][0], [part for _, part in parts]))
        merged = [(order, merge(self._request.shop, parts)) for order, parts in merges]
        return {
            "fulfillmentOrderMerges": [{"fulfillmentOrder": self._node(order, part)} for order, part in merged],
            "userErrors": [],
        }

    def _mergeable(
        self, intent: dict[str, Any], path: list[str]
    ) -> tuple[tuple[Order, FulfillmentOrder] | None, dict[str, Any] | None]:
        items = intent.get("fulfillmentOrderLineItems") or []
        text = "You must select at least one item to merge into a new fulfillment order."
        zero = _not_positive(items, path, text, "GREATER_THAN")
        if zero:
            return None, zero[0]
        known = find_writable(self._request, parse_gid(intent["fulfillmentOrderId"], "FulfillmentOrder"))
        if known is None:
            return None, user_error(None, NO_FULFILLMENT_ORDER, "FULFILLMENT_ORDER_NOT_FOUND")
        part = known[1]
        if part.status(self._request.shop.clock()) != "OPEN":
            return None, user_error(None, f"Fulfillment order: {part.id} is currently not in a mergeable state.")
        units, wrong = _units(part, items)
        if wrong:
            return None, user_error(None, wrong)
        if units and sum(quantity for _, quantity in units) != part.remaining:
            raise not_simulated("merging a part of a fulfilment order")
        return known, None

    def fulfillment_order_open(self, id_: str) -> dict[str, Any]:
        order, part = self._part(id_)
        status = part.status(self._request.shop.clock())
        if not (status == "SCHEDULED" or (status == "IN_PROGRESS" and part.in_progress)):
            text = f"Expected fulfillment order status to be valid but it was {status.lower()}."
            return {"fulfillmentOrder": None, "userErrors": [user_error(None, text)]}
        open_again(self._request.shop, part)
        return {"fulfillmentOrder": self._node(order, part), "userErrors": []}

    def fulfillment_order_report_progress(
        self, id_: str, progress_report: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        del progress_report  # a note for staff
        order, part = self._part(id_)
        if part.status(self._request.shop.clock()) not in ("OPEN", "IN_PROGRESS"):
            text = "Cannot report progress on a fulfillment order in this state."
            return {"fulfillmentOrder": None, "userErrors": [user_error(None, text)]}
        part.in_progress, part.updated_at = True, self._request.shop.clock()
        return {"fulfillmentOrder": self._node(order, part), "userErrors": []}

    def fulfillment_order_line_items_prepared_for_pickup(self, input_: dict[str, Any]) -> dict[str, Any]:
        """The buyer is told of each fulfilment order; of one that has been told of, only when there is more."""
        now, found, problems = self._request.shop.clock(), [], []
        for index, row in enumerate(input_["lineItemsByFulfillmentOrder"]):
            number = parse_gid(row["fulfillmentOrderId"], "FulfillmentOrder")
            field = ["input", "lineItemsByFulfillmentOrder", str(index), "fulfillmentOrderId"]
            known = find_writable(self._request, number)
            if known is None or known[1].delivery_method != "PICK_UP" or known[1].status(now) not in _FULFILLABLE:
                text = f"Invalid fulfillment_order_id provided {number}"
                problems.append(user_error(field, text, "FULFILLMENT_ORDER_INVALID"))
            elif known[1].prepared >= known[1].remaining:
                text = "The fulfillment order does not have any line items that can be prepared."
                problems.append(user_error(field, text, "NO_LINE_ITEMS_TO_PREPARE_FOR_FULFILLMENT_ORDER"))
            else:
                found.append(known)
        for order, part in [] if problems else found:
            part.prepared, part.updated_at = part.remaining, now
            order.notices.append(Notice("ready_for_pickup", part.id, now))
        return {"userErrors": problems}

    def _part(self, id_: str) -> tuple[Order, FulfillmentOrder]:
        """The fulfilment order; an unknown one is a top-level error, as recorded."""
        found = find_writable(self._request, parse_gid(id_, "FulfillmentOrder"))
        if found is None:
            raise _invalid_id(id_)
        return found

    def _node(self, order: Order, part: FulfillmentOrder) -> FulfillmentOrderNode:
        return FulfillmentOrderNode(OrderNode(self._request, order), order, part)


_FULFILLABLE = ("OPEN", "IN_PROGRESS")


def _invalid_id(id_: str) -> Exception:
    return error(f"Invalid id: {id_}", "RESOURCE_NOT_FOUND")


def _lines(order: Order, rows: Sequence[FulfillmentOrderLine]) -> list[LineItem]:
    lines = {line.id: line for line in order.lines}
    return [lines[row.line_id] for row in rows]


def _units(part: FulfillmentOrder, items: Items) -> tuple[Units, str | None]:
    """The units that the items name, or what is wrong with them."""
    units: dict[int, tuple[FulfillmentOrderLine, int]] = {}
    for item in items:
        number = parse_gid(item["id"], "FulfillmentOrderLineItem")
        row = next((each for each in part.lines if each.id == number), None)
        if row is None:
            return [], NO_LINE
        quantity = units.get(number, (row, 0))[1] + item["quantity"]
        if item["quantity"] < 1 or quantity > row.remaining:
            return [], BAD_QUANTITY
        units[number] = (row, quantity)
    return list(units.values()), None


def _not_positive(items: Items, path: list[str], text: str, code: str) -> list[dict[str, Any]]:
    return [
        user_error([*path, str(at), "quantity"], text, code) for at, item in enumerate(items) if item["quantity"] < 1
    ]


def _hold_problem(part: FulfillmentOrder, items: Items, handle: str) -> dict[str, Any] | None:
    path = ["fulfillmentHold", "fulfillmentOrderLineItems"]
    text = "You must select at least one item to place on partial hold."
    zero = _not_positive(items, path, text, "GREATER_THAN_ZERO")
    if zero:
        return zero[0]
    if len({item["id"] for item in items}) < len(items):
        return user_error(path, "must contain unique line item ids", "DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS")
    if items and part.holds:
        text = "The fulfillment order is not in a splittable state."
        return user_error(path, text, "FULFILLMENT_ORDER_NOT_SPLITTABLE")
    own = [each for each in part.holds if each.app == APP_ID]
    if any(each.handle == handle for each in own):
        return user_error(["fulfillmentHold", "handle"], _HANDLE_TAKEN, "DUPLICATE_FULFILLMENT_HOLD_HANDLE")
    if len(own) >= MAX_HOLDS:
        return user_error(["id"], _TOO_MANY_HOLDS, "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED")
    return None
