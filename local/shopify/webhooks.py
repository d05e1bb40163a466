"""Webhooks: signing, delivery, retries and faults of delivery.

Timing as documented: success is a 2xx within 5 seconds; 8 retries over 4 hours, exponentially further apart
(the exact steps are not published; doubling from 56 s adds up to 4 hours). `time_scale` shortens the waits.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp

from local.shopify.bodies import body
from local.shopify.events import Event
from local.shopify.faults import FaultKind
from local.shopify.model import Subscription
from local.shopify.order import Order
from local.shopify.state import Attempt, Shop, Simulator

log = logging.getLogger("shopify")

TIMEOUT = aiohttp.ClientTimeout(total=5, sock_connect=1)
RETRIES = 8
FIRST_RETRY = 4 * 3600 / (2**RETRIES - 1)
#: A shop-specific subscription is deleted after this many failures in a row.
FAILURES_TO_DELETE = 8


def sign(secret: str, body: bytes) -> str:
    """The value of X-Shopify-Hmac-Sha256: over the raw bytes, base64."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def signing_secret(shop: Shop) -> str:
    """After a rotation Shopify signs with the oldest secret that is not revoked."""
    return shop.secrets[-1]


@dataclass(slots=True)
class Delivery:
    """One webhook to one subscription. All its attempts carry the same id and the same bytes."""

    shop: Shop
    topic: str
    uri: str
    body: bytes
    signature: str | None
    api_version: str
    triggered_at: datetime
    event_id: str
    name: str | None = None
    test: bool = False
    subscription: Subscription | None = None
    webhook_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def headers(self) -> dict[str, str]:
        nanoseconds = self.triggered_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "Accept-Encoding": "gzip",
            "X-Shopify-Topic": self.topic,
            "X-Shopify-Shop-Domain": self.shop.seed.domain,
            "X-Shopify-API-Version": self.api_version,
            "X-Shopify-Webhook-Id": self.webhook_id,
            "X-Shopify-Event-Id": self.event_id,
            "X-Shopify-Triggered-At": nanoseconds,
        }
        if self.signature is not None:
            headers["X-Shopify-Hmac-Sha256"] = self.signature
        if self.name:
            headers["X-Shopify-Name"] = self.name
        if self.test:
            headers["X-Shopify-Test"] = "true"
        return headers


