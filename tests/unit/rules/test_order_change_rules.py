"""The matrix of changes: defaults, a store's own cells, and what it does not allow."""

import pytest
from pydantic import ValidationError

from shared.model import FoStatus
from shared.rules import ChangeKind, ChangeRules, Decision


def test_a_cell_of_the_store_leaves_the_others_of_its_row_as_they_are():
    rules = ChangeRules.model_validate({"address": {"picked": "apply"}})
    assert rules.decide(ChangeKind.ADDRESS, FoStatus.PICKED) is Decision.APPLY
    assert rules.decide(ChangeKind.ADDRESS, FoStatus.PARTLY_DELIVERED) is Decision.HOLD
    assert rules.decide(ChangeKind.PRICE, FoStatus.PICKED) is Decision.APPLY


def test_only_what_is_added_can_go_somewhere_else():
    with pytest.raises(ValidationError, match="delivered: 'new_line' is not possible for this kind of change"):
        ChangeRules.model_validate({"address": {"delivered": "new_line"}})
    with pytest.raises(ValidationError, match="open: 'new_line'"):
        ChangeRules.model_validate({"line_added": {"open": "new_line"}})
    rules = ChangeRules.model_validate({"quantity_up": {"open": "new_line"}})
    assert rules.decide(ChangeKind.QUANTITY_UP, FoStatus.OPEN) is Decision.NEW_LINE


def test_a_status_that_does_not_exist_is_a_mistake():
    with pytest.raises(ValidationError):
        ChangeRules.model_validate({"price": {"packed": "hold"}})


@pytest.mark.parametrize("kind", ChangeKind)
def test_nothing_is_done_to_a_cancelled_order_by_itself(kind: ChangeKind):
    assert ChangeRules().decide(kind, FoStatus.CANCELLED) in (Decision.IGNORE, Decision.HOLD)


@pytest.mark.parametrize("kind", sorted(set(ChangeKind) - {ChangeKind.LINE_ADDED, ChangeKind.QUANTITY_UP}))
def test_an_invoice_is_not_changed_by_itself(kind: ChangeKind):
    assert ChangeRules().decide(kind, FoStatus.INVOICED) in (Decision.IGNORE, Decision.HOLD)
