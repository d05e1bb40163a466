"""In which order a mutant's tests run, and which slow files fit it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

_STEPS: Final = (2, 8)
"""Files of the first runs. Each run costs the loading of its files, so the nearest come alone."""

_FOLDERS: Final = ("tests/unit/", "tests/contract/", "tests/integration/", "tests/property/", "")
_COMMON_WORDS: Final = {"shared", "tests", "unit", "test", "py", "mapping", "sync"}

READERS: Final = (
    "tests/contract/test_house.py",
    "tests/contract/test_d365_fields.py",
    "tests/contract/test_fo_ceiling.py",
    "tests/contract/test_fo_lengths.py",
    "tests/contract/test_graphql_documents.py",
    "tests/contract/test_time_limits.py",
    "tests/unit/rules/test_rules_limits.py",
)
"""Tests of what shared/ states (its code, its constants, its rules' fields) that execute none of it: coverage does not
show what they hold."""

INTEGRATION: Final[Mapping[str, Sequence[str]]] = {
    "shared/operator": ("parked_messages", "restore"),
    "shared/store/outbox.py": ("outbox", "write_back"),
    "shared/store/payments.py": ("payments_fo", "restore"),
    "shared/store/refunds.py": ("refunds_fo", "restore"),
    "shared/shopify/shipments.py": ("shipments_reach_shopify",),
    "shared/store/shipments.py": ("shipments_reach_shopify", "restore"),
    "shared/sync/exports.py": ("restore",),
    "shared/sync/order_numbers.py": ("write_back",),
    "shared/sync/payments.py": ("payments_fo",),
    "shared/sync/refunds.py": ("refunds_fo",),
    "shared/shopify/inventory.py": ("push_stock", "push_stock_many"),
    "shared/shopify/orders.py": ("read_graphql_state", "lists_to_the_end", "sweep"),
    "shared/shopify/sold.py": ("push_stock",),
    "shared/shopify/sweep.py": ("sweep",),
    "shared/shopify/write_back.py": ("write_back",),
    "shared": ("bad_webhooks", "store_without_secrets"),
    "shared/bus": ("publisher_gives_up", "poison", "bad_webhooks"),
    "shared/d365": ("d365_client_orders", "orders_reach_fo", "payments_fo", "refunds_fo"),
    "shared/d365/odata": ("d365_client", "d365_client_orders", "orders_reach_fo"),
    "shared/d365/catalogue": ("push_products",),
    "shared/d365/prices": ("push_prices",),
    "shared/mapping": ("orders_reach_fo", "refunds_fo", "sweep"),
    "shared/mapping/fo": ("d365_client_orders", "orders_reach_fo"),
    "shared/mapping/orders": ("orders_reach_fo",),
    "shared/mapping/payments": ("payments_fo",),
    "shared/mapping/prices": ("push_prices",),
    "shared/mapping/products": ("push_products",),
    "shared/mapping/products/shop": ("products_in_shop", "push_products"),
    "shared/mapping/products/wanted": ("push_products",),
    "shared/mapping/refunds": ("refunds_fo",),
    "shared/mapping/shipments": ("shipments_reach_shopify",),
    "shared/mapping/shipments/parcels": ("shipments_reach_shopify",),
    "shared/mapping/shopify": ("read_graphql_state", "orders_reach_fo", "bad_webhooks"),
    "shared/mapping/shopify/edits": ("read_graphql_state", "refunds_fo"),
    "shared/mapping/stock": ("push_stock",),
    "shared/mapping/taxes": ("orders_reach_fo",),
    "shared/model": ("orders_reach_fo", "refunds_fo", "payments_fo"),
    "shared/rules": ("store_without_secrets", "orders_reach_fo"),
    "shared/rules/sections": ("store_without_secrets", "orders_reach_fo", "sweep"),
    "shared/shopify": ("shopify_client", "lists_to_the_end", "push_stock", "write_back", "sweep"),
    "shared/shopify/admin": ("shopify_client", "lists_to_the_end"),
    "shared/shopify/products": ("products_in_shop", "push_products"),
    "shared/shopify/queries": ("shopify_client", "read_graphql_state"),
    "shared/store": ("outbox", "parked_messages", "restore", "last_release"),
    "shared/sync": ("payments_fo", "refunds_fo", "write_back", "restore"),
    "shared/sync/bulk": ("products_in_bulk", "push_many_prices"),
    "shared/sync/messages": ("bad_webhooks", "parked_messages", "poison", "later_events_reach_fo"),
    "shared/sync/orders": ("orders_reach_fo", "write_back"),
    "shared/sync/prices": ("push_prices",),
    "shared/sync/prices/lists": ("push_prices",),
    "shared/sync/products": ("push_products", "push_many_products"),
    "shared/sync/products/shop": ("products_in_shop", "push_products"),
    "shared/sync/shipments": ("shipments_reach_shopify", "fo_events"),
    "shared/sync/shipments/parcels": ("shipments_reach_shopify",),
    "shared/sync/shipments/sources": ("shipments_of_any_tenant",),
    "shared/sync/stock": ("push_stock", "push_stock_many"),
    "shared/sync/stock/unknown": ("waiting_edits_held_back", "parked_goods_held_back", "push_stock"),
    "shared/sync/sweep": ("sweep",),
}
"""Files of tests/integration, the nearest first: by file of shared/, else by its folder."""


def slow_files(file: str) -> list[str]:
    """Raises KeyError for a folder without an entry."""
    names = INTEGRATION.get(file) or INTEGRATION[PurePosixPath(file).parent.as_posix()]
    return [f"tests/integration/test_{name}.py" for name in names]


def runs(file: str, tests: Iterable[str]) -> Iterator[list[str]]:
    """The tests of one file of shared/, parted into runs: the test files most likely to fail first, and alone."""
    by_file: defaultdict[str, list[str]] = defaultdict(list)
    for test in sorted(tests):
        by_file[test.partition("::")[0]].append(test)
    files = sorted(by_file, key=lambda each: (-_nearness(each, file), _folder_rank(each), len(by_file[each]), each))
    start = 0
    for size in (*_STEPS, len(files)):
        if part := files[start : start + size]:
            yield [test for each in part for test in by_file[each]]
        start += size


def without_parameters(tests: Iterable[str]) -> list[str]:
    """Each test function once: a mutant may change what a test's parameters are called."""
    return list(dict.fromkeys(re.sub(r"\[.*", "", test, count=1, flags=re.DOTALL) for test in tests))


def _nearness(test_file: str, file: str) -> int:
    """In how many words of their paths both are alike; property tests come late, they take seconds each."""
    alike = len(_words(test_file) & _words(file))
    return alike if test_file.startswith("tests/unit/") else 0


def _words(path: str) -> set[str]:
    return {word.removesuffix("s") for word in re.split(r"[/_.]", path)} - _COMMON_WORDS


def _folder_rank(test_file: str) -> int:
    return next(rank for rank, folder in enumerate(_FOLDERS) if test_file.startswith(folder))
