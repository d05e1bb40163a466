import pytest
from pydantic import ValidationError

from tests.builders.invoiced_order import CAPTURING
from tests.builders.sales import with_rules


def test_captures_need_the_runs_of_the_shipments() -> None:
    with pytest.raises(ValidationError, match="needs shipments = true"):
        with_rules(CAPTURING, flows={"shipments": False})
    assert with_rules(CAPTURING, flows={"shipments": False}, captures={"on": "never"}).captures.is_on is False


def test_a_gateway_fits_by_its_pattern_whatever_its_case() -> None:
    rules = with_rules(CAPTURING, captures={"gateways": ("Shop*_Payments", "paypal")}).captures
    assert [rules.takes(gateway) for gateway in ("shopify_payments", "PayPal", "klarna")] == [True, True, False]
