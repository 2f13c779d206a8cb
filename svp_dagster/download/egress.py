"""A proxy on loopback that keeps downloads away from private networks.

Links, redirects and the addresses inside a post are written by strangers: without a guard they could make this
server ask its own network, or a cloud's metadata service. Checking URLs before they are requested isn't enough: a
redirect comes later, and a name may resolve to another address the second time. So the clients (yt-dlp with curl,
httpx) get `EgressGuard` as their only proxy. It sees every connection, those after redirects too:

- it opens tunnels (CONNECT) to port 443 of named hosts and nothing else: no plain HTTP, no numeric address;
- it resolves the name itself, refuses any that leads to an address that isn't public, and connects to the very
  address that it checked; a site's own name that does so was hidden by this installation's DNS;
- where the operator set a proxy, it passes the tunnel on to that one, which then resolves the name;
- it closes all tunnels after too many bytes or too much time: a backstop for the limits of the clients.

TLS goes from end to end: nothing is decrypted here, and the sites see the clients' own handshake.
"""

from __future__ import annotations

import base64
import ipaddress
import logging
import re
import select
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self
from urllib.parse import unquote, urlsplit

from svp_dagster.errors import Code, failure

logger = logging.getLogger(__name__)

Dial = Callable[[str, int], socket.socket]
"""Opens a connection to a host and port. Raises `Refused` for what must not be asked, OSError where it fails."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

CONNECT_LIMIT_S: Final = 15.0
IDLE_LIMIT_S: Final = 60.0
_STOP_CHECK_S: Final = 0.02
_HEAD_LIMIT_BYTES: Final = 16_384
_BLOCK_BYTES: Final = 65_536
_PRIVATE_NAMES: Final = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "home.arpa")
_HOST_NAME: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]\.?", re.I)
_SITE_NAME: Final = re.compile(
    r"(?:[\w-]+\.)*(?:tiktok|tiktokv|tiktokcdn|tiktokcdn-us|tiktokcdn-eu|instagram|cdninstagram)\.com\.?"
    r"|(?:[\w-]+\.)*fbcdn\.net\.?|(?:www\.)?instagr\.am\.?",
    re.IGNORECASE,
)
"""Names of the sites themselves and of the hosts of their media."""
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class Refused(Exception):
    """An address that must not be connected to."""


class PrivateAddress(Refused):
    """An address that isn't on the public internet. Its text is the address."""


class ProxyDenied(OSError):
    """The operator's proxy doesn't accept our user name or password."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bytes and time of one fetch in all."""

    size_bytes: int
    time_s: float


class EgressGuard:
    """A running guard, for the length of a `with` block. `url` is the proxy to give to a client.

    `dial` opens the connections: `direct` or a result of `through`. The guard knows why a client failed: `refused` are
    the addresses that it refused, `hidden` are hosts of the sites to which DNS gave an address that isn't public, by
    host, `exceeded` means too many bytes, `is_over` too much time, and `proxy_denied` that the
    operator's proxy wants other credentials.
    """

    def __init__(self, *, dial: Dial, limits: Limits) -> None:
        self.refused: list[str] = []
        self.hidden: dict[str, str] = {}
        self.exceeded = False
        self.proxy_denied = False
        self._dial = dial
        self._left_bytes = limits.size_bytes
        self._time_s = limits.time_s
        self._ends_at = 0.0
        self._lock = threading.Lock()
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        self._ends_at = time.monotonic() + self._time_s
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, args=(_STOP_CHECK_S,), name="egress", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()
        self._ends_at = 0.0  # tunnels that a client left open end with their next look at the clock

    @property
    def url(self) -> str:
        """The proxy's address."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def open(self, host: str, port: int) -> socket.socket:
        """Open a connection for a tunnel. Raises `Refused` or OSError."""
        if self.exceeded or self.is_over:
            raise ConnectionAbortedError("a limit of this fetch is reached")
        try:
            require_public_name(host, port)
            return self._dial(host.rstrip("."), port)
        except Refused as refusal:
            if isinstance(refusal, PrivateAddress) and _SITE_NAME.fullmatch(host):
                self.hidden[host.lower().rstrip(".")] = str(refusal)
            self.refuse(f"{host}:{port}")
            raise
        except ProxyDenied:
            self.proxy_denied = True
            raise

    def refuse(self, target: str) -> None:
        """Record what was refused."""
        logger.warning("refused to ask %r", target[:200])
        with self._lock:
            self.refused.append(target)

    def take(self, size_bytes: int) -> bool:
        """Count received bytes; False once they are too many."""
        with self._lock:
            self._left_bytes -= size_bytes
            self.exceeded = self.exceeded or self._left_bytes < 0
            return not self.exceeded

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self._ends_at


def require_public_name(host: str, port: int) -> None:
    """Raise `Refused` for anything but a public host name and port 443."""
    name = host.lower().rstrip(".")
    private = any(name == word or name.endswith(f".{word}") for word in _PRIVATE_NAMES)
    if port != 443 or private or not _HOST_NAME.fullmatch(name):
        raise Refused(f"{host}:{port}")


def require_public_address(address: str) -> None:
    """Raise `PrivateAddress` for an address that isn't on the public internet, in whatever notation it hides."""
    ip = _innermost(ipaddress.ip_address(address.partition("%")[0]))
    site_local = isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local
    if not ip.is_global or ip.is_multicast or ip.is_reserved or site_local:
        raise PrivateAddress(address)


