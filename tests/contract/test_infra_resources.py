"""What the deployment sets up: no access keys, narrow roles, and exactly the topology that the code uses."""

import re
from collections import Counter
from uuid import UUID, uuid5

import pytest
from builders.infrastructure import EVERY_OPTION, FO_NAMESPACE, SNAPSHOTS, Deployment, deployment, read
from builders.root import ROOT

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
    "queue": ("Microsoft.ServiceBus/namespaces/queues", "orders"),
    "foEventsQueue": ("Microsoft.ServiceBus/namespaces/queues", "fo-events"),
    "topic": ("Microsoft.ServiceBus/namespaces/topics", ""),
    "hostStorage": ("Microsoft.Storage/storageAccounts", "sthost"),
    "stateStorage": ("Microsoft.Storage/storageAccounts", "ststate"),
    "keyVault": ("Microsoft.KeyVault/vaults", "kv-"),
    "applicationInsights": ("Microsoft.Insights/components", "appi-"),
}
OPERATOR = "22222222-0000-0000-0000-000000000000"  # in the parameters of azd and of every-option
GUID = UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830")  # Azure's own, under guid()
PREVIEWS = {"Microsoft.Insights/diagnosticSettings"}  # no stable version knows categories of logs
LENGTHS = {  # Azure's limits
    "Storage/storageAccounts": 24,
    "KeyVault/vaults": 24,
    "ServiceBus/namespaces": 50,
    "Web/sites": 60,
    "OperationalInsights/workspaces": 63,
}


@pytest.fixture(scope="module", params=SNAPSHOTS)
def deployed(request: pytest.FixtureRequest) -> Deployment:
    return deployment(request.param)


def test_roles_are_azures_own_and_have_their_reasons() -> None:
    for role in read("roles.json"):
        assert ROLES[role["name"]] == role["id"]
        assert len(role["reason"]) > 40
        assert role["principal"] in {"app", "operator"}


def test_roles_are_granted_as_in_roles_json_and_no_others(deployed: Deployment) -> None:
    by_id = {each.id: each for each in deployed.resources}
    granted = Counter(
        (
            each.properties["roleDefinitionId"].rpartition("/")[2],
            by_id[each.scope].kind,
            each.scope.rpartition("/")[2],
            each.properties["description"],
        )
        for each in deployed.all("Authorization/roleAssignments")
    )
    wanted = Counter(
        (role["id"], kind, each.name, role["reason"])
        for role in read("roles.json")
        if role["principal"] == "app" or deployed in (deployment("azd"), deployment(EVERY_OPTION))
        for kind, prefix in [SCOPES[role["scope"]]]
        for each in deployed.resources
        if each.kind == kind and each.name.startswith(prefix)
    )
    assert granted == wanted


def test_assignments_have_the_names_that_running_installations_know(deployed: Deployment) -> None:
    """Under another name Azure refuses the same role of the same principal on the same scope: RoleAssignmentExists."""
    names = [each.path for each in deployed.all("Authorization/roleAssignments")]
    assert len(set(names)) == len(names)
    for each in deployed.all("Authorization/roleAssignments"):
        namespace, kind, name = each.scope.partition("/queues/" if "/queues/" in each.scope else "/topics/")
        scope = [namespace, name] if kind else [each.scope]
        principal, role = each.properties["principalId"], each.properties["roleDefinitionId"].rpartition("/")[2]
        if principal.startswith("["):
            written = ", ".join((*(f"'{part}'" for part in scope), principal.strip("[]"), f"'{role}'"))
            assert each.path == f"[guid({written})]"
        else:
            assert each.path == str(uuid5(GUID, "-".join((*scope, principal, role))))


def test_without_an_operator_only_the_app_gets_roles() -> None:
    deployed = deployment("test")
    identity = deployed.one("ManagedIdentity/userAssignedIdentities")
    principals = {each.properties["principalId"] for each in deployed.all("Authorization/roleAssignments")}
    assert principals == {f"[reference('{identity.id}', '{identity.body['apiVersion']}').principalId]"}


