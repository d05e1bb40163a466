"""Who bought: from the order's customer, its addresses and its own contact fields, in this order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.mapping.shopify.addresses import normal_phone
from shared.mapping.shopify.fields import Block, identifier, optional_block, optional_identifier, text
from shared.model import Buyer


def read_buyer(payload: Block, *, billing: Block | None, shipping: Block | None, country: str | None) -> Buyer | None:
    """The buyer, or None for an anonymous sale (a shop's counter, a draft without customer).

    Each field comes from the first place that has it. First and last name come from one place together. `country`
    (ISO alpha-2) is where phone numbers without a country code are understood.
    """
    customer = optional_block(payload, "customer", "")
    company = optional_block(payload, "company", "")
    sources = {"customer": customer, "billing_address": billing, "shipping_address": shipping}
    places = [(block, path) for path, block in sources.items() if block is not None]
    first_name, last_name = next((names for block, path in places if any(names := _names(block, path))), ("", ""))
    buyer = Buyer(
        id=identifier(customer, "id", "customer") if customer is not None else None,
        first_name=first_name,
        last_name=last_name,
        email=_first(
            (
                *(text(block, "email", path) for block, path in places),
                text(payload, "email", ""),
                text(payload, "contact_email", ""),
            )
        ),
        phone=normal_phone(
            _first((*(text(block, "phone", path) for block, path in places), text(payload, "phone", ""))), country
        ),
        company=_first(text(block, "company", path) for block, path in places if path != "customer"),
        company_id=identifier(company, "id", "company") if company is not None else None,
        company_location_id=optional_identifier(company, "location_id", "company") if company is not None else None,
    )
    return None if buyer == _NOBODY else buyer


_NOBODY: Final = Buyer(id=None, first_name="", last_name="", email="", phone="", company="")


def _names(block: Block, path: str) -> tuple[str, str]:
    return text(block, "first_name", path), text(block, "last_name", path)


def _first(texts: Iterable[str]) -> str:
    return next(filter(None, texts), "")
