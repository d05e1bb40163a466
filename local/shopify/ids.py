"""Global ids: the GraphQL form of a resource's number."""


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"
