"""Certificates and TLS servers for tests: an authority, servers that it signs, and others that nobody does."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.dav.sockets import listening

DAY = timedelta(days=1)


class Certificate:
    """A certificate and its key; `signer` None: it signs itself."""

    def __init__(
        self, name: str, signer: Certificate | None = None, *, age: timedelta = DAY, lasts: timedelta = 30 * DAY
    ) -> None:
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        begins = datetime.now(UTC) - age
        try:
            alternative: x509.GeneralName = x509.IPAddress(ip_address(name))
        except ValueError:
            alternative = x509.DNSName(name)
        issuer, key = (self.name, self.key) if signer is None else (signer.name, signer.key)
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        self.x509 = (
            x509.CertificateBuilder(issuer, self.name, self.key.public_key(), x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + lasts)
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256, hexadecimal digits."""
        return self.x509.fingerprint(hashes.SHA256()).hex()

    def write(self, path: Path, *, with_key: bool = True, passphrase: bytes | None = None) -> Path:
        """As one PEM file."""
        how: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how) if with_key else b""
        path.write_bytes(key + self.x509.public_bytes(Encoding.PEM))
        return path


@dataclass
class TlsServer:
    """Answers 200 to everything; `heads` are the requests as they came, decrypted."""

    port: int = 0
    heads: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.read(65536):
            self.heads.append(head)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()


@asynccontextmanager
async def serving(certificate: Path, *, clients: Path | None = None) -> AsyncIterator[TlsServer]:
    """A server with this certificate; `clients` is the authority that signs those who may come."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    served = TlsServer()
    async with listening(served.serve, context) as served.port:
        yield served


@contextmanager
def refusing(certificate: Path, clients: Path, version: ssl.TLSVersion) -> Iterator[str]:
    """The URL of a server that lets only clients with a certificate in, and tells the others so before it goes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.load_verify_locations(clients)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = version
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):  # the listener is closed at the end
            while True:
                refuse(listener.accept()[0])

    def refuse(connection: socket.socket) -> None:
        tls = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with suppress(OSError):
            tls.do_handshake()
        # Closed with unread bytes, as asyncio does, the connection would be reset and take the alert with it.
        with socket.socket(fileno=tls.detach()) as plain, suppress(OSError):
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(65536):
                pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
