"""A world with many SKUs, for the stock figures."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

from local.stack import ROOT

SKU: Final = "BULK-{number:05d}"


def write_large_world(path: Path, *, figures: int) -> Path:
    """Writes local/world.toml with more items for the store nordlys, so that F&O has stock for `figures` of them."""
    world = (ROOT / "local/world.toml").read_text(encoding="utf-8")
    small = tomllib.loads(world)
    stocked_items = {item["number"] for item in small["items"] if item["company"] == "nleu"}
    sold = (row for row in small["variants"] if row["shop"] == "nordlys" and row["sku"] in stocked_items)
    existing = sum(len(row["available"]) for row in sold)
    items, on_hand, variants = [], [], []
    for number in range(figures - existing):
        sku = SKU.format(number=number)
        items.append(
            f'[[items]]\ncompany = "nleu"\nnumber = "{sku}"\nname = "{sku}"\nprice = "1.00"\ntax_item_group = "FULL"\n'
        )
        on_hand.append(f'"{sku}" = {{ AMS = {{ physical = {number % 90 + 10} }} }}')
        variants.append(
            f'[[variants]]\nshop = "nordlys"\nproduct = {9_000_000 + number}\ntitle = "{sku}"\nsku = "{sku}"\n'
            f'id = {8_000_000 + number}\ninventory_item = {7_000_000 + number}\nprice = "1.00"\ngrams = 1\n'
            "available = { 71001001 = 1 }\n"
        )
    stocked = world.replace("[on_hand.nleu]\n", "[on_hand.nleu]\n" + "\n".join(on_hand) + "\n")
    path.write_text("\n".join([stocked, *items, *variants]), encoding="utf-8")
    return path
