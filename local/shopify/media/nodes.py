"""A picture as a GraphQL object: a file, and the media of products."""

from typing import Any

from local.shopify.ids import gid
from local.shopify.media_records import Picture
from local.shopify.nodes import Connection, Node, Request, connect, utc


class PictureNode(Node):
    typename = "MediaImage"

    def __init__(self, request: Request, picture: Picture) -> None:
        super().__init__(request)
        status = picture.status(request.shop.clock())
        self._picture = picture
        self.id = gid("MediaImage", picture.id)
        self.alt = picture.alt
        self.media_content_type = "IMAGE"
        self.mime_type = picture.mime_type
        self.status = self.file_status = status
        self.created_at = utc(picture.created_at)
        self.updated_at = utc(picture.updated_at)
        failed = status == "FAILED" and picture.error
        errors = [{"code": failed[0], "message": failed[1], "details": None}] if failed else []
        self.file_errors = self.media_errors = errors
        self.media_warnings: list[Any] = []
        self.image = self._image() if status == "READY" else None
        self.preview = {"status": status, "image": self.image}

    def _image(self) -> dict[str, Any]:
        number, stamp = self.shop.seed.id, int(self._picture.updated_at.timestamp())
        return {
            "__typename": "Image",
            "id": gid("ImageSource", self._picture.id),
            "altText": self._picture.alt,
            "url": f"https://cdn.shopify.com/s/files/1/{number}/files/{self._picture.file_name}?v={stamp}",
        }


def pictures(request: Request, ids: list[int], window: dict[str, Any]) -> Connection:
    """A product's or a variant's media, in their order."""
    rows = [(position, request.shop.pictures[number]) for position, number in enumerate(ids, 1)]
    return connect(request, rows, lambda row: PictureNode(request, row[1]), lambda row: (row[0], row[1].id), **window)
