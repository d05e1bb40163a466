"""The app's code beside other libraries for the same, in one run: `make peers`.

Runs in an environment of its own, with bench/peers-requirements.txt. None of their code is part of the app.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import statistics
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from rich.console import Console
from shopify_app import ShopifyApp

from bench import peer_orders
from bench.figures import Figure, at_least, show
from shared.errors import WebhookRefusedError
from shared.settings import Secret
from shared.shopify.webhooks import verify_webhook

_SHOP: Final = "nordlys-outdoor.myshopify.com"
_SECRET: Final = "a secret of the app"
_CALLS: Final = 500
_ROUNDS: Final = 15
_TIMES: Final = 11


def signature_checks() -> list[Figure]:
    """The same signed body of 12 kB, and the same forged one, which both must refuse. The app's check reads the topic,
    the order's id and the time as well; shopifyapp takes the body as text.
    """
    lines = [{"id": number, "name": "Tent, two persons", "price": "249.00"} for number in range(200)]
    body = json.dumps({"id": 42, "admin_graphql_api_id": "gid://shopify/Order/42", "line_items": lines}).encode()
    peer = ShopifyApp(client_id="peer", client_secret=_SECRET)

    def headers_of(secret: str) -> dict[str, str]:
        return {
            "x-shopify-hmac-sha256": base64.b64encode(hmac.digest(secret.encode(), body, sha256)).decode(),
            "x-shopify-shop-domain": _SHOP,
            "x-shopify-topic": "orders/create",
            "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
            "x-shopify-triggered-at": "2026-11-02T09:30:00.123456789Z",
        }

    def ours(headers: dict[str, str]) -> bool:
        try:
            verify_webhook(headers, body, secrets=(Secret(_SECRET),), shop_domain=_SHOP)
        except WebhookRefusedError:
            return False
        return True

    text = body.decode()

    def theirs(headers: dict[str, str]) -> bool:
        asked = {"method": "POST", "headers": headers, "url": "https://app.example/webhooks", "body": text}
        return bool(peer.verify_webhook_req(asked).ok)

    signed, forged = headers_of(_SECRET), headers_of("another")
    for check in (ours, theirs):
        if not check(signed) or check(forged):
            raise RuntimeError(f"{check.__name__} takes a forged body, or refuses a signed one")
    pairs = [(_seconds(lambda: ours(signed)), _seconds(lambda: theirs(signed))) for _ in range(_ROUNDS)]
    app, other = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(second / first for first, second in pairs)
    return [
        Figure("signature check, the app", app * 1e6, "µs"),
        Figure("signature check, shopifyapp", other * 1e6, "µs"),
        at_least("signature checks / shopifyapp", ratio, "ratio", _TIMES),
    ]


def _seconds(work: Callable[[], object]) -> float:
    """Of the processor, for one call."""
    began = time.process_time()
    for _ in range(_CALLS):
        work()
    return (time.process_time() - began) / _CALLS


def main() -> int:
    """Returns 1 if a goal is missed."""
    figures = [*signature_checks(), *asyncio.run(peer_orders.measure())]
    show(figures, Console(width=None if sys.stdout.isatty() else 120))
    return 1 if any(figure.reached is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
