"""Cold start: what importing the app costs beyond Microsoft's own library."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from bench.figures import Figure, at_most
from local.stack import ROOT


def measure() -> list[Figure]:
    """The imports alternate, so that other load on the machine affects all of them."""
    times: dict[str, list[float]] = {"pass": [], "import azure.functions": [], "import function_app": []}
    for _ in range(9):
        for statement, taken in times.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True, cwd=ROOT)
            taken.append(time.perf_counter() - began)
    empty, library, app = (statistics.median(taken) for taken in times.values())
    return [
        Figure("import azure.functions", (library - empty) * 1e3, "ms"),
        Figure("import function_app", (app - empty) * 1e3, "ms"),
        at_most("import function_app / import azure.functions", (app - empty) / (library - empty), "ratio", 4),
    ]
