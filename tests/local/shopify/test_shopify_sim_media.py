"""Pictures: uploaded, processed, failed, and attached to products and variants."""

import io
from typing import Any

import aiohttp
import pytest
from fixtures.shop_catalogue import SET, coat, make, number, put, read, told, variant
from fixtures.shopify_sim import Client, running_client

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
STAGE = """mutation Stage($input: [StagedUploadInput!]!) {
  stagedUploadsCreate(input: $input) {
    stagedTargets { url resourceUrl parameters { name value } } userErrors { field message } }
}"""
_FILE = """id alt fileStatus fileErrors { code message }
    ... on MediaImage { status mimeType mediaErrors { code } image { url altText } }"""
CREATE = f"""mutation Create($files: [FileCreateInput!]!) {{
  fileCreate(files: $files) {{ files {{ {_FILE} }} userErrors {{ field message code }} }}
}}"""
UPDATE = f"""mutation Update($files: [FileUpdateInput!]!) {{
  fileUpdate(files: $files) {{ files {{ {_FILE} }} userErrors {{ field message code }} }}
}}"""
ADD = """mutation Add($product: ProductUpdateInput!, $media: [CreateMediaInput!]) {
  productUpdate(product: $product, media: $media) {
    product { media(first: 9) { nodes { id alt status } } } userErrors { field message } }
}"""
APPEND = """mutation Append($id: ID!, $media: [ProductVariantAppendMediaInput!]!) {
  productVariantAppendMedia(productId: $id, variantMedia: $media) {
    productVariants { media(first: 2) { nodes { id } } } userErrors { field message code } }
}"""
SHOWN = """query Shown($id: ID!) { product(id: $id) { updatedAt mediaCount { count } featuredMedia { id }
  media(first: 9) { nodes { id status ... on MediaImage { image { url } } } }
  variants(first: 9) { nodes { media(first: 2) { nodes { id } } } } } }"""
FILES = "query Files($query: String) { files(first: 9, query: $query) { nodes { id } } }"


@pytest.fixture
async def client(wire: None):
    async with running_client() as client:
        yield client


async def stage(client: Client, **wishes: Any) -> dict[str, Any]:
    given = {"resource": "IMAGE", "filename": "coat.png", "mimeType": "image/png", **wishes}
    payload = (await client.data(STAGE, {"input": [given]}))["stagedUploadsCreate"]
    assert payload["userErrors"] == []
    return payload["stagedTargets"][0]


async def upload(client: Client, content: bytes = PNG, **wishes: Any) -> str:
    """What a picture is made of, at its address."""
    target = await stage(client, **wishes)
    kind = {each["name"]: each["value"] for each in target["parameters"]}["content_type"]
    async with client.http.put(target["url"], data=io.BytesIO(content), headers={"Content-Type": kind}) as response:
        assert response.status == 200
    return target["resourceUrl"]


async def create(client: Client, source: str, **wishes: Any) -> dict[str, Any]:
    payload = (await client.data(CREATE, {"files": [{"originalSource": source, **wishes}]}))["fileCreate"]
    assert told(payload) == []
    return payload["files"][0]


async def shown(client: Client, product: str) -> dict[str, Any]:
    return (await client.data(SHOWN, {"id": product}))["product"]


