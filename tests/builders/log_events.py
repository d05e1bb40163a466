"""The telemetry events of a test, read from its log."""

import json
from typing import Any

import pytest


def events_in(caplog: pytest.LogCaptureFixture, name: str) -> list[dict[str, Any]]:
    """The events of that name with their level, the oldest first. The log's level must be INFO."""
    logged = [(record.levelname, json.loads(record.message)) for record in caplog.records if record.name == "connector"]
    return [{"level": level} | event for level, event in logged if event["event"] == name]