class Dispatcher:
    """Sends webhooks in the background; `settle` waits until all are delivered or given up."""

    def __init__(self, simulator: Simulator, *, time_scale: float) -> None:
        self._simulator = simulator
        self._time_scale = time_scale
        self._session: aiohttp.ClientSession | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._held: list[Delivery] = []

    async def start(self) -> None:
        # Shopify keeps no cookies and follows no redirects.
        self._session = aiohttp.ClientSession(
            timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar(), connector=aiohttp.TCPConnector(limit=50)
        )

    async def stop(self) -> None:
        self.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self._session:
            await self._session.close()

    def cancel(self) -> None:
        """Cancel all deliveries, held ones too."""
        self._held.clear()
        for task in self._under_way:
            task.cancel()

    async def settle(self) -> None:
        while pending := [task for task in self._under_way if not task.done()]:
            await asyncio.wait(pending)

    def order_event(self, shop: Shop, topic: str, order: Order) -> None:
        """Send the order as it is now to every subscription of the topic."""
        self.announce(shop, order, [Event(topic, order)])

    def announce(self, shop: Shop, order: Order, events: list[Event]) -> None:
        """Send the webhooks of one action to every subscription: all deliveries share its event id."""
        event_id = str(uuid.uuid4())
        for event in events:
            subscriptions = [each for each in shop.subscriptions.values() if _takes(each, event.topic)]
            document = body(shop, order, event) if subscriptions else {}
            for subscription in subscriptions:
                self.send(self._delivery(shop, subscription, document, event_id))

    def tell(self, shop: Shop, topic: str, document: dict[str, Any]) -> None:
        """Send what is about no order."""
        event_id = str(uuid.uuid4())
        for subscription in [each for each in shop.subscriptions.values() if _takes(each, topic)]:
            self.send(self._delivery(shop, subscription, document, event_id))

    def is_told(self, shop: Shop, topic: str) -> bool:
        """Whether anybody subscribed to a topic."""
        return any(_takes(each, topic) for each in shop.subscriptions.values())

    def _delivery(self, shop: Shop, subscription: Subscription, document: dict[str, Any], event_id: str) -> Delivery:
        wanted = subscription.include_fields
        chosen = {key: document[key] for key in wanted if key in document} if wanted else document
        content = encode(chosen)
        return Delivery(
            shop=shop,
            topic=subscription.topic,
            uri=subscription.uri,
            body=content,
            signature=sign(signing_secret(shop), content),
            api_version=shop.webhook_version,
            triggered_at=shop.clock(),
            event_id=event_id,
            name=subscription.name,
            subscription=subscription,
        )

    def send(self, delivery: Delivery) -> None:
        """Send in the background; faults drop it, delay it, send it twice or after the next one."""
        if self._take(FaultKind.WEBHOOK_DROP, delivery):
            log.info("%s %s dropped", delivery.shop.seed.store, delivery.topic)
            return
        if self._take(FaultKind.WEBHOOK_HOLD, delivery):
            self._held.append(delivery)
            return
        delay = self._take(FaultKind.WEBHOOK_DELAY, delivery)
        twice = self._take(FaultKind.WEBHOOK_DUPLICATE, delivery)
        after, self._held = self._held, []
        self._spawn(delivery, delay.seconds if delay else 0.0, after)
        if twice:
            self._spawn(delivery, 0.0, [])

    def release(self) -> None:
        """Send the deliveries that were held back."""
        held, self._held = self._held, []
        for delivery in held:
            self._spawn(delivery, 0.0, [])

    def _take(self, kind: FaultKind, delivery: Delivery) -> Any:
        return self._simulator.faults.take(kind, delivery.shop.seed.domain, topic=delivery.topic)

    def _spawn(self, delivery: Delivery, delay: float, after: list[Delivery]) -> None:
        task = asyncio.create_task(self._deliver(delivery, delay, after))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _deliver(self, delivery: Delivery, delay: float, after: list[Delivery]) -> None:
        await asyncio.sleep(delay)
        for number in range(1, RETRIES + 2):
            delivered = await self._attempt(delivery, number)
            if number == 1:
                for held in after:
                    self._spawn(held, 0.0, [])
            if delivered or number > RETRIES:
                return
            await asyncio.sleep(FIRST_RETRY * 2 ** (number - 1) * self._time_scale)

    async def _attempt(self, delivery: Delivery, number: int) -> bool:
        assert self._session is not None
        started = time.perf_counter()
        status: int | None = None
        error: str | None = None
        try:
            async with self._session.post(
                delivery.uri, data=delivery.body, headers=delivery.headers(), allow_redirects=False
            ) as response:
                await response.read()
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as failure:
            error = type(failure).__name__
        ms = round((time.perf_counter() - started) * 1000)
        shop = delivery.shop
        shop.attempts.append(Attempt(delivery.topic, delivery.webhook_id, delivery.event_id, number, status, ms, error))
        log.info("%s %s attempt=%s -> %s ms=%s", shop.seed.store, delivery.topic, number, status or error, ms)
        delivered = status is not None and 200 <= status < 300
        self._count(delivery, delivered=delivered)
        return delivered

    def _count(self, delivery: Delivery, *, delivered: bool) -> None:
        subscription = delivery.subscription
        if subscription is None:
            return
        subscription.failures = 0 if delivered else subscription.failures + 1
        if subscription.through_api and subscription.failures >= FAILURES_TO_DELETE:
            delivery.shop.subscriptions.pop(subscription.id, None)
            log.info("%s subscription to %s deleted", delivery.shop.seed.store, subscription.topic)


def _takes(subscription: Subscription, topic: str) -> bool:
    """Neither filters nor XML are simulated: such a subscription is never sent anything."""
    return subscription.topic == topic and subscription.format == "JSON" and not subscription.filter


def encode(document: Any) -> bytes:
    """JSON as Shopify sends it: compact, UTF-8 unescaped."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
