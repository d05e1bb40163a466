"""Verifying webhooks: the signature and the shop.

Only headers and raw bytes are read; the JSON in the body is not parsed here.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from shared.errors import ErrorCode, WebhookRefusedError
from shared.settings import LARGEST_WEBHOOK, Secret

# An order's payload has its gid in admin_graphql_api_id, every other payload about an order has order_id. Inside a text
# value the quotes would be escaped, so that this cannot match a buyer's input. It begins with the quote, for which `re`
# searches 25 times as fast.
_ORDER_ID: Final = re.compile(
    rb'"(?<!\\")(?:admin_graphql_api_id"\s*:\s*"gid://shopify/Order/(?P<gid>\d{1,20})\b'
    rb'|order_id"\s*:\s*"?(?P<named>\d{1,20})\b)'
)
_VERSION: Final = re.compile("[0-9a-z-]{1,20}")
HEADER_LIMIT: Final = 100
"""Characters of a header."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A delivery that was verified."""

    event_id: str
    """X-Shopify-Webhook-Id: the same on every retry of one delivery."""
    topic: str
    order_id: str
    """ "" if neither a gid nor an order_id was found in the body's bytes."""
    has_gid: bool
    """Whether order_id is from the order's gid. If not, the body's JSON decides."""
    triggered_at: datetime
    body: bytes
    api_version: str = ""
    """X-Shopify-API-Version, of which the body is; "" for none. The signature does not cover it."""


def verify_webhook(
    headers: Mapping[str, str], body: bytes, *, secrets: Collection[Secret], shop_domain: str
) -> Webhook:
    """The verified webhook. Raises WebhookRefusedError with the status to answer. `headers` are looked up by names in
    lower case.
    """
    if len(body) > LARGEST_WEBHOOK:
        raise WebhookRefusedError(ErrorCode.BODY_TOO_LARGE, size=len(body), limit=LARGEST_WEBHOOK)
    signature = headers.get("x-shopify-hmac-sha256", "").strip()
    if not any(_is_signed(body, signature, secret) for secret in secrets):
        raise WebhookRefusedError(ErrorCode.SIGNATURE_WRONG)
    shop = _header(headers, "x-shopify-shop-domain")
    if shop != shop_domain:
        raise WebhookRefusedError(ErrorCode.WRONG_SHOP, shop=shop, store=shop_domain)
    topic = _header(headers, "x-shopify-topic")
    found = _ORDER_ID.search(body)
    return Webhook(
        event_id=_header(headers, "x-shopify-webhook-id"),
        topic=topic,
        order_id=(found["gid"] or found["named"]).decode() if found else "",
        has_gid=found is not None and found["gid"] is not None,
        triggered_at=_moment(headers.get("x-shopify-triggered-at", "")),
        body=body,
        api_version=version[0] if (version := _VERSION.fullmatch(headers.get("x-shopify-api-version", ""))) else "",
    )


def _is_signed(body: bytes, signature: str, secret: Secret) -> bool:
    expected = base64.b64encode(hmac.digest(secret.reveal().encode(), body, sha256))
    return hmac.compare_digest(expected, signature.encode("utf-8", "replace"))


def _header(headers: Mapping[str, str], name: str) -> str:
    """The header's text. Shopify's are plain ASCII; the host passes on bytes that are no UTF-8 as halves of surrogate
    pairs, which neither Service Bus nor an answer can hold.
    """
    value = headers.get(name, "").strip()
    if not value or len(value) > HEADER_LIMIT or not (value.isascii() and value.isprintable()):
        raise WebhookRefusedError(ErrorCode.HEADER_MISSING, header=name, limit=HEADER_LIMIT)
    return value


def _moment(text: str) -> datetime:
    """The time in Shopify's RFC 3339 with nanoseconds; now, if the header is missing or unreadable."""
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # the first and the last day of the calendar may not exist in UTC
        return datetime.now(UTC)
