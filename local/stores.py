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


def with_prices(text: str) -> str:
    """The same for the flow prices."""
    return text.replace("[flows]\n", "[flows]\nprices = true\n")
