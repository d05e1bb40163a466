"""A world with very many SKUs, for the stock figures."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from local.stack import ROOT

SKU: Final = "BULK-{number:05d}"


def write_large_world(path: Path, *, skus: int) -> Path:
    """local/world.toml, and in company and shop of the store nordlys so many items more, each with stock."""
    items, on_hand, variants = [], [], []
    for number in range(skus):
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
    world = (ROOT / "local/world.toml").read_text(encoding="utf-8")
    stocked = world.replace("[on_hand.nleu]\n", "[on_hand.nleu]\n" + "\n".join(on_hand) + "\n")
    path.write_text("\n".join([stocked, *items, *variants]), encoding="utf-8")
    return path
