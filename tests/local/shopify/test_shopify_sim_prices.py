"""Price lists and catalogs: fixed prices, price breaks, quantity rules, and who they are for."""

from typing import Any

import pytest
from fixtures.shop_catalogue import told
from fixtures.shopify_sim import PRAIRIE, Client, running_client

TENT, BAG, NOBODY = (f"gid://shopify/ProductVariant/{number}" for number in (91001, 91002, 1))
UTRECHT, AARHUS = "gid://shopify/CompanyLocation/77001001", "gid://shopify/CompanyLocation/77001002"
DENMARK = "gid://shopify/Market/76001002"
_ERRORS = "userErrors { field message code }"
CREATE = f"""mutation Create($input: PriceListCreateInput!) {{
  priceListCreate(input: $input) {{ priceList {{ id name currency parent {{
    adjustment {{ type value }} settings {{ compareAtMode }} }} catalog {{ id }} }} {_ERRORS} }}
}}"""
CHANGE = f"""mutation Change($id: ID!, $input: PriceListUpdateInput!) {{
  priceListUpdate(id: $id, input: $input) {{ priceList {{ name currency fixedPricesCount }} {_ERRORS} }}
}}"""
ADD = f"""mutation Add($id: ID!, $prices: [PriceListPriceInput!]!) {{
  priceListFixedPricesAdd(priceListId: $id, prices: $prices) {{
    prices {{ variant {{ id }} price {{ amount currencyCode }} compareAtPrice {{ amount }} originType }} {_ERRORS} }}
}}"""
UPDATE = f"""mutation Update($id: ID!, $add: [PriceListPriceInput!]!, $delete: [ID!]!) {{
  priceListFixedPricesUpdate(priceListId: $id, pricesToAdd: $add, variantIdsToDelete: $delete) {{
    pricesAdded {{ variant {{ id }} }} deletedFixedPriceVariantIds {_ERRORS} }}
}}"""
DELETE = f"""mutation Delete($id: ID!, $ids: [ID!]!) {{
  priceListFixedPricesDelete(priceListId: $id, variantIds: $ids) {{ deletedFixedPriceVariantIds {_ERRORS} }}
}}"""
BY_PRODUCT = f"""mutation ByProduct($id: ID!, $add: [PriceListProductPriceInput!], $delete: [ID!]) {{
  priceListFixedPricesByProductUpdate(priceListId: $id, pricesToAdd: $add, pricesToDeleteByProductIds: $delete) {{
    pricesToAddProducts {{ id }} pricesToDeleteProducts {{ id }} {_ERRORS} }}
}}"""
PRICING = f"""mutation Pricing($id: ID!, $input: QuantityPricingByVariantUpdateInput!) {{
  quantityPricingByVariantUpdate(priceListId: $id, input: $input) {{ productVariants {{ id }} {_ERRORS} }}
}}"""
RULES = f"""mutation Rules($id: ID!, $rules: [QuantityRuleInput!]!) {{
  quantityRulesAdd(priceListId: $id, quantityRules: $rules) {{
    quantityRules {{ minimum maximum increment productVariant {{ id }} }} {_ERRORS} }}
}}"""
RULES_DELETE = f"""mutation RulesDelete($id: ID!, $ids: [ID!]!) {{
  quantityRulesDelete(priceListId: $id, variantIds: $ids) {{ deletedQuantityRulesVariantIds {_ERRORS} }}
}}"""
CATALOG = f"""mutation Catalog($input: CatalogCreateInput!) {{
  catalogCreate(input: $input) {{ catalog {{ __typename id title status priceList {{ id }} }} {_ERRORS} }}
}}"""
CONTEXT = f"""mutation Context($id: ID!, $add: CatalogContextInput, $remove: CatalogContextInput) {{
  catalogContextUpdate(catalogId: $id, contextsToAdd: $add, contextsToRemove: $remove) {{
    catalog {{ ... on CompanyLocationCatalog {{ companyLocations(first: 9) {{ nodes {{ id }} }} }} }} {_ERRORS} }}
}}"""
READ = """query Read($id: ID!, $query: String, $type: PriceListPriceOriginType) {
  priceList(id: $id) {
    fixedPricesCount
    prices(first: 250, originType: $type, query: $query) { nodes {
      variant { id } price { amount currencyCode } compareAtPrice { amount } originType
      quantityPriceBreaks(first: 9) { nodes { id minimumQuantity price { amount } } } } }
    quantityRules(first: 9, originType: FIXED) { nodes { minimum maximum increment productVariant { id } } }
  }
}"""
NOTHING: dict[str, list] = {
    "pricesToAdd": [],
    "pricesToDeleteByVariantId": [],
    "quantityRulesToAdd": [],
    "quantityRulesToDeleteByVariantId": [],
    "quantityPriceBreaksToAdd": [],
    "quantityPriceBreaksToDelete": [],
}


