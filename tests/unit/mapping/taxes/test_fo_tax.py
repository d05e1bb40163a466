"""The tax that F&O computes, held against the examples of its documentation."""

from datetime import date
from decimal import Decimal

import pytest

from shared.errors import RefusedError
from shared.mapping.taxes.fo_tax import FoTax, Taxed
from shared.model import Money, RoundingBy, RoundOff
from tests.builders.sales import euros
from tests.builders.tax_setups import DUTCH, code, rate, setup

DAY = date(2026, 11, 2)


def taxes(tax_setup, *lines, method="line", included=False, currency="EUR", day=DAY):
    """The amounts of each line's tax codes, the lines given as (amount, sales tax group, item sales tax group)."""
    asked = [Taxed(Money(Decimal(amount), currency), *groups) for amount, *groups in lines]
    found = FoTax(tax_setup, day=day, currency=currency, method=method, store="nordlys").of(asked, included=included)
    return [[str(each.amount.amount) for each in line] for line in found]


def two_codes(rounding_by, **of_codes):
    """The documentation's scenario: two codes of 10 %, rounded up to cents."""
    codes = [code(name, "10", round_off=RoundOff.UP, **of_codes) for name in ("C1", "C2")]
    return setup(*codes, groups={"G": "C1 C2"}, item_groups={"I": "C1 C2"}, rounding_by=rounding_by)


TWO_LINES = (("42.42", "G", "I"), ("42.42", "G", "I"))
PER_INVOICE = {"marginal_base": "InvoiceWithoutVAT"}
GROSS_ON_NET = {"origin": "PctGrosOnNet"}


@pytest.mark.parametrize(
    ("method", "rounding_by", "of_codes", "amounts"),
    [
        ("line", RoundingBy.CODE, {}, [["4.25", "4.25"], ["4.25", "4.25"]]),
        ("line", RoundingBy.CODE, PER_INVOICE, [["4.25", "4.25"], ["4.24", "4.24"]]),
        ("total", RoundingBy.CODE, {}, [["4.25", "4.25"], ["4.24", "4.24"]]),
        ("total", RoundingBy.CODE, PER_INVOICE, [["4.25", "4.25"], ["4.24", "4.24"]]),
        ("line", RoundingBy.CODE, GROSS_ON_NET, [["4.72", "4.72"], ["4.72", "4.72"]]),
        ("total", RoundingBy.CODE, PER_INVOICE | GROSS_ON_NET, [["4.72", "4.72"], ["4.71", "4.71"]]),
        ("line", RoundingBy.COMBINATION, {}, [["4.25", "4.24"], ["4.24", "4.24"]]),
        ("total", RoundingBy.COMBINATION, PER_INVOICE, [["4.25", "4.24"], ["4.24", "4.24"]]),
        ("line", RoundingBy.COMBINATION, GROSS_ON_NET, [["4.72", "4.71"], ["4.71", "4.72"]]),
    ],
)
def test_rounding_is_that_of_the_documented_examples(method, rounding_by, of_codes, amounts):
    assert taxes(two_codes(rounding_by, **of_codes), *TWO_LINES, method=method) == amounts


@pytest.mark.parametrize(
    ("round_off", "amounts"),
    [
        (RoundOff.ORDINARY, ["987.35", "987.30", "987", "9.9E+2", "987.34", "987.35", "987.25"]),
        (RoundOff.DOWN, ["987.34", "987.30", "987", "9.8E+2", "987.34", "987.30", "987.25"]),
        (RoundOff.UP, ["987.35", "987.40", "988", "9.9E+2", "987.36", "987.35", "987.50"]),
    ],
)
def test_the_precision_need_not_be_a_power_of_ten(round_off, amounts):
    steps = ("0.01", "0.10", "1", "10", "0.02", "0.05", "0.25")
    for step, amount in zip(steps, amounts, strict=True):
        one = code("C", "100", precision=Decimal(step), round_off=round_off)
        known = setup(one, groups={"G": "C"}, item_groups={"I": "C"})
        assert Decimal(taxes(known, ("987.345", "G", "I"))[0][0]) == Decimal(amount)


def test_only_the_codes_of_both_groups_tax_a_line():
    lines = (("100.00", "NL-VAT", "FULL"), ("100.00", "NL-VAT", "REDUCED"), ("100.00", "NL-VAT", "NONE"))
    assert taxes(DUTCH, *lines, ("100.00", "EXPORT", "FULL")) == [["21.00"], ["9.00"], [], []]


def test_groups_are_found_whatever_their_case():
    assert taxes(DUTCH, ("100.00", "nl-vat", "Full")) == [["21.00"]]


def test_what_is_exempt_on_either_side_or_reverse_charged_is_not_paid():
    known = setup(code("C", "21"), groups={"PAID": "C", "FREE": "-C"}, item_groups={"PAID": "C", "FREE": "-C"})
    lines = [("100.00", group, item) for group in ("PAID", "FREE") for item in ("PAID", "FREE")]
    assert taxes(known, *lines) == [["21.00"], ["0.00"], ["0.00"], ["0.00"]]


