"""The catalogue is complete: every code has an entry, every code is used, and docs/errors.md is the same."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from string import Formatter

import pytest
from builders.root import ROOT
from builders.source import nodes_of

from shared.error_catalogue import CATALOGUE, ErrorCode, as_markdown

SOURCES = "\n".join(
    path.read_text(encoding="utf-8")
    for path in (ROOT / "shared").rglob("*.py")
    if path != ROOT / "shared/error_catalogue.py"
)
USED = set(re.findall(r"\bErrorCode\.([A-Z_]+)\b", SOURCES))
AMOUNTS_DIFFER = {
    ErrorCode.SUM_DIFFERS,
    ErrorCode.TAX_DIFFERS,
    ErrorCode.STATE_SUM_DIFFERS,
    ErrorCode.REFUND_SUM_DIFFERS,
    ErrorCode.REFUND_PLAN_DIFFERS,
    ErrorCode.PAYMENTS_DIFFER,
    ErrorCode.FO_SUM_DIFFERS,
    ErrorCode.FO_REFUND_DIFFERS,
    ErrorCode.CAPTURE_DIFFERS,
}
REPORTED = {
    ErrorCode.SALES_ORDER_DIFFERS,
    ErrorCode.PAYMENT_DIFFERS,
    ErrorCode.REFUND_DIFFERS,
    ErrorCode.BALANCE_DIFFERS,
    ErrorCode.INVOICE_DIFFERS,
    ErrorCode.PRICE_PROOF_DIFFERS,
}
"""Differences between both systems that are reported: the finding has both sides."""
RAISED = re.compile(r"\b(?:\w*Refused|AlreadyExists)Error\(\s*([^\s,)]+)")


def test_every_code_has_an_entry_and_a_value_that_is_its_name() -> None:
    assert set(ErrorCode) == CATALOGUE.keys()
    assert {code.name: code.value for code in ErrorCode} == {code.name: code.name for code in ErrorCode}


def test_every_refusal_that_is_raised_names_a_code() -> None:
    raised = RAISED.findall(SOURCES)
    assert raised
    assert [first for first in raised if first.startswith(('"', "'", 'f"', "f'"))] == []


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_no_entry_is_left_over_from_code_that_is_gone(code: ErrorCode) -> None:
    assert code.name in USED


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_entry_has_a_cause_and_a_next_step(code: ErrorCode) -> None:
    entry = CATALOGUE[code]
    assert entry.cause.endswith((".", "}"))
    assert len(entry.next_step) > 10
    in_cause = {name for _, name, _, _ in Formatter().parse(entry.cause) if name}
    in_next_step = {name for _, name, _, _ in Formatter().parse(entry.next_step) if name}
    assert "" not in in_cause | in_next_step


def test_the_page_for_people_is_the_catalogue() -> None:
    page = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
    assert page == as_markdown(), "run: python -m shared.error_catalogue > docs/errors.md"


@pytest.mark.parametrize("code", sorted(AMOUNTS_DIFFER))
def test_every_refusal_of_differing_amounts_has_its_proof(code: ErrorCode) -> None:
    refusals = list(with_and_without_proof(f"ErrorCode.{code.name}"))
    assert refusals
    assert all(refusals)


def test_no_code_of_differing_amounts_is_left_out() -> None:
    assert {code for code in ErrorCode if code.endswith(("_DIFFERS", "_DIFFER"))} == AMOUNTS_DIFFER | REPORTED


def with_and_without_proof(code: str) -> Iterator[bool]:
    """Of every refusal with this code in shared/: whether `.with_proof` follows it."""
    return (is_proved for found, is_proved in refusals() if found == code)


@cache
def refusals() -> tuple[tuple[str, bool], ...]:
    """Of every call in shared/, its first argument and whether `.with_proof` follows the call."""
    found = []
    for path in (ROOT / "shared").rglob("*.py"):
        nodes = nodes_of(path)
        proved = {id(node.value) for node in nodes if isinstance(node, ast.Attribute) and node.attr == "with_proof"}
        found += [
            (ast.unparse(node.args[0]), id(node) in proved)
            for node in nodes
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Attribute)
        ]
    return tuple(found)
