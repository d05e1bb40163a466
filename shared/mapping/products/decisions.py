"""What a run does about a product, from what the rules make of it and what the app remembers of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.mapping.products.wanted.product import PlannedProduct
from shared.model import Item, ShopState


class ProductAction(StrEnum):
    CREATE = "new in the shop"
    CHANGE = "changed in F&O"
    RETURN = "sold again"
    COMPARE = "compared with the shop"
    WITHDRAW = "not sold any more"
    AWAIT_PRICE = "waits for a price"
    UNCHANGED = "unchanged"
    NOT_SOLD = "not sold"
    REFUSED = "cannot stand in the shop as it is in F&O"

    @property
    def writes(self) -> bool:
        """Whether the shop is read, and changed where it differs."""
        return self in _WRITING


_WRITING = frozenset(
    {
        ProductAction.CREATE,
        ProductAction.CHANGE,
        ProductAction.RETURN,
        ProductAction.COMPARE,
        ProductAction.WITHDRAW,
    }
)


@dataclass(frozen=True, slots=True)
class RememberedProduct:
    """What the app last made of an item in the shop."""

    id: int | None
    """None for a product that Shopify refused to create."""
    digest: str
    """Of what was to stand in the shop."""
    state: ShopState
    compared_at: datetime
    """By the app's clock, when it was brought in line."""
    variants: Mapping[Item, int] = field(default_factory=dict)
    is_pending: bool = False
    """Shopify had not finished with it."""


def decide_action(
    planned: PlannedProduct,
    digest: str,
    remembered: RememberedProduct | None,
    *,
    must_compare: bool,
) -> ProductAction:
    """`digest` is that of what is wanted. `must_compare`: the shop's product was changed by others, or its turn has
    come.
    """
    if planned.wanted is None:
        return ProductAction.REFUSED
    if remembered is not None and remembered.id is not None:
        return _of_known(planned, digest, remembered, must_compare=must_compare)
    if planned.unsold:
        return ProductAction.NOT_SOLD
    was_refused = remembered is not None and remembered.digest == digest
    return ProductAction.UNCHANGED if was_refused and not must_compare else ProductAction.CREATE


def _of_known(
    planned: PlannedProduct, digest: str, remembered: RememberedProduct, *, must_compare: bool
) -> ProductAction:
    was_withdrawn = remembered.state is ShopState.WITHDRAWN
    if bool(planned.unsold) != was_withdrawn:
        return ProductAction.WITHDRAW if planned.unsold else ProductAction.RETURN
    if remembered.digest != digest:
        return ProductAction.CHANGE
    if must_compare or remembered.is_pending:
        return ProductAction.COMPARE
    awaits = not planned.unsold and items_without_price(planned, remembered)
    return ProductAction.AWAIT_PRICE if awaits else ProductAction.UNCHANGED


def items_without_price(planned: PlannedProduct, remembered: RememberedProduct | None) -> frozenset[Item]:
    """The items that a price has to be known of before the shop shows them: of a product that waits all that are sold,
    else those that the shop has no variant of.
    """
    wanted = planned.wanted
    sold = frozenset(each.item for each in wanted.variants if each.is_approved) if wanted is not None else frozenset()
    if remembered is None or remembered.state is ShopState.WAITING:
        return sold
    return sold - remembered.variants.keys()


def withheld_variants(planned: PlannedProduct | None, remembered: RememberedProduct) -> dict[Item, int]:
    """Variants of the shop that are not sold, and may show no stock there. None for what F&O does not have any more."""
    sold = planned.sold_items if planned is not None and not planned.unsold else frozenset()
    return {item: variant for item, variant in remembered.variants.items() if item not in sold}
