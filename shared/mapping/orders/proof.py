"""The proof that an order's parts are its total, kept for the accountant, and which orders are booked at all."""

from __future__ import annotations

from dataclasses import replace

from shared.errors import ErrorCode, RefusedError
from shared.mapping.evidence import Proof, ProofRow, line_rows, present, summed, tax_rows
from shared.model import COMPONENTS, Component, LineKind, Money, Order, total
from shared.rules import StoreRules


def refuse_test_order(order: Order, rules: StoreRules) -> None:
    """Raises RefusedError TEST_ORDER for a test order, unless the store books those (orders.test_orders)."""
    if order.is_test and rules.orders.test_orders == "refuse":
        raise RefusedError(ErrorCode.TEST_ORDER, store=rules.key)


def prove(order: Order) -> Proof:
    """The proof that the lines, shipping, tax, duties and fees sum to the total, and the tax lines to the total tax.

    There is no tolerance. Raises RefusedError SUM_DIFFERS, and TEST_NOTIFICATION for Shopify's sample order, which
    contradicts itself. Test orders are refused elsewhere (refuse_test_order).
    """
    if order.is_sample:
        raise RefusedError(ErrorCode.TEST_NOTIFICATION)
    tax = total((line.amount for line in order.taxes), order.currency)
    components = _components(order, tax)
    parts = total((row.shopify for row in components if row.shopify), order.currency)
    charges = (*order.taxed_duties, *order.taxed_fees)
    proof = Proof(
        subject=order.name,
        components=present(components),
        totals=(
            *summed("total tax", order.total_tax, tax),
            ProofRow("cash rounding", order.cash_rounding),
            *summed("total", order.total, parts),
        ),
        notes=_notes(order),
    )
    of_charges = total((tax.amount for each in charges for tax in each.taxes), order.currency)
    if of_charges and order.taxes_included and parts + of_charges == order.total:
        raise RefusedError(ErrorCode.CHARGE_TAX_ON_TOP, tax=of_charges).with_proof(proof.as_dict())
    if tax != order.total_tax:
        raise _differs(order, proof, tax, order.total_tax, suffix=" of tax")
    if parts != order.total:
        raise _differs(order, proof, parts, order.total)
    return proof


def _components(order: Order, tax: Money) -> list[ProofRow]:
    nothing = total((), order.currency)
    gross = dict.fromkeys(LineKind, nothing)
    for line in order.lines:
        gross[line.kind] += line.unit_price * line.quantity
    return [
        *(ProofRow(COMPONENTS[kind].value, amount) for kind, amount in gross.items()),
        ProofRow("discounts", -total((line.discount for line in order.lines), order.currency)),
        ProofRow(Component.SHIPPING.value, total((line.price for line in order.shipping), order.currency)),
        ProofRow("shipping discounts", -total((line.discount for line in order.shipping), order.currency)),
        ProofRow(Component.TAX.value, nothing if order.taxes_included else tax),
        ProofRow(Component.DUTIES.value, order.duties),
        ProofRow(Component.FEES.value, order.additional_fees),
    ]


def _notes(order: Order) -> tuple[str, ...]:
    has_tip = any(line.kind is LineKind.TIP for line in order.lines)
    return (
        "prices include tax" if order.taxes_included else "tax on top of prices",
        *(("tip beside the lines" if order.has_tip_beside_lines else "tip is a line",) if has_tip else ()),
        # Shopify applies it to what is received in cash, not to what is owed (CashRoundingAdjustment).
        *(("cash rounding settled with the payment",) if order.cash_rounding else ()),
    )


def _differs(order: Order, proof: Proof, parts: Money, stated: Money, suffix: str = "") -> RefusedError:
    proof = replace(proof, lines=tuple(line_rows(order)), taxes=tuple(tax_rows(order)))
    return RefusedError(
        ErrorCode.SUM_DIFFERS,
        sum=f"{parts}{suffix}",
        total=f"{stated}{suffix}",
        difference=parts - stated,
    ).with_proof(proof.as_dict())
