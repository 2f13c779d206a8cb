"""Alerts reach the operator's services, or fail in bounded time, and no log ever shows an address."""

from __future__ import annotations

import email
import email.policy
import logging
import time
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from svp_dagster.alerts import channels as module
from svp_dagster.alerts.channels import AlertChannels, Delivery
from tests.alerts.inbox import TOKEN, Inbox, closed_port, inbox, mailbox


@pytest.fixture
def webhook() -> Iterator[Inbox]:
    with inbox() as made:
        yield made


def channels(*addresses: str) -> AlertChannels:
    return AlertChannels(urls=SecretStr(" ".join(addresses)))


def test_a_webhook_gets_title_and_text_as_they_are(webhook: Inbox) -> None:
    text = "Quota <used up> & *more*.\nhttp://localhost:3000/runs/1"

    delivery = channels(webhook.address).send(title="At svp.example.org", text=text)

    assert delivery == Delivery(taken=("JSON",))
    (alert,) = webhook.alerts
    assert (alert["title"], alert["message"]) == ("At svp.example.org", text)
    assert webhook.asked == [f"/{TOKEN}"]


def test_a_mail_server_gets_it_too() -> None:
    with mailbox() as server:
        delivery = channels(server.address).send(title="At svp.example.org", text="Quota used up.")

    assert delivery.is_delivered
    (raw,) = server.messages
    message = email.message_from_string(raw, policy=email.policy.default)
    assert message["Subject"] == "At svp.example.org"
    assert message["To"] == "operator@example.org"
    body = message.get_body(("plain", "html"))
    assert body is not None
    assert "Quota used up." in body.get_content()


def test_what_one_service_takes_is_delivered_and_the_others_are_named(webhook: Inbox) -> None:
    delivery = channels(f"xml://127.0.0.1:{closed_port()}/", webhook.address).send(title="t", text="b")

    assert delivery == Delivery(taken=("JSON",), refused=("XML",))
    assert delivery.is_delivered


def test_a_service_that_never_answers_costs_a_bounded_time(webhook: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT_S", 0.5)
    webhook.is_silent = True

    began = time.monotonic()
    delivery = channels(webhook.address).send(title="t", text="b")

    assert time.monotonic() - began < 3
    assert delivery == Delivery(refused=("JSON",))


def test_no_redirect_is_followed(webhook: Inbox) -> None:
    webhook.status, webhook.headers = 302, {"Location": f"http://127.0.0.1:{webhook.port}/elsewhere"}

    delivery = channels(webhook.address).send(title="t", text="b")

    assert not delivery.is_delivered
    assert webhook.asked == [f"/{TOKEN}"]


@pytest.mark.parametrize("status", [200, 403, 500])
def test_no_log_shows_an_address_or_a_token(webhook: Inbox, caplog: pytest.LogCaptureFixture, status: int) -> None:
    caplog.set_level(logging.DEBUG)
    webhook.status = status
    used = channels(
        webhook.address,
        f"json://user:{TOKEN}@127.0.0.1:{closed_port()}/{TOKEN}",
        f"slack://{TOKEN}",
        f"nonsense://{TOKEN}",
    )

    used.send(title="t", text="b")

    assert used.problem
    assert TOKEN not in caplog.text + repr(used) + str(used.model_dump()) + used.problem


def test_addresses_that_are_wrong_are_named_by_their_place(webhook: Inbox) -> None:
    assert channels(webhook.address).problem == ""
    assert channels(webhook.address, "nonsense://x", "slack://short").problem == (
        "address 2, 3 of SVP_ALERT_URLS isn't one that Apprise knows"
    )
    assert not channels().is_set
