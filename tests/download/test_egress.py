import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from svp_dagster.download.egress import (
    EgressGuard,
    Limits,
    ProxyDenied,
    Refused,
    direct,
    require_public_address,
    require_public_name,
    through,
)
from svp_dagster.download.site_failures import guard_failure
from svp_dagster.errors import Code, SvpError

ENOUGH = Limits(size_bytes=1_000_000, time_s=30)


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[tuple[str, int]]:
    """A server on loopback that serves one connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            try:
                connection, _ = server.accept()
            except OSError:  # nobody came
                return
            with connection:
                serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def echo(connection: socket.socket) -> None:
    while block := connection.recv(65_536):
        connection.sendall(block)


def dial_to(address: tuple[str, int]) -> Callable[[str, int], socket.socket]:
    """Every host is at this address: the network is played by a local server."""
    return lambda host, port: socket.create_connection(address, 5)


def head_of(connection: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n") and (byte := connection.recv(1)):
        head += byte
    return head


def asked(guard: EgressGuard, head: str) -> tuple[socket.socket, str]:
    """A connection to the guard that has sent `head`, and the first line of the answer."""
    host, _, port = guard.url.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)), 5)
    connection.sendall(f"{head}\r\nHost: x\r\n\r\n".encode())
    return connection, head_of(connection).split(b"\r\n")[0].decode()


def test_a_tunnel_to_a_named_host_carries_bytes_both_ways() -> None:
    with listening(echo) as address, EgressGuard(dial=dial_to(address), limits=ENOUGH) as guard:
        tunnel, answer = asked(guard, "CONNECT www.tiktok.com:443 HTTP/1.1")
        with tunnel:
            tunnel.sendall(b"hello")
            assert answer == "HTTP/1.1 200 Connection established"
            assert tunnel.recv(5) == b"hello"

    assert guard.refused == []


@pytest.mark.parametrize(
    "target",
    ["127.0.0.1:443", "[::1]:443", "localhost:443", "www.tiktok.com:80", "169.254.169.254:443", "2130706433:443"],
)
def test_a_tunnel_to_anything_else_is_refused_and_noted(target: str) -> None:
    def never(host: str, port: int) -> socket.socket:
        raise AssertionError("dialled")

    with EgressGuard(dial=never, limits=ENOUGH) as guard:
        connection, answer = asked(guard, f"CONNECT {target} HTTP/1.1")
        connection.close()

    assert answer == "HTTP/1.1 403 Forbidden"
    assert guard.refused == [target]


@pytest.mark.parametrize(
    "head", ["GET http://127.0.0.1/secret HTTP/1.1", "CONNECT www.tiktok.com HTTP/1.1", "nonsense"]
)
def test_a_plain_request_is_refused(head: str) -> None:
    with EgressGuard(dial=direct, limits=ENOUGH) as guard:
        connection, answer = asked(guard, head)
        connection.close()

    assert answer == "HTTP/1.1 403 Forbidden"
    assert len(guard.refused) == 1


def test_more_bytes_than_allowed_end_the_tunnel_and_let_no_other_open() -> None:
    def flood(connection: socket.socket) -> None:
        try:
            while True:
                connection.sendall(bytes(65_536))
        except OSError:
            return

    limits = Limits(size_bytes=200_000, time_s=30)
    with listening(flood) as address, EgressGuard(dial=dial_to(address), limits=limits) as guard:
        tunnel, _ = asked(guard, "CONNECT www.tiktok.com:443 HTTP/1.1")
        with tunnel:
            received = 0
            while block := tunnel.recv(65_536):
                received += len(block)
        again, answer = asked(guard, "CONNECT www.tiktok.com:443 HTTP/1.1")
        again.close()

    assert received <= 200_000
    assert guard.exceeded
    assert answer == "HTTP/1.1 502 Bad Gateway"


def test_a_host_that_drips_for_ever_is_cut_off_when_the_time_is_up() -> None:
    limits = Limits(size_bytes=1_000_000, time_s=0.3)
    with listening(echo) as address, EgressGuard(dial=dial_to(address), limits=limits) as guard:
        tunnel, _ = asked(guard, "CONNECT www.tiktok.com:443 HTTP/1.1")
        began = time.monotonic()
        with tunnel:
            assert tunnel.recv(1) == b""  # nothing was ever sent: the end of the tunnel
        assert guard.is_over

    assert time.monotonic() - began < 5


def test_a_host_that_can_not_be_reached_is_a_bad_gateway_and_no_refusal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = closed.getsockname()
    with EgressGuard(dial=dial_to(address), limits=ENOUGH) as guard:
        connection, answer = asked(guard, "CONNECT www.tiktok.com:443 HTTP/1.1")
        connection.close()

    assert answer == "HTTP/1.1 502 Bad Gateway"
    assert guard.refused == []


def test_the_operators_proxy_is_asked_for_the_name_with_its_credentials() -> None:
    heads: list[bytes] = []

    def proxy(connection: socket.socket) -> None:
        heads.append(head_of(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nhello")

    with listening(proxy) as (host, port), through(f"http://me:p%40ss@{host}:{port}")("a.example", 443) as tunnel:
        assert tunnel.recv(5) == b"hello"

    assert heads[0].startswith(b"CONNECT a.example:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6cEBzcw==\r\n" in heads[0]  # me:p@ss


def test_a_proxy_that_wants_other_credentials_is_told_apart() -> None:
    def proxy(connection: socket.socket) -> None:
        head_of(connection)
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    with listening(proxy) as (host, port):
        dial = through(f"http://me:wrong@{host}:{port}")
        with EgressGuard(dial=dial, limits=ENOUGH) as guard:
            connection, answer = asked(guard, "CONNECT www.tiktok.com:443 HTTP/1.1")
            connection.close()

    assert answer == "HTTP/1.1 502 Bad Gateway"
    assert guard.proxy_denied
    assert issubclass(ProxyDenied, OSError)


@pytest.mark.parametrize("url", ["socks5://127.0.0.1:1080", "127.0.0.1:8080", "http://", ""])
def test_a_proxy_of_another_kind_is_a_mistake_in_the_settings_and_not_shown(url: str) -> None:
    with pytest.raises(SvpError) as caught:
        through(url)

    assert caught.value.code is Code.MISCONFIGURED
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.5.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:a9fe:a9fe",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_addresses_that_are_not_public_are_refused_in_every_notation(address: str) -> None:
    with pytest.raises(Refused):
        require_public_address(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2a00:1450:4001::8a", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_pass(address: str) -> None:
    require_public_address(address)


def test_a_name_that_leads_to_this_machine_is_refused_after_it_was_resolved() -> None:
    with pytest.raises(Refused):
        direct("localhost", 443)


def resolving_to(address: str) -> Callable[..., list[tuple[object, ...]]]:
    """A resolver that gives every name this address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return lambda *_, **__: [(family, socket.SOCK_STREAM, 6, "", (address, 443))]


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("www.tiktok.com", "0.0.0.0"),
        ("www.tiktok.com", "127.0.0.1"),
        ("www.tiktok.com", "198.18.0.5"),
        ("www.tiktok.com", "10.0.0.1"),
        ("www.tiktok.com", "::"),
        ("www.tiktok.com", "fd00::1"),
        ("vm.tiktok.com", "0.0.0.0"),
        ("www.tiktokv.com", "0.0.0.0"),
        ("v16-webapp-prime.tiktokcdn.com", "0.0.0.0"),
        ("WWW.Instagram.com", "192.168.1.1"),
        ("scontent.xx.fbcdn.net.", "::1"),
    ],
)
def test_a_site_whose_name_leads_to_a_private_address_is_a_problem_of_this_installation(
    monkeypatch: pytest.MonkeyPatch, host: str, address: str
) -> None:
    monkeypatch.setattr("svp_dagster.download.egress.socket.getaddrinfo", resolving_to(address))
    with EgressGuard(dial=direct, limits=ENOUGH) as guard:
        with pytest.raises(Refused):
            guard.open(host, 443)

        failed = guard_failure(guard)

    assert failed is not None
    assert failed.code is Code.MISCONFIGURED
    assert f"DNS gives {host.lower().rstrip('.')} the address {address}" in failed.sentence
    assert "VPN" in failed.sentence
    assert "ad blocker" in failed.sentence


@pytest.mark.parametrize("host", ["media.example", "tiktok.com.evil.example", "eviltiktok.com", "nottiktokcdn.com"])
def test_a_foreign_host_whose_name_leads_to_a_private_address_is_refused_as_before(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr("svp_dagster.download.egress.socket.getaddrinfo", resolving_to("10.0.0.1"))
    with EgressGuard(dial=direct, limits=ENOUGH) as guard:
        with pytest.raises(Refused):
            guard.open(host, 443)

        failed = guard_failure(guard)

    assert failed is not None
    assert failed.code is Code.NO_MEDIA


@pytest.mark.parametrize(
    "host",
    ["", "intranet", "printer.local", "a.internal", "127.0.0.1.", "0x7f.1", "::1", "a b.com", "-.com", "x" * 300],
)
def test_a_name_that_is_no_public_one_is_refused(host: str) -> None:
    with pytest.raises(Refused):
        require_public_name(host, 443)


@pytest.mark.parametrize("host", ["www.tiktok.com", "v16-webapp-prime.tiktokcdn.com", "xn--bcher-kva.example."])
def test_names_of_public_hosts_pass(host: str) -> None:
    require_public_name(host, 443)
