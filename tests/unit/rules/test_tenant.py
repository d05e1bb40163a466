from pathlib import Path

import pytest
from builders.sales import EU, LOCAL, STORES, with_rules
from pydantic import ValidationError

from shared.errors import ConfigurationError
from shared.rules import TenantFile, load_store, load_tenant
from shared.rules.__main__ import main
from shared.rules.tenant import Tenant
from shared.settings import TENANTS


@pytest.fixture
def uat(tmp_path: Path) -> Path:
    return tmp_path / "uat.toml"


def mistakes(path: Path, text: str) -> list[str]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load_tenant(path)
    return [mistake.replace(f"{path}: ", "") for mistake in raised.value.mistakes]


def test_a_store_knows_how_its_company_behaves():
    rules = load_store(STORES / "nordlys.toml", LOCAL)
    assert rules.tenant.order_number == "kept"
    assert load_store(STORES / "prairie.toml", LOCAL).tenant.order_number == "refused"


@pytest.mark.parametrize("answer", ["yes", "unknown"])
def test_stock_by_status_is_for_a_company_that_tells_it(answer):
    statuses = {"statuses": ("Available",)}
    rules = with_rules(EU, stock=statuses, tenant={"on_hand_by_status": answer})
    assert rules.stock.statuses == ("Available",)
    assert EU.stock.statuses == ()
    with pytest.raises(ValidationError, match=r"stock\.statuses needs F&O to tell stock by inventory status"):
        with_rules(EU, stock=statuses, tenant={"on_hand_by_status": "no"})


def test_nothing_is_known_of_another_company():
    other = TenantFile(companies={"usrt": Tenant(order_number="kept")})
    assert load_store(STORES / "nordlys.toml", other).tenant == Tenant()
    assert load_store(STORES / "nordlys.toml").tenant == Tenant()
    assert Tenant().order_number == Tenant().header_changes == Tenant().warehouse_management == "unknown"


def test_each_environment_of_the_repository_is_right():
    files = sorted(TENANTS.glob("*.toml"))
    assert "local" in {path.stem for path in files}
    for path in files:
        assert load_tenant(path).companies


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'environment = "prod"\n[companies.nleu]',
            "environment: is 'prod', but the file is uat.toml: both must have the same name",
        ),
        (
            '[companies.nleu]\norder_numbr = "kept"',
            "companies.nleu.order_numbr: this key does not exist; did you mean `order_number`?",
        ),
        (
            '[companies.nleu]\norder_number = "yes"',
            "companies.nleu.order_number: 'yes' is not allowed, only 'kept', 'replaced', 'refused' or 'unknown'",
        ),
        ('[companies.nleu]\nprobed = "2026-11-20"', "companies.nleu.probed: should be a day without time and quotes"),
        ("[companies.NLEU]", "companies: write NLEU in lower case, as the stores' files do"),
        (
            '[companies.nleu]\nrequired_dimensions = ["Dept"]\ndimension_format = ["Department"]',
            "companies.nleu: required_dimensions: dimension_format has no Dept: enter the segments",
        ),
        ("[companies", "is not TOML"),
    ],
)
def test_a_mistake_is_explained(uat: Path, text: str, expected: str):
    (mistake,) = mistakes(uat, text)
    assert mistake.startswith(expected)


def test_the_store_does_not_say_how_fo_behaves(tmp_path: Path):
    path = tmp_path / "nordlys.toml"
    path.write_text(
        (STORES / "nordlys.toml").read_text(encoding="utf-8") + '\n[tenant]\norder_number = "kept"\n', encoding="utf-8"
    )
    with pytest.raises(ConfigurationError, match="tenant: belongs into the F&O environment's file in config/tenants"):
        load_store(path)


