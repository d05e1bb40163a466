"""What F&O says of an order, in Shopify: `[order_status]`, and units that F&O gives up: `[given_up]`."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field, field_validator

from shared.model import OrderStatus
from shared.rules.base import Rules
from shared.rules.sections.write_back import TAG_LENGTH


class StatusTags(Rules):
    """A tag for each status; the tag of another status is taken off. A tag that is named here counts as written by the
    app.
    """

    on_hold: str | None = Field(
        default=None, description="The sales order is stopped, or in credit control. Default, as for all: no tag."
    )
    partly_delivered: str | None = Field(default=None, description="A part of the order has left.")
    delivered: str | None = Field(default=None, description="All of it has left, and it is not invoiced yet.")
    invoiced: str | None = Field(default=None, description="All of it is delivered and invoiced.")
    cancelled: str | None = Field(default=None, description="F&O has cancelled all of it.")

    @field_validator("on_hold", "partly_delivered", "delivered", "invoiced", "cancelled")
    @classmethod
    def _fits_shopify(cls, tag: str | None) -> str | None:
        if tag is None:
            return None
        if not tag or tag != tag.strip() or "," in tag or len(tag) > TAG_LENGTH:
            raise ValueError(
                f"has 1 to {TAG_LENGTH} characters, no comma (it separates tags in Shopify) and no blanks around it: "
                "leave the key out for no tag"
            )
        return tag

    def of(self, status: OrderStatus) -> str | None:
        tag: str | None = getattr(self, status.name.lower(), None)
        return tag

    @property
    def all(self) -> frozenset[str]:
        """Case-folded, as Shopify compares them."""
        return frozenset(tag.casefold() for name in type(self).model_fields if (tag := getattr(self, name)))


class CancelledRules(Rules):
    """What becomes of an order in Shopify whose sales order was cancelled in F&O."""

    action: Literal["tell", "cancel", "ignore"] = Field(
        default="tell",
        description="`tell` parks the order for a person. `cancel` cancels it in Shopify, which cannot be undone; an "
        "order of which anything was delivered or fulfilled, or that has a return, is parked instead. `ignore` "
        "leaves it.",
    )
    refund: bool = Field(
        default=True, description="With `cancel`: whether the buyer gets the money back. Authorizations end anyway."
    )
    restock: bool = Field(
        default=True, description="With `cancel`: whether Shopify counts the goods as in stock again."
    )
    notify: bool = Field(default=True, description="With `cancel`: whether Shopify writes to the buyer.")
    reason: Literal["CUSTOMER", "DECLINED", "FRAUD", "INVENTORY", "OTHER", "STAFF"] = Field(
        default="OTHER", description="With `cancel`: the reason that Shopify shows and writes to the buyer."
    )


class OrderStatusRules(Rules):
    metafield: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]{2,64}$",
        description="Key of the metafield with F&O's status of the order: open, on hold, partly delivered, delivered, "
        "invoiced or cancelled. It is written once the order is no longer just open. Default: no metafield.",
    )
    namespace: str = Field(
        default="$app",
        pattern=r"^\$app(:[A-Za-z0-9_-]{1,64})?$",
        description="The metafield's namespace: `$app`, or `$app:` and a name of letters, digits, - and _.",
    )
    tags: StatusTags = Field(default=StatusTags(), description="A tag for each status.")
    cancelled: CancelledRules = Field(
        default=CancelledRules(), description="What becomes of an order that F&O has cancelled."
    )

    @property
    def is_shown(self) -> bool:
        return self.metafield is not None or bool(self.tags.all)

    @property
    def is_wanted(self) -> bool:
        """Whether F&O's status of an order is of any use."""
        return self.is_shown or self.cancelled.action != "ignore"


class GivenUpRules(Rules):
    action: Literal["tell", "refund", "ignore"] = Field(
        default="tell",
        description="What becomes of units that F&O gave up (a short pick, *Deliver remainder*) and that Shopify still "
        "shows as open. `tell` parks them for a person, `refund` takes them off the order in Shopify, `ignore` leaves "
        "them.",
    )
    money: bool = Field(
        default=True,
        description="With `refund`: whether the buyer gets back what Shopify suggests for the units, to the payments "
        "that it suggests. Otherwise the merchant keeps it.",
    )
    notify: bool = Field(default=True, description="With `refund`: whether Shopify writes to the buyer.")


MISTAKEN_TAGS: Final = "tags: must not be orders.hold_tag, by which staff hold an order, or match write_back.tag"
