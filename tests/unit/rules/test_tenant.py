from pathlib import Path

import pytest
from builders.sales import LOCAL, STORES

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
        ('[companies.nleu]\nprobed = "2026-11-20"', "companies.nleu.probed: should be a valid date"),
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
    assert 'line_amount = "kept"' in capsys.readouterr().out.splitlines()
    uat.write_text("[companies.nleu]\nline_amount = 3", encoding="utf-8")
    assert main(["check", "--tenant", str(uat)]) == 1
    assert "line_amount" in capsys.readouterr().err
