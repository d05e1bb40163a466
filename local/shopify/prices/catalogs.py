"""Price lists and catalogs themselves: made, changed, and assigned to locations of companies or a market."""

from decimal import Decimal
from typing import Any

from local.shopify.nodes import Request, error, not_simulated, parse_gid
from local.shopify.price_records import Catalog, PriceList
from local.shopify.user_errors import user_error

Problems = list[dict[str, Any]]
_LONGEST = 255
_MOST_PERCENT = {"PERCENTAGE_DECREASE": 100, "PERCENTAGE_INCREASE": 1000}
_KINDS = {"companyLocationIds": "COMPANY_LOCATION", "marketIds": "MARKET"}


def catalog_number(text: str) -> int:
    """The id of a catalog, whichever its kind."""
    for kind in ("CompanyLocationCatalog", "MarketCatalog"):
        if text.startswith(f"gid://shopify/{kind}/"):
            return parse_gid(text, kind)
    raise error(f"Invalid id: {text}", "RESOURCE_NOT_FOUND")


def create_price_list(request: Request, given: dict[str, Any]) -> tuple[PriceList | None, Problems]:
    problems = _list_problems(request, given, None)
    if problems:
        return None, problems
    parent = given["parent"]
    made = PriceList(
        request.shop.next_catalogue_id(),
        given["name"],
        given["currency"],
        parent["adjustment"]["type"],
        Decimal(str(parent["adjustment"]["value"])),
        (parent.get("settings") or {}).get("compareAtMode", "ADJUSTED"),
    )
    request.shop.pricing.price_lists[made.id] = made
    if given.get("catalogId"):
        request.shop.pricing.catalogs[catalog_number(given["catalogId"])].price_list_id = made.id
    return made, []


def update_price_list(request: Request, id_: str, given: dict[str, Any]) -> tuple[PriceList | None, Problems]:
    found = request.shop.pricing.price_lists.get(parse_gid(id_, "PriceList"))
    if found is None:
        return None, [user_error(["id"], "Price list does not exist.", "PRICE_LIST_NOT_FOUND")]
    problems = _list_problems(request, given, found)
    if problems:
        return None, problems
    found.name = given.get("name") or found.name
    parent = given.get("parent") or {}
    if parent.get("adjustment"):
        found.adjustment = parent["adjustment"]["type"]
        found.percent = Decimal(str(parent["adjustment"]["value"]))
    if parent.get("settings"):
        found.compare_at_mode = parent["settings"]["compareAtMode"]
    if given.get("currency") and given["currency"] != found.currency:
        # recorded: another currency clears all fixed prices
        found.currency, found.fixed, found.breaks = given["currency"], {}, {}
    if given.get("catalogId"):
        request.shop.pricing.catalogs[catalog_number(given["catalogId"])].price_list_id = found.id
    return found, []


def _list_problems(request: Request, given: dict[str, Any], known: PriceList | None) -> Problems:
    problems: Problems = []
    path, pricing = ["input", "name"], request.shop.pricing
    name = given.get("name")
    if (known is None or "name" in given) and not (name or "").strip():
        problems.append(user_error(path, "Name can't be blank", "BLANK"))
    elif name and len(name) > _LONGEST:
        problems.append(user_error(path, "Name is too long (maximum is 255 characters)", "TOO_LONG"))
    elif name and any(each.name == name and each is not known for each in pricing.price_lists.values()):
        problems.append(user_error(path, "Name has already been taken", "TAKEN"))
    adjustment = (given.get("parent") or {}).get("adjustment")
    if adjustment and not 0 <= adjustment["value"] <= _MOST_PERCENT[adjustment["type"]]:
        text = (
            "The adjustment value must be a positive value and not be greater than 100% for PERCENTAGE_DECREASE "
            "and not be greater than 1000% for PERCENTAGE_INCREASE."
        )
        problems.append(user_error(["input", "parent", "adjustment", "value"], text, "INVALID_ADJUSTMENT_VALUE"))
    if given.get("catalogId"):
        catalog = pricing.catalogs.get(catalog_number(given["catalogId"]))
        path = ["input", "catalogId"]
        if catalog is None:
            problems.append(user_error(path, "Catalog does not exist.", "CATALOG_DOES_NOT_EXIST"))
        elif catalog.price_list_id not in (None, known.id if known else None):
            problems.append(user_error(path, "Catalog has a price list already assigned.", "CATALOG_TAKEN"))
    return problems


def create_catalog(request: Request, given: dict[str, Any]) -> tuple[Catalog | None, Problems]:
    problems = _catalog_problems(request, given, None)
    contexts = {name: given["context"].get(name) or [] for name in _KINDS}
    named = [name for name, ids in contexts.items() if ids]
    if len(named) != 1:
        text = "Must provide exactly one context type."
        problems.append(user_error(["input", "context"], text, "MUST_PROVIDE_EXACTLY_ONE_CONTEXT_TYPE"))
        return None, problems
    (name,) = named
    kind, path = _KINDS[name], ["input", "context", name]
    numbers, wrong = _contexts(request, kind, contexts[name], path)
    problems += wrong
    if kind == "MARKET" and len(numbers) > 1:
        text = "The catalog can't be associated with more than one market."
        problems.append(user_error(path, text, "CANNOT_ADD_MORE_THAN_ONE_MARKET"))
    pricing = request.shop.pricing
    catalogs = sum(each.kind == "COMPANY_LOCATION" for each in pricing.catalogs.values())
    if kind == "COMPANY_LOCATION" and (not pricing.has_b2b or catalogs >= pricing.most_b2b_catalogs):
        text = "You've reached the maximum number of B2B catalogs allowed for your plan."
        problems.append(user_error(["input"], text, "B2B_CATALOG_LIMIT_REACHED"))
    if problems:
        return None, problems
    made = Catalog(request.shop.next_catalogue_id(), given["title"], given["status"], kind, numbers)
    _assign(made, given)
    pricing.catalogs[made.id] = made
    return made, []


