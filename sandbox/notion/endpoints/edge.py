"""What stands before Notion: an edge that marks every answer and may refuse a request by itself."""

import secrets

from sandbox.faults import Fault

_PAGE = (
    "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head><body>"
    "<h1>Sorry, you have been blocked</h1><h2>You are unable to access notion.com</h2>"
    "<p>Cloudflare Ray ID: <strong>{ray}</strong></p></body></html>"
)


def ray_id() -> str:
    """A new name of a request at the edge."""
    return f"{secrets.token_hex(8)}-FRA"


def block(*, path: str, times: int | None) -> Fault:
    """Return the fault that answers requests for `path` as the edge does when it refuses them."""
    # Source: makenotion/notion-sdk-js PR 751 and makenotion/notion-mcp-server issue 252: HTML 403 of Cloudflare with
    # `cf-ray` and without `x-notion-request-id`.
    ray = ray_id()
    headers = {"cf-ray": ray, "server": "cloudflare", "Content-Type": "text/html; charset=UTF-8"}
    body = _PAGE.format(ray=ray.partition("-")[0])
    return Fault(path=path, times=times, status=403, headers=headers, body=body, name="edge block")
