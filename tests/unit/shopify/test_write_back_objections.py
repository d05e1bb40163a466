"""Which orders Shopify's refusals of order numbers are about, where the simulator gives no such refusal."""

from typing import Any, cast

import pytest

from shared.shopify.admin.client import AdminClient
from shared.shopify.queries import Query
from shared.shopify.write_back import MetafieldKey, MetafieldUpdate, RejectionCause, add_tag, set_metafields

SLOT = MetafieldKey("$app", "sales_order")


def error(field: list[str] | None, message: str = "No.", code: str | None = None) -> dict[str, Any]:
    return {"field": field, "message": message, "code": code, "elementIndex": None}


class Shop:
    """Refuses a call that holds a number in `bad`, with the error given; keeps the numbers of each call."""

    def __init__(self, bad: set[str], refusal: dict[str, Any]) -> None:
        self.bad = bad
        self.refusal = refusal
        self.calls: list[list[str]] = []
        self.written: list[str] = []

    async def run(self, _query: Query, variables: dict[str, Any]) -> dict[str, Any]:
        numbers = [row["value"] for row in variables["metafields"]]
        self.calls.append(numbers)
        refused = self.bad & set(numbers)
        self.written += [] if refused else numbers
        return {"metafieldsSet": {"userErrors": [self.refusal] if refused else []}}


def notes(count: int) -> list[MetafieldUpdate]:
    return [MetafieldUpdate(number, f"SN{number}", None) for number in range(1, count + 1)]


async def test_a_refusal_that_names_no_row_is_narrowed_down_to_its_order():
    shop = Shop({"SN9"}, error(None))
    objections = await set_metafields(cast("AdminClient", shop), notes(25), SLOT)
    assert [(each.order_id, each.cause) for each in objections] == [(9, RejectionCause.REFUSED)]
    assert sorted(shop.written) == sorted(note.value for note in notes(25) if note.order_id != 9)


async def test_an_index_inside_a_value_is_not_taken_for_a_row():
    shop = Shop({"SN2"}, {**error(["metafields", "1", "value"]), "elementIndex": 0})
    objections = await set_metafields(cast("AdminClient", shop), notes(3), SLOT)
    assert [each.order_id for each in objections] == [2]
    assert shop.calls == [["SN1", "SN2", "SN3"], ["SN1", "SN3"]]


async def test_a_row_that_the_call_does_not_have_is_narrowed_down_as_well():
    shop = Shop({"SN1"}, error(["metafields", "7", "value"]))
    objections = await set_metafields(cast("AdminClient", shop), notes(2), SLOT)
    assert [each.order_id for each in objections] == [1]
    assert shop.written == ["SN2"]


async def test_the_only_order_of_a_call_is_to_blame_whatever_the_error_names():
    shop = Shop({"SN1"}, error(["metafields"], code="STALE_OBJECT"))
    objections = await set_metafields(cast("AdminClient", shop), notes(1), SLOT)
    assert [(each.order_id, each.cause) for each in objections] == [(1, RejectionCause.STALE)]
    assert len(shop.calls) == 1


@pytest.mark.parametrize(
    ("errors", "cause"),
    [
        ([], None),
        ([error(["id"], "Order does not exist.")], RejectionCause.GONE),
        ([error(["tags"], "Too long."), error(["id"])], RejectionCause.GONE),
        ([error(["tags"], "Too long.")], RejectionCause.REFUSED),
        ([error(["a"], "Too long.")], RejectionCause.REFUSED),
        ([error(None, "Too long.")], RejectionCause.REFUSED),
    ],
)
async def test_a_tag_is_refused_for_an_order_that_is_gone_only_if_the_error_is_about_its_id(errors, cause):
    class Tags:
        async def run(self, _query: Query, variables: dict[str, Any]) -> dict[str, Any]:
            assert variables == {"order": "gid://shopify/Order/7", "tags": ["SN1"]}
            return {"tagsAdd": {"userErrors": errors}}

    refused = await add_tag(cast("AdminClient", Tags()), 7, "SN1")
    assert (refused and refused.cause) == cause