@pytest.fixture
async def client(wire: None):
    async with running_client() as client:
        await client.sim("PATCH", "app", {"scopes": ["write_products", "read_markets", "read_customers"]})
        yield client


def money(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "currencyCode": currency}


def price(variant: str, amount: str, currency: str = "EUR", **more: Any) -> dict[str, Any]:
    return {"variantId": variant, "price": money(amount, currency), **more}


def of_list(name: str = "Trade", **more: Any) -> dict[str, Any]:
    parent = {"adjustment": {"type": "PERCENTAGE_DECREASE", "value": 0}, "settings": {"compareAtMode": "NULLIFY"}}
    return {"name": name, "currency": "EUR", "parent": parent, **more}


async def create(client: Client, **more: Any) -> str:
    payload = (await client.data(CREATE, {"input": of_list(**more)}))["priceListCreate"]
    assert told(payload) == []
    return payload["priceList"]["id"]


async def catalog(client: Client, price_list: str | None = None, *locations: str, **more: Any) -> dict[str, Any]:
    context = {"companyLocationIds": list(locations or (UTRECHT,))}
    given = {"title": "Trade", "status": "ACTIVE", "context": context, "priceListId": price_list, **more}
    return (await client.data(CATALOG, {"input": given}))["catalogCreate"]


async def read(client: Client, price_list: str, **asked: Any) -> dict[str, Any]:
    found = (await client.data(READ, {"id": price_list, "type": "FIXED", **asked}))["priceList"]
    return {**found, "prices": found["prices"]["nodes"], "quantityRules": found["quantityRules"]["nodes"]}


async def pricing(client: Client, price_list: str, **lists: Any) -> dict[str, Any]:
    asked = {"id": price_list, "input": {**NOTHING, **lists}}
    return (await client.data(PRICING, asked))["quantityPricingByVariantUpdate"]


async def test_fixed_prices_are_added_changed_and_deleted(client: Client):
    trade = await create(client)
    rows = [price(TENT, "200", compareAtPrice=money("249")), price(BAG, "150"), price(BAG, "151.5")]
    payload = (await client.data(ADD, {"id": trade, "prices": rows}))["priceListFixedPricesAdd"]
    assert payload["prices"] == [
        {
            "variant": {"id": TENT},
            "price": money("200.0"),
            "compareAtPrice": {"amount": "249.0"},
            "originType": "FIXED",
        },
        {"variant": {"id": BAG}, "price": money("151.5"), "compareAtPrice": None, "originType": "FIXED"},
    ]
    asked = {"id": trade, "add": [price(TENT, "199")], "delete": [BAG]}
    payload = (await client.data(UPDATE, asked))["priceListFixedPricesUpdate"]
    assert payload == {
        "pricesAdded": [{"variant": {"id": TENT}}],
        "deletedFixedPriceVariantIds": [BAG],
        "userErrors": [],
    }
    (left,) = (await read(client, trade))["prices"]
    assert (left["price"]["amount"], left["compareAtPrice"]) == ("199.0", None)
    payload = (await client.data(DELETE, {"id": trade, "ids": [TENT]}))["priceListFixedPricesDelete"]
    assert payload["deletedFixedPriceVariantIds"] == [TENT]
    assert (await read(client, trade))["fixedPricesCount"] == 0


