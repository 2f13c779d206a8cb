"""What every API route begins with: who calls, in which version, with what body."""

import json
from typing import Any

from flask import g, request

from sandbox.notion import checks
from sandbox.notion.checks import Check
from sandbox.notion.errors import NotionError, failed, unauthorized, validation
from sandbox.notion.state.app_state import AppState, state
from sandbox.notion.state.session import LATEST_VERSION, VERSIONS, Session
from sandbox.notion.state.store import Json

# Source: developers.notion.com/reference/request-limits: 500 KB and 1,000 blocks a request.
# Assumed: 500 KB are 500,000 bytes. If wrong: nothing, a request that fits is smaller. Check: none.
LARGEST_BODY_BYTES = 500_000
# Source: developers.notion.com/reference/intro, Pagination: at most 100 a page.
_page_size = checks.integer(least=1, most=100)
paging: dict[str, Check] = {"start_cursor": checks.identifier, "page_size": _page_size}
"""The optional keys of a body that asks for one page of a list."""


def session() -> Session:
    """The bot whose token came with the request.

    Raises `unauthorized`, `missing_version` or, where a limit is set, `rate_limited`.
    """
    parts = state()
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    row = parts.store.row(
        "SELECT bots.id, bots.workspace_id FROM tokens JOIN bots ON bots.id = tokens.bot_id"
        " WHERE access_token=? AND state='active'",
        token.strip(),
    )
    # Source: developers.notion.com/reference/authentication: a bearer token and the header `Notion-Version` in every
    # request.
    if scheme.lower() != "bearer" or row is None:
        raise unauthorized()
    version = _version()
    parts.rate.spend(row["id"])
    g.session = made(parts, workspace_id=row["workspace_id"], actor_id=row["id"], is_bot=True, version=version)
    return g.session  # type: ignore[no-any-return]


def made(parts: AppState, *, workspace_id: str, actor_id: str, is_bot: bool, version: str = LATEST_VERSION) -> Session:
    """A caller's session in this app."""
    return Session(
        store=parts.store,
        clock=parts.clock,
        workspace_id=workspace_id,
        actor_id=actor_id,
        is_bot=is_bot,
        base_url=request.host_url.rstrip("/"),
        version=version,
        exact_times=parts.exact_times,
        query_limit=parts.query_limit,
    )


def body(check: Check) -> Json:
    """The request's JSON, which fits `check`. An empty body is `{}`; `archived` is read as the older version does.

    Raises `invalid_json`, or a validation error, also for a body over 500 KB.
    """
    raw = request.get_data()
    if len(raw) > LARGEST_BODY_BYTES:
        raise validation(f"body failed validation: body size should be ≤ `{LARGEST_BODY_BYTES}` bytes.")
    parsed = _parsed(raw)
    if not isinstance(parsed, dict):
        raise failed("body", "an object", parsed)
    # Source: developers.notion.com/reference/changes-by-version, 2026-03-11: `archived` became `in_trash`.
    if _version() != LATEST_VERSION and "archived" in parsed:
        parsed["in_trash"] = parsed.pop("archived")
    check(parsed, "body")
    return parsed


def page_asked() -> tuple[str | None, int | None]:
    """`start_cursor` and `page_size` of a GET request."""
    cursor, size = request.args.get("start_cursor"), request.args.get("page_size")
    if cursor is not None:
        checks.identifier(cursor, "query.start_cursor")
    if size is None:
        return cursor, None
    if not size.isdecimal():
        raise failed("query.page_size", "a number", size)
    _page_size(int(size), "query.page_size")
    return cursor, int(size)


def _parsed(raw: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        parsed = json.loads(raw, parse_constant=refuse) if raw.strip() else {}
        json.dumps(parsed, ensure_ascii=False).encode()  # half a surrogate pair is no text
        return parsed
    except (ValueError, RecursionError) as error:
        # Source: developers.notion.com/reference/status-codes: 400 invalid_json.
        raise NotionError(400, "invalid_json", "Error parsing JSON body.") from error


def _version() -> str:
    # Source: developers.notion.com/reference/versioning; developers.notion.com/reference/status-codes: 400
    # missing_version.
    version = request.headers.get("Notion-Version")
    said = "Notion-Version header failed validation: Notion-Version header should be"
    if version is None:
        raise NotionError(400, "missing_version", f"{said} defined, instead was `undefined`.")
    if version not in VERSIONS:
        known = " or ".join(f'`"{each}"`' for each in VERSIONS)
        raise validation(f'{said} {known}, instead was `"{version}"`.')
    return version
