"""The pages are true: links lead somewhere, and every name that they use exists in the repository."""

import gzip
import importlib.util
import json
import re
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.root import ROOT
from graphql import build_client_schema, parse, validate

from shared.error_catalogue import CATALOGUE, ErrorCode
from shared.flows import TOPICS
from shared.rules import load_store, load_tenant
from shared.sync.messages.outcome import RetryPolicy
from tests.builders.markdown import CODE, FENCE, names_in, read_tables

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "infra/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
ARCHITECTURE, DEPLOY, SECURITY, UPGRADE, RECOVERY, STORES = (
    ROOT / "docs" / f"{name}.md"
    for name in ("architecture", "deploy", "security", "upgrade", "disaster-recovery", "stores")
)
SCHEMA = ROOT / "local/node_modules/@shopify/dev-mcp/dist/data/admin_2026-10.json.gz"

LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
UPPER = re.compile(r"[A-Z][A-Z0-9]*(?:_(?:[A-Z0-9]+|<KEY>))+")
TREES = ("bench", "config", "docs", "infra", "local", "shared", "tests", "tools", ".github")
TREE_PATH = re.compile(rf"(?:{'|'.join(map(re.escape, TREES))})/[\w./*<>-]+")
ROOT_FILE = re.compile(r"[\w.-]+\.(?:md|toml|json|py|txt|yaml)")
MADE_LATER = {"local.settings.json", "local/node_modules", "config/live"}
"""What a reader makes, or `make setup`."""

NAMED_IN = (
    "shared/settings.py",
    "infra/modules/functions.bicep",
    "infra/timers.json",
    "infra/main.bicep",
    "infra/main.bicepparam",
    "infra/environments/test.bicepparam",
    "local.settings.sample.json",
    "tools/setup.py",
)
"""Where settings and the outputs of a deployment have their names."""


