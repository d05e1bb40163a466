"""What would be deployed to Azure: the snapshots of the Bicep compiler, which `make infra-check` keeps fresh.

What only Azure knows stands there as an expression, as in `[reference('/subscriptions/...').clientId]`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from builders.root import ROOT

INFRA: Final = ROOT / "infra"
ENVIRONMENTS: Final = ("dev", "test", "prod")
EVERY_OPTION: Final = "every-option"
SNAPSHOTS: Final = {
    "azd": INFRA / "main.snapshot.json",
    **{name: INFRA / f"environments/{name}.snapshot.json" for name in (*ENVIRONMENTS, EVERY_OPTION)},
}
FO_NAMESPACE: Final = "sbns-fo-"
_SCOPE: Final = re.compile(r"(?:\[extensionResourceId\('([^']+)',.*)|(?:(.+)/providers/Microsoft\.Authorization/.*)")


@dataclass(frozen=True)
class Resource:
    body: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def kind(self) -> str:
        return str(self.body["type"])

    @property
    def name(self) -> str:
        """The last part alone, for a child of another resource."""
        return self.path.rpartition("/")[2]

    @property
    def path(self) -> str:
        """With the names of its parents, as in `namespace/topic/subscription`."""
        return str(self.body["name"])

    @property
    def properties(self) -> Mapping[str, Any]:
        properties: Mapping[str, Any] = self.body.get("properties", {})
        return properties

    @property
    def scope(self) -> str:
        """The id of the resource that a role assignment is about."""
        match = _SCOPE.fullmatch(self.id)
        assert match, self.id
        return match[1] or match[2]


@dataclass(frozen=True)
class Deployment:
    resources: tuple[Resource, ...]
    outputs: Mapping[str, str]
    left_out: tuple[str, ...]

    def all(self, kind: str) -> list[Resource]:
        return [each for each in self.resources if each.kind == f"Microsoft.{kind}"]

    def one(self, kind: str) -> Resource:
        (only,) = self.all(kind)
        return only

    @property
    def bus(self) -> Resource:
        """The app's own namespace; F&O's events may have another."""
        (own,) = (each for each in self.all("ServiceBus/namespaces") if not each.name.startswith(FO_NAMESPACE))
        return own

    @property
    def app_settings(self) -> Mapping[str, str]:
        pairs = self.one("Web/sites").properties["siteConfig"]["appSettings"]
        settings = {pair["name"]: pair["value"] for pair in pairs}
        assert len(settings) == len(pairs)
        return settings


@cache
def deployment(name: str) -> Deployment:
    snapshot = json.loads(SNAPSHOTS[name].read_text(encoding="utf-8"))
    return Deployment(
        resources=tuple(map(Resource, snapshot["predictedResources"])),
        outputs=snapshot["outputs"],
        left_out=tuple(snapshot["diagnostics"]),
    )


def read(name: str) -> Any:
    """A JSON file of infra/."""
    return json.loads((INFRA / name).read_text(encoding="utf-8"))
