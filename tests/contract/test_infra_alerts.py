"""Every alert has its query and its page in the runbook, reaches somebody, and no queue is without one."""

import json
import re

import pytest
from builders.infrastructure import ENVIRONMENTS, EVERY_OPTION, INFRA, deployment, read
from builders.root import ROOT

from shared.sync.sweep.missed import EVENTS

# Minutes. Azure Monitor knows these, and looks back two days at most.
WINDOWS = {"PT5M": 5, "PT15M": 15, "PT30M": 30, "PT1H": 60, "PT2H": 120, "PT6H": 360, "P1D": 1440, "P2D": 2880}
LINK_IDLE_SECONDS = 600  # after which Service Bus detaches a link
UNITS = {"m": 1, "h": 60, "d": 1440}


def headings() -> set[str]:
    """The anchors of docs/runbook.md, as GitHub makes them of headings."""
    lines = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8").splitlines()
    titles = (line.lstrip("#").strip().lower() for line in lines if line.startswith("#"))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def query(name: str) -> str:
    (file,) = (INFRA / "queries").rglob(f"{name}.kql")
    return file.read_text(encoding="utf-8")


def test_every_query_belongs_to_an_alert_and_every_alert_has_one() -> None:
    named = {alert["name"] for alert in read("alerts.json")}
    assert {path.stem for path in (INFRA / "queries").rglob("*.kql")} == named
    assert len(named) == len(read("alerts.json"))


def test_queries_are_deployed_as_they_stand_but_for_what_is_filled_in() -> None:
    timers = ", ".join(f'"{each["function"]}", {each["alertAfterMinutes"]}' for each in read("timers.json"))
    for alert, rule in zip(read("alerts.json"), deployment("test").all("Insights/scheduledQueryRules"), strict=True):
        (condition,) = rule.properties["criteria"]["allOf"]
        expected = query(alert["name"])
        if alert["name"] == "timer_missing":
            assert expected.count("{timers}") == 1
            expected = expected.replace("{timers}", timers)
        if alert["name"] == "daily_quota":
            capping = deployment("test").one("OperationalInsights/workspaces").properties["workspaceCapping"]
            assert expected.count("{quota}") == 1
            expected = expected.replace("{quota}", str(capping["dailyQuotaGb"]))
        assert condition["query"] == expected
        assert (condition["timeAggregation"], condition["operator"], condition["threshold"]) == (
            "Count",
            "GreaterThan",
            0,
        )


def test_the_alert_of_late_orders_takes_the_same_events_for_an_end_as_the_sweep_does() -> None:
    (topics,) = re.findall(r"dynamic\((\[.+?\])\)", query("orders_late"), re.DOTALL)
    assert json.loads(topics) == sorted(EVENTS)


def test_every_alert_reaches_the_action_group() -> None:
    deployed = deployment(EVERY_OPTION)
    group = deployed.one("Insights/actionGroups")
    assert [each["emailAddress"] for each in group.properties["emailReceivers"]] == ["clerk@contoso.com"]
    assert [each["serviceUri"] for each in group.properties["webhookReceivers"]] == ["https://example.com/hook"]
    for rule in deployed.all("Insights/scheduledQueryRules"):
        assert rule.properties["actions"]["actionGroups"] == [group.id]
    assert len(deployed.all("Insights/metricAlerts")) == 2
    for rule in deployed.all("Insights/metricAlerts"):
        assert rule.properties["actions"] == [{"actionGroupId": group.id}]


def test_the_cost_estimate_counts_every_alert_and_private_endpoint() -> None:
    deployed = deployment("prod")
    page = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    logs, metrics = (len(deployed.all(f"Insights/{kind}")) for kind in ("scheduledQueryRules", "metricAlerts"))
    assert f"| Alerts ({logs} log alerts, {metrics} metric alerts) |" in page
    assert f"| Private endpoints ({len(deployed.all('Network/privateEndpoints'))}) and DNS zones |" in page


@pytest.mark.parametrize("alert", read("alerts.json"), ids=lambda alert: alert["name"])
def test_alert_keeps_azures_limits(alert: dict[str, str]) -> None:
    assert WINDOWS[alert["frequency"]] <= WINDOWS[alert["window"]]
    assert alert["severity"] in {1, 2}


