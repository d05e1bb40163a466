"""`python -m shared.rules check [folder] [--tenant FILE]`: every mistake (exit code 1), or the rules in force (0)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from shared.command_line import run
from shared.errors import ConfigurationError
from shared.rules.loading import load_stores, load_tenant
from shared.rules.store import StoreRules
from shared.rules.tenant import TenantFile


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m shared.rules", description="The stores' rules.")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="explain every mistake, or print the rules in force")
    check.add_argument("folder", nargs="?", type=Path, default=Path("config/stores"))
    check.add_argument("--tenant", type=Path, metavar="FILE", help="how F&O behaves: config/tenants/<environment>.toml")
    options = parser.parse_args(arguments)
    folder: Path = options.folder
    try:
        stores = load_stores(folder, load_tenant(options.tenant) if options.tenant else TenantFile())
    except ConfigurationError as problem:
        count = len(problem.mistakes)
        sys.stderr.write("\n".join([*problem.mistakes, f"{count} {'mistake' if count == 1 else 'mistakes'}", ""]))
        return 1
    for rules in stores.values():
        sys.stdout.write("\n".join([*describe(rules), "", ""]))
    return 0


def describe(rules: StoreRules) -> Iterator[str]:
    """A store's rules as TOML-like lines. Values that the file does not set have the comment `# default`, and what is
    not known of F&O has one too.
    """
    yield f"# ---- {rules.key}: {rules.shop_domain} -> company {rules.company}"
    if not rules.tenant.model_fields_set:
        yield (
            f"# nothing is known of company {rules.company} in F&O: name the environment's file by --tenant, or ask "
            "F&O: python -m tools.probe"
        )
    if rules.orders.number == "own" and not rules.numbers_orders:
        yield (
            '# orders.number = "own" is not in force: F&O numbers the orders until config/tenants says that it keeps a '
            f'given number (order_number = "kept") in company {rules.company}'
        )
    tables = {}
    for name in type(rules).model_fields:
        value = getattr(rules, name)
        if isinstance(value, BaseModel) or (isinstance(value, tuple) and value and isinstance(value[0], BaseModel)):
            tables[name] = value
        else:
            yield _line(name, value, written=name in rules.model_fields_set)
    for name, value in tables.items():
        for entry in value if isinstance(value, tuple) else (value,):
            yield ""
            yield f"[[{name}]]" if isinstance(value, tuple) else f"[{name}]"
            for key in type(entry).model_fields:
                yield _line(key, getattr(entry, key), written=key in entry.model_fields_set)


def _line(key: str, value: Any, *, written: bool) -> str:
    if value == "unknown":
        return f"{key} = {_shown(value)}  # ask F&O: python -m tools.probe"
    return f"{key} = {_shown(value)}" + ("" if written else "  # default")


def _shown(value: Any) -> str:
    match value:
        case None:
            return "(none)"
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case BaseModel():
            inside = ", ".join(f"{key} = {_shown(getattr(value, key))}" for key in type(value).model_fields)
            return f"{{ {inside} }}"
        case tuple():
            return f"[{', '.join(_shown(entry) for entry in value)}]"
        case _:
            return str(value)


if __name__ == "__main__":
    sys.exit(run(main))