def test_check_takes_the_file_of_the_environment(uat: Path, capsys: pytest.CaptureFixture[str]):
    uat.write_text('[companies.nleu]\nline_amount = "kept"', encoding="utf-8")
    assert main(["check", "--tenant", str(uat)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert 'line_amount = "kept"' in shown
    assert 'warehouse_management = "unknown"  # ask F&O: python -m tools.probe' in shown
    uat.write_text("[companies.nleu]\nline_amount = 3", encoding="utf-8")
    assert main(["check", "--tenant", str(uat)]) == 1
    assert "line_amount" in capsys.readouterr().err


@pytest.mark.parametrize("behaviour", ["replaced", "refused"])
def test_numbers_of_our_own_are_refused_where_fo_does_not_keep_them(tmp_path: Path, behaviour: str):
    known = TenantFile(companies={"nleu": Tenant.model_validate({"order_number": behaviour})})
    with pytest.raises(ConfigurationError) as raised:
        load_store(STORES / "nordlys.toml", known)
    (mistake,) = raised.value.mistakes
    assert mistake.endswith(
        f'orders.number: "own" is not possible, since order_number is "{behaviour}" for company nleu in '
        'config/tenants; write "sequence", or "group" with number_group'
    )


@pytest.mark.parametrize(
    ("behaviour", "by_us"), [("kept", True), ("replaced", False), ("refused", False), ("unknown", False)]
)
def test_the_app_numbers_only_what_fo_keeps(behaviour: str, by_us: bool):  # noqa: FBT001 - a parameter of the test
    tenant = {"order_number": behaviour, "customer_account": behaviour}
    if behaviour in {"kept", "unknown"}:
        assert with_rules(EU, tenant=tenant).numbers_orders is by_us
    sequence = with_rules(EU, tenant=tenant, orders={"number": "sequence"})
    group = with_rules(EU, tenant=tenant, orders={"number": "group", "number_group": "WEB"})
    assert (sequence.numbers_orders, group.numbers_orders) == (False, False)
    assert sequence.numbers_customers is by_us


@pytest.mark.parametrize("behaviour", ["replaced", "refused", "unknown"])
def test_a_customer_that_fo_numbers_needs_a_field_to_be_found_by(behaviour: str):
    tenant = {"customer_account": behaviour}
    with pytest.raises(ValidationError, match=r"customers\.id_field: is missing: name a text field of CustomersV3"):
        with_rules(EU, tenant=tenant, customers={"id_field": None})
    assert with_rules(EU, customers={"id_field": None}).numbers_customers
    shared = {"strategy": "shared", "shared_account": "WEB", "id_field": None}
    assert with_rules(EU, tenant=tenant, customers=shared).customers.id_field is None


def test_check_says_that_numbers_of_our_own_are_not_in_force(capsys: pytest.CaptureFixture[str]):
    said = "is not in force: F&O numbers the orders until config/tenants says that it keeps a given number"
    assert main(["check"]) == 0
    shown = capsys.readouterr().out
    assert shown.count(said) == 1
    assert "# nothing is known of company nleu in F&O: name the environment's file by --tenant" in shown
    assert main(["check", "--tenant", str(TENANTS / "local.toml")]) == 0
    shown = capsys.readouterr().out
    assert said not in shown
    assert "nothing is known" not in shown


@pytest.mark.parametrize("answer", ["taken", "unknown"])
def test_a_cancellation_may_leave_the_quantity_0_unless_f_and_o_refuses_it(answer: str):
    rules = with_rules(EU, changes={"cancellation": "zero_remaining"}, tenant={"zero_quantity": answer})
    assert rules.changes.cancellation == "zero_remaining"
    assert with_rules(EU, tenant={"zero_quantity": "refused"}).changes.cancellation == "delete_lines"


def test_a_refused_way_to_cancel_is_a_mistake(uat: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    uat.write_text('[companies.nleu]\nzero_quantity = "refused"', encoding="utf-8")
    stores = tmp_path / "stores"
    stores.mkdir()
    text = (STORES / "nordlys.toml").read_text(encoding="utf-8")
    text = text.replace('cancellation = "delete_lines"', 'cancellation = "zero_remaining"')
    (stores / "nordlys.toml").write_text(text, encoding="utf-8")
    assert main(["check", str(stores), "--tenant", str(uat)]) == 1
    told = capsys.readouterr().err
    assert 'tenant: zero_quantity = "refused": F&O takes no quantity of 0' in told
    assert 'set it to "delete_lines"' in told


def test_an_account_with_dimensions_is_refused_where_fo_takes_a_main_account_alone() -> None:
    account = {"main_account": "403100-001"}
    refunds = {"accounts": {"goods_kept": account, "shipping": {"main_account": "401100"}}}
    with pytest.raises(ValueError, match=r"refunds\.accounts\.goods_kept is 403100-001") as refused:
        with_rules(EU, refunds=refunds, tenant={"invoice_account": "main_only"})
    assert "refunds.accounts.shipping" not in str(refused.value)
    for tenant in ({"invoice_account": "unknown"}, {"invoice_account": "main_only", "account_delimiter": "|"}):
        assert with_rules(EU, refunds=refunds, tenant=tenant).refunds is not None
    assert with_rules(EU, tenant={"invoice_account": "main_only"}).refunds is not None
