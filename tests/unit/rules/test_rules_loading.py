import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from shared.errors import ConfigurationError
from shared.rules import load_store, load_stores
from shared.rules.__main__ import main
from shared.rules.base import Rules
from tests.builders.sales import EU, STORES, US


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STORES, tmp_path / "stores"))


def replace_text(folder: Path, *changes: tuple[str, str], name: str = "nordlys.toml") -> None:
    text = (folder / name).read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / name).write_text(text, encoding="utf-8")


def mistakes(folder: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        load_stores(folder)
    return [mistake.replace(f"{folder}/", "") for mistake in raised.value.mistakes]


def test_the_example_stores_are_right():
    stores = load_stores(STORES)
    assert list(stores) == ["nordlys", "prairie"]
    assert stores["nordlys"].company == "nleu"
    assert stores["prairie"].customers.shared_account == "WEB-US"


def test_rates_are_exact_decimals():
    assert EU.taxes[0].rates == (Decimal("0.21"),)
    assert US.taxes[0].fits("US", "CO", Decimal("0.029") + Decimal("0.0481") + Decimal("0.011"), ())


def test_every_rule_is_explained():
    def tables(model: type[Rules]) -> set[type[Rules]]:
        return {model} | {each for kind in model.__subclasses__() for each in tables(kind)}

    silent = [
        f"{table.__name__}.{name}"
        for table in tables(Rules)
        for name, field in table.model_fields.items()
        if not field.description
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            ('reservation = "automatic"', 'reservaton = "automatic"'),
            "orders.reservaton: this key does not exist; did you mean `reservation`?",
        ),
        (("[masters]", "[mastery]"), "mastery: this key does not exist; did you mean `masters`?"),
        (
            ('reservation = "automatic"', 'reservation = "automatc"'),
            (
                "orders.reservation: 'automatc' is not allowed, only 'none', 'automatic' or 'explosion'; "
                "did you mean `automatic`?"
            ),
        ),
        (
            ('currency_side = "shop"', 'currency_side = "buyer"'),
            "currency_side: 'buyer' is not allowed, only 'shop' or 'presentment'",
        ),
        (
            ('origin_code = "SHOPIFY"\n', ""),
            "orders.origin_code: is missing. F&O sales origin of every order; must exist there.",
        ),
        (
            ('site = "EU"\nlocation = 71001001\ncountry = "DE"', 'site = "EU"\nlocation = 71001001\ncountry = "de"'),
            "warehouses #2.country: 'de' is not an ISO 3166-1 alpha-2 country code (NL, US, ...)",
        ),
        (('currencies = ["EUR"]', 'currencies = ["EURO"]'), "currencies #1: 'EURO' is not an ISO 4217 currency code"),
        (('currencies = ["EUR"]', 'currencies = ["EUR", "EUR"]'), "currencies: a currency is named twice"),
        (
            ('number_prefix = "SN"', 'number_prefix = "SHOP-"'),
            (
                "orders.number_prefix: 'SHOP-' does not have the required form. Prefix of the sales order numbers, "
                "at most 2 capital letters or digits. Only for `own`."
            ),
        ),
        (
            ('number = "own"', 'number = "manual"'),
            (
                'orders.number: "manual" does not exist any more, since no number sequence of F&O is to be set to '
                'manual; write "own" to number orders as before'
            ),
        ),
        (
            ('number = "own"', 'number = "group"'),
            'orders: number = "group" and number_group go together: give both or neither',
        ),
        (
            ('goods = "return_order"', 'number = "manual"\ngoods = "return_order"'),
            "refunds: number: this key does not exist any more; remove it: F&O numbers return orders and RMAs",
        ),
        (
            ('id_field = "KnownAs"', 'id_field = "Known As"'),
            "customers.id_field: 'Known As' does not have the required form.",
        ),
        (
            ('id_field = "KnownAs"', 'id_field = "PrimaryContactEmail"'),
            "customers: id_field: the app writes other data of the buyer into PrimaryContactEmail",
        ),
        (('id_field = "KnownAs"', "# id_field"), "customers.id_field: is missing: name a text field of CustomersV3"),
        (
            ("split = false", "split = false\nsplit_lines = true"),
            "allocation: split_lines = true needs split = true",
        ),
        (('group = "WEB"\n', ""), 'customers: strategy = "per_consumer" needs group'),
        (
            ('strategy = "per_consumer"', 'strategy = "shared"'),
            'customers: strategy = "shared" needs shared_account',
        ),
        (("orders = true", 'orders = "yes"'), "flows.orders: should be a valid boolean, without quotes (given: 'yes')"),
        (
            ("location = 71001001", 'location = "71001001"'),
            "warehouses #1.location: should be a valid integer, without",
        ),
        (
            ('stock = "fo"', 'stock = "shopify"'),
            "flows: stock = true would write to 'shopify', but [masters] says that stock is true there",
        ),
        (
            ('orders = "shopify"', 'orders = "fo"'),
            "flows: orders = true would write to 'fo', but [masters] says that orders is true there",
        ),
        (
            ("orders = true", "orders = false"),
            "flows: stock = true needs orders = true: goods that Shopify has sold are held back until",
        ),
        (('id = "HAM"', 'id = "AMS"'), "warehouses: warehouse AMS is listed twice for location 71001001"),
        (("rates = [0.09]", "rates = [0.21]"), "taxes: rule #2 never applies: rule #1 is the same"),
        (
            ('countries = ["NL"]\nrates = [0.21]', 'countries = ["*"]\nrates = "any"'),
            "never applies: rule #1 covers it",
        ),
        (
            ("rates = [0.21]", "rates = [21]"),
            "taxes #1.rates #1: should be less than 1 (given: 21). Tax rates as fractions (0.21)",
        ),
        (
            ("[tax]\n", "[[stock.shares]]\nlocation = 5\npercent = 10\n\n[tax]\n"),
            "stock: shares: no warehouse serves location 5",
        ),
        (
            ("[tax]\n", "[[stock.shares]]\nlocation = 71001001\npercent = 10\n" * 2 + "\n[tax]\n"),
            "stock: shares: location 71001001 is listed twice",
        ),
        (
            ("[tax]\n", "[stock]\norders_from = 2026-11-02T00:00:00+01:00\n\n[tax]\n"),
            (
                "stock: orders_from: this key does not exist any more; remove it, and write the day of the go-live in "
                "[orders], without a time and without quotes: first_day = 2026-11-02"
            ),
        ),
        (
            ("first_day = 2026-01-01", 'first_day = "2026-01-01"'),
            "orders.first_day: should be a day without time and quotes, as 2026-11-02 (given: '2026-01-01')",
        ),
        (
            ("first_day = 2026-01-01", 'sku_missing = "item"'),
            'orders: sku_missing = "item" and sku_missing_item go together: give both or neither',
        ),
        (("latitude = 52.37\n", ""), "warehouses #1: latitude and longitude go together"),
        (('time_zone = "Europe/Amsterdam"', 'time_zone = "CET+1"'), "time_zone: 'CET+1' is not an IANA time zone"),
        (('time_zone = "Europe/Amsterdam"', 'time_zone = "Europe"'), "time_zone: 'Europe' is not an IANA time zone"),
        (('time_zone = "Europe/Amsterdam"', 'time_zone = "../UTC"'), "time_zone: '../UTC' is not an IANA time zone"),
        (('time_zone = "Europe/Amsterdam"', 'time_zone = ""'), "time_zone: '' is not an IANA time zone"),
        (('key = "nordlys"', 'key = "nordlis"'), "key: is 'nordlis', but the file is nordlys.toml"),
        (
            ('"nordlys-outdoor.my', '"prairie-supply.my'),
            "shop_domain: prairie-supply.myshopify.com is also the shop of",
        ),
        (('shop_domain = "', 'shop_domain "'), "nordlys.toml: is not TOML"),
    ],
)
def test_a_mistake_is_explained(folder: Path, change: tuple[str, str], expected: str):
    replace_text(folder, change)
    assert [mistake for mistake in mistakes(folder) if expected in mistake], mistakes(folder)


