"""What can be said about the infrastructure without a subscription: `make infra-check`.

With a Bicep compiler (the one that BICEP names, else `bicep` on PATH): every file compiles without a warning and stands
as the compiler formats it, parameters have the right names and types, and the committed snapshots show what would be
deployed now. Without one it says so, and two checks are left: checkov on what prod would hold, and
azure-functions-doctor on the app. `--write` formats the files and writes the snapshots anew.
"""

# ruff: noqa: INP001, T201 - a script beside the templates, no package, and what it finds is its output
from __future__ import annotations

import argparse
import difflib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
INFRA: Final = ROOT / "infra"
BUILD: Final = ROOT / "build"
VERSION: Final = "0.49.2"
"""Of the compiler that wrote the snapshots; the workflows install the same."""
PARAMETERS: Final = ("main", *(f"environments/{name}" for name in ("dev", "test", "prod", "every-option")))
_NOBODYS: Final = {
    "--subscription-id": "00000000-0000-0000-0000-000000000001",
    "--tenant-id": "00000000-0000-0000-0000-000000000002",
    "--location": "westeurope",
}
_AZD: Final = {
    "AZURE_ENV_NAME": "azd",
    "AZURE_LOCATION": "westeurope",
    "AZURE_PRINCIPAL_ID": "22222222-0000-0000-0000-000000000000",
    "D365_BASE_URL": "https://contoso.operations.dynamics.com",
}


def compiler() -> str | None:
    return os.environ.get("BICEP") or shutil.which("bicep")


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if "_PRINCIPAL_" not in name} | _AZD
    return subprocess.run(  # noqa: S603 - our own arguments
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def compiled(bicep: str, *, write: bool) -> Iterator[str]:
    """What is wrong, in the compiler's words where it has some. Works on a copy; `write` takes its results over."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "infra"
        shutil.copytree(INFRA, copy)
        commands = [
            [bicep, "build", str(copy / "main.bicep"), "--outfile", str(Path(folder) / "main.json")],
            *(
                [bicep, "snapshot", str(copy / f"{name}.bicepparam"), "--mode", "overwrite"]
                + [part for option in _NOBODYS.items() for part in option]
                for name in PARAMETERS
            ),
            [bicep, "format", "--pattern", str(copy / "**/*.bicep*")],
        ]
        with ThreadPoolExecutor(max_workers=2) as pool:
            results = list(pool.map(run, commands[:-1]))
        results.append(run(commands[-1]))
        said = dict.fromkeys(line for each in results for line in (each.stdout + each.stderr).splitlines() if line)
        problems = [line.replace(folder + "/", "") for line in said]
        yield from problems or [f"{each.args[1]} ended with {each.returncode}" for each in results if each.returncode]
        if not problems:
            yield from _differences(copy, write=write)


def _differences(copy: Path, *, write: bool) -> Iterator[str]:
    for name in PARAMETERS:
        path = copy / f"{name}.snapshot.json"
        snapshot = json.loads(path.read_text(encoding="utf-8"))
        snapshot["outputs"] = dict(sorted(snapshot["outputs"].items()))  # the compiler's order is another each time
        path.write_text(json.dumps(snapshot, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{name}: {len(snapshot['predictedResources'])} resources")
    for path in sorted({*copy.rglob("*.bicep*"), *copy.rglob("*.snapshot.json")}):
        committed = INFRA / path.relative_to(copy)
        new, old = path.read_text(encoding="utf-8"), committed.read_text(encoding="utf-8") if committed.exists() else ""
        if write and new != old:
            committed.write_text(new, encoding="utf-8")
        elif new != old:
            name = str(committed.relative_to(ROOT))
            yield f"{name} is not what the compiler writes; `make infra-write` takes this over:"
            yield from difflib.unified_diff(old.splitlines(), new.splitlines(), name, name, lineterm="", n=1)


def checkov() -> Iterator[str]:
    """On the resources of prod's snapshot: of a template with modules checkov looks at no resource at all."""
    predicted = json.loads((INFRA / "environments/prod.snapshot.json").read_text(encoding="utf-8"))
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    template = {"$schema": schema, "contentVersion": "1.0.0.0", "resources": predicted["predictedResources"]}
    BUILD.mkdir(exist_ok=True)
    (BUILD / "prod.json").write_text(json.dumps(template, indent=2), encoding="utf-8")
    command = [sys.executable, "-m", "checkov.main", "--config-file", "infra/checkov.yaml", "--file", "build/prod.json"]
    result = run([*command, "--output", "json"])
    found = json.loads(result.stdout)
    if not found.get("summary", found)["passed"]:
        yield f"checkov looked at nothing: {result.stderr}"
        return
    print(f"checkov: {found['summary']['passed']} checks passed")
    yield from (
        f"checkov: {each['check_id']} {each['check_name']}: {each['resource']}"
        for each in found["results"]["failed_checks"]
    )


def doctor() -> Iterator[str]:
    """On a copy of what it is about: it reads every file below its folder, those of installed packages too."""
    start = "from azure_functions_doctor.cli import main; main()"
    command = [sys.executable, "-c", start, "doctor", "--profile", "deploy", "--target-python", "3.13"]
    with TemporaryDirectory() as folder:
        for name in ("function_app.py", "host.json", "requirements.txt", ".funcignore", "local.settings.sample.json"):
            shutil.copy(ROOT / name, folder)
        for name in ("config", "infra", "shared"):
            shutil.copytree(ROOT / name, Path(folder) / name)
        options = ["--hosting-plan", "flex-consumption", "--deployment-mode", "local-prebuilt", "--path", folder]
        result = run([*command, *options])
    print(result.stdout.replace(folder, "."), end="")
    if result.returncode:
        yield f"azure-functions-doctor: {result.stderr or 'see above'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="format the files and write the snapshots anew")
    arguments = parser.parse_args()
    bicep = compiler()
    problems: list[str] = []
    if bicep:
        problems += _version(bicep)
        problems += compiled(bicep, write=arguments.write)
    else:
        print("NOT compiled: there is no Bicep compiler. Put `bicep` on PATH, or its path into BICEP.")
    if not arguments.write:
        problems += [*checkov(), *doctor()]
    print(*problems, sep="\n", end="\n" if problems else "")
    sys.exit(1 if problems else 0)


def _version(bicep: str) -> Iterator[str]:
    try:
        result = run([bicep, "--version"])
    except OSError as error:
        yield f"the Bicep compiler does not start: {error}"
        return
    print(f"{result.stdout.strip()}; the snapshots are of {VERSION}")


if __name__ == "__main__":
    main()
