"""The guards of the test suite itself."""

from __future__ import annotations

import os
import socket

import pytest

from tests import conftest


@pytest.mark.parametrize("address", ["192.0.2.1", "::ffff:192.0.2.1", "169.254.169.254"])
def test_a_connection_to_another_machine_is_refused_and_noticed(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as sock, pytest.raises(conftest.NetworkUsed):
        sock.connect((address, 80))
    assert len(conftest._attempts) == 1
    conftest._attempts.clear()


def test_a_name_of_another_machine_is_not_looked_up() -> None:
    with pytest.raises(conftest.NetworkUsed):
        socket.getaddrinfo("example.com", 443)
    conftest._attempts.clear()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_open(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection((host, server.getsockname()[1]), timeout=5).close()


def test_a_developers_own_keys_and_proxies_are_forgotten() -> None:
    os.environ.update({"OPENAI_API_KEY": "real", "SVP_HOME": "/somewhere", "https_proxy": "http://proxy"})
    conftest.pytest_configure()
    assert not {"OPENAI_API_KEY", "SVP_HOME", "https_proxy"} & os.environ.keys()
