"""Global ids: the GraphQL form of a resource's number."""


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


#: The app that calls the Admin API. Its namespace of metafields has the same number.
APP_ID = 284957184001
