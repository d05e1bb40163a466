"""What the probe works with: one F&O environment, a person beside it, the answers so far, and what it must clean up."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol
from uuid import uuid4

from shared.d365.entities import DIMENSIONS
from shared.d365.odata.client import ODataClient
from shared.d365.odata.literals import ODataLiteral
from shared.errors import ConnectorError, RefusedError
from shared.model import Item
from shared.model.fo_order import FoRow
from shared.rules import StoreRules


class Task(StrEnum):
    """What OData cannot do, so that a person does it in F&O's pages. The text is the instruction."""

    CONFIRM = "Confirm sales order {number} (Sell > Confirm sales order)."
    CONFIRM_HELD = "Try to confirm sales order {number}, which is held. F&O must refuse it."
    HOLD_CODE = "Add a hold code to sales order {number} (Manage > Order holds) and clear it again."
    RELEASE = "Release sales order {number} to the warehouse (Warehouse > Release to warehouse)."
    PACK_ONE = "Post a packing slip for 1 piece of the first line of sales order {number}, and nothing else."
    INVOICE = (
        "Post the invoice of what is delivered of sales order {number} (Quantity: Packing slip), and nothing else."
    )
    OPEN_JOURNAL = "Open the lines of customer payment journal {number}, and leave the page open."
    POST_JOURNAL = "Close the lines of customer payment journal {number}, and post it by the batch job Post journals."


class Person(Protocol):
    async def does(self, task: Task, number: str) -> bool:
        """Whether it was done; False to go on without it."""


def _random_name() -> str:
    return uuid4().hex[:6].upper()


class OneCall:
    """Slots for a command that makes one call at a time."""

    among = 1

    async def take(self) -> OneCall:
        return self

    def start(self) -> None:
        pass

    def free(self, *, ended: bool) -> None:
        pass


class NeverOpen:
    """A breaker for a person who reads each error."""

    async def before(self) -> None:
        pass

    async def success(self) -> None:
        pass

    async def failure(self, wait: object = None) -> None:
        pass


@dataclass(slots=True)
class Sandbox:
    fo: ODataClient
    rules: StoreRules
    item: Item
    """Released in the company and stocked, with stock in the store's first warehouse."""
    customer: str
    """Account of a customer whose orders can be confirmed and invoiced."""
    person: Person
    say: Callable[[str], None]
    run: str = field(default_factory=_random_name)
    """Part of every number and reference that this run uses."""
    answers: dict[str, object] = field(default_factory=dict)
    """Keys of shared.rules.tenant.Tenant."""
    created: list[tuple[str, Mapping[str, ODataLiteral]]] = field(default_factory=list)
    """Entity set and key of each record that may have to be deleted, oldest first."""

    @property
    def product(self) -> FoRow:
        """The item and its dimensions, as the lines of sales and return orders have them."""
        named = zip(("ItemNumber", *DIMENSIONS), self.item, strict=True)
        return {name: value for name, value in named if value}

    @property
    def company(self) -> str:
        return self.rules.company

    def answer(self, key: str, value: object, because: str) -> None:
        self.answers[key] = value
        self.say(f"  {key} = {value}: {because}")

    def unanswered(self, key: str, because: str) -> None:
        self.say(f"  {key} stays unknown: {because}")

    def key(self, **fields: ODataLiteral) -> dict[str, ODataLiteral]:
        return {"dataAreaId": self.company, **fields}

    def keep(self, entity_set: str, **fields: ODataLiteral) -> None:
        self.created.append((entity_set, self.key(**fields)))

    async def attempt[Result](self, call: Coroutine[Any, Any, Result]) -> Result | RefusedError:
        """The result, or F&O's refusal as a value. Any other error ends the probe."""
        try:
            return await call
        except RefusedError as refusal:
            return refusal

    async def read(self, entity_set: str, key: Mapping[str, ODataLiteral]) -> FoRow:
        row = await self.fo.get(entity_set, key)
        if row is None:
            raise LookupError(f"{entity_set} has no record {dict(key)}")
        return row


async def clean_up(sandbox: Sandbox) -> list[str]:
    """Deletes what the probe created, newest first. Returns what is left, for a person to remove."""
    left = []
    for entity_set, key in reversed(sandbox.created):
        try:
            await sandbox.fo.delete(entity_set, key)
        except ConnectorError as error:
            if await _is_there(sandbox, entity_set, key):
                what = " ".join(str(value) for name, value in key.items() if name != "dataAreaId")
                left.append(f"{entity_set} {what}: {error}")
    return left


async def _is_there(sandbox: Sandbox, entity_set: str, key: Mapping[str, ODataLiteral]) -> bool:
    try:
        return await sandbox.fo.get(entity_set, key) is not None
    except ConnectorError:
        return True