def _innermost(ip: Address) -> Address:
    """Return the IPv4 address behind a translating or tunnelling IPv6 address, else the address itself."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1] or ip


def direct(host: str, port: int) -> socket.socket:
    """Resolve, check every address, and connect to one that was checked."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        require_public_address(address)
    error: OSError = OSError(f"{host} has no address")
    for address in addresses:
        try:
            return socket.create_connection((address, port), CONNECT_LIMIT_S)
        except OSError as reason:
            error = reason
    raise error


def through(proxy_url: str) -> Dial:
    """Return a `Dial` through the operator's HTTP proxy. Raises `misconfigured` for an address of another kind."""
    parts = urlsplit(proxy_url)
    if parts.scheme != "http" or not parts.hostname:
        raise failure(Code.MISCONFIGURED, reason="the egress proxy must be given as http://[user:password@]host:port")
    proxy, credentials = (parts.hostname, parts.port or 80), ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        credentials = f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}\r\n"

    def dial(host: str, port: int) -> socket.socket:
        upstream = socket.create_connection(proxy, CONNECT_LIMIT_S)
        try:
            target = f"{host}:{port}"
            upstream.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{credentials}\r\n".encode())
            status = _read_head(upstream).decode("latin-1").split(" ")[1][:3]
            if status == "407":
                raise ProxyDenied("407")
            if status != "200":
                raise ConnectionRefusedError(f"the proxy answered {status}")
        except BaseException:  # on any exception: nobody else could close it
            upstream.close()
            raise
        return upstream

    return dial


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, guard: EgressGuard) -> None:
        self.guard = guard
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        logger.debug("a tunnel broke", exc_info=True)


class _Handler(socketserver.BaseRequestHandler):
    """One connection of a client: a head, then a tunnel."""

    server: _Server
    request: socket.socket

    def handle(self) -> None:
        guard = self.server.guard
        self.request.settimeout(CONNECT_LIMIT_S)
        method, target, *_ = [*_read_head(self.request).decode("latin-1").split(" ", 2), ""]
        host, _, port = target.rpartition(":")
        if method != "CONNECT" or not port.isdecimal():
            guard.refuse(target)
            self._answer("403 Forbidden")
            return
        try:
            outside = guard.open(host, int(port))
        except Refused:
            self._answer("403 Forbidden")
            return
        except OSError as error:
            logger.info("no connection to %s: %s", host, error)
            self._answer("502 Bad Gateway")
            return
        with outside:
            self._answer("200 Connection established")
            _pipe(self.request, outside, guard)

    def _answer(self, status: str) -> None:
        self.request.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())


def _read_head(connection: socket.socket) -> bytes:
    """Read up to the first empty line and not one byte more: what follows belongs to the tunnel."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte or len(head) > _HEAD_LIMIT_BYTES:
            raise ConnectionAbortedError("no proxy head")
        head += byte
    return head


def _pipe(inside: socket.socket, outside: socket.socket, guard: EgressGuard) -> None:
    """Copy both ways until one side ends, nothing happens for too long, or a limit is reached."""
    for connection in (inside, outside):
        connection.settimeout(IDLE_LIMIT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    quiet_since = time.monotonic()
    while not guard.is_over and time.monotonic() - quiet_since < IDLE_LIMIT_S:
        readable, _, _ = select.select((inside, outside), (), (), 0.5)
        for source in readable:
            quiet_since = time.monotonic()
            block = source.recv(_BLOCK_BYTES)
            if not block or (source is outside and not guard.take(len(block))):
                return
            (outside if source is inside else inside).sendall(block)
