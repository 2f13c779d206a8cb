"""Rows of a connection that shared tables name: what a site was asked for, and which rows failed there."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from svp_dagster.models import JsonObject
from svp_dagster.store.addresses import Address, SiteRequest
from svp_dagster.store.tables import AddressRow, LinkEntryRow, PlatformRow


def mentions(session: Session, connection_id: str) -> JsonObject:
    """Return where the connection's rows are named, by table."""
    entries = select(LinkEntryRow.page_id).where(LinkEntryRow.connection_id == connection_id)
    page_ids = set(session.scalars(entries))
    addresses = [Address.model_validate(row.state) for row in session.scalars(select(AddressRow))]
    requests = [request for address in addresses for request in address.requests]
    failing = {row.name: sorted(page_ids.intersection(row.failing)) for row in session.scalars(select(PlatformRow))}
    return {
        "addresses": [each.model_dump(mode="json") for each in requests if each.connection_id == connection_id],
        "platforms": [{"name": name, "failing": rows} for name, rows in failing.items() if rows],
    }


def forget_mentions(session: Session, connection_id: str, page_ids: Collection[str]) -> None:
    """Remove the connection's rows from the shared tables. Requests that were sent count on, as nobody's."""
    for address in session.scalars(select(AddressRow).order_by(AddressRow.name).with_for_update()):
        address.state = _without(Address.model_validate(address.state), connection_id).model_dump(mode="json")
    for platform in session.scalars(select(PlatformRow).order_by(PlatformRow.name).with_for_update()):
        platform.failing = sorted(set(platform.failing).difference(page_ids))


def forget_unlisted_links(session: Session) -> None:
    """Remove the links of sites that worked last and that no row has any more."""
    is_listed = exists().where(LinkEntryRow.link_url == PlatformRow.good_url)
    session.execute(update(PlatformRow).where(~is_listed).values(good_url=None, good_post_id=None))


def _without(address: Address, connection_id: str) -> Address:
    left = (_anonymous(each) if each.connection_id == connection_id else each for each in address.requests)
    return address.model_copy(update={"requests": tuple(each for each in left if each is not None)})


def _anonymous(request: SiteRequest) -> SiteRequest | None:
    return request.model_copy(update={"connection_id": "", "page_id": ""}) if request.sent else None
