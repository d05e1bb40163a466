"""The catalogue is complete: every code raised is in it, every entry is raised, and docs/errors.md says the same."""

import re
from string import Formatter

import pytest
from builders.root import ROOT

from shared.error_catalogue import CATALOGUE, as_markdown

SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "shared").rglob("*.py"))
RAISED = set(re.findall(r'(?:Refused|WebhookRefused)Error\(\s*"([A-Z_]+)"', SOURCES))


def test_every_code_that_is_raised_is_in_the_catalogue() -> None:
    assert not RAISED - CATALOGUE.keys()


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_no_entry_is_left_over_from_code_that_is_gone(code: str) -> None:
    assert f'"{code}"' in SOURCES.replace(f'    "{code}": Entry(', "")


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_entry_says_whose_job_it_is_and_what_to_do(code: str) -> None:
    entry = CATALOGUE[code]
    assert entry.cause.endswith((".", "}"))
    assert len(entry.next_step) > 10
    in_cause = {name for _, name, _, _ in Formatter().parse(entry.cause) if name}
    in_next_step = {name for _, name, _, _ in Formatter().parse(entry.next_step) if name}
    assert "" not in in_cause | in_next_step


def test_the_page_for_people_is_the_catalogue() -> None:
    page = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
    assert page == as_markdown(), "run: python -m shared.error_catalogue > docs/errors.md"