def test_tax_is_taken_out_of_prices_that_include_it():
    assert taxes(DUTCH, ("249.00", "NL-VAT", "FULL"), included=True) == [["43.21"]]
    assert taxes(DUTCH, ("121.00", "EXEMPT", "FULL"), included=True) == [["0.00"]]


def test_several_codes_share_a_price_that_includes_them_all():
    known = setup(code("A", "7"), code("B", "3"), groups={"G": "A B"}, item_groups={"I": "A B"})
    assert taxes(known, ("110.00", "G", "I"), included=True) == [["7.00", "3.00"]]


def test_thirds_that_make_a_whole_are_not_rounded_up():
    known = setup(
        code("C", "20", round_off=RoundOff.UP, marginal_base="InvoiceWithoutVAT"),
        groups={"G": "C"},
        item_groups={"I": "C"},
    )
    lines = [("0.04", "G", "I")] * 6  # 0.24 / 1.2 * 20 % = 0.04, by thirds of two cents
    assert sum(Decimal(amount) for (amount,) in taxes(known, *lines, included=True)) == Decimal("0.04")


def test_a_credit_is_taxed_as_its_charge_with_the_sign_changed():
    known = two_codes(RoundingBy.CODE)
    assert taxes(known, ("-42.42", "G", "I")) == [["-4.25", "-4.25"]]


def test_the_rate_is_the_days():
    changing = code("C", rates=(rate("19", last=date(2026, 11, 2)), rate("21", first=date(2026, 11, 3))))
    known = setup(changing, groups={"G": "C"}, item_groups={"I": "C"})
    assert taxes(known, ("100.00", "G", "I"), day=date(2026, 11, 2)) == [["19.00"]]
    assert taxes(known, ("100.00", "G", "I"), day=date(2026, 11, 3)) == [["21.00"]]


@pytest.mark.parametrize(
    ("currency", "amount", "tax"), [("JPY", "1004", "211"), ("KWD", "1.007", "0.211"), ("EUR", "10.07", "2.11")]
)
def test_no_amount_is_finer_than_its_currency(currency, amount, tax):
    fine = setup(code("C", "21", precision=Decimal("0.001")), groups={"G": "C"}, item_groups={"I": "C"})
    assert taxes(fine, (amount, "G", "I"), currency=currency) == [[tax]]


def test_a_code_of_another_currency_rounds_by_the_orders_currency():
    coarse = code("C", "21", precision=Decimal(1), currency="JPY")
    known = setup(coarse, groups={"G": "C"}, item_groups={"I": "C"})
    assert taxes(known, ("10.07", "G", "I")) == [["2.11"]]
    assert [Decimal(one) for one in taxes(known, ("1007", "G", "I"), currency="JPY")[0]] == [211]


def refusal(tax_setup, *line, **other) -> RefusedError:
    with pytest.raises(RefusedError) as refused:
        taxes(tax_setup, line, **other)
    return refused.value


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (("1.00", "SE-VAT", "FULL"), "sales tax group SE-VAT"),
        (("1.00", "NL-VAT", "SHOES"), "item sales tax group SHOES"),
    ],
)
def test_a_group_that_fo_does_not_have_is_named(line, what):
    refused = refusal(DUTCH, *line)
    assert (refused.code, refused.details["what"]) == ("TAX_SETUP_MISSING", what)


def test_a_day_without_rate_is_named():
    ended = setup(code("C", rates=(rate("21", last=date(2026, 1, 31)),)), groups={"G": "C"}, item_groups={"I": "C"})
    assert refusal(ended, "1.00", "G", "I").details["what"] == "rate of the tax code C on 2026-11-02"


@pytest.mark.parametrize(
    "special",
    [
        {"origin": "PctPerGross"},
        {"origin": "AmountByUnit"},
        {"rates": (rate("21", minimum=110),)},
        {"rates": (rate("21", maximum=110),)},
        {"rates": (rate("0", maximum=110), rate("21", minimum=110))},
        {"rates": (rate("19"), rate("21"))},  # which of both?
    ],
)
def test_a_code_that_is_more_than_a_percentage_is_refused_not_guessed(special):
    known = setup(code("C", "21", **special), groups={"G": "C"}, item_groups={"I": "C"})
    assert refusal(known, "1.00", "G", "I").code == "TAX_SETUP_BEYOND"


def test_each_code_has_its_rate():
    (found,) = FoTax(DUTCH, day=DAY, currency="EUR", method="line", store="nordlys").of(
        [Taxed(euros("100.00"), "NL-VAT", "FULL")], included=False
    )
    assert [(each.code, each.rate) for each in found] == [("NL21", Decimal("0.21"))]
