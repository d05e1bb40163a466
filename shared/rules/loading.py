"""Reads the stores' files, and explains every mistake in them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from shared.errors import ConfigurationError
from shared.rules.store import StoreRules
from shared.rules.tenant import TenantFile


@dataclass(frozen=True, slots=True)
class Mistake:
    path: str
    """The key as the file has it: `orders.number`, `warehouses #2.site`."""
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


UNKNOWN: Final = TenantFile()
"""Of an environment without a file, nothing is known."""


def load_tenant(path: Path) -> TenantFile:
    """How an F&O environment behaves. Raises ConfigurationError with every mistake in the file."""
    table = _read(path)
    return _validated(path, TenantFile, table, _name_of_file(table, "environment", path))


def load_store(path: Path, tenant: TenantFile = UNKNOWN) -> StoreRules:
    """The rules of one store. Raises ConfigurationError with every mistake in the file."""
    table = _read(path)
    mistakes = _name_of_file(table, "key", path)
    if "tenant" in table:
        mistakes.append(Mistake("tenant", "belongs into the F&O environment's file in config/tenants"))
    return _validated(path, StoreRules, table | {"tenant": tenant.of(str(table.get("company")))}, mistakes)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as problem:
        raise ConfigurationError([f"{path}: cannot be read ({problem.strerror})"]) from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigurationError([f"{path}: is not TOML: {problem}"]) from problem


def _name_of_file(table: Mapping[str, Any], key: str, path: Path) -> list[Mistake]:
    if table.get(key, path.stem) == path.stem:
        return []
    return [Mistake(key, f"is {table[key]!r}, but the file is {path.name}: both must have the same name")]


def _validated[M: BaseModel](path: Path, model: type[M], table: Mapping[str, Any], mistakes: list[Mistake]) -> M:
    try:
        valid = model.model_validate(_with_tuples(table))
    except ValidationError as problem:
        mistakes = mistakes + [mistake for error in _causes(problem.errors()) for mistake in _explain(model, error)]
        raise ConfigurationError([f"{path}: {mistake}" for mistake in mistakes]) from None
    if mistakes:
        raise ConfigurationError([f"{path}: {mistake}" for mistake in mistakes])
    return valid


def load_stores(folder: Path, tenant: TenantFile = UNKNOWN) -> dict[str, StoreRules]:
    """The rules of every store by its key. Raises ConfigurationError with every mistake in every file."""
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise ConfigurationError([f"{folder}: has no store file (*.toml)"])
    stores: dict[str, StoreRules] = {}
    mistakes: list[str] = []
    file_of: dict[str, Path] = {}
    for path in paths:
        try:
            rules = load_store(path, tenant)
        except ConfigurationError as problem:
            mistakes += problem.mistakes
            continue
        stores[rules.key] = rules
        first = file_of.setdefault(rules.shop_domain, path)
        if first != path:
            mistakes.append(f"{path}: shop_domain: {rules.shop_domain} is also the shop of {first.name}")
    if mistakes:
        raise ConfigurationError(mistakes)
    return stores


def _with_tuples(value: Any) -> Any:
    """TOML's arrays as tuples, since the rules are frozen."""
    if isinstance(value, list):
        return tuple(_with_tuples(entry) for entry in value)
    if isinstance(value, dict):
        return {key: _with_tuples(entry) for key, entry in value.items()}
    return value


def _causes(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """The errors without those that follow from others, such as a list that is too short because its entry is wrong."""
    places = [error["loc"] for error in errors]
    return [
        error
        for error in errors
        if error["type"] != "too_short" or not any(_is_within(place, error["loc"]) for place in places)
    ]


def _is_within(place: tuple[int | str, ...], other: tuple[int | str, ...]) -> bool:
    return len(place) > len(other) and place[: len(other)] == other


def _explain(root: type[BaseModel], error: ErrorDetails) -> list[Mistake]:
    where = _keys_of_the_file(root, error["loc"])
    reasons = _reasons(error, where, _description(root, where), _keys_beside(root, where))
    return [Mistake(_readable(where), reason.rstrip()) for reason in reasons]


def _reasons(error: ErrorDetails, where: Sequence[int | str], description: str, beside: Sequence[str]) -> list[str]:
    reason = error["msg"].replace("Input should", "should").replace("valid tuple", "list, in brackets")
    given = "" if isinstance(error["input"], Mapping | tuple) else f" (given: {_as_written(error['input'])})"
    reasons = [reason + given]
    match error["type"]:
        case "extra_forbidden":
            reasons = ["this key does not exist" + _suggestion(str(where[-1]), beside)]
        case "missing":
            reasons = [f"is missing. {description}"]
        case "literal_error" | "enum":
            reasons = [_not_allowed(error)]
        case "value_error":
            reasons = str(error["ctx"]["error"]).splitlines()
        case "string_pattern_mismatch":
            reasons = [f"{error['input']!r} does not have the required form. {description}"]
        case "date_type" | "date_from_datetime_inexact" | "date_from_datetime_parsing":
            reasons = [f"should be a day without time and quotes, as 2026-11-02{given}"]
        case "bool_type" | "int_type" if isinstance(error["input"], str):
            reasons = [f"{reason}, without quotes{given}"]
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            reasons = [f"{reason}{given}. {description}"]
    return reasons


def _as_written(value: Any) -> str:
    return str(value) if isinstance(value, Decimal | date) else repr(value)


def _not_allowed(error: ErrorDetails) -> str:
    allowed = str(error["ctx"]["expected"])
    names = [name.strip("' ") for name in allowed.replace(" or ", ", ").split(",")]
    return f"{error['input']!r} is not allowed, only {allowed}" + _did_you_mean(str(error["input"]), names)


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean `{close[0]}`?" if close else ""


def _suggestion(word: str, known: Sequence[str]) -> str:
    return _did_you_mean(word, known) or f"; known are {', '.join(sorted(known))}"


def _keys_of_the_file(root: type[BaseModel], location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Pydantic's location without the names of a union's members."""
    kept: list[int | str] = []
    for part in location:
        if isinstance(part, int) or _model_of(root, kept) is not None:
            kept.append(part)
    return tuple(kept)


def _keys_beside(root: type[BaseModel], where: Sequence[int | str]) -> list[str]:
    model = _model_of(root, where[:-1])
    return list(model.model_fields) if model else []


def _description(root: type[BaseModel], where: Sequence[int | str]) -> str:
    while where and isinstance(where[-1], int):
        where = where[:-1]
    model = _model_of(root, where[:-1])
    field = model.model_fields.get(str(where[-1])) if model and where else None
    return field.description or "" if field else ""


def _model_of(root: type[BaseModel], where: Sequence[int | str]) -> type[BaseModel] | None:
    """The table of rules at this place. None for a plain value."""
    model: type[BaseModel] | None = root
    named = False  # whether the next part is the name of a table in a table of tables
    for part in where:
        if isinstance(part, int) or named:
            named = False
            continue  # an entry of an array or table of tables: its model is the array's
        field = model.model_fields.get(part) if model else None
        model = _model_in(field.annotation) if field else None
        named = field is not None and get_origin(field.annotation) is dict
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)


def _readable(where: Sequence[int | str]) -> str:
    path = ""
    for part in where:
        path += f" #{part + 1}" if isinstance(part, int) else f".{part}" if path else part
    return path
