"""Which tax rules no order line can reach, because earlier rules fit all that they fit."""

from decimal import Decimal

import pytest

from shared.rules.sections.taxes import TaxRule, unreachable

DUTCH, ANYWHERE = ("NL",), ("*",)


def rule(rates=("0.21",), countries=DUTCH, provinces=("*",), titles=("*",)):
    return TaxRule(
        countries=countries,
        provinces=provinces,
        rates=rates if rates == "any" else tuple(map(Decimal, rates)),
        titles=titles,
        sales_tax_group="NL",
        item_tax_group="FULL",
    )


def told(*rules):
    return unreachable(rules)


HIDDEN = {
    "the same": (rule(), rule()),
    "the same rate, written otherwise": (rule(["0.21"]), rule(["0.210"])),
    "fewer rates": (rule(["0.21", "0.09"]), rule(["0.09"])),
    "any rate hides a rate above 0": (rule("any"), rule(["0.21", "0.09"])),
    "any rate hides any rate": (rule("any"), rule("any")),
    "a country of every country": (rule(countries=ANYWHERE), rule()),
    "fewer countries": (rule(countries=("DE", "NL")), rule(countries=("NL",))),
    "a province of every province": (rule(), rule(provinces=("NH",))),
    "fewer provinces": (rule(provinces=("NH", "ZH")), rule(provinces=("ZH",))),
    "a title of every title": (rule(), rule(titles=("BTW",))),
    "fewer titles": (rule(titles=("BTW", "VAT")), rule(titles=("VAT",))),
    "a title in another case": (rule(titles=("vat",)), rule(titles=("VAT",))),
    "a title that fits a pattern": (rule(titles=("VAT*",)), rule(titles=("vat 21", "VAT"))),
    "a narrower pattern": (rule(titles=("*VAT*",)), rule(titles=("EU VAT?*", "vat*"))),
    "two patterns that are the same": (rule(titles=("V?T*",)), rule(titles=("V?T*",))),
}
REACHED = {
    "another rate": (rule(["0.21"]), rule(["0.09"])),
    "one more rate": (rule(["0.21"]), rule(["0.21", "0.09"])),
    "lines without tax, behind any rate": (rule("any"), rule(["0"])),
    "lines without tax beside others, behind any rate": (rule("any"), rule(["0.21", "0"])),
    "any rate, behind one": (rule(["0.21"]), rule("any")),
    "any rate, behind no tax": (rule(["0"]), rule("any")),
    "another country": (rule(), rule(countries=("DE",))),
    "one more country": (rule(), rule(countries=("NL", "DE"))),
    "every country, behind one": (rule(), rule(countries=ANYWHERE)),
    "another province": (rule(provinces=("NH",)), rule(provinces=("ZH",))),
    "every province, behind one": (rule(provinces=("NH",)), rule()),
    "another title": (rule(titles=("BTW",)), rule(titles=("VAT",))),
    "one more title": (rule(titles=("BTW",)), rule(titles=("BTW", "VAT"))),
    "every title, behind one": (rule(titles=("BTW",)), rule()),
    "a wider pattern": (rule(titles=("VAT 2*",)), rule(titles=("VAT*",))),
    "a pattern with one letter less": (rule(titles=("VAT?*",)), rule(titles=("VAT*",))),
    "a pattern of one letter hides no more than one": (rule(titles=("VAT?",)), rule(titles=("VAT*",))),
    "titles of two rules, which one line may have both": (
        rule(titles=("BTW",)),
        rule(titles=("VAT",)),
        rule(titles=("BTW", "VAT")),
    ),
    "two rules that leave a case": (
        rule(countries=("NL",)),
        rule(["0.09"], countries=("DE",)),
        rule(["0.21", "0.09"], countries=("NL", "DE")),
    ),
}


@pytest.mark.parametrize("rules", HIDDEN.values(), ids=HIDDEN.keys())
def test_a_rule_that_an_earlier_one_hides_is_told(rules):
    assert len(told(*rules)) == 1
    assert told(*rules)[0].startswith("rule #2 never applies: rule #1 ")


@pytest.mark.parametrize("rules", REACHED.values(), ids=REACHED.keys())
def test_a_rule_that_some_line_reaches_is_not_told(rules):
    assert told(*rules) == []


def test_a_rule_behind_the_one_that_it_covers_is_reached():
    for first, second in HIDDEN.values():
        if not second.covers(first):
            assert told(second, first) == []


def test_the_reason_names_the_rule_that_hides_it():
    assert told(rule(["0.05"]), rule("any"), rule(["0.21"])) == [
        "rule #3 never applies: rule #2 covers it, and the first that fits decides"
    ]
    assert told(rule(), rule()) == ["rule #2 never applies: rule #1 is the same, and the first that fits decides"]


def test_a_rule_that_earlier_ones_hide_only_together_is_told():
    found = told(
        rule(["0.21", "0.09"]),
        rule(["0.05"]),
        rule("any", countries=("DE",)),
        rule(["0.21", "0.09"], countries=("NL", "DE")),
    )
    assert found == ["rule #4 never applies: rules #1, #3 together cover it, and the first that fits decides"]


def test_every_hidden_rule_is_told():
    assert [text[:7] for text in told(rule("any"), rule(["0.21"]), rule(["0"]), rule(["0.09"]))] == [
        "rule #2",
        "rule #4",
    ]
