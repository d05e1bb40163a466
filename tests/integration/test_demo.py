"""`make demo` as the README's first command runs it."""

from __future__ import annotations

import asyncio
import json
import sys

from builders.root import ROOT


async def test_the_demo_ends_well_and_both_systems_agree(wire: None) -> None:
    rows = ROOT / "build/demo.json"
    rows.unlink(missing_ok=True)
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local.demo"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(demo.communicate(), 180)
    assert demo.returncode == 0, printed.decode()[-2000:]
    held = json.loads(rows.read_text(encoding="utf-8"))
    assert {row["flow"] for row in held} == {
        *("orders", "stock", "payments", "refunds", "order_numbers", "shipments"),
        *("products", "prices"),
    }
    assert all(row["shopify"] == row["fo"] for row in held if row["flow"] in {"products", "prices"})
    assert all(row["shopify"] for row in held if row["flow"] == "shipments")