def ids(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


every_page = pytest.mark.parametrize("page", PAGES, ids=ids)


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    return FENCE.sub("", text(page))


def rows(page: Path, *header: str) -> list[tuple[str, ...]]:
    """The cells of the one table whose header begins with these columns."""
    tables = [table for table in read_tables(page) if table.header[: len(header)] == header]
    assert len(tables) == 1, f"{ids(page)} has {len(tables)} tables that begin with {header}"
    return list(tables[0].rows)


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@every_page
def test_relative_links_lead_somewhere(page: Path) -> None:
    lost = []
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        found = (page.parent / name).resolve() if name else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            lost.append(target)
    assert lost == []


def known_names() -> set[str]:
    """Settings that are read, values that Bicep sets and gives, codes of errors; `<KEY>` stands for a store's."""
    texts = "".join(text(ROOT / name) for name in NAMED_IN)
    of_stores = {f"SHOPIFY_<KEY>_{suffix}" for suffix in re.findall(r"\{prefix\}_([A-Z_]+)", texts)}
    return set(re.findall(UPPER, texts)) | of_stores | set(CATALOGUE)


@every_page
def test_settings_and_codes_exist(page: Path) -> None:
    written = {name for name in CODE.findall(prose(page)) if UPPER.fullmatch(name)}
    assert written - known_names() == set()


def paths(page: Path) -> Iterator[str]:
    """What looks like a file or folder of the repository: in code spans alone, in commands as a word."""
    for span in CODE.findall(prose(page)):
        if TREE_PATH.fullmatch(span) or ROOT_FILE.fullmatch(span):
            yield span
    for block in FENCE.findall(text(page)):
        yield from re.findall(rf"(?<![\w./$-]){TREE_PATH.pattern}", block)


@every_page
def test_paths_exist(page: Path) -> None:
    assert {path for path in paths(page) if path not in MADE_LATER and not exists(path)} == set()


def exists(path: str) -> bool:
    """A path from the root, with `*` and `<store>` for any name; a bare file name may be one of infra/ or so."""
    pattern = re.sub(r"<\w+>", "*", path).rstrip("/.")
    return any(ROOT.glob(pattern)) or ("/" not in path and any(ROOT.glob(f"*/{pattern}")))


@every_page
def test_commands_exist(page: Path) -> None:
    modules = set(re.findall(r"python3? -m ((?:shared|local|bench|tools)[\w.]*)", text(page)))
    targets = set(re.findall(r"(?:`|^\$ |^)make ([a-z-]+)", text(page), re.MULTILINE))
    assert {module for module in modules if not is_command(module)} == set()
    assert targets - set(re.findall(r"^([a-z-]+):", text(ROOT / "Makefile"), re.MULTILINE)) == set()


def is_command(module: str) -> bool:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return False
    file = Path(spec.origin)
    return file.with_name("__main__.py").exists() if file.stem == "__init__" else "__main__" in text(file)


def test_webhook_topics_are_those_of_the_intake() -> None:
    table = {(topic.strip("`"), family.strip("`")) for topic, family, _ in rows(DEPLOY, "Topic", "Family")}
    assert table == {(topic, family) for family, topics in TOPICS.items() for topic in topics}


def test_addresses_are_those_of_the_functions() -> None:
    route = re.search(r'@app\.route\("(webhooks/shopify/)\{store\}', text(ROOT / "function_app.py"))
    assert route
    assert f"$APP_URL/api/{route[1]}$KEY/$family" in text(DEPLOY)
    assert "$APP_URL/api/health" in text(DEPLOY)


def test_scopes_are_all_that_the_flows_need() -> None:
    permissions = re.findall(r"Shopify access scopes: (.+)", text(ROOT / "docs/permissions.md"))
    needed = {scope for line in permissions for scope in names_in(line)}
    asked = re.findall(r"```text\n([a-z_,]+)\n```", text(DEPLOY))
    assert len(asked) == 1
    assert set(asked[0].split(",")) == needed


def test_parameters_are_those_of_the_template() -> None:
    table = {name for row in rows(DEPLOY, "Parameter", "Default") for name in names_in(row[0])}
    assert table == set(re.findall(r"^param (\w+)", text(ROOT / "infra/main.bicep"), re.MULTILINE))


def test_tables_and_containers_are_those_that_are_deployed() -> None:
    table = {(kind, name) for what, kind, *_ in rows(RECOVERY, "What", "Kind") for name in names_in(what)}
    storage = json.loads(text(ROOT / "infra/storage.json"))
    assert table == {("table", name) for name in storage["tables"]} | {
        ("container", name) for name in storage["containers"]
    }
    backup = re.findall(r"^for table in (.+); do$", text(RECOVERY), re.MULTILINE)
    assert [set(line.split()) for line in backup] == [set(storage["tables"])]


def test_the_waits_in_an_outage_are_those_of_the_code_and_the_queue() -> None:
    topology = json.loads(text(ROOT / "infra/topology.json"))
    (days,) = {queue["defaultMessageTimeToLive"].strip("PD") for queue in topology["queues"]}
    hours = RetryPolicy().max_age.total_seconds() / 3600
    (outage,) = [row for row in rows(RECOVERY, "What happens", "RPO") if row[0] == "F&O is down"]
    assert re.findall(r"for (\d+) hours|up to (\d+) days", outage[1]) == [(f"{hours:.0f}", ""), ("", days)]
    assert ErrorCode.ATTEMPTS_EXHAUSTED in outage[2]


def test_the_record_of_personal_data_forgets_no_table_or_container() -> None:
    places = {
        (kind.removesuffix("s"), name)
        for place, *_ in rows(SECURITY, "Place", "What")
        for kind in re.findall(r"^(tables?|container)\b", place)
        for name in names_in(place)
    }
    storage = json.loads(text(ROOT / "infra/storage.json"))
    nothing_personal = {("table", "breaker")}
    assert places | nothing_personal == {("table", name) for name in storage["tables"]} | {
        ("container", name) for name in storage["containers"]
    }


def test_every_threat_names_code_and_test() -> None:
    threats = rows(SECURITY, "Threat", "Protection")
    assert threats
    for threat, _, where, test in threats:
        assert names_in(where), threat
        assert names_in(test), threat
        assert all(path.startswith("tests/") for path in names_in(test)), threat


@pytest.mark.parametrize("page", [DEPLOY, RECOVERY, STORES], ids=ids)
def test_graphql_is_valid_in_shopifys_schema(page: Path) -> None:
    documents = re.findall(r"^ *[A-Z]+='((?:query|mutation|\{)[^']+)'", text(page), re.MULTILINE)
    assert documents
    schema = build_client_schema(json.loads(gzip.decompress(SCHEMA.read_bytes()))["data"], assume_valid=True)
    for document in documents:
        assert validate(schema, parse(document)) == []


@pytest.mark.parametrize("page", [DEPLOY, UPGRADE, RECOVERY, SECURITY, STORES], ids=ids)
def test_a_page_states_what_was_never_tried(page: Path) -> None:
    assert re.search(r"real (installation|subscription|tenant)", text(page).split("\n## ")[0])


def test_readme_lists_every_page() -> None:
    more = text(ROOT / "README.md").partition("## More")[2]
    listed = set(LINK.findall(more))
    assert {ids(page) for page in PAGES} - {"README.md"} <= listed


def test_the_layers_of_the_architecture_are_those_that_imports_are_checked_by() -> None:
    contracts = tomllib.loads(text(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    shown = [set(names_in(layer)) for layer, _ in rows(ARCHITECTURE, "Layer", "What it does")]
    assert shown == [set(layer.split(" | ")) for layer in layers]


def test_the_architecture_has_every_folder_of_the_app() -> None:
    shown = {name for folder, _ in rows(ARCHITECTURE, "Folder", "What is in it") for name in names_in(folder)}
    folders = {ids(path.parent) for path in (ROOT / "shared").glob("*/*/*") if path.suffix in {".py", ".graphql"}}
    assert folders - shown == set()


def test_the_architecture_has_every_table_and_container() -> None:
    storage = json.loads(text(ROOT / "infra/storage.json"))
    places = [(kind, name) for what, kind, *_ in rows(ARCHITECTURE, "Table or container") for name in names_in(what)]
    assert sorted(places) == sorted(
        [("table", name) for name in storage["tables"]] + [("container", name) for name in storage["containers"]]
    )


def test_every_file_in_the_picture_of_the_architecture_exists() -> None:
    (picture,) = (block for block in FENCE.findall(text(ARCHITECTURE)) if "mermaid" in block)
    named = set(re.findall(r"[\w/]+\.py", picture))
    known = [path.as_posix() for path in (ROOT / "shared").rglob("*.py")] + [str(ROOT / "function_app.py")]
    assert {name for name in named if not any(path.endswith(f"/{name}") for path in known)} == set()


EXAMPLES = [
    pytest.param(page, block, id=f"{page.stem}-{number}")
    for page in (ROOT / "docs/products.md", ROOT / "docs/prices.md")
    for number, block in enumerate(re.findall(r"^ *```toml\n(.*?)^ *```$", text(page), re.MULTILINE | re.DOTALL))
]


@pytest.mark.parametrize(("page", "block"), EXAMPLES)
def test_an_example_of_rules_is_one_that_a_store_can_have(page: Path, block: str, tmp_path: Path) -> None:
    """In place of the store's own table: all of it for products, the keys of the example for prices."""
    source = text(ROOT / "config/stores/prairie.toml")
    own, example = tomllib.loads(source)[page.stem], tomllib.loads(textwrap.dedent(block))
    assert example.keys() == {page.stem}
    table = example[page.stem] if page.stem == "products" else own | example[page.stem]
    others = re.sub(rf"^\[+{page.stem}[\].].*?(?=^\[+(?!{page.stem}))", "", source, flags=re.MULTILINE | re.DOTALL)
    path = tmp_path / "prairie.toml"
    path.write_text(f"{page.stem} = {in_line(table)}\n{others}", encoding="utf-8")
    assert load_store(path, load_tenant(ROOT / "config/tenants/local.toml"))


def in_line(value: object) -> str:
    """The value as TOML writes it in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {in_line(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(in_line, value)) + "]"
    return json.dumps(value)