def update_catalog(request: Request, id_: str, given: dict[str, Any]) -> tuple[Catalog | None, Problems]:
    found = request.shop.pricing.catalogs.get(catalog_number(id_))
    if found is None:
        return None, [user_error(["id"], "Catalog does not exist", "CATALOG_NOT_FOUND")]
    if given.get("context"):
        raise not_simulated("catalogUpdate of the context: catalogContextUpdate does it")
    problems = _catalog_problems(request, given, found)
    if problems:
        return None, problems
    found.title = given.get("title") or found.title
    found.status = given.get("status") or found.status
    _assign(found, given)
    return found, []


def _assign(catalog: Catalog, given: dict[str, Any]) -> None:
    if "priceListId" in given:
        catalog.price_list_id = parse_gid(given["priceListId"], "PriceList") if given["priceListId"] else None
    if "publicationId" in given:
        number = given["publicationId"]
        catalog.publication_id = parse_gid(number, "Publication") if number else None


def _catalog_problems(request: Request, given: dict[str, Any], known: Catalog | None) -> Problems:
    problems: Problems = []
    if (known is None or "title" in given) and not (given.get("title") or "").strip():
        problems.append(user_error(["input", "title"], "Title can't be blank", "BLANK"))
    if given.get("priceListId"):
        number = parse_gid(given["priceListId"], "PriceList")
        path, found = ["input", "priceListId"], request.shop.pricing.price_lists.get(number)
        if found is None:
            problems.append(user_error(path, "Price list not found.", "PRICE_LIST_NOT_FOUND"))
        elif request.shop.pricing.catalog_of(found) not in (None, known):
            problems.append(user_error(path, "Price list has already been taken", "TAKEN"))
    if given.get("publicationId"):
        number = parse_gid(given["publicationId"], "Publication")
        if number not in request.shop.publications:
            problems.append(user_error(["input", "publicationId"], "Publication not found.", "PUBLICATION_NOT_FOUND"))
    return problems


def _contexts(request: Request, kind: str, ids: list[str], path: list[str]) -> tuple[list[int], Problems]:
    """The numbers of locations or markets, and those that do not exist."""
    pricing = request.shop.pricing
    numbers, problems = [], []
    for index, each in enumerate(ids):
        below = [*path, str(index)]
        if kind == "MARKET":
            number = parse_gid(each, "Market")
            if number not in pricing.markets:
                problems.append(user_error(below, "Market not found.", "MARKET_NOT_FOUND"))
        else:
            number = parse_gid(each, "CompanyLocation")
            if number not in pricing.locations:
                text = "A company location within the catalog does not exist."
                problems.append(user_error(below, text, "COMPANY_LOCATION_NOT_FOUND"))
        numbers.append(number)
    return list(dict.fromkeys(numbers)), problems


def update_contexts(
    request: Request, id_: str, add: dict[str, Any] | None, remove: dict[str, Any] | None
) -> tuple[Catalog | None, Problems]:
    found = request.shop.pricing.catalogs.get(catalog_number(id_))
    if found is None:
        return None, [user_error(["catalogId"], "Catalog does not exist", "CATALOG_NOT_FOUND")]
    if not any((add or {}).values()) and not any((remove or {}).values()):
        text = "Must have `contexts_to_add` or `contexts_to_remove` argument."
        return None, [user_error(["contextsToAdd"], text, "REQUIRES_CONTEXTS_TO_ADD_OR_REMOVE")]
    problems: Problems = []
    changes: dict[str, list[int]] = {"contextsToAdd": [], "contextsToRemove": []}
    for argument, given in (("contextsToAdd", add), ("contextsToRemove", remove)):
        for name, kind in _KINDS.items():
            ids = (given or {}).get(name) or []
            if ids and kind != found.kind:
                text = (
                    "The arguments `contexts_to_add` and `contexts_to_remove` must match existing catalog context type."
                )
                problems.append(user_error([argument, name], text, "CONTEXT_DRIVER_MISMATCH"))
            elif ids:
                numbers, wrong = _contexts(request, kind, ids, [argument, name])
                problems += wrong
                changes[argument] = numbers
    if problems:
        return None, problems
    kept = [each for each in found.contexts if each not in changes["contextsToRemove"]]
    found.contexts = list(dict.fromkeys([*kept, *changes["contextsToAdd"]]))
    if found.kind == "MARKET" and len(found.contexts) > 1:
        raise not_simulated("a second market of a catalog")
    return found, []
