"""Every Bicep file by itself: two parsers take it, its API versions are known ones, and it handles no key."""

import json
import re

import pytest
from bicep.deployments import ENVIRONMENTS, FILES, INFRA, ROOT, deployment, parameters
from bicep.syntax import tree
from pycep import BicepParser

# What Azure Verified Modules use (August 2026) where that is stable, else the newest stable version before it.
API_VERSIONS = {
    "Microsoft.Authorization/roleAssignments": "2022-04-01",
    "Microsoft.Insights/actionGroups": "2023-01-01",
    "Microsoft.Insights/components": "2020-02-02",
    "Microsoft.Insights/diagnosticSettings": "2021-05-01-preview",
    "Microsoft.Insights/metricAlerts": "2018-03-01",
    "Microsoft.Insights/scheduledQueryRules": "2023-12-01",
    "Microsoft.Insights/workbooks": "2023-06-01",
    "Microsoft.KeyVault/vaults": "2024-11-01",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "2024-11-30",
    "Microsoft.Network/networkSecurityGroups": "2025-05-01",
    "Microsoft.Network/privateDnsZones": "2024-06-01",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": "2024-06-01",
    "Microsoft.Network/privateEndpoints": "2025-05-01",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": "2025-05-01",
    "Microsoft.Network/virtualNetworks": "2025-05-01",
    "Microsoft.OperationalInsights/workspaces": "2025-07-01",
    "Microsoft.Resources/resourceGroups": "2025-04-01",
    "Microsoft.ServiceBus/namespaces": "2024-01-01",
    "Microsoft.ServiceBus/namespaces/queues": "2024-01-01",
    "Microsoft.ServiceBus/namespaces/topics": "2024-01-01",
    "Microsoft.ServiceBus/namespaces/topics/subscriptions": "2024-01-01",
    "Microsoft.ServiceBus/namespaces/topics/subscriptions/rules": "2024-01-01",
    "Microsoft.Storage/storageAccounts": "2025-06-01",
    "Microsoft.Storage/storageAccounts/blobServices": "2025-01-01",
    "Microsoft.Storage/storageAccounts/blobServices/containers": "2025-01-01",
    "Microsoft.Storage/storageAccounts/managementPolicies": "2025-01-01",
    "Microsoft.Storage/storageAccounts/tableServices": "2025-06-01",
    "Microsoft.Storage/storageAccounts/tableServices/tables": "2025-06-01",
    "Microsoft.Web/serverfarms": "2025-03-01",
    "Microsoft.Web/sites": "2025-03-01",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": "2025-03-01",
}
PREVIEWS = {"Microsoft.Insights/diagnosticSettings"}  # never had a stable version with log categories

NAMES = [str(path.relative_to(INFRA)) for path in FILES]
KEYS = re.compile(
    r"list(Keys|Secrets|AccountSas|ServiceSas|\w*Credentials)\s*\(|AccountKey|SharedAccessKey|getSecret\(|@secure\(",
    re.IGNORECASE,
)
DECLARED = re.compile(r"'(Microsoft\.[\w./]+)@([\w-]+)'")


@pytest.mark.parametrize("name", NAMES)
def test_both_parsers_take_the_file(name: str) -> None:
    assert tree(INFRA / name)
    parsed = BicepParser().parse(text=(INFRA / name).read_text(encoding="utf-8"))
    assert parsed["resources"]


@pytest.mark.parametrize("name", NAMES)
def test_api_versions_are_the_known_ones(name: str) -> None:
    for kind, version in DECLARED.findall((INFRA / name).read_text(encoding="utf-8")):
        assert API_VERSIONS.get(kind) == version, f"{kind}@{version}"


def test_no_preview_but_those_with_a_reason() -> None:
    assert {kind for kind, version in API_VERSIONS.items() if "preview" in version} == PREVIEWS


@pytest.mark.parametrize("name", NAMES)
def test_no_key_and_no_secret_value_passes_through_a_template(name: str) -> None:
    source = (INFRA / name).read_text(encoding="utf-8")
    assert not KEYS.search(source)
    allowed = {"insightsConnectionString", "ConnectionString", "APPLICATIONINSIGHTS_CONNECTION_STRING"}
    assert set(re.findall(r"\w*connection_?string\w*", source, re.IGNORECASE)) <= allowed


@pytest.mark.parametrize("name", NAMES)
def test_every_declaration_is_used(name: str) -> None:
    source = (INFRA / name).read_text(encoding="utf-8")
    for declared in re.findall(r"^(?:param|var) (\w+)", source, re.MULTILINE):
        assert len(re.findall(rf"\b{declared}\b", source)) > 1, declared


def test_every_parameter_of_the_deployment_is_explained() -> None:
    template = deployment()
    for name in template.parameters:
        assert "description" in template.decorators[name] or "allowed" in template.decorators[name], name


@pytest.mark.parametrize("name", [*ENVIRONMENTS, "azd"])
def test_parameter_file_names_the_stores_that_are_configured(name: str) -> None:
    stores = sorted(path.stem for path in (ROOT / "config" / "stores").glob("*.toml"))
    assert sorted(parameters(name)["stores"]) == stores


@pytest.mark.parametrize("name", [*ENVIRONMENTS, "azd"])
def test_deployment_works_out_with_the_parameter_file(name: str) -> None:
    """Modules get all their parameters and no other, limits are kept, names exist."""
    template = deployment(name)
    assert len(list(template.resources())) > 40
    assert json.dumps(template.outputs)


def test_outputs_carry_the_names_that_azd_looks_for() -> None:
    outputs = deployment().outputs
    assert {"AZURE_LOCATION", "AZURE_RESOURCE_GROUP", "SERVICE_APP_NAME", "SERVICE_APP_ENDPOINT_URL"} <= set(outputs)
    assert all(name == name.upper() for name in outputs)
