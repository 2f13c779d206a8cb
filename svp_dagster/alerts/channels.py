"""Where alerts to the operator go: Slack, e-mail, a webhook or whatever else Apprise knows, by addresses of theirs.

Addresses hold tokens. They are an operator's own setting, so an internal address is fine; but no redirect is followed,
and nothing that Apprise would log gets into a log: its warnings quote addresses and answers.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import SecretStr

from svp_dagster.component import Component
from svp_dagster.settings import Settings

if TYPE_CHECKING:
    from apprise import Apprise, AppriseResult

LIMIT_S = 10.0
"""How long a delivery may take, whatever a service does. Its thread may go on a little longer."""
_NEVER = logging.CRITICAL + 1


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What became of an alert: which services took it and which didn't, by their names, such as Slack."""

    taken: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def is_delivered(self) -> bool:
        """Whether anybody took it. What one service took isn't sent again for the others: it would come twice."""
        return bool(self.taken)


class AlertChannels(Component):
    """The addresses of an installation, separated by spaces. Without one no alert is sent."""

    urls: SecretStr = SecretStr("")

    @property
    def is_set(self) -> bool:
        """Whether alerts go anywhere."""
        return bool(self._addresses())

    @property
    def problem(self) -> str:
        """What is wrong with the addresses; '' where Apprise understands all. Names them by their place alone."""
        wrong = [place for place, address in enumerate(self._addresses(), start=1) if not _apprise().add(address)]
        return f"address {', '.join(map(str, wrong))} of SVP_ALERT_URLS isn't one that Apprise knows" if wrong else ""

    def send(self, *, title: str, text: str) -> Delivery:
        """Send an alert to all addresses, within `LIMIT_S`. Never raises for what a service does."""
        apprise = _apprise()
        for address in self._addresses():
            apprise.add(address)
        result = apprise.notify(title=title, body=text, body_format="text", timeout=LIMIT_S)
        return _delivery(result)

    def _addresses(self) -> list[str]:
        return self.urls.get_secret_value().split()


def alert_channels(settings: Settings) -> AlertChannels:
    """Return the channels of this installation."""
    return AlertChannels(urls=settings.alert_urls or SecretStr(""))


def _apprise() -> Apprise:
    """Return an Apprise without addresses. Its import, and the first address, take half a second of CPU."""
    from apprise import Apprise, AppriseAsset

    logging.getLogger("apprise").setLevel(_NEVER)
    logging.getLogger("urllib3").setLevel(logging.INFO)  # its debug lines hold the paths of requests
    asset = AppriseAsset(
        app_id="Social Video Processor",
        app_desc="Alerts of the Social Video Processor",
        app_url="",
        http_redirects=False,
        allow_templates=False,
        service_timeout=LIMIT_S,
    )
    return Apprise(asset=asset)


def _delivery(result: AppriseResult) -> Delivery:
    names = [(bool(service), str(service.name)) for service in result]
    return Delivery(
        taken=tuple(sorted(name for is_taken, name in names if is_taken)),
        refused=tuple(sorted(name for is_taken, name in names if not is_taken)),
    )