def test_whoever_deploys_gets_the_operators_roles_with_the_kind_of_the_account() -> None:
    for name, kind in (("azd", "User"), (EVERY_OPTION, "Group")):
        granted = deployment(name).all("Authorization/roleAssignments")
        people = [each.properties for each in granted if each.properties["principalId"] == OPERATOR]
        assert Counter(each["roleDefinitionId"].rpartition("/")[2] for each in people) == Counter(
            role["id"] for role in read("roles.json") if role["principal"] == "operator"
        )
        assert {each["principalType"] for each in people} == {kind}


def test_keys_and_old_tls_are_refused_everywhere(deployed: Deployment) -> None:
    for account in deployed.all("Storage/storageAccounts"):
        assert account.properties["allowSharedKeyAccess"] is False
        assert account.properties["allowBlobPublicAccess"] is False
        assert account.properties["supportsHttpsTrafficOnly"] is True
        assert account.properties["minimumTlsVersion"] == "TLS1_2"
    bus = deployed.bus.properties
    assert (bus["disableLocalAuth"], bus["minimumTlsVersion"]) == (True, "1.2")
    assert deployed.one("Insights/components").properties["DisableLocalAuth"] is True
    assert deployed.one("OperationalInsights/workspaces").properties["features"]["disableLocalAuth"] is True
    assert deployed.one("KeyVault/vaults").properties["enableRbacAuthorization"] is True


def test_only_the_namespace_of_fos_events_takes_a_key_which_may_send_and_no_more() -> None:
    for name in SNAPSHOTS.keys() - {EVERY_OPTION}:
        assert deployment(name).all("ServiceBus/namespaces") == [deployment(name).bus], "off by default"
        assert deployment(name).all("KeyVault/vaults/secrets") == []
        assert deployment(name).app_settings["D365_EVENT_KEYS"] == ""
    deployed = deployment(EVERY_OPTION)
    (namespace,) = (each for each in deployed.all("ServiceBus/namespaces") if each != deployed.bus)
    assert namespace.name.startswith(FO_NAMESPACE)
    assert namespace.properties["disableLocalAuth"] is False
    (queue,) = (each for each in deployed.all("ServiceBus/namespaces/queues") if each.id.startswith(namespace.id))
    assert queue.name == "fo-events"
    rule = deployed.one("ServiceBus/namespaces/queues/authorizationRules")
    assert rule.id.startswith(f"{queue.id}/")
    assert rule.properties == {"rights": ["Send"]}
    assert deployed.all("ServiceBus/namespaces/authorizationRules") == []
    secret = deployed.one("KeyVault/vaults/secrets")
    assert secret.id.startswith(f"{deployed.one('KeyVault/vaults').id}/")
    assert secret.name == "fo-events-connection"
    assert secret.properties["value"].startswith("[listKeys(")
    assert "listKeys" not in str(deployed.outputs)
    assert deployed.app_settings["FoEventsConnection__fullyQualifiedNamespace"].endswith(".servicebus.windows.net")
    assert deployed.app_settings["D365_EVENT_KEYS"].endswith("vaultUri)]")


def test_app_is_reached_by_https_and_deployed_without_passwords(deployed: Deployment) -> None:
    site = deployed.one("Web/sites").properties
    assert site["httpsOnly"] is True
    assert (site["siteConfig"]["minTlsVersion"], site["siteConfig"]["scmMinTlsVersion"]) == ("1.2", "1.2")
    assert site["siteConfig"]["ftpsState"] == "Disabled"
    policies = deployed.all("Web/sites/basicPublishingCredentialsPolicies")
    assert {policy.name: policy.properties["allow"] for policy in policies} == {"ftp": False, "scm": False}


