"""A certificate authority of our own, so that TLS can be ended with verification left on."""

import ssl
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LIFETIME = timedelta(days=30)


class Authority:
    """Signs a certificate for any host. Who wants to talk to us must trust `ca_path`.

    The file is made in `folder`, with its key beside it, and used again by the next authority in the same folder.
    """

    def __init__(self, folder: Path) -> None:
        self.ca_path = folder / "ca.pem"
        self._key_path = folder / "ca-key.pem"
        self._lock = threading.Lock()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._key, self._certificate = self._load() or self._make()

    def context(self, host: str) -> ssl.SSLContext:
        """What a server that poses as `host` needs."""
        with self._lock:
            if host not in self._contexts:
                self._contexts[host] = self._server_context(host)
            return self._contexts[host]

    def _load(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None:
        if not self.ca_path.exists() or not self._key_path.exists():
            return None
        key = serialization.load_pem_private_key(self._key_path.read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate(self.ca_path.read_bytes())
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            return None
        fresh = certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=1)
        return (key, certificate) if fresh else None

    def _make(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Sandbox authority")
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            _builder(name, issuer=name, key=key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        self._key_path.touch(mode=0o600)
        self._key_path.write_bytes(_pem(key))
        self.ca_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return key, certificate

    def _server_context(self, host: str) -> ssl.SSLContext:
        certificate = (
            _builder(_name("Sandbox host"), issuer=self._certificate.subject, key=self._leaf_key)
            .add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile(suffix=".pem") as chain:  # the ssl module reads certificates from files only
            chain.write(certificate.public_bytes(serialization.Encoding.PEM) + _pem(self._leaf_key))
            chain.flush()
            context.load_cert_chain(chain.name)
        return context


def _builder(subject: x509.Name, *, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host.strip("[]")))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