async def test_other_prices_follow_the_shops(client: Client):
    parent = {"adjustment": {"type": "PERCENTAGE_DECREASE", "value": 10}}
    trade = await create(client, parent=parent)
    await client.data(ADD, {"id": trade, "prices": [price(BAG, "150")]})
    found = await read(client, trade, type=None, query="product_id:81001 OR variant_id:91002")
    assert [(each["price"]["amount"], each["originType"]) for each in found["prices"]] == [
        ("224.1", "RELATIVE"),
        ("150.0", "FIXED"),
    ]
    danish = await create(client, name="Danish", currency="DKK")
    body = await client.graphql(READ, {"id": danish, "type": "RELATIVE"})
    assert body["errors"][0]["extensions"]["code"] == "NOT_SIMULATED"


CURRENCY = "The specified currency does not match the price list's currency."
NO_VARIANT = "Product variant ID does not exist."


@pytest.mark.parametrize(("document", "root", "name"), [(ADD, "Add", "prices"), (UPDATE, "Update", "pricesToAdd")])
async def test_fixed_prices_are_refused_all_together(client: Client, document: str, root: str, name: str):
    trade = await create(client)
    root = f"priceListFixedPrices{root}"
    rows = [price(NOBODY, "1"), price(TENT, "1", "DKK", compareAtPrice=money("2", "DKK")), price(BAG, "1")]
    asked = {"id": trade, "prices": rows} if document is ADD else {"id": trade, "add": rows, "delete": []}
    assert told((await client.data(document, asked))[root]) == [
        (f"{name}.0.variantId", NO_VARIANT, "VARIANT_NOT_FOUND"),
        (f"{name}.1.price.currencyCode", CURRENCY, "PRICE_LIST_CURRENCY_MISMATCH"),
        (f"{name}.1.compareAtPrice.currencyCode", CURRENCY, "PRICE_LIST_CURRENCY_MISMATCH"),
    ]
    assert (await read(client, trade))["prices"] == []
    asked["id"] = "gid://shopify/PriceList/1"
    missing = [("priceListId", "Price list does not exist.", "PRICE_LIST_NOT_FOUND")]
    assert told((await client.data(document, asked))[root]) == missing


async def test_only_fixed_prices_are_deleted(client: Client):
    trade = await create(client)
    payload = (await client.data(DELETE, {"id": trade, "ids": [TENT, NOBODY]}))["priceListFixedPricesDelete"]
    assert told(payload) == [
        ("variantIds.0", "Only fixed prices can be deleted.", "PRICE_NOT_FIXED"),
        ("variantIds.1", NO_VARIANT, "VARIANT_NOT_FOUND"),
    ]


async def test_prices_by_product(client: Client):
    prairie = client.at(PRAIRIE)
    trade = await create(prairie, currency="USD")
    tee, boot = "gid://shopify/Product/82001", "gid://shopify/Product/82002"

    async def change(**given: Any) -> list[tuple]:
        return told((await prairie.data(BY_PRODUCT, {"id": trade, **given}))["priceListFixedPricesByProductUpdate"])

    row = {"productId": tee, "price": money("20", "USD")}
    assert await change(add=[row]) == []
    assert [each["price"]["amount"] for each in (await read(prairie, trade))["prices"]] == ["20.0"] * 3
    assert await change(delete=[tee], add=[{**row, "productId": boot}]) == []
    assert (await read(prairie, trade))["fixedPricesCount"] == 2
    text = "No update operations are specified. `pricesToAdd` and `pricesToDeleteByProductIds` are empty."
    assert await change() == [(None, text, "NO_UPDATE_OPERATIONS_SPECIFIED")]
    text = "Duplicate ID exists in `pricesToAdd`."
    assert await change(add=[row, row]) == [("pricesToAdd", text, "DUPLICATE_ID_IN_INPUT")]
    text = "IDs specified in `pricesToAdd` and `pricesToDeleteByProductIds` must be mutually exclusive."
    assert await change(add=[row], delete=[tee]) == [(None, text, "ID_MUST_BE_MUTUALLY_EXCLUSIVE")]
    lost = "gid://shopify/Product/0"
    assert await change(delete=[lost]) == [
        (
            "pricesToDeleteByProductIds.0",
            f"Product {lost} in `pricesToDeleteByProductIds` does not exist.",
            "PRODUCT_DOES_NOT_EXIST",
        )
    ]
    text = (
        f"The currency specified in `pricesToAdd` for product ID {tee} does not match the price list's currency of USD."
    )
    wrong = {"productId": tee, "price": money("20")}
    assert await change(add=[wrong]) == [("pricesToAdd.0.price.currencyCode", text, "PRICES_TO_ADD_CURRENCY_MISMATCH")]