@pytest.mark.parametrize("alert", read("alerts.json"), ids=lambda alert: alert["name"])
def test_query_sees_as_far_back_as_it_looks(alert: dict[str, str]) -> None:
    spans = [int(number) * UNITS[unit] for number, unit in re.findall(r"\bago\((\d+)([mhd])\)", query(alert["name"]))]
    assert spans
    assert max(spans) <= WINDOWS[alert["window"]]


def test_every_alert_links_to_its_section_of_the_runbook() -> None:
    deployed = deployment("test")
    rules = [*deployed.all("Insights/scheduledQueryRules"), *deployed.all("Insights/metricAlerts")]
    for rule in rules:
        match = re.search(r"docs/runbook\.md#([a-z0-9-]+)$", rule.properties["description"])
        assert match, rule.name
        assert match[1] in headings(), rule.name


def test_dead_letters_of_every_queue_and_topic_raise_an_alert() -> None:
    (alert,) = (
        rule.properties for rule in deployment("test").all("Insights/metricAlerts") if rule.name == "alert-dead-letters"
    )
    (condition,) = alert["criteria"]["allOf"]
    assert alert["scopes"] == [deployment("test").one("ServiceBus/namespaces").id]
    assert (condition["metricName"], condition["operator"], condition["threshold"]) == (
        "DeadletteredMessages",
        "GreaterThan",
        0,
    )
    assert condition["dimensions"] == [{"name": "EntityName", "operator": "Include", "values": ["*"]}]


def test_workbook_is_deployed_as_it_stands() -> None:
    workbook = deployment("test").one("Insights/workbooks")
    assert workbook.properties["serializedData"] == (INFRA / "workbook.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_health_is_asked_from_outside_every_five_minutes_and_silence_raises_an_alert(name: str) -> None:
    deployed = deployment(name)
    test, insights = deployed.one("Insights/webtests"), deployed.one("Insights/components")
    asked = test.properties
    assert asked["Request"]["RequestUrl"].startswith("[format('{0}/api/health', ")
    assert asked["ValidationRules"]["ExpectedHttpStatusCode"] == 200
    assert (asked["Enabled"], asked["Frequency"], asked["Kind"]) == (True, 300, "standard")
    assert asked["Frequency"] < LINK_IDLE_SECONDS, "the link to Service Bus is kept open"
    assert test.body["tags"][f"hidden-link:{insights.id}"] == "Resource"  # without it the portal shows no results
    (alert,) = (rule.properties for rule in deployed.all("Insights/metricAlerts") if rule.name == "alert-unreachable")
    assert alert["scopes"] == [test.id, insights.id]
    assert alert["criteria"]["failedLocationCount"] < len(asked["Locations"])


@pytest.mark.parametrize("name", [*ENVIRONMENTS, EVERY_OPTION])
def test_telemetry_of_a_day_has_an_end(name: str) -> None:
    capping = deployment(name).one("OperationalInsights/workspaces").properties["workspaceCapping"]
    assert capping["dailyQuotaGb"] > 0


def test_budget_tells_people_before_it_is_spent() -> None:
    assert deployment("azd").all("Consumption/budgets") == []
    budget = deployment(EVERY_OPTION).one("Consumption/budgets").properties
    told = budget["notifications"].values()
    assert {each["thresholdType"] for each in told} == {"Actual", "Forecasted"}
    assert all(each["enabled"] and each["contactEmails"] and each["contactRoles"] for each in told)
    assert min(each["threshold"] for each in told) == 80
    assert budget["timePeriod"]["startDate"].endswith("-01")


def test_workbook_has_one_name_everywhere() -> None:
    workbook = deployment("test").one("Insights/workbooks")
    assert workbook.properties["displayName"] == "Shopify and F&O (test)"
    assert json.loads(workbook.properties["serializedData"])["items"][0]["content"]["json"].startswith(
        "# Shopify and F&O\n"
    )
    for page in ("runbook", "deploy"):
        named = re.findall(r"[*`](Shopify (?:to|and|for) F&O)", (ROOT / f"docs/{page}.md").read_text(encoding="utf-8"))
        assert set(named) == {"Shopify and F&O"}, page
