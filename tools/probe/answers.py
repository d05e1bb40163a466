"""The tenant file: what was known, with the new answers, written so that a person can read it."""

from __future__ import annotations

import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final

from shared.errors import ConfigurationError
from shared.rules import ShipmentsEntity, Tenant, TenantFile, load_tenant

_HEAD: Final = """\
# How this F&O environment behaves, by company. Written by `python -m tools.probe`; each key is explained in
# shared/rules/tenant.py. What is unknown is treated as the answer with which nothing can be lost or doubled.
"""


def known(path: Path) -> TenantFile:
    """What the file says, nothing without a file. Raises ConfigurationError for mistakes in it."""
    return load_tenant(path) if path.is_file() else TenantFile()


def with_answers(before: TenantFile, company: str, answers: Mapping[str, object], day: date) -> TenantFile:
    """The file with these answers. What was not asked this time stays as it is."""
    values = before.of(company).model_dump(exclude_unset=True) | dict(answers) | {"probed": day}
    return before.model_copy(update={"companies": {**before.companies, company: Tenant.model_validate(values)}})


def text_of(tenant: TenantFile, environment: str) -> str:
    lines = [_HEAD, f'environment = "{environment}"']
    for company, answers in sorted(tenant.companies.items()):
        lines += ["", f"[companies.{company}]"]
        # A table ends the keys of the company: it comes last.
        for name, field in sorted(Tenant.model_fields.items(), key=lambda each: each[0] == "shipments_entity"):
            value = getattr(answers, name)
            if isinstance(value, ShipmentsEntity):
                lines += _table(f"companies.{company}.{name}", value)
                continue
            lines += textwrap.wrap(field.description or "", 116, initial_indent="# ", subsequent_indent="# ")
            lines.append(f"{name} = {_toml(value)}" if value is not None else f"# {name} is not known")
    return "\n".join(lines) + "\n"


def write(path: Path, tenant: TenantFile) -> None:
    """Writes the file, after reading back what it would say. Raises ConfigurationError if that is something else."""
    text = text_of(tenant, path.stem)
    tomllib.loads(text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    if load_tenant(path).companies != tenant.companies:
        raise ConfigurationError([f"{path}: does not say what was found; report this"])


def _table(name: str, entity: ShipmentsEntity) -> Iterator[str]:
    yield ""
    yield f"[{name}]"
    for key, value in entity:
        if value:
            yield f"{key} = {_toml(value)}"


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case tuple():
            return f"[{', '.join(_toml(each) for each in value)}]"
        case _:
            return str(value)


def unanswered(answers: Tenant) -> Iterator[str]:
    return (name for name in type(answers).model_fields if getattr(answers, name) in {"unknown", None})