async def test_breaks_and_rules_of_a_variant(client: Client):
    trade = await create(client)
    assert told(await catalog(client, trade)) == []
    tiers = [{"variantId": TENT, "minimumQuantity": n, "price": money(p)} for n, p in ((10, "180"), (20, "170"))]
    rule = {"variantId": TENT, "minimum": 5, "maximum": 50, "increment": 5}
    payload = await pricing(
        client, trade, pricesToAdd=[price(TENT, "200")], quantityPriceBreaksToAdd=tiers, quantityRulesToAdd=[rule]
    )
    assert payload == {"productVariants": [{"id": TENT}], "userErrors": []}
    (found,) = (await read(client, trade))["prices"]
    assert [(each["minimumQuantity"], each["price"]["amount"]) for each in found["quantityPriceBreaks"]["nodes"]] == [
        (10, "180.0"),
        (20, "170.0"),
    ]
    assert (await read(client, trade))["quantityRules"] == [
        {"minimum": 5, "maximum": 50, "increment": 5, "productVariant": {"id": TENT}}
    ]
    first = found["quantityPriceBreaks"]["nodes"][0]["id"]
    again = {"variantId": TENT, "minimumQuantity": 20, "price": money("160")}
    await pricing(client, trade, quantityPriceBreaksToDelete=[first], quantityPriceBreaksToAdd=[again])
    (found,) = (await read(client, trade))["prices"]
    assert [each["price"]["amount"] for each in found["quantityPriceBreaks"]["nodes"]] == ["160.0"]
    await pricing(client, trade, quantityPriceBreaksToDeleteByVariantId=[TENT], quantityRulesToDeleteByVariantId=[TENT])
    left = await read(client, trade)
    assert (left["prices"][0]["quantityPriceBreaks"]["nodes"], left["quantityRules"]) == ([], [])


def broken(minimum: int, amount: str = "1", variant: str = TENT, currency: str = "EUR") -> dict[str, Any]:
    return {"variantId": variant, "minimumQuantity": minimum, "price": money(amount, currency)}


