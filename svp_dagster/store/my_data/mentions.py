"""What shared tables hold of a connection: what a site was asked for, and which posts failed there."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from svp_dagster.models import JsonObject
from svp_dagster.store.installation.addresses import Address, SiteRequest
from svp_dagster.store.tables import AddressRow, PlatformRow


def mentions(session: Session, connection_id: str) -> JsonObject:
    """Return where the connection's rows are named, by table."""
    addresses = [Address.model_validate(row.state) for row in session.scalars(select(AddressRow))]
    requests = [request for address in addresses for request in address.requests]
    failing = {row.name: _posts(row, connection_id) for row in session.scalars(select(PlatformRow))}
    return {
        "addresses": [each.model_dump(mode="json") for each in requests if each.connection_id == connection_id],
        "platforms": [{"name": name, "failing": posts} for name, posts in failing.items() if posts],
    }


def forget_mentions(session: Session, connection_id: str) -> None:
    """Remove the connection's rows from the shared tables. Requests that were sent count on, as nobody's."""
    for address in session.scalars(select(AddressRow).order_by(AddressRow.name).with_for_update()):
        address.state = _without(Address.model_validate(address.state), connection_id).model_dump(mode="json")
    for platform in session.scalars(select(PlatformRow).order_by(PlatformRow.name).with_for_update()):
        platform.failing = [each for each in platform.failing if each["connection_id"] != connection_id]


def move_mentions(session: Session, connection_id: str, into_id: str) -> None:
    """Name another connection wherever the shared tables name this one."""

    def moved(named: str) -> str:
        return into_id if named == connection_id else named

    for row in session.scalars(select(AddressRow).order_by(AddressRow.name).with_for_update()):
        address = Address.model_validate(row.state)
        requests = (each.model_copy(update={"connection_id": moved(each.connection_id)}) for each in address.requests)
        row.state = address.model_copy(update={"requests": tuple(requests)}).model_dump(mode="json")
    for platform in session.scalars(select(PlatformRow).order_by(PlatformRow.name).with_for_update()):
        platform.failing = [each | {"connection_id": moved(each["connection_id"])} for each in platform.failing]


def _posts(platform: PlatformRow, connection_id: str) -> list[str]:
    return [each["post"] for each in platform.failing if each["connection_id"] == connection_id]


def _without(address: Address, connection_id: str) -> Address:
    left = (_anonymous(each) if each.connection_id == connection_id else each for each in address.requests)
    return address.model_copy(update={"requests": tuple(each for each in left if each is not None)})


def _anonymous(request: SiteRequest) -> SiteRequest | None:
    return request.model_copy(update={"connection_id": "", "page_id": ""}) if request.sent else None