async def test_an_upload_is_processed_and_ready_later(client: Client):
    made = await create(client, await upload(client), alt="Coat", filename="c.png")
    assert (made["fileStatus"], made["image"], made["mimeType"]) == ("UPLOADED", None, "image/png")
    ask = f"query F($id: ID!) {{ node(id: $id) {{ ... on File {{ {_FILE} }} }} }}"
    client.clock.advance(1)
    assert (await client.data(ask, {"id": made["id"]}))["node"]["fileStatus"] == "PROCESSING"
    client.clock.advance(1)
    ready = (await client.data(ask, {"id": made["id"]}))["node"]
    assert (ready["fileStatus"], ready["status"], ready["image"]["altText"]) == ("READY", "READY", "Coat")
    assert "/files/c.png?v=" in ready["image"]["url"]
    (row,) = await client.sim("GET", "files")
    assert (row["file_name"], row["status"], len(row["sha256"])) == ("c.png", "READY", 64)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"not a picture", "IMAGE_PROCESSING_FAILURE"),
        (b"\xff\xd8\xff\xe0", "UNSUPPORTED_IMAGE_FILE_TYPE"),
        (PNG + b"\0" * 20 * 1024 * 1024, "INVALID_IMAGE_FILE_SIZE"),
        (None, "IMAGE_DOWNLOAD_FAILURE"),
    ],
)
async def test_what_is_no_picture_fails(client: Client, content: bytes | None, code: str):
    source = (await stage(client))["resourceUrl"] if content is None else await upload(client, content)
    made = await create(client, source)
    assert made["fileErrors"] == []
    await client.sim("POST", "files/process", {})
    ask = f"query F($id: ID!) {{ node(id: $id) {{ ... on File {{ {_FILE} }} }} }}"
    failed = (await client.data(ask, {"id": made["id"]}))["node"]
    assert (failed["fileStatus"], failed["image"], failed["fileErrors"][0]["code"]) == ("FAILED", None, code)
    assert failed["mediaErrors"] == [{"code": code}]


async def test_targets_have_the_recorded_parameters(client: Client):
    put_target = await stage(client)
    assert [each["name"] for each in put_target["parameters"]] == ["content_type", "acl"]
    form = await stage(client, httpMethod="POST")
    assert [each["name"] for each in form["parameters"]] == [
        "Content-Type",
        "success_action_status",
        "acl",
        "key",
        "x-goog-date",
        "x-goog-credential",
        "x-goog-algorithm",
        "x-goog-signature",
        "policy",
    ]
    data = aiohttp.FormData()
    for each in form["parameters"]:
        data.add_field(each["name"], each["value"])
    data.add_field("file", PNG, filename="coat.png")
    async with client.http.post(form["url"], data=data) as response:
        text = await response.text()
        key = {each["name"]: each["value"] for each in form["parameters"]}["key"]
        assert (response.status, key in text) == (201, True)
    async with client.http.put(put_target["url"], data=PNG, headers={"Content-Type": "image/gif"}) as response:
        assert (response.status, "SignatureDoesNotMatch" in await response.text()) == (403, True)
    async with client.http.put(f"{put_target['url']}x", data=PNG, headers={"Content-Type": "image/png"}) as response:
        assert response.status == 403
    given = {"resource": "IMAGE", "filename": "a.exe", "mimeType": "application/x-msdownload"}
    payload = (await client.data(STAGE, {"input": [given]}))["stagedUploadsCreate"]
    text = "a.exe: (application/x-msdownload) is not a recognized format"
    assert told(payload) == [("input.0.mimeType", text)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"originalSource": "not a url"},
            ("files.0.originalSource", "File URL is invalid", "INVALID_IMAGE_SOURCE_URL"),
        ),
        (
            {"filename": "a.gif"},
            (
                "files.0.filename",
                "Provided filename extension must match original source.",
                "MISMATCHED_FILENAME_AND_ORIGINAL_SOURCE",
            ),
        ),
        (
            {"duplicateResolutionMode": "REPLACE"},
            (
                "files.0.filename",
                "Missing filename argument when attempting to use REPLACE duplicate mode.",
                "MISSING_FILENAME_FOR_DUPLICATE_MODE_REPLACE",
            ),
        ),
        (
            {"alt": "x" * 513},
            (
                "files.0.alt",
                "The alt value exceeds the maximum limit of 512 characters.",
                "ALT_VALUE_LIMIT_EXCEEDED",
            ),
        ),
    ],
)
async def test_a_file_is_refused(client: Client, given: dict[str, Any], expected: tuple):
    row = {"originalSource": "https://pictures.example/a.png", **given}
    assert told((await client.data(CREATE, {"files": [row]}))["fileCreate"]) == [expected]
    assert await client.sim("GET", "files") == []