def rule(minimum: int, increment: int, maximum: int | None = None, variant: str = TENT) -> dict[str, Any]:
    return {"variantId": variant, "minimum": minimum, "increment": increment, "maximum": maximum}


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        (
            {"pricesToAdd": [price(TENT, "1"), price(TENT, "2")]},
            [
                (
                    f"input.pricesToAdd.{n}",
                    "Prices to add inputs must be unique by variant id.",
                    "PRICE_ADD_DUPLICATE_INPUT_FOR_VARIANT",
                )
                for n in (0, 1)
            ],
        ),
        (
            {"pricesToAdd": [price(NOBODY, "1")]},
            [("input.pricesToAdd.0", "Variant not found.", "PRICE_ADD_VARIANT_NOT_FOUND")],
        ),
        (
            {"pricesToAdd": [price(TENT, "1", "DKK")]},
            [("input.pricesToAdd.0", "Currency mismatch.", "PRICE_ADD_CURRENCY_MISMATCH")],
        ),
        (
            {"pricesToDeleteByVariantId": [NOBODY]},
            [("input.pricesToDeleteByVariantId.0", "Variant not found.", "PRICE_DELETE_VARIANT_NOT_FOUND")],
        ),
        (
            {"quantityPriceBreaksToAdd": [broken(10, variant=BAG)]},
            [
                (
                    "input.quantityPriceBreaksToAdd.0",
                    "Quantity price break's fixed price not found.",
                    "QUANTITY_PRICE_BREAK_ADD_PRICE_LIST_PRICE_NOT_FOUND",
                )
            ],
        ),
        (
            {"quantityPriceBreaksToAdd": [broken(n) for n in range(2, 13)]},
            [
                (
                    "input.quantityPriceBreaksToAdd.10",
                    "Exceeded the allowed number of quantity price breaks per variant.",
                    "QUANTITY_PRICE_BREAK_ADD_LIMIT_EXCEEDED",
                )
            ],
        ),
        (
            {"quantityPriceBreaksToAdd": [broken(7)], "quantityRulesToAdd": [rule(5, 5, 50)]},
            [
                (
                    "input.quantityPriceBreaksToAdd.0",
                    "Quantity price break miniumum is not multiple of the quantity rule increment.",
                    "QUANTITY_PRICE_BREAK_ADD_MIN_NOT_A_MULTIPLE_OF_QUANTITY_RULES_INCREMENT",
                )
            ],
        ),
        (
            {"quantityPriceBreaksToDelete": ["gid://shopify/QuantityPriceBreak/1"]},
            [
                (
                    "input.quantityPriceBreaksToDelete.0",
                    "Quantity price break not found.",
                    "QUANTITY_PRICE_BREAK_DELETE_NOT_FOUND",
                )
            ],
        ),
        (
            {"quantityRulesToAdd": [rule(2, 3)]},
            [
                (
                    "input.quantityRulesToAdd.0",
                    "Increment is greater than minimum",
                    "QUANTITY_RULE_ADD_INCREMENT_IS_GREATER_THAN_MINIMUM",
                )
            ],
        ),
        (
            {"quantityRulesToAdd": [rule(6, 4, 9)]},
            [
                (
                    "input.quantityRulesToAdd.0",
                    "minimum is not a multiple of increment",
                    "QUANTITY_RULE_ADD_MINIMUM_NOT_A_MULTIPLE_OF_INCREMENT",
                ),
                (
                    "input.quantityRulesToAdd.0",
                    "Maximum is not a multiple of increment",
                    "QUANTITY_RULE_ADD_MAXIMUM_NOT_A_MULTIPLE_OF_INCREMENT",
                ),
            ],
        ),
    ],
)
async def test_quantity_pricing_is_refused_as_a_whole(client: Client, lists: dict[str, Any], expected: list[tuple]):
    trade = await create(client)
    await catalog(client, trade)
    await pricing(client, trade, pricesToAdd=[price(TENT, "200")])
    before = await read(client, trade)
    payload = await pricing(client, trade, **lists)
    assert (payload["productVariants"], told(payload)) == (None, expected)
    assert await read(client, trade) == before


async def test_a_market_has_no_quantity_rules(client: Client):
    danish = await create(client, name="Danish", currency="DKK")
    made = await catalog(client, danish, context={"marketIds": [DENMARK]})
    assert made["catalog"]["__typename"] == "MarketCatalog"
    payload = await pricing(client, danish, quantityRulesToAdd=[rule(1, 1)])
    text, code = "Catalog context not supported", "QUANTITY_RULE_ADD_CATALOG_CONTEXT_NOT_SUPPORTED"
    assert told(payload) == [("input.quantityRulesToAdd.0", text, code)]


