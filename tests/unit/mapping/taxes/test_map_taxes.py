from decimal import Decimal

import pytest

from shared.errors import RefusedError
from shared.mapping.taxes.groups import LineTax, TaxGroups, is_tolerated, one_sales_tax_group
from shared.model import Money, Place, TaxedCharge
from shared.rules import TaxRule
from tests.builders.sales import EU, US, dollars, euros, tax, with_rules

NETHERLANDS = Place("NL", "")
COLORADO = Place("US", "CO")


def groups(rules=EU, place=NETHERLANDS, *, included=True) -> TaxGroups:
    return TaxGroups(rules, place, included=included)


@pytest.mark.parametrize("rate", ["0.21", "0.210", "0.2100000"])
def test_a_rate_is_matched_as_a_number_not_as_written(rate):
    assert groups().of("Tent", [tax(euros("2.10"), rate)]).item_tax_group == "FULL"


@pytest.mark.parametrize("rate", ["0.2100001", "0.2099999", "0.22"])
def test_a_rate_that_is_nearly_right_has_no_rule(rate):
    with pytest.raises(RefusedError) as refused:
        groups().of("Tent", [tax(euros("2.10"), rate)])
    assert refused.value.code == "TAX_WITHOUT_RULE"


def test_a_missing_rule_is_named_in_percent_and_place():
    with pytest.raises(RefusedError, match=r"No tax rule fits “VAT” at 25 % for NL"):
        groups().of("Tent", [tax(euros("2.50"), "0.250")])


def test_state_county_and_city_tax_are_added_up():
    lines = [
        tax(dollars("2.90"), "0.029", "Colorado State Tax"),
        tax(dollars("4.81"), "0.0481", "Denver City Tax"),
        tax(dollars("1.10"), "0.011", "Denver County Tax"),
    ]
    found = groups(US, COLORADO, included=False).of("Boot", lines)
    assert found == LineTax("CO-DEN", "ALL", Decimal("0.0881"))
    assert found.expected(dollars("100.00"), included=False) == dollars("8.81")


def test_an_untaxed_line_keeps_the_group_of_its_destination():
    taxes = groups(US, COLORADO, included=False)
    assert taxes.of("Shipping", ()) == LineTax("CO-DEN", "EXEMPT", Decimal(0))


def test_a_state_without_rules_is_untaxed_or_refused():
    wyoming = groups(US, Place("US", "WY"), included=False)
    assert wyoming.of("Boot", ()).sales_tax_group == "NOTAX"
    with pytest.raises(RefusedError, match="US WY"):
        wyoming.of("Boot", [tax(dollars("4.00"), "0.04")])


def test_the_tax_within_a_price_is_taken_out_of_it():
    full = LineTax("NL-VAT", "FULL", Decimal("0.21"))
    assert full.expected(euros("121.00"), included=True) == euros("21.00")
    assert full.expected(euros("249.00"), included=True) == euros("43.21")  # 249 - 249 / 1.21 = 43.2149
    assert full.expected(euros("100.00"), included=False) == euros("21.00")


def test_half_a_cent_of_tax_is_rounded_up():
    assert LineTax("G", "I", Decimal("0.05")).expected(euros("0.10"), included=False) == euros("0.01")


def test_a_marketplaces_tax_is_never_booked_as_ours():
    with pytest.raises(RefusedError) as refused:
        groups(US, COLORADO, included=False).of("Boot", [tax(dollars("8.81"), "0.0881", channel_liable=True)])
    assert refused.value.code == "TAX_OF_MARKETPLACE"


def test_a_marketplaces_tax_can_be_left_out_of_prices_without_tax():
    rules = with_rules(US, tax={"marketplace": "leave_out"})
    found = groups(rules, COLORADO, included=False).of("Boot", [tax(dollars("8.81"), "0.0881", channel_liable=True)])
    assert found == LineTax("CO-DEN", "EXEMPT", Decimal(0))


def test_a_marketplaces_tax_is_never_taken_out_of_prices_with_tax():
    rules = with_rules(EU, tax={"marketplace": "leave_out"})
    with pytest.raises(RefusedError, match="where prices include tax"):
        groups(rules).of("Tent", [tax(euros("2.10"), channel_liable=True)])


def rule(**changes) -> TaxRule:
    plain = {"countries": ("NL",), "rates": (Decimal("0.21"),), "sales_tax_group": "G", "item_tax_group": "I"}
    return TaxRule.model_validate(plain | changes)


def test_titles_are_patterns_that_every_tax_line_must_fit():
    vat = rule(titles=("*VAT*", "btw*"))
    assert vat.fits("NL", "", Decimal("0.21"), ("NL vat 21%", "BTW"))
    assert not vat.fits("NL", "", Decimal("0.21"), ("NL VAT", "Eco fee"))


def test_any_rate_means_taxed():
    engine = rule(rates="any")
    assert engine.fits("NL", "", Decimal("0.0004"), ("x",))
    assert not engine.fits("NL", "", Decimal(0), ())


def test_a_rule_of_one_province_does_not_hide_a_rule_of_the_country():
    special, general = rule(provinces=("CO",)), rule()
    assert general.covers(special)
    assert not special.covers(general)


def test_an_order_has_one_sales_tax_group():
    dutch, german = LineTax("NL-VAT", "FULL", Decimal("0.21")), LineTax("DE-VAT", "FULL", Decimal("0.19"))
    assert one_sales_tax_group([dutch, dutch], "NL", "nordlys") == "NL-VAT"
    with pytest.raises(RefusedError, match=r"DE-VAT, NL-VAT"):
        one_sales_tax_group([dutch, german], "NL", "nordlys")


def test_the_tolerance_grows_with_the_taxed_lines():
    rules = with_rules(EU, tax={"tolerance": 2, "tolerance_per_line": 1})
    tolerated = {
        expected: is_tolerated(euros(expected), euros("10.00"), taxed_lines=3, rules=rules)
        for expected in ("10.06", "10.05", "9.95", "9.94")
    }
    assert tolerated == {"10.06": False, "10.05": True, "9.95": True, "9.94": False}


def test_the_tolerance_counts_in_the_currencys_smallest_unit():
    assert is_tolerated(Money(Decimal(12), "JPY"), Money(Decimal(10), "JPY"), taxed_lines=0, rules=EU)
    dinars = Money(Decimal("0.013"), "KWD"), Money(Decimal("0.010"), "KWD")
    assert not is_tolerated(*dinars, taxed_lines=0, rules=EU)


@pytest.mark.parametrize(("charged", "is_refused"), [("1.72", True), ("1.73", False), ("1.75", False), ("1.76", True)])
def test_the_tax_of_a_charge_may_be_off_by_a_cent_for_each_of_its_taxes(charged, is_refused):
    charge = TaxedCharge(euros("10.00"), (tax(euros(charged), "0.21"),))
    taxes = groups()
    its_tax = taxes.of("Duties", charge.taxes)
    if is_refused:
        with pytest.raises(RefusedError) as refused:
            taxes.require_rates("duties", charge, its_tax)
        assert (refused.value.code, refused.value.details["expected"]) == ("TAX_OF_CHARGE", "1.74 EUR")
    else:
        taxes.require_rates("duties", charge, its_tax)
