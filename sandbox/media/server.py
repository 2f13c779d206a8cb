"""The proxy: takes CONNECT, ends TLS itself, answers from `sandbox.media.posts` and never forwards anything.

Give its address as the proxy and its certificate authority as the one to trust:

    SSL_CERT_FILE, CURL_CA_BUNDLE, REQUESTS_CA_BUNDLE = DATA_DIR/ca.pem

The user name of the proxy (`http://NAME:x@HOST:PORT`) is the outgoing address that the sites see; without one all
requests come from the client's own.

Every request is recorded with its host, those for hosts that don't exist too, in `DATA_DIR/media-requests.jsonl`.
Faults and copies are steered without TLS, `POST http://PROXY/_sandbox/faults`; a fault's `path` is searched in
`/HOST/PATH`.
"""

import base64
import binascii
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from sandbox.faults import FaultPlan
from sandbox.media.app import HOSTS, create_app
from sandbox.media.authority import Authority
from sandbox.recorder import Recorder, RequestRecord
from sandbox.serving import QuietHandler, Served, serve

RECORD_FILE = "media-requests.jsonl"
_HANDSHAKE_LIMIT_S = 10.0
_GOODBYE_LIMIT_S = 1.0


@dataclass(frozen=True)
class MediaSandbox:
    """A running proxy in this process."""

    served: Served
    ca_path: Path
    faults: FaultPlan
    recorder: Recorder

    @property
    def proxy_url(self) -> str:
        """What a client takes as its proxy."""
        return self.served.url

    @property
    def requests(self) -> list[str]:
        """Every URL that was asked for, in order."""
        return [_url(record) for record in self.recorder.requests]

    @property
    def unknown_hosts(self) -> list[str]:
        """Hosts that someone asked for and that the sandbox doesn't play, in order."""
        asked = [record.path.split("/")[1] for record in self.recorder.requests]
        return [host for host in asked if host not in HOSTS]


def run(port: int, data_dir: Path) -> Served:
    """Starts the proxy; `data_dir/ca.pem` is there before it answers. Port 0 takes a free one."""
    return _start(port, data_dir).served


@contextmanager
def serve_media(data_dir: Path) -> Iterator[MediaSandbox]:
    """The proxy in a thread of this process, on a free port."""
    sandbox = _start(0, data_dir)
    with sandbox.served:
        yield sandbox


def _start(port: int, data_dir: Path) -> MediaSandbox:
    signing = Authority(data_dir)
    faults = FaultPlan()
    recorder = Recorder(record_path=data_dir / RECORD_FILE)
    app = create_app(faults=faults, recorder=recorder)

    class Handler(_ProxyHandler):
        authority = signing

    return MediaSandbox(serve(app, port=port, handler=Handler), signing.ca_path, faults, recorder)


def _user_name(proxy_authorization: str) -> str:
    """Whom a proxy is told by HTTP Basic; "" where it is told nobody."""
    try:
        return base64.b64decode(proxy_authorization.partition(" ")[2]).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _url(record: RequestRecord) -> str:
    query = urlencode(record.query, doseq=True)
    return f"https:/{record.path}{'?' if query else ''}{query}"


class _ProxyHandler(QuietHandler):
    """Answers CONNECT by becoming the host that was asked for, on the same connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are written apart: else each body waits 40 ms for the head's receipt
    authority: Authority
    _host = ""
    _egress = ""

    def run_wsgi(self) -> None:
        if self.command == "CONNECT":
            self._become_host()
        else:
            super().run_wsgi()

    def make_environ(self) -> dict[str, object]:
        """The request as the app sees it: the host is the first part of the path."""
        environ = super().make_environ()
        environ["sandbox.egress"] = self._egress or self.client_address[0]
        if self._host:
            environ |= {"wsgi.url_scheme": "https", "PATH_INFO": f"/{self._host}{environ['PATH_INFO']}"}
        elif environ["HTTP_HOST"] != f"127.0.0.1:{environ['SERVER_PORT']}":  # a plain request to be forwarded
            environ["PATH_INFO"] = f"/{environ['HTTP_HOST']}{environ['PATH_INFO']}"
        return environ

    def finish(self) -> None:
        super().finish()
        if isinstance(self.connection, ssl.SSLSocket):  # the server knows of the bare socket only
            with suppress(OSError, ValueError):
                self.connection.settimeout(_GOODBYE_LIMIT_S)
                self.connection.unwrap()
            self.connection.close()

    def _become_host(self) -> None:
        host, _, port = self.path.rpartition(":")
        self._host = host if port == "443" else self.path
        self._egress = _user_name(self.headers.get("Proxy-Authorization", ""))
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.connection.settimeout(_HANDSHAKE_LIMIT_S)
        context = self.authority.context(host)
        try:
            self.request = context.wrap_socket(self.connection, server_side=True)
        except (OSError, ssl.SSLError):  # the client doesn't trust us, or went away
            self.close_connection = True
            return
        self.request.settimeout(None)
        self.setup()
        self.close_connection = False
