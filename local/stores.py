"""The stores of config/ with other rules, for runs that show or test what theirs leave out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from local.process import StackError
from local.stack import ROOT


def changed_stores(folder: Path, change: Callable[[str], str]) -> dict[str, str]:
    """Writes the stores' files with the change into the folder; the setting by which the app reads them.

    Raises StackError for a file in which the change finds nothing.
    """
    folder.mkdir(exist_ok=True)
    for store in (ROOT / "config/stores").glob("*.toml"):
        text = store.read_text(encoding="utf-8")
        changed = change(text)
        if changed == text:
            raise StackError(f"{store.name} has nothing that the change is about.")
        (folder / store.name).write_text(changed, encoding="utf-8")
    return {"STORES_FOLDER": str(folder)}


def with_shipments(text: str) -> str:
    """A store's file with the flow that it has switched off."""
    return text.replace("[flows]\n", "[flows]\nshipments = true\n")


def with_one_warehouse(text: str) -> str:
    """A store's file with the first of its warehouses alone."""
    before, first, *others = text.split("\n[[warehouses]]\n")
    rest = "".join(f"\n{each.partition('\n\n')[2]}" for each in others)
    return f"{before}\n[[warehouses]]\n{first}{rest}"


def with_prices(text: str) -> str:
    """The same for the flow prices."""
    return text.replace("[flows]\n", "[flows]\nprices = true\n")


def with_products(text: str) -> str:
    """The same for the flow products, of a store that has rules for it. It writes at once."""
    if "\n[products]\n" not in text:
        return text
    text = text.replace("[flows]\n", "[flows]\nproducts = true\n")
    return text.replace("\n[products]\n", "\n[products]\nadopt = true\n")


def with_catalogue(text: str) -> str:
    """With both flows, in every run of their timers; with F&O's descriptions and the example's price list."""
    text = with_prices(with_products(text)).replace("\n[prices]\n", "\n[prices]\nminutes = 0\n")
    text = text.replace("\nminutes = 15 ", "\n# minutes = 15 ").replace("\nfull_minutes = 60 ", "\nfull_minutes = 0 ")
    text = text.replace('\ndescription = "once" ', '\ndescription = "fo" ')
    before, start, block = text.partition('# [[prices.lists]]\n# name = "Dealers"\n')
    if not start:
        return text
    listed, end, rest = block.partition("\n\n")
    return before + "\n".join(line.removeprefix("# ") for line in f"{start}{listed}".splitlines()) + end + rest
