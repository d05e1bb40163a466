"""What the deployment sets up: no access keys, narrow roles, and exactly the topology that the code uses."""

import re
from collections import Counter

import pytest
from bicep.deployments import ENVIRONMENTS, OPERATOR, ROOT, deployment, read, resource, resources
from bicep.templates import Template

# Azure's built-in roles.
ROLES = {
    "Azure Service Bus Data Receiver": "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0",
    "Azure Service Bus Data Sender": "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Key Vault Secrets Officer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
}
# The resource that each scope of roles.json stands for: its kind, and what its name begins with.
SCOPES = {
    "queue": ("Microsoft.ServiceBus/namespaces/queues", ""),
    "topic": ("Microsoft.ServiceBus/namespaces/topics", ""),
    "hostStorage": ("Microsoft.Storage/storageAccounts", "sthost"),
    "stateStorage": ("Microsoft.Storage/storageAccounts", "ststate"),
    "keyVault": ("Microsoft.KeyVault/vaults", "kv-"),
    "applicationInsights": ("Microsoft.Insights/components", "appi-"),
}
LENGTHS = {  # Azure's limits
    "Storage/storageAccounts": 24,
    "KeyVault/vaults": 24,
    "ServiceBus/namespaces": 50,
    "Web/sites": 60,
    "OperationalInsights/workspaces": 63,
}


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def deployed(request: pytest.FixtureRequest) -> Template:
    return deployment(request.param, **OPERATOR)


def test_roles_are_azures_own_and_have_their_reasons() -> None:
    for role in read("roles.json"):
        assert ROLES[role["name"]] == role["id"]
        assert len(role["reason"]) > 40
        assert role["principal"] in {"app", "operator"}


def test_roles_are_granted_as_in_roles_json_and_no_others(deployed: Template) -> None:
    granted = Counter(
        (each.properties["roleDefinitionId"].rpartition("/")[2], each.body["scope"].kind, each.body["scope"].name)
        for each in resources("Authorization/roleAssignments", deployed)
    )
    wanted = Counter(
        (role["id"], kind, each.name)
        for role in read("roles.json")
        for kind, prefix in [SCOPES[role["scope"]]]
        for each in deployed.resources()
        if each.kind == kind and each.name.startswith(prefix)
    )
    assert granted == wanted


def test_assignments_of_one_scope_have_names_of_their_own(deployed: Template) -> None:
    names = [each.name for each in resources("Authorization/roleAssignments", deployed)]
    assert len(set(names)) == len(names)


def test_without_an_operator_only_the_app_gets_roles() -> None:
    assignments = resources("Authorization/roleAssignments", deployment(operatorPrincipalId=""))
    assert {each.properties["principalId"] for each in assignments} == {"identity.properties.principalId"}


def test_keys_and_old_tls_are_refused_everywhere(deployed: Template) -> None:
    for account in resources("Storage/storageAccounts", deployed):
        assert account.properties["allowSharedKeyAccess"] is False
        assert account.properties["allowBlobPublicAccess"] is False
        assert account.properties["supportsHttpsTrafficOnly"] is True
        assert account.properties["minimumTlsVersion"] == "TLS1_2"
    bus = resource("ServiceBus/namespaces", deployed).properties
    assert (bus["disableLocalAuth"], bus["minimumTlsVersion"]) == (True, "1.2")
    assert resource("Insights/components", deployed).properties["DisableLocalAuth"] is True
    assert resource("OperationalInsights/workspaces", deployed).properties["features"]["disableLocalAuth"] is True
    assert resource("KeyVault/vaults", deployed).properties["enableRbacAuthorization"] is True


