"""Which order a webhook is about, for bodies that carry no order."""

from __future__ import annotations

import re
from typing import Any, Final

_MAX_ID: Final = 2**63 - 1
_DIGITS: Final = re.compile("[0-9]{1,19}")


def order_id_of(payload: Any) -> int | None:
    """The order's id, or None where the body names none (returns/process, returns/update) or is none of these.

    refunds/create, order_transactions/create, orders/shopify_protect_eligibility_changed and returns/cancel, close
    and reopen have an order_id (a text of digits in orders/risk_assessment_changed), orders/edited has it in
    order_edit, the other returns topics in order.id.
    """
    match payload:
        case {"order_edit": {"order_id": found}} | {"order_id": found} | {"order": {"id": found}}:
            return _id(found)
    return None


def _id(found: object) -> int | None:
    if isinstance(found, str) and _DIGITS.fullmatch(found):
        found = int(found)
    return found if type(found) is int and 0 < found <= _MAX_ID else None