async def test_the_length_of_a_source_is_a_top_level_error(client: Client):
    for source, text in (
        ("", "too short (minimum is 1)"),
        ("https://x.example/" + "x" * 2048, "too long (maximum is 2048)"),
    ):
        body = await client.graphql(CREATE, {"files": [{"originalSource": source}]})
        assert body["errors"][0]["message"] == f"originalSource is {text}"
        assert body["errors"][0]["extensions"]["code"] == "INVALID_FIELD_ARGUMENTS"


async def test_a_ready_file_is_attached_and_detached(client: Client):
    product = await make(client)
    made = await create(client, await upload(client))

    async def change(**given: Any) -> list[tuple]:
        row = {"id": made["id"], **given}
        return told((await client.data(UPDATE, {"files": [row]}))["fileUpdate"])

    not_ready = ("files", "Non-ready files cannot be updated.", "NON_READY_STATE")
    assert await change(referencesToAdd=[product["id"]]) == [not_ready]
    client.clock.advance(5)
    assert await change(referencesToAdd=[product["id"]], alt="New") == []
    found = await shown(client, product["id"])
    assert [each["id"] for each in found["media"]["nodes"]] == [made["id"]]
    assert (found["featuredMedia"]["id"], found["updatedAt"] > product["updatedAt"]) == (made["id"], True)
    lost = ("files", "The reference target does not exist", "REFERENCE_TARGET_DOES_NOT_EXIST")
    assert await change(referencesToAdd=["gid://shopify/Product/1"]) == [lost]
    assert await change(filename="x.gif") == [
        ("files", "The filename extension provided must match the original filename.", "INVALID_FILENAME_EXTENSION")
    ]
    both = "Cannot update the preview image and image at the same time because they are one and the same."
    source = "https://x.example/a.png"
    assert await change(originalSource=source, previewImageSource=source) == [
        ("files.0.originalSource", both, "INVALID"),
        ("files.0.previewImageSource", both, "INVALID"),
    ]
    assert await change(referencesToRemove=[product["id"]]) == []
    assert (await shown(client, product["id"]))["mediaCount"] == {"count": 0}
    assert (await client.data(FILES, {"query": "filename:coat.png"}))["files"]["nodes"] == [{"id": made["id"]}]
    absent = [{"id": "gid://shopify/MediaImage/1"}, {"id": "gid://shopify/MediaImage/2"}]
    payload = (await client.data(UPDATE, {"files": absent}))["fileUpdate"]
    text = 'File ids ["gid://shopify/MediaImage/1", "gid://shopify/MediaImage/2"] do not exist.'
    assert told(payload) == [("files", text, "FILE_DOES_NOT_EXIST")]
    await client.sim("PATCH", "app", {"scopes": ["write_files"]})
    await client.log_in()
    body = await client.graphql(UPDATE, {"files": [{"id": made["id"], "referencesToAdd": [product["id"]]}]})
    assert body["errors"][0]["message"] == "Access denied: Missing permission to manage products."


async def test_pictures_are_added_to_a_product(client: Client):
    product = await make(client)
    staff = await client.sim("POST", f"products/{number(product['id'])}/media", {"alt": "Staff"}, 201)
    row = {"mediaContentType": "IMAGE", "originalSource": await upload(client), "alt": "Ours"}
    payload = (await client.data(ADD, {"product": {"id": product["id"]}, "media": [row]}))["productUpdate"]
    first, second = payload["product"]["media"]["nodes"]
    assert (first["id"], first["status"]) == (f"gid://shopify/MediaImage/{staff['id']}", "READY")
    assert (second["alt"], second["status"]) == ("Ours", "UPLOADED")
    wrong = {**row, "originalSource": "nowhere"}
    payload = (await client.data(ADD, {"product": {"id": product["id"]}, "media": [wrong]}))["productUpdate"]
    assert told(payload) == [("media.0.originalSource", "Image URL is invalid")]


