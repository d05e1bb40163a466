"""A line that many warehouses ship: its parts are the line to the cent, none discounted by more than it costs."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from shared.mapping.orders.allocation import AllocatedPart, Allocation
from shared.mapping.orders.lines import plan_lines
from shared.mapping.taxes.groups import TaxGroups
from shared.model import Place, total
from tests.builders.sales import EU, euros, items_of, line, order, tax, with_rules

RULES = [with_rules(EU, tax={"marketplace": "take_out"}, orders={"odd_cents": odd}) for odd in ("price_unit", "charge")]
CENT = Decimal("0.01")


@given(
    cents=st.integers(1, 30),
    quantities=st.lists(st.integers(1, 9), min_size=2, max_size=7),
    discounted=st.fractions(0, 1),
    taxed=st.fractions(0, 1),
    rules=st.sampled_from(RULES),
)
@example(cents=1, quantities=[1, 3, 3], discounted=Fraction(3, 7), taxed=Fraction(3, 4), rules=RULES[0])
def test_a_parts_discount_is_never_more_than_the_part(*, cents, quantities, discounted, taxed, rules):
    """Whatever a marketplace's tax leaves of the price, which then is no whole cents of one piece."""
    whole = cents * sum(quantities)
    discount = int(whole * discounted)
    taken_out = int((whole - discount) * taxed)
    marketplace = tax(euros(taken_out * CENT), channel_liable=True)
    sold = line(1, euros(cents * CENT), sum(quantities), discount=euros(discount * CENT), taxes=(marketplace,))
    sale = order(sold)
    planned = plan_lines(
        sale,
        rules,
        TaxGroups(rules, Place("NL", ""), included=True),
        items=items_of(sale),
        allocation=Allocation(
            EU.warehouses[0], {1: tuple(AllocatedPart(each, EU.warehouses[0]) for each in quantities)}, ()
        ),
        delivery_mode=None,
    )
    assert [each.record["OrderedSalesQuantity"] for each in planned] == quantities
    for each in planned:
        assert Decimal(0) <= each.record["LineDiscountAmount"] <= each.record["SalesPrice"]
    assert total((each.amount for each in planned), "EUR") == sold.net - euros(taken_out * CENT)