def test_every_mistake_of_every_file_is_told_at_once(folder: Path):
    replace_text(
        folder, ('currencies = ["EUR"]', 'currencies = ["EURO"]'), ('reservation = "automatic"', 'reservaton = "no"')
    )
    replace_text(folder, ('company = "usmf"', 'company = "USMF"'), name="prairie.toml")
    found = mistakes(folder)
    assert len(found) == 3
    assert {mistake.split(": ")[0] for mistake in found} == {"nordlys.toml", "prairie.toml"}
    assert {mistake.split(": ")[1] for mistake in found} == {"currencies #1", "orders.reservaton", "company"}


def test_one_warehouse_may_stand_behind_two_locations_that_share_its_stock(folder: Path):
    text = (folder / "nordlys.toml").read_text(encoding="utf-8")
    first = text[text.index("[[warehouses]]") : text.index("[[warehouses]]", text.index("[[warehouses]]") + 1)]
    text += first.replace("71001001", "71001002")
    (folder / "nordlys.toml").write_text(text, encoding="utf-8")
    assert ["share more than 100 %" in mistake for mistake in mistakes(folder)] == [True]
    text += "".join(f"[[stock.shares]]\nlocation = {location}\npercent = 50\n" for location in (71001001, 71001002))
    (folder / "nordlys.toml").write_text(text, encoding="utf-8")
    assert [(one.id, one.location) for one in load_store(folder / "nordlys.toml").warehouses] == [
        ("AMS", 71001001),
        ("HAM", 71001001),
        ("AMS", 71001002),
    ]


def test_the_longest_prefix_and_the_longest_shopify_id_fit_a_sales_order_number(folder: Path):
    replace_text(folder, ('number_prefix = "SN"', 'number_prefix = "SNX"'))
    assert "2 capital letters" in mistakes(folder)[0]
    assert len(f"{EU.orders.number_prefix}{820982911946154508}") <= 20


def test_no_store_is_a_mistake(tmp_path: Path):
    assert "has no store file" in mistakes(tmp_path)[0]


def test_an_unreadable_file_is_a_mistake(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_store(tmp_path / "absent.toml")


def test_rules_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        EU.orders.number = "sequence"  # type: ignore[misc]  # the point of the test


def test_check_prints_the_rules_in_force_with_defaults_marked(capsys: pytest.CaptureFixture[str]):
    assert main(["check", str(STORES)]) == 0
    shown = capsys.readouterr().out
    assert "# ---- nordlys: nordlys-outdoor.myshopify.com -> company nleu" in shown
    assert 'number = "own"\n' in shown
    assert "max_lines = 600  # default\n" in shown
    assert "[[taxes]]" in shown


def test_without_a_command_the_usage_is_shown(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "check" in capsys.readouterr().err


def test_check_counts_the_mistakes_and_fails(folder: Path, capsys: pytest.CaptureFixture[str]):
    replace_text(folder, ('currencies = ["EUR"]', 'currencies = ["EURO"]'))
    assert main(["check", str(folder)]) == 1
    assert capsys.readouterr().err.endswith("1 mistake\n")
