"""docs/mapping.md shows the matrix of changes as the rules have it."""

import pytest

from shared.model import FoStatus
from shared.rules import ChangeKind, ChangeRules
from tools.change_matrix import BEGIN, END, PAGE, matrix, replaced, section


def test_the_page_has_the_matrix_of_the_rules() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == replaced(page), "run: python -m tools.change_matrix"


def test_the_table_has_a_row_for_each_kind_and_a_column_for_each_status() -> None:
    head, rule, *rows = matrix(ChangeRules()).splitlines()
    assert head.startswith("| Change in Shopify | open | confirmed | picked | partly delivered |")
    assert {line.count("|") for line in (head, rule, *rows)} == {len(FoStatus) + 3}
    assert [row.split("|")[1].strip(" `") for row in rows][: len(ChangeKind)] == [kind.value for kind in ChangeKind]
    assert "| note | — |" in "\n".join(rows)


def test_only_what_is_between_the_markers_is_written() -> None:
    assert replaced(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n") == f"before\n\n{section()}\n\nafter\n"


@pytest.mark.parametrize("page", ["", BEGIN, f"{END}\n{BEGIN}", f"{BEGIN}{BEGIN}{END}", f"{BEGIN}{END}{END}"])
def test_a_page_without_its_markers_is_not_written(page: str) -> None:
    with pytest.raises(ValueError, match="needs one"):
        replaced(page)
