"""An order's record as JSON, as its link holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from shared.model import (
    CurrencySide,
    DeliveryMethod,
    Item,
    LineKind,
    LineRecord,
    Money,
    OrderRecord,
    Place,
    RefundRecord,
    ReturnFee,
    TaxGroupPair,
    TaxKey,
)


def write_record(record: OrderRecord) -> dict[str, Any]:
    """Plain values; what is empty is left out."""
    values: dict[str, Any] = {
        "side": record.side.value,
        "lines": {str(line_id): _line(line) for line_id, line in record.lines.items()},
        "refunds": {str(refund_id): _refund(refund) for refund_id, refund in record.refunds.items()},
        "place": list(record.place) if record.place else None,
        "tax_groups": [
            [*key.place, f"{key.rate:f}", list(key.titles), *groups] for key, groups in record.tax_groups.items()
        ],
        "delivery": record.delivery.value if record.delivery else None,
        "served_by": record.served_by,
        "delivery_modes": [[code, title, mode] for (code, title), mode in record.delivery_modes.items()],
        "is_reconstructed": record.is_reconstructed,
    }
    return {name: value for name, value in values.items() if value}


def read_record(values: Mapping[str, Any]) -> OrderRecord | None:
    """None for a link of a release that kept no record."""
    if not values:
        return None
    return OrderRecord(
        side=CurrencySide(values["side"]),
        lines={
            int(line_id): LineRecord(
                LineKind(line["kind"]), Item(*line["item"]), line.get("sku", ""), line.get("variant_id")
            )
            for line_id, line in values.get("lines", {}).items()
        },
        refunds={
            int(refund_id): RefundRecord(
                cancelled=_units(refund.get("cancelled", {})),
                shipping_off_order=refund.get("shipping_off_order", False),
                duties_off_order=refund.get("duties_off_order", False),
                fees_off_order=refund.get("fees_off_order", False),
                return_fees=tuple(_read_fee(fee) for fee in refund.get("return_fees", ())),
            )
            for refund_id, refund in values.get("refunds", {}).items()
        },
        place=Place(*values["place"]) if values.get("place") else None,
        tax_groups={
            TaxKey(Place(country, province), Decimal(rate), tuple(titles)): TaxGroupPair(sales, item)
            for country, province, rate, titles, sales, item in values.get("tax_groups", ())
        },
        delivery=DeliveryMethod(values["delivery"]) if values.get("delivery") else None,
        served_by=values.get("served_by"),
        delivery_modes={(code, title): mode for code, title, mode in values.get("delivery_modes", ())},
        is_reconstructed=values.get("is_reconstructed", False),
    )


def _line(line: LineRecord) -> dict[str, Any]:
    return {"kind": line.kind.value, "item": list(line.item), "sku": line.sku, "variant_id": line.variant_id}


def _refund(refund: RefundRecord) -> dict[str, Any]:
    return {
        "cancelled": None
        if refund.cancelled is None
        else {str(line_id): units for line_id, units in refund.cancelled.items()},
        "shipping_off_order": refund.shipping_off_order,
        "duties_off_order": refund.duties_off_order,
        "fees_off_order": refund.fees_off_order,
        **({"return_fees": [_fee(each) for each in refund.return_fees]} if refund.return_fees else {}),
    }


def _fee(fee: ReturnFee) -> list[Any]:
    amounts = [f"{fee.amount.amount:f}", f"{fee.tax.amount:f}", fee.amount.currency]
    seen = [] if fee.presented is None else [f"{fee.presented.amount:f}", fee.presented.currency]
    return [fee.reason, *amounts, *seen]


def _read_fee(values: Sequence[Any]) -> ReturnFee:
    reason, amount, tax, currency, *seen = values
    return ReturnFee(
        reason,
        Money(Decimal(amount), currency),
        Money(Decimal(tax), currency),
        Money(Decimal(seen[0]), seen[1]) if seen else None,
    )


def _units(values: Mapping[str, int] | None) -> dict[int, int] | None:
    return None if values is None else {int(line_id): units for line_id, units in values.items()}
