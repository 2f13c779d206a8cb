"""How downloads from each site go, for people and machines: a site that is broken for everybody is paused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from oauth_app.services import services
from svp_dagster.models import Link, Value
from svp_dagster.rows.pauses import name_of
from svp_dagster.store.installation.addresses import Address
from svp_dagster.store.installation.platforms import Platform


class RestingAddress(Value):
    """An outgoing address that the site refuses, by a name that tells nothing about a proxy."""

    name: str
    rests_until: datetime
    problem: str = Field(description="What the site answered; `challenge_required` needs the operator.")


class PlatformHealth(Value):
    """How downloads from a site go; times and reasons are null where there are none.

    `paused`: its links wait, and a canary is downloaded now and then. `on_trial`: that worked, and links are let
    through, but none has worked yet. `ok`: links are let through.
    """

    state: Literal["ok", "on_trial", "paused"]
    paused_since: datetime | None
    failure_code: str | None = Field(description="Why it is paused, or what the last link failed with.")
    failing: int = Field(description="How many links failed, for a reason that lies with the site, since one worked.")
    next_canary_at: datetime | None
    canary_problem: str = Field(description="The sentence of the last canary that failed.")
    worked_at: datetime | None
    downloader: str = Field(description="The versions of what downloaded from it last.")
    resting: tuple[RestingAddress, ...]

    @classmethod
    def of(cls, platform: Platform, addresses: Iterable[Address], *, now: datetime) -> Self:
        """The public side of a platform: no link of anybody's is part of it."""
        same = ("paused_since", "failure_code", "canary_problem", "downloader")
        return cls(
            state="paused" if platform.is_paused else "on_trial" if platform.on_trial else "ok",
            failing=platform.failing_posts,
            next_canary_at=platform.canary_at,
            worked_at=platform.good_at,
            resting=tuple(_resting(platform, addresses, now=now)),
            **{name: getattr(platform, name) for name in same},
        )


def _resting(platform: Platform, addresses: Iterable[Address], *, now: datetime) -> Iterator[RestingAddress]:
    for address in addresses:
        is_its_own = address.name.partition(" ")[0] == platform.name
        if is_its_own and address.rests_until is not None and address.rests_until > now:
            yield RestingAddress(name=address.name, rests_until=address.rests_until, problem=address.problem)


def paused() -> list[Platform]:
    """The platforms whose links wait."""
    return [platform for platform in services().store.platforms.all().values() if platform.is_paused]


def when_it_starts(link: Link | None) -> str:
    """Return when a link that was just asked for starts, as a sentence."""
    if link is not None and any(link.platform == found.name for found in paused()):
        return f"It starts by itself once downloads from {name_of(link.platform)} work again."
    return "It starts within seconds."