async def test_quantity_rules_by_themselves(client: Client):
    trade = await create(client)
    await catalog(client, trade)
    await pricing(client, trade, pricesToAdd=[price(TENT, "200")], quantityPriceBreaksToAdd=[broken(20)])

    async def add(*rules: dict[str, Any]) -> list[tuple]:
        return told((await client.data(RULES, {"id": trade, "rules": list(rules)}))["quantityRulesAdd"])

    at = "quantityRules.0"
    assert await add(rule(0, 1)) == [
        (f"{at}.minimum", "Minimum must be greater than or equal to one.", "GREATER_THAN_OR_EQUAL_TO")
    ]
    assert await add(rule(2, 3)) == [
        (
            f"{at}.increment",
            "Increment must be lower than or equal to the minimum.",
            "INCREMENT_IS_GREATER_THAN_MINIMUM",
        ),
        (f"{at}.minimum", "Minimum must be a multiple of the increment.", "MINIMUM_NOT_MULTIPLE_OF_INCREMENT"),
    ]
    text = (
        "Maximum must be greater than or equal to all quantity price break minimums associated with this variant "
        "in the specified price list."
    )
    code = "MAXIMUM_IS_LOWER_THAN_QUANTITY_PRICE_BREAK_MINIMUM"
    assert await add(rule(1, 1, 10)) == [(f"{at}.maximum", text, code)]
    twice = "Quantity rule inputs must be unique by variant id."
    assert await add(rule(1, 1), rule(2, 1)) == [
        (f"quantityRules.{n}.variantId", twice, "DUPLICATE_INPUT_FOR_VARIANT") for n in (0, 1)
    ]
    assert await add(rule(1, 1, variant=NOBODY)) == [(f"{at}.variantId", NO_VARIANT, "PRODUCT_VARIANT_DOES_NOT_EXIST")]
    assert await add(rule(5, 5)) == []
    gone = (await client.data(RULES_DELETE, {"id": trade, "ids": [TENT]}))["quantityRulesDelete"]
    assert gone["deletedQuantityRulesVariantIds"] == [TENT]
    again = (await client.data(RULES_DELETE, {"id": trade, "ids": [TENT]}))["quantityRulesDelete"]
    text = "Quantity rule for variant associated with the price list provided does not exist."
    assert told(again) == [("variantIds.0", text, "VARIANT_QUANTITY_RULE_DOES_NOT_EXIST")]


async def test_price_lists_are_refused(client: Client):
    trade = await create(client)
    made = (await catalog(client, trade))["catalog"]["id"]

    async def refused(**more: Any) -> list[tuple]:
        return told((await client.data(CREATE, {"input": of_list(**more)}))["priceListCreate"])

    assert await refused(name=" ") == [("input.name", "Name can't be blank", "BLANK")]
    assert await refused() == [("input.name", "Name has already been taken", "TAKEN")]
    text = "Name is too long (maximum is 255 characters)"
    assert await refused(name="x" * 256) == [("input.name", text, "TOO_LONG")]
    ((path, _, code),) = await refused(name="x", parent={"adjustment": {"type": "PERCENTAGE_DECREASE", "value": 101}})
    assert (path, code) == ("input.parent.adjustment.value", "INVALID_ADJUSTMENT_VALUE")
    text = "Catalog has a price list already assigned."
    assert await refused(name="x", catalogId=made) == [("input.catalogId", text, "CATALOG_TAKEN")]
    lost = "gid://shopify/CompanyLocationCatalog/1"
    assert await refused(name="x", catalogId=lost) == [
        ("input.catalogId", "Catalog does not exist.", "CATALOG_DOES_NOT_EXIST")
    ]
    missing = await client.data(CHANGE, {"id": "gid://shopify/PriceList/1", "input": {"name": "x"}})
    assert told(missing["priceListUpdate"]) == [("id", "Price list does not exist.", "PRICE_LIST_NOT_FOUND")]


async def test_another_currency_clears_a_list(client: Client):
    trade = await create(client)
    await client.data(ADD, {"id": trade, "prices": [price(TENT, "200")]})
    payload = (await client.data(CHANGE, {"id": trade, "input": {"name": "B", "currency": "DKK"}}))["priceListUpdate"]
    assert payload["priceList"] == {"name": "B", "currency": "DKK", "fixedPricesCount": 0}