def test_one_user_assigned_identity_does_everything(deployed: Deployment) -> None:
    identity = deployed.one("ManagedIdentity/userAssignedIdentities").id
    site = deployed.one("Web/sites")
    storage = site.properties["functionAppConfig"]["deployment"]["storage"]
    assert site.body["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}}
    assert site.properties["keyVaultReferenceIdentity"] == identity
    assert storage["authentication"] == {
        "type": "UserAssignedIdentity",
        "userAssignedIdentityResourceId": identity,
    }


def test_queues_topics_and_filters_are_those_of_the_topology(deployed: Deployment) -> None:
    topology = read("topology.json")

    def as_deployed(kind: str) -> list[dict[str, object]]:
        return [
            {"name": each.name, **each.properties}
            for each in deployed.all(f"ServiceBus/namespaces/{kind}")
            if each.id.startswith(f"{deployed.bus.id}/")
        ]

    assert as_deployed("queues") == topology["queues"]
    assert as_deployed("topics") == topology["topics"]
    subscriptions = deployed.all("ServiceBus/namespaces/topics/subscriptions")
    rules = deployed.all("ServiceBus/namespaces/topics/subscriptions/rules")
    found = [
        {
            "topic": each.path.split("/")[1],
            "name": each.name,
            **each.properties,
            "rule": {"name": rule.name, "correlationFilter": rule.properties["correlationFilter"]},
        }
        for each, rule in zip(subscriptions, rules, strict=True)
    ]
    assert found == topology["subscriptions"]
    assert [rule.path.rpartition("/")[0] for rule in rules] == [each.path for each in subscriptions]
    assert {rule.name for rule in rules} == {"$Default"}, "any other name leaves the match-all rule in force"


def test_tables_and_containers_are_those_of_storage_json(deployed: Deployment) -> None:
    state = read("storage.json")
    tables = deployed.all("Storage/storageAccounts/tableServices/tables")
    containers = deployed.all("Storage/storageAccounts/blobServices/containers")
    assert [table.name for table in tables] == state["tables"]
    assert [each.name for each in containers] == ["app-package", *state["containers"]]
    package = deployed.one("Web/sites").properties["functionAppConfig"]["deployment"]["storage"]["value"]
    host = deployed.all("Storage/storageAccounts")[0]
    assert containers[0].id.startswith(f"{host.id}/")
    assert (
        package == f"[format('{{0}}{{1}}', reference('{host.id}', '{host.body['apiVersion']}')"
        f".primaryEndpoints.blob, '{containers[0].name}')]"
    )


def test_only_bodies_that_no_message_can_still_point_to_are_deleted(deployed: Deployment) -> None:
    (policy,) = deployed.all("Storage/storageAccounts/managementPolicies")
    rules = {rule["name"]: rule for rule in policy.properties["policy"]["rules"]}
    rule = rules["delete-what-nobody-points-to"]
    assert rule["definition"]["filters"]["prefixMatch"] == ["claims/"]
    days = rule["definition"]["actions"]["baseBlob"]["delete"]["daysAfterModificationGreaterThan"]
    days_to_live = [int(queue["defaultMessageTimeToLive"].strip("PD")) for queue in read("topology.json")["queues"]]
    assert days > 2 * max(days_to_live), "the time to live in the queue, and as long again for a dead letter"


def test_no_rule_deletes_the_bodies_of_parked_messages(deployed: Deployment) -> None:
    (policy,) = deployed.all("Storage/storageAccounts/managementPolicies")
    deleting = [
        rule["definition"]
        for rule in policy.properties["policy"]["rules"]
        if "baseBlob" in rule["definition"]["actions"]
    ]
    assert {prefix for each in deleting for prefix in each["filters"]["prefixMatch"]} == {"claims/", "exports/"}


def test_exports_have_versions_and_are_kept_for_weeks(deployed: Deployment) -> None:
    host, state = deployed.all("Storage/storageAccounts/blobServices")
    assert (host.properties["isVersioningEnabled"], state.properties["isVersioningEnabled"]) == (False, True)
    (policy,) = deployed.all("Storage/storageAccounts/managementPolicies")
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
    deployed = deployment("prod")
    endpoints = deployed.all("Network/privateEndpoints")
    connected = {
        (link["properties"]["privateLinkServiceId"], *link["properties"]["groupIds"])
        for endpoint in endpoints
        for link in endpoint.properties["privateLinkServiceConnections"]
    }
    host, state = deployed.all("Storage/storageAccounts")
    bus, vault = deployed.bus, deployed.one("KeyVault/vaults")
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
    assert deployed.one("Web/sites").properties["virtualNetworkSubnetId"].endswith("/subnets/functions")
    subnet = deployed.one("Network/virtualNetworks").properties["subnets"][0]
    assert subnet["properties"]["delegations"][0]["properties"]["serviceName"] == "Microsoft.App/environments"


def test_each_private_zone_is_linked_once() -> None:
    deployed = deployment("prod")
    zones = [
        re.sub(r"^\[format\('(.+)\{0\}', environment\(\)\.suffixes\.storage\)\]$", r"\1core.windows.net", zone.path)
        for zone in deployed.all("Network/privateDnsZones")
    ]
    assert sorted(zones) == [
        f"privatelink.{name}"
        for name in ("blob.core.windows.net", "servicebus.windows.net", "table.core.windows.net", "vaultcore.azure.net")
    ]
    links = deployed.all("Network/privateDnsZones/virtualNetworkLinks")
    assert len(links) == len(zones)
    for zone, link in zip(deployed.all("Network/privateDnsZones"), links, strict=True):
        assert zone.path.strip("[]") in link.path
    groups = deployed.all("Network/privateEndpoints/privateDnsZoneGroups")
    led = [
        config["properties"]["privateDnsZoneId"]
        for each in groups
        for config in each.properties["privateDnsZoneConfigs"]
    ]
    assert len(led) == len(deployed.all("Network/privateEndpoints"))
    assert set(led) == {zone.id for zone in deployed.all("Network/privateDnsZones")}


def test_people_reach_the_vault_of_an_isolated_environment_from_named_addresses() -> None:
    vault = deployment(EVERY_OPTION).one("KeyVault/vaults")
    assert vault.properties["publicNetworkAccess"] == "Enabled"
    assert vault.properties["networkAcls"]["defaultAction"] == "Deny"
    assert vault.properties["networkAcls"]["ipRules"] == [{"value": "203.0.113.7"}]


def test_the_operators_command_sends_to_an_isolated_queue_from_named_addresses() -> None:
    deployed = deployment(EVERY_OPTION)
    rules = deployed.one("ServiceBus/namespaces/networkRuleSets").properties
    assert deployed.bus.properties["publicNetworkAccess"] == "Enabled"
    assert (rules["defaultAction"], rules["trustedServiceAccessEnabled"]) == ("Deny", False)
    assert rules["ipRules"] == [{"ipMask": "203.0.113.7", "action": "Allow"}]
    assert deployment("prod").one("ServiceBus/namespaces/networkRuleSets").properties["ipRules"] == []
    assert deployment("test").all("ServiceBus/namespaces/networkRuleSets") == []  # Standard has none


def test_names_keep_azures_limits_even_for_long_environments() -> None:
    deployed = deployment(EVERY_OPTION)
    assert len(deployed.one("Resources/resourceGroups").name) == len("rg-") + 30
    for kind, length in LENGTHS.items():
        for each in deployed.all(kind):
            assert len(each.name) <= length, each.name
            assert re.fullmatch(r"[a-z0-9-]+", each.name)


def test_everything_bears_the_tag_by_which_azd_finds_it(deployed: Deployment) -> None:
    for each in deployed.resources:
        if "location" in each.body:
            assert each.body["tags"]["azd-env-name"], each.name
    assert deployed.one("Web/sites").body["tags"]["azd-service-name"] == "app"


def test_what_if_shows_every_resource(deployed: Deployment) -> None:
    """A module whose number of resources is known only while deploying would be left out whole."""
    assert deployed.left_out == ()
    assert len({each.id for each in deployed.resources}) == len(deployed.resources) > 50


def test_no_version_of_an_api_is_a_preview_but_those_with_a_reason(deployed: Deployment) -> None:
    assert {each.kind for each in deployed.resources if "preview" in each.body["apiVersion"]} == PREVIEWS


def test_outputs_carry_the_names_that_azd_looks_for(deployed: Deployment) -> None:
    assert {"AZURE_LOCATION", "AZURE_RESOURCE_GROUP", "SERVICE_APP_NAME", "SERVICE_APP_ENDPOINT_URL"} <= set(
        deployed.outputs
    )
    assert all(name == name.upper() for name in deployed.outputs)