async def test_product_set_detaches_what_it_does_not_list(client: Client):
    source = await upload(client)
    files = [{"originalSource": source, "alt": "Red"}, {"originalSource": await upload(client), "filename": "b.png"}]
    rows = [variant("Red", "M", file={"originalSource": source}), variant("Blue", "M")]
    product = await make(client, coat(files=files, variants=rows))
    found = await shown(client, product["id"])
    one, two = (each["id"] for each in found["media"]["nodes"])
    assert [each["media"]["nodes"] for each in found["variants"]["nodes"]] == [[{"id": one}], []]
    await put(client, {"files": [{"id": two}]}, {"id": product["id"]})
    found = await shown(client, product["id"])
    assert [each["id"] for each in found["media"]["nodes"]] == [two]
    assert [each["media"]["nodes"] for each in found["variants"]["nodes"]] == [[], []]
    wrong = (await put(client, {"files": [{"originalSource": "x"}]}, {"id": product["id"]}))["userErrors"]
    assert wrong == [
        {"field": ["input", "files", "0", "originalSource"], "message": "File URL is invalid", "code": "INVALID_INPUT"}
    ]
    elsewhere = coat(title="B", variants=[variant("Red", "M", file={"id": one})], files=[{"id": two}])
    body = await client.graphql(SET, {"input": elsewhere, "now": True})
    assert body["errors"][0]["extensions"]["code"] == "NOT_SIMULATED"


async def test_a_variant_gets_a_ready_picture_of_its_product(client: Client):
    product = await make(client)
    red, blue = (each["id"] for each in product["variants"]["nodes"])
    picture = await client.sim("POST", f"products/{number(product['id'])}/media", {}, 201)
    ready = f"gid://shopify/MediaImage/{picture['id']}"
    row = {"mediaContentType": "IMAGE", "originalSource": await upload(client)}
    payload = (await client.data(ADD, {"product": {"id": product["id"]}, "media": [row]}))["productUpdate"]
    fresh = payload["product"]["media"]["nodes"][1]["id"]

    async def append(*pairs: tuple[str, list[str]]) -> list[tuple]:
        media = [{"variantId": each, "mediaIds": ids} for each, ids in pairs]
        return told((await client.data(APPEND, {"id": product["id"], "media": media}))["productVariantAppendMedia"])

    at = "variantMedia.0"
    assert await append((red, [])) == [(f"{at}.mediaIds", "The mediaIds list cannot be empty.", "BLANK")]
    assert [code for *_, code in await append((red, [ready, fresh]))] == ["TOO_MANY_MEDIA_PER_INPUT_PAIR"]
    assert [code for *_, code in await append((red, [fresh]))] == ["NON_READY_MEDIA"]
    assert [code for *_, code in await append((red, ["gid://shopify/MediaImage/1"]))] == [
        "MEDIA_DOES_NOT_EXIST_ON_PRODUCT"
    ]
    strange = "gid://shopify/ProductVariant/91001"
    assert [code for *_, code in await append((strange, [ready]))] == ["PRODUCT_VARIANT_DOES_NOT_EXIST_ON_PRODUCT"]
    assert [code for *_, code in await append((red, [ready]), (red, [ready]))] == [
        "PRODUCT_VARIANT_SPECIFIED_MULTIPLE_TIMES"
    ]
    assert await append((red, [ready]), (blue, [ready])) == []
    assert await append((red, [ready])) == [
        (f"{at}.variantId", "The given variant already has attached media.", "PRODUCT_VARIANT_ALREADY_HAS_MEDIA")
    ]
    assert (await read(client, product["id"]))["id"] == product["id"]
