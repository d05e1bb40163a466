"""The deployments that the tests look at: main.bicep with the parameter files that ship, and with changes to them."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bicep.templates import Resource, Template

ROOT: Final = Path(__file__).resolve().parents[2]
INFRA: Final = ROOT / "infra"
FILES: Final = sorted(INFRA.rglob("*.bicep"))
ENVIRONMENTS: Final = ("dev", "test", "prod")
OPERATOR: Final = {"operatorPrincipalId": "22222222-0000-0000-0000-000000000000"}

_AZD_VALUE: Final = re.compile(r"\$\{(?P<name>\w+)(?:=(?P<default>[^}]*))?\}")
_AZD: Final = {
    "AZURE_ENV_NAME": "dev",
    "AZURE_LOCATION": "westeurope",
    "AZURE_PRINCIPAL_ID": OPERATOR["operatorPrincipalId"],
    "D365_BASE_URL": "https://contoso.operations.dynamics.com",
}


def read(name: str) -> Any:
    """A JSON file of infra/."""
    return json.loads((INFRA / name).read_text(encoding="utf-8"))


def parameters(name: str) -> dict[str, Any]:
    """Of one environment, or of azd with its variables filled in."""
    file = INFRA / ("main.parameters.json" if name == "azd" else f"environments/{name}.parameters.json")
    filled = _AZD_VALUE.sub(
        lambda match: _AZD.get(match["name"], match["default"]) or "", file.read_text(encoding="utf-8")
    )
    return {key: each["value"] for key, each in json.loads(filled)["parameters"].items()}


def deployment(name: str = "test", infra: Path = INFRA, **changes: Any) -> Template:
    return Template(infra / "main.bicep", parameters(name) | changes)


def resources(kind: str, of: Template) -> list[Resource]:
    return [each for each in of.resources() if each.kind == f"Microsoft.{kind}"]


def resource(kind: str, of: Template) -> Resource:
    (only,) = resources(kind, of)
    return only


def app_settings(of: Template) -> Mapping[str, str]:
    pairs = resource("Web/sites", of).properties["siteConfig"]["appSettings"]
    settings = {pair["name"]: pair["value"] for pair in pairs}
    assert len(settings) == len(pairs)
    return settings
