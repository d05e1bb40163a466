"""Settings of the property tests that hold for all of them.

They do not depend on the machine's load: Hypothesis's deadline and its check for slow strategies measure real time.
Derandomized tests have the same examples in every run. Hypothesis also draws from the constants of all modules of this
repository that are imported at that moment, so all are imported before the first property test: else the examples would
depend on which tests were selected, and on what had run before.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

_PACKAGES: Final = ("shared", "local", "tools", "infra")


def load_profile() -> None:
    """Before any test module is imported: `settings` takes its defaults from the profile of that moment."""
    settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("unhurried")


def import_all_modules(items: Sequence[pytest.Item]) -> None:
    """Only where a property test is among the items: it takes some seconds."""
    if not any(item.get_closest_marker("hypothesis") for item in items):
        return
    for package in _PACKAGES:
        for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
