"""The Bicep files as texts: what a compiler does not ask for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from builders.infrastructure import EVERY_OPTION, INFRA, SNAPSHOTS

FILES = sorted(INFRA.rglob("*.bicep"))
KEYS = re.compile(
    r"list(Keys|Secrets|AccountSas|ServiceSas|\w*Credentials)\s*\(|AccountKey|SharedAccessKey|getSecret\(|@secure\(",
    re.IGNORECASE,
)
MAIN = (INFRA / "main.bicep").read_text(encoding="utf-8")
PARAMETERS = re.findall(r"^param (\w+)", MAIN, re.MULTILINE)


FO_EVENTS = INFRA / "modules/foevents.bicep"


def test_the_one_key_that_f_and_o_needs_goes_into_the_vault_and_nowhere_else() -> None:
    source = FO_EVENTS.read_text(encoding="utf-8")
    assert KEYS.findall(source) == ["Keys"]
    assert "    value: sendOnly.listKeys().primaryConnectionString\n" in source
    assert re.findall(r"^output (\w+)", source, re.MULTILINE) == ["hostName"]


@pytest.mark.parametrize("path", [each for each in FILES if each != FO_EVENTS], ids=lambda path: path.name)
def test_no_key_and_no_secret_value_passes_through_a_template(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not KEYS.search(source)
    allowed = {"insightsConnectionString", "ConnectionString", "APPLICATIONINSIGHTS_CONNECTION_STRING"}
    assert set(re.findall(r"\w*connection_?string\w*", source, re.IGNORECASE)) <= allowed


def test_every_parameter_of_the_deployment_is_explained() -> None:
    declared = [each for each in MAIN.split("\n\n") if re.search(r"^param ", each, re.MULTILINE)]
    assert len(declared) == len(PARAMETERS)
    assert [each for each in declared if "@description(" not in each] == []


def test_a_snapshot_is_taken_with_every_parameter_given() -> None:
    given = (INFRA / f"environments/{EVERY_OPTION}.bicepparam").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^param (\w+)", given, re.MULTILINE)) == sorted(PARAMETERS)


def test_every_file_of_parameters_has_its_snapshot() -> None:
    assert {path.with_suffix(".snapshot.json") for path in INFRA.rglob("*.bicepparam")} == set(SNAPSHOTS.values())
