"""A payment transaction as Shopify's webhooks give it -> Transaction."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final

from shared.errors import ErrorCode, OtherCurrencyError, RefusedError
from shared.mapping.shopify.fields import (
    Amounts,
    Block,
    currency,
    flag,
    identifier,
    moment,
    optional_block,
    optional_identifier,
    refuse,
    text,
)
from shared.mapping.shopify.terms import Terms
from shared.model import CurrencySide, Money, Transaction, TransactionKind, TransactionStatus

_SUGGESTED: Final = "suggested_refund"
_EXPIRES: Final = "authorization_expires_at"
_SYNONYMS: Final = {"emv_authorization": "authorization"}
"""An authorization taken with a card reader is an authorization (OrderTransactionKind)."""


def read_transactions(found: Sequence[Block], terms: Terms, path: str) -> tuple[Transaction, ...]:
    """All movements. A refund that Shopify only suggests is none."""
    return tuple(
        read_transaction(block, terms, f"{path}[{at}]")
        for at, block in enumerate(found)
        if text(block, "kind", f"{path}[{at}]") != _SUGGESTED
    )


def read_transaction(block: Block, terms: Terms, path: str) -> Transaction:
    """One movement, with its amount in the booked currency exactly as the payload has it, never converted.

    A webhook has one `amount`, in its `currency` (null is the shop's). With an `amount_set` both sides are known, at
    the rate of the payment's moment, which is not the order's. Raises RefusedError NOT_AN_ORDER, NEGATIVE_AMOUNT,
    TRANSACTION_UNKNOWN for a kind or status that is not documented, TRANSACTION_CURRENCY where the
    payload has no amount in the booked currency.
    """
    transaction_id = identifier(block, "id", path)
    bag = optional_block(block, "amount_set", path)
    paid = _paid(block, bag, terms, path)
    if paid.currency != terms.booked.currency and bag is None:
        raise _without_booked_amount(transaction_id, paid, terms)
    if bag is not None and terms.booked is terms.presented and paid.currency != terms.booked.currency:
        raise _without_booked_amount(transaction_id, paid, terms)  # paid in the shop's currency, beside the buyer's
    amount = paid if bag is None else terms.booked.required(block, "amount", path)
    kind = _member(TransactionKind, block, "kind", path, transaction_id)
    return Transaction(
        id=transaction_id,
        kind=kind,
        status=_member(TransactionStatus, block, "status", path, transaction_id),
        gateway=text(block, "gateway", path),
        amount=amount,
        paid=paid,
        exchange_rate=_rate(amount, paid),
        cash_rounding=_rounding(block, terms, paid, path),
        processed_at=moment(block, "created_at" if block.get("processed_at") is None else "processed_at", path),
        parent_id=optional_identifier(block, "parent_id", path),
        is_test=flag(block, "test", path),
        expires_at=None if block.get(_EXPIRES) is None else moment(block, _EXPIRES, path),
    )


def _paid(block: Block, bag: Block | None, terms: Terms, path: str) -> Money:
    if bag is None:
        code = terms.shop_currency if block.get("currency") is None else currency(block, "currency", path)
        return Amounts(CurrencySide.SHOP, code).required(block, "amount", path)
    presented = optional_block(bag, "presentment_money", f"{path}.amount_set")
    if presented is None:
        refuse(path, "amount_set.presentment_money", presented, "an object")
    code = currency(presented, "currency_code", f"{path}.amount_set.presentment_money")
    return Amounts(CurrencySide.PRESENTMENT, code).required(block, "amount", path)


def _rate(amount: Money, paid: Money) -> Decimal | None:
    return None if amount.currency == paid.currency or not paid else amount.amount / paid.amount


def _rounding(block: Block, terms: Terms, paid: Money, path: str) -> Money:
    """Zero unless cash was rounded. Without a set it is in the currency that was paid, as the amount is."""
    if block.get("amount_rounding_set") is not None:
        return terms.booked.signed(block, "amount_rounding_set", path)
    if block.get("amount_rounding") is None or paid.currency != terms.booked.currency:
        return terms.booked.zero
    return Amounts(CurrencySide.SHOP, paid.currency).required(block, "amount_rounding", path, signed=True)


def _member[E: StrEnum](kind: type[E], block: Block, key: str, path: str, transaction_id: int) -> E:
    value = text(block, key, path)
    try:
        return kind(_SYNONYMS.get(value, value))
    except ValueError:
        raise RefusedError(ErrorCode.TRANSACTION_UNKNOWN, transaction=transaction_id, field=key, value=value) from None


def _without_booked_amount(transaction_id: int, paid: Money, terms: Terms) -> OtherCurrencyError:
    return OtherCurrencyError(
        ErrorCode.TRANSACTION_CURRENCY, transaction=transaction_id, paid=paid.currency, booked=terms.booked.currency
    )
