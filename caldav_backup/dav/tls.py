"""Whom a TLS connection trusts, and with which certificate the client shows itself.

Owns the TLS context and the sentences about what is wrong with a certificate. Nothing is connected here.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx

from caldav_backup.dav.errors import InvalidLocation

#: OpenSSL's `X509_V_ERR_…` (openssl-verification-options(1)) in the words of those who have to act.
_EXPIRED, _NOT_YET_VALID = 10, 9
_OTHER_HOST = frozenset({62, 63, 64})
_SELF_SIGNED = frozenset({18, 19})
#: What OpenSSL makes of a server's alert (RFC 8446 §6.2) when it does not like who comes.
_ABOUT_THE_CLIENT = re.compile("ALERT_(.*CERTIFICATE.*|UNKNOWN_CA|HANDSHAKE_FAILURE)")


@dataclass(frozen=True, slots=True)
class Tls:
    """What a location says about TLS; with nothing said, the system's authorities and certifi's are trusted.

    `ca` is a file or directory of the only certificate authorities to trust (PEM); `fingerprint` the SHA-256 of the
    only server certificate to accept, in 64 hexadecimal digits, whoever signed it; `client_certificate` a file with a
    certificate and its key (PEM).
    """

    ca: Path | None = None
    fingerprint: str | None = None
    client_certificate: Path | None = None

    def context(self) -> ssl.SSLContext:
        """The context for connections. InvalidLocation, which names the option, when a file cannot be used."""
        context = self._trusting()
        if self.client_certificate is not None:
            _load_certificate(context, self.client_certificate)
        return context

    def _trusting(self) -> ssl.SSLContext:
        if self.fingerprint is not None:
            return _pinned(self.fingerprint)
        if self.ca is not None:
            return _only(self.ca)
        context = httpx.create_ssl_context()
        context.load_default_certs()  # certifi knows no authority that an administrator has added to the system
        return context


def _pinned(fingerprint: str) -> ssl.SSLContext:
    """A context that ends the handshake, before anything is sent, unless the certificate is the one."""
    wanted = fingerprint.lower()

    class Pinned(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            found = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
            if found != wanted:
                raise WrongCertificate(found)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.sslobject_class = Pinned
    return context


def _only(ca: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        ca.stat()  # a directory that is missing is no error to OpenSSL
        context.load_verify_locations(**({"capath": str(ca)} if ca.is_dir() else {"cafile": str(ca)}))
    except OSError as error:
        raise InvalidLocation(f"tls_ca: no certificates can be read from {ca} ({_reason(error)})") from error
    return context


def _load_certificate(context: ssl.SSLContext, path: Path) -> None:
    try:
        # Without a password OpenSSL would ask the terminal for that of an encrypted key.
        context.load_cert_chain(path, password="")
    except OSError as error:
        raise InvalidLocation(
            f"client_cert: no certificate with its key, unencrypted, can be read from {path} ({_reason(error)})"
        ) from error


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no PEM").lower().replace("_", " ")
    return error.strerror or str(error)


class WrongCertificate(ssl.SSLCertVerificationError):
    """The server shows another certificate than the one that is pinned; `found` is its SHA-256."""

    def __init__(self, found: str) -> None:
        super().__init__("the certificate is not the pinned one")
        self.found = found


def why_untrusted(error: ssl.SSLCertVerificationError) -> str:
    """One line about a certificate that is not accepted, and what can be done."""
    if isinstance(error, WrongCertificate):
        return f"its certificate is not the one in tls_fingerprint; its SHA-256 is {_colons(error.found)}"
    code = getattr(error, "verify_code", 0)
    if code == _EXPIRED:
        return "its certificate has expired; its owner must renew it, unless the clock of this machine is wrong"
    if code == _NOT_YET_VALID:
        return "its certificate is not valid yet; see whether the clock of this machine is right"
    if code in _OTHER_HOST:
        return "its certificate is for another host; use the name that it is for, or accept it by tls_fingerprint"
    what = "self-signed" if code in _SELF_SIGNED else getattr(error, "verify_message", "") or "not to be verified"
    return (
        f"its certificate is not trusted ({what}); "
        "tls_ca names an authority to trust, tls_fingerprint this one certificate"
    )


def why_failed(error: ssl.SSLError) -> str | None:
    """One line about TLS that fails for another reason; None where nothing better than the error itself is known."""
    reason = error.reason or ""
    if _ABOUT_THE_CLIENT.search(reason):
        return (
            "it ends the TLS handshake; it may want another client certificate, or one at all: client_cert supplies it"
        )
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"}:
        return "there is no TLS at this port; the location may have to begin with http:// or name another port"
    if "PROTOCOL" in reason:
        return "it speaks only versions of TLS that are not safe any more"
    return None


def _colons(digits: str) -> str:
    upper = digits.upper()
    return ":".join(upper[at : at + 2] for at in range(0, len(upper), 2))