async def test_catalogs_are_refused(client: Client):
    trade = await create(client)
    assert told(await catalog(client, trade)) == []
    assert told(await catalog(client, title="")) == [("input.title", "Title can't be blank", "BLANK")]
    text = "Price list has already been taken"
    assert told(await catalog(client, trade)) == [("input.priceListId", text, "TAKEN")]
    lost = "gid://shopify/PriceList/1"
    assert told(await catalog(client, lost)) == [("input.priceListId", "Price list not found.", "PRICE_LIST_NOT_FOUND")]
    one = ("input.context", "Must provide exactly one context type.", "MUST_PROVIDE_EXACTLY_ONE_CONTEXT_TYPE")
    both = {"companyLocationIds": [UTRECHT], "marketIds": [DENMARK]}
    assert told(await catalog(client, context={})) == told(await catalog(client, context=both)) == [one]
    nowhere = {"marketIds": ["gid://shopify/Market/1"]}
    assert told(await catalog(client, context=nowhere)) == [
        ("input.context.marketIds.0", "Market not found.", "MARKET_NOT_FOUND")
    ]
    await client.sim("PATCH", "plan", {"most_b2b_catalogs": 1})
    ((_, text, code),) = told(await catalog(client))
    assert (text, code) == (
        "You've reached the maximum number of B2B catalogs allowed for your plan.",
        "B2B_CATALOG_LIMIT_REACHED",
    )
    asked = await client.data("{ shop { entitlements { markets { b2b { enabled catalogs { enabled limit } } } } } }")
    assert asked["shop"]["entitlements"]["markets"]["b2b"]["catalogs"] == {"enabled": True, "limit": 1}


async def test_locations_come_and_go(client: Client):
    made = (await catalog(client))["catalog"]["id"]

    async def change(**given: Any) -> dict[str, Any]:
        return (await client.data(CONTEXT, {"id": made, **given}))["catalogContextUpdate"]

    payload = await change(add={"companyLocationIds": [AARHUS]}, remove={"companyLocationIds": [UTRECHT]})
    assert payload["catalog"] == {"companyLocations": {"nodes": [{"id": AARHUS}]}}
    text = "Must have `contexts_to_add` or `contexts_to_remove` argument."
    assert told(await change()) == [("contextsToAdd", text, "REQUIRES_CONTEXTS_TO_ADD_OR_REMOVE")]
    lost = {"companyLocationIds": ["gid://shopify/CompanyLocation/1"]}
    text = "A company location within the catalog does not exist."
    for argument, name in (("add", "contextsToAdd"), ("remove", "contextsToRemove")):
        path = f"{name}.companyLocationIds.0"
        assert told(await change(**{argument: lost})) == [(path, text, "COMPANY_LOCATION_NOT_FOUND")]
    assert [code for *_, code in told(await change(add={"marketIds": [DENMARK]}))] == ["CONTEXT_DRIVER_MISMATCH"]
    payload = await client.data(CONTEXT, {"id": "gid://shopify/MarketCatalog/1", "add": lost})
    assert told(payload["catalogContextUpdate"]) == [("catalogId", "Catalog does not exist", "CATALOG_NOT_FOUND")]


async def test_who_has_prices_is_read(client: Client):
    added = await client.sim("POST", "company_locations", {"company": "Nord", "name": "N", "currency": "EUR"}, 201)
    made = (await catalog(client))["catalog"]["id"]
    found = await client.data(
        """{ companyLocations(first: 9) { nodes { id company { name } catalogs(first: 9) { nodes { id } } } }
             markets(first: 9) { nodes { name primary currencySettings { baseCurrency { currencyCode } } } }
             catalogs(first: 9, type: COMPANY_LOCATION, query: "company_location_id:77001001") { nodes { id } }
             priceLists(first: 9) { nodes { id } } }"""
    )
    nodes = found["companyLocations"]["nodes"]
    assert [(each["company"]["name"], each["catalogs"]["nodes"]) for each in nodes] == [
        ("Alpine Guides", [{"id": made}]),
        ("Alpine Guides", []),
        ("Nord", []),
    ]
    assert nodes[2]["id"] == f"gid://shopify/CompanyLocation/{added['id']}"
    assert [(each["name"], each["primary"]) for each in found["markets"]["nodes"]] == [
        ("Denmark", False),
        ("Netherlands", True),
    ]
    assert (found["catalogs"]["nodes"], found["priceLists"]["nodes"]) == ([{"id": made}], [])