def test_app_is_reached_by_https_and_deployed_without_passwords(deployed: Template) -> None:
    site = resource("Web/sites", deployed).properties
    assert site["httpsOnly"] is True
    assert (site["siteConfig"]["minTlsVersion"], site["siteConfig"]["scmMinTlsVersion"]) == ("1.2", "1.2")
    assert site["siteConfig"]["ftpsState"] == "Disabled"
    policies = resources("Web/sites/basicPublishingCredentialsPolicies", deployed)
    assert {policy.name: policy.properties["allow"] for policy in policies} == {"ftp": False, "scm": False}


def test_one_user_assigned_identity_does_everything(deployed: Template) -> None:
    identity = resource("ManagedIdentity/userAssignedIdentities", deployed).id
    site = resource("Web/sites", deployed)
    storage = site.properties["functionAppConfig"]["deployment"]["storage"]
    assert site.body["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}}
    assert site.properties["keyVaultReferenceIdentity"] == identity
    assert storage["authentication"] == {
        "type": "UserAssignedIdentity",
        "userAssignedIdentityResourceId": identity,
    }


def test_queues_topics_and_filters_are_those_of_the_topology(deployed: Template) -> None:
    topology = read("topology.json")

    def as_deployed(kind: str) -> list[dict[str, object]]:
        return [{"name": each.name, **each.properties} for each in resources(f"ServiceBus/namespaces/{kind}", deployed)]

    assert as_deployed("queues") == topology["queues"]
    assert as_deployed("topics") == topology["topics"]
    subscriptions = resources("ServiceBus/namespaces/topics/subscriptions", deployed)
    rules = resources("ServiceBus/namespaces/topics/subscriptions/rules", deployed)
    found = [
        {
            "topic": each.name.split("/")[1],
            "name": each.name.split("/")[2],
            **each.properties,
            "rule": {"name": rule.name, "correlationFilter": rule.properties["correlationFilter"]},
        }
        for each, rule in zip(subscriptions, rules, strict=True)
    ]
    assert found == topology["subscriptions"]
    assert [rule.body["parent"] for rule in rules] == subscriptions
    assert {rule.name for rule in rules} == {"$Default"}, "any other name leaves the match-all rule in force"


def test_tables_and_containers_are_those_of_storage_json(deployed: Template) -> None:
    state = read("storage.json")
    tables = resources("Storage/storageAccounts/tableServices/tables", deployed)
    containers = resources("Storage/storageAccounts/blobServices/containers", deployed)
    assert [table.name for table in tables] == state["tables"]
    assert [each.name for each in containers] == ["app-package", *state["containers"]]
    package = resource("Web/sites", deployed).properties["functionAppConfig"]["deployment"]["storage"]["value"]
    assert package.endswith(containers[0].name)


def test_only_bodies_that_no_message_can_still_point_to_are_deleted(deployed: Template) -> None:
    (policy,) = resources("Storage/storageAccounts/managementPolicies", deployed)
    rules = {rule["name"]: rule for rule in policy.properties["policy"]["rules"]}
    rule = rules["delete-what-nobody-points-to"]
    assert rule["definition"]["filters"]["prefixMatch"] == ["claims/"]
    days = rule["definition"]["actions"]["baseBlob"]["delete"]["daysAfterModificationGreaterThan"]
    days_to_live = [int(queue["defaultMessageTimeToLive"].strip("PD")) for queue in read("topology.json")["queues"]]
    assert days > 2 * max(days_to_live), "the time to live in the queue, and as long again for a dead letter"


def test_no_rule_deletes_the_bodies_of_parked_messages(deployed: Template) -> None:
    (policy,) = resources("Storage/storageAccounts/managementPolicies", deployed)
    deleting = [
        rule["definition"]
        for rule in policy.properties["policy"]["rules"]
        if "baseBlob" in rule["definition"]["actions"]
    ]
    assert {prefix for each in deleting for prefix in each["filters"]["prefixMatch"]} == {"claims/", "exports/"}


def test_exports_have_versions_and_are_kept_for_weeks(deployed: Template) -> None:
    host, state = resources("Storage/storageAccounts/blobServices", deployed)
    assert (host.properties["isVersioningEnabled"], state.properties["isVersioningEnabled"]) == (False, True)
    (policy,) = resources("Storage/storageAccounts/managementPolicies", deployed)
    rules = {rule["name"]: rule for rule in policy.properties["policy"]["rules"]}
    exports = rules["delete-old-exports"]["definition"]
    assert (rules["delete-old-exports"]["enabled"], exports["filters"]["prefixMatch"]) == (True, ["exports/"])
    kept = exports["actions"]["baseBlob"]["delete"]["daysAfterModificationGreaterThan"]
    assert kept == exports["actions"]["version"]["delete"]["daysAfterCreationGreaterThan"] >= 31
    page = (ROOT / "docs/disaster-recovery.md").read_text(encoding="utf-8")
    assert f"kept for {kept} days" in page
    others = rules["delete-versions-that-nobody-restores"]["definition"]
    assert set(others["filters"]["prefixMatch"]) == {f"{name}/" for name in read("storage.json")["containers"]} - {
        "exports/"
    }
    assert others["actions"] == {"version": {"delete": {"daysAfterCreationGreaterThan": 1}}}


def test_isolated_environment_is_open_to_no_network_but_its_own() -> None:
    deployed = deployment("dev", networkIsolation=True)
    endpoints = resources("Network/privateEndpoints", deployed)
    connected = {
        (link["properties"]["privateLinkServiceId"], *link["properties"]["groupIds"])
        for endpoint in endpoints
        for link in endpoint.properties["privateLinkServiceConnections"]
    }
    host, state = resources("Storage/storageAccounts", deployed)
    bus, vault = resource("ServiceBus/namespaces", deployed), resource("KeyVault/vaults", deployed)
    assert connected == {
        (host.id, "blob"),
        (state.id, "blob"),
        (state.id, "table"),
        (bus.id, "namespace"),
        (vault.id, "vault"),
    }
    for each in (host, state, bus, vault):
        assert each.properties["publicNetworkAccess"] == "Disabled"
    assert bus.body["sku"]["tier"] == "Premium", "Standard has no private endpoints"
    assert resource("Web/sites", deployed).properties["virtualNetworkSubnetId"].endswith("/subnets/functions")
    subnet = resource("Network/virtualNetworks", deployed).properties["subnets"][0]
    assert subnet["properties"]["delegations"][0]["properties"]["serviceName"] == "Microsoft.App/environments"


def test_each_private_zone_is_linked_once() -> None:
    deployed = deployment("dev", networkIsolation=True)
    zones = [zone.name for zone in resources("Network/privateDnsZones", deployed)]
    assert len(zones) == len(set(zones)) == 4
    assert [
        link.body["parent"].name for link in resources("Network/privateDnsZones/virtualNetworkLinks", deployed)
    ] == zones


def test_people_reach_the_vault_of_an_isolated_environment_from_named_addresses() -> None:
    vault = resource("KeyVault/vaults", deployment("dev", networkIsolation=True, allowedIpRanges=["203.0.113.7"]))
    assert vault.properties["publicNetworkAccess"] == "Enabled"
    assert vault.properties["networkAcls"]["defaultAction"] == "Deny"
    assert vault.properties["networkAcls"]["ipRules"] == [{"value": "203.0.113.7"}]


def test_names_keep_azures_limits_even_for_long_environments() -> None:
    deployed = deployment(environmentName="e" * 30)
    for kind, length in LENGTHS.items():
        for each in resources(kind, deployed):
            assert len(each.name) <= length, each.name
            assert re.fullmatch(r"[a-z0-9-]+", each.name)


def test_everything_bears_the_tag_by_which_azd_finds_it(deployed: Template) -> None:
    for each in deployed.resources():
        if "location" in each.body:
            assert each.body["tags"]["azd-env-name"], each.name
    assert resource("Web/sites", deployed).body["tags"]["azd-service-name"] == "app"
