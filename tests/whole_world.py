"""The whole stack for the end-to-end tests: the shops, the webhook endpoint, F&O, and the app's tables."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import re
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient

from local.stack import NO_PAUSE, ROOT, SCHEDULES, Ports, Stack, running
from local.stores import changed_stores

NORDLYS = "nordlys-outdoor.myshopify.com"
PRAIRIE = "prairie-supply.myshopify.com"
SHOPS = {"nordlys": NORDLYS, "prairie": PRAIRIE}
NEVER = "0 0 0 29 2 *"


class World:
    def __init__(
        self, stack: Stack, http: httpx.AsyncClient, tables: TableServiceClient, blobs: BlobServiceClient, log: Path
    ) -> None:
        self.stack = stack
        self.http = http
        self.log = log
        self._tables = tables
        self._blobs = blobs

    # ---- Shopify

    async def buy(self, store: str, basket: dict[str, Any]) -> dict[str, Any]:
        """Places an order; Shopify sends its webhook. Gives the order as REST resource."""
        answer = await self.http.post(f"{self.stack.shopify}/{SHOPS[store]}/_sim/orders", json=basket)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def deliver(
        self,
        body: bytes,
        *,
        store: str = "nordlys",
        secret: str = "dev-nordlys-new",
        event_id: str | None = None,
        **headers: str | bytes | None,
    ) -> httpx.Response:
        """Posts a webhook to the app, signed with the secret; headers can be replaced or (None) left out."""
        complete: dict[str, str | bytes | None] = {
            "X-Shopify-Topic": "orders/create",
            "X-Shopify-Hmac-Sha256": base64.b64encode(hmac.new(secret.encode(), body, sha256).digest()).decode(),
            "X-Shopify-Shop-Domain": SHOPS.get(store, NORDLYS),
            "X-Shopify-Webhook-Id": event_id or str(uuid.uuid4()),
            "Content-Type": "application/json",
        }
        for name, value in headers.items():
            complete[name.replace("_", "-")] = value
        kept = {
            name.encode(): value.encode() if isinstance(value, str) else value
            for name, value in complete.items()
            if value is not None
        }
        url = f"{self.stack.host}/api/webhooks/shopify/{store}/orders"
        return await self.http.post(url, content=body, headers=kept)

    # ---- the app's journal and tables

    async def end_of(self, store: str, entity_id: object, *, seconds: float = 40) -> dict[str, Any]:
        """The first journal entry of this entity that is done or parked."""
        return (await self.ends_of(store, entity_id, count=1, seconds=seconds))[0]

    async def ends_of(self, store: str, entity_id: object, *, count: int, seconds: float = 40) -> list[dict[str, Any]]:
        """The final journal entries of this entity, oldest first, as soon as there are `count` of them."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            history = await self.journal_of(store, entity_id)
            ends = [row for row in history if row["outcome"] not in {"waiting", "asked"}]
            if len(ends) >= count:
                return ends
            await asyncio.sleep(0.1)
        raise AssertionError(
            f"{store} {entity_id}: not {count} ends within {seconds} s: {await self.journal_of(store, entity_id)}"
        )

    async def end_of_topic(self, store: str, entity_id: object, topic: str, *, seconds: float = 40) -> dict[str, Any]:
        """The last final journal entry of this entity for one topic."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            entries = await self.journal_of(store, entity_id)
            ends = [row for row in entries if row["topic"] == topic and row["outcome"] != "waiting"]
            if ends:
                return ends[-1]
            await asyncio.sleep(0.1)
        raise AssertionError(f"{store} {entity_id}: no end of {topic} within {seconds} s")

    async def waiting(self, store: str, entity_id: object, *, seconds: float = 40) -> dict[str, Any]:
        """The first entry of an event that waits."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            waits = [row for row in await self.journal_of(store, entity_id) if row["outcome"] == "waiting"]
            if waits:
                return waits[0]
            await asyncio.sleep(0.1)
        raise AssertionError(f"{store} {entity_id}: nothing waits within {seconds} s")

    async def journal_of(self, store: str, entity_id: object) -> list[dict[str, Any]]:
        found = self._tables.get_table_client("journal").query_entities(f"PartitionKey eq '{store}-{entity_id}'")
        return [dict(row) async for row in found]

    async def end_of_event(self, event_id: str, *, seconds: float = 40) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = self._tables.get_table_client("journal").query_entities(f"event_id eq '{event_id}'")
            ends = [dict(row) async for row in found if row["outcome"] not in {"waiting", "asked"}]
            if ends:
                return ends[0]
            await asyncio.sleep(0.1)
        raise AssertionError(f"no end of event {event_id} within {seconds} s")

    async def parked(self, event_id: str) -> dict[str, Any]:
        """The parked record of an event, with its body."""
        found = self._tables.get_table_client("parked").query_entities(f"RowKey eq '{event_id}'")
        (row,) = [dict(entity) async for entity in found]
        body = await (await self._blobs.get_blob_client("parked", row["blob"]).download_blob()).readall()
        return {**row, "body": body}

    async def open_again(self, event_id: str) -> None:
        """The parked record as it is after the same message was delivered and parked once more."""
        row = await self.parked(event_id)
        state = {"state": "open", "closed_at": "", "why": "", "at": datetime.now(UTC).isoformat()}
        key = {name: row[name] for name in ("PartitionKey", "RowKey")}
        await self._tables.get_table_client("parked").update_entity({**key, **state}, mode=UpdateMode.MERGE)

    async def link(self, store: str, order_id: int) -> dict[str, Any]:
        return dict(await self._tables.get_table_client("links").get_entity(store, f"order-{order_id:020d}"))

    async def delete_link(self, store: str, order_id: int) -> None:
        await self._tables.get_table_client("links").delete_entity(store, f"order-{order_id:020d}")

    # ---- F&O

    async def sales_orders(self, reference: str) -> list[dict[str, Any]]:
        """F&O's sales orders whose reference contains this text."""
        answer = await self.http.get(f"{self.stack.d365}/_sim/orders")
        return [order for order in answer.json() if reference in order["reference"]]

    async def fo_row(self, entity_set: str, **key: str) -> dict[str, Any]:
        """One record of F&O."""
        answer = await self.fo_data("GET", f"{entity_set}({','.join(f"{name}='{key[name]}'" for name in key)})")
        return answer.json()

    async def fo_data(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """F&O's OData, as the app's identity may use it."""
        settings = self.stack.settings
        identity = {"resource": self.stack.d365, "client_id": settings["AZURE_CLIENT_ID"]}
        asked = await self.http.get(
            settings["IDENTITY_ENDPOINT"],
            params={"api-version": "2019-08-01", **identity},
            headers={"X-IDENTITY-HEADER": settings["IDENTITY_HEADER"]},
        )
        answer = await self.http.request(
            method,
            f"{self.stack.d365}/data/{path}?cross-company=true",
            json=body,
            headers={"Authorization": f"Bearer {asked.json()['access_token']}", "If-Match": "*"},
        )
        assert answer.status_code < 300, answer.text
        return answer

    async def fo_calls(self) -> dict[str, Any]:
        return (await self.http.get(f"{self.stack.d365}/_sim/calls")).json()

    async def fo_fault(self, **fault: Any) -> None:
        answer = await self.http.post(f"{self.stack.d365}/_sim/faults", json=fault)
        assert answer.status_code < 300, answer.text

    async def run(self, function: str) -> httpx.Response:
        return await self.http.post(f"{self.stack.host}/admin/functions/{function}?wait=true", json={"input": ""})


@asynccontextmanager
async def start_world(
    log: Path, settings: Mapping[str, str] | None = None, *, lock_seconds: int = 20
) -> AsyncIterator[World]:
    """`settings` replace settings of the app. Locks of sessions are shorter than in Azure: messages of a worker that
    was killed or cut off wait for their end.
    """
    topology = json.loads((ROOT / "infra/topology.json").read_text())
    for queue in topology["queues"]:
        queue["lockDuration"] = f"PT{lock_seconds}S"
    entities = log.with_suffix(".topology.json")
    entities.write_text(json.dumps(topology))
    with log.open("w", encoding="utf-8") as lines:
        async with (
            running(
                Ports.free(),
                log=lambda part, line: print(f"{part:>10} | {line}", file=lines, flush=True),
                overrides={**dict.fromkeys(SCHEDULES, NEVER), **NO_PAUSE, **(settings or {})},
                topology=entities,
            ) as stack,
            httpx.AsyncClient(timeout=60) as http,
            TableServiceClient.from_connection_string(stack.storage) as tables,
            BlobServiceClient.from_connection_string(stack.storage) as blobs,
        ):
            yield World(stack, http, tables, blobs, log)


def stores_that_trust_webhooks(folder: Path) -> dict[str, str]:
    """Settings for the stores of config/ with no payments and no holds for risk, so that a new order is booked as its
    webhook has it. Others fetch a new order, and one that the shop does not show waits.
    """
    return changed_stores(folder, _trusting_webhooks)


def _trusting_webhooks(text: str) -> str:
    text = re.sub(r"(?m)^hold_risks = .*\n", "", text).replace("\n[orders]\n", "\n[orders]\nhold_risks = []\n")
    parts = re.split(r"(?m)^(?=\[)", text)
    return "".join(part for part in parts if not re.match(r"\[+payments[].]", part))


def encode(payload: Any) -> bytes:
    return json.dumps(payload).encode()
