"""What F&O keeps of a document's lines is compared with what they should sum to, in both directions."""

from decimal import Decimal

import pytest

from shared.d365.documents import check_amount
from shared.errors import RefusedError

LINES = [{"LineAmount": Decimal("-20.00")}, {"LineAmount": Decimal("-5.50")}]


def check(expected: str) -> None:
    check_amount(
        LINES, "LineAmount", Decimal(expected), document="return order RN1", prove=lambda lines: {"lines": len(lines)}
    )


def test_lines_that_sum_to_the_amount_are_right() -> None:
    check("-25.5")


@pytest.mark.parametrize("expected", ["-25.51", "-25.49"])
def test_a_cent_more_or_less_is_refused_with_the_proof(expected: str) -> None:
    with pytest.raises(RefusedError) as refused:
        check(expected)
    assert refused.value.code == "FO_REFUND_DIFFERS"
    assert refused.value.proof == {"lines": 2}
    assert "-25.50" in refused.value.cause
