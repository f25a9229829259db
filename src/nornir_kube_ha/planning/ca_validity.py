"""Read from PEM text whose CA certificates they are, and when they are valid. No I/O."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from cryptography.x509 import load_pem_x509_certificates

DAY = 86400  # seconds


@dataclass(frozen=True, slots=True)
class Validity:
    """The validity period of a CA certificate. Times are seconds since the epoch.

    Arguments:
        name: the subject's common name, or a substitute
        begins: `notBefore`
        ends: `notAfter`
    """

    name: str
    begins: float
    ends: float

    def covers(self, now: float) -> bool:
        """Return whether the certificate is valid at `now`."""
        return self.begins <= now <= self.ends

    def days_left(self, now: float) -> int:
        """Return the whole days until the certificate expires; negative once it has expired."""
        return int((self.ends - now) // DAY)

    def words(self, now: float) -> str:
        """Return `expired on 2026-11-29`, `is not valid before 2026-12-24`, or `20 days left`."""
        if now > self.ends:
            return f"expired on {_date(self.ends)}"
        return f"is not valid before {_date(self.begins)}" if now < self.begins else f"{self.days_left(now)} days left"


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


@cache
def validity(pem: str) -> tuple[Validity, ...]:
    """Return the validity of each CA certificate in a file; empty if the file has no readable certificate.

    Arguments:
        pem: text of the file
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=pem.encode("ascii", "ignore").decode())
    except (ssl.SSLError, ValueError):  # BEGIN CERTIFICATE before garbage: the check of the CA file reports it
        return ()
    return tuple(
        Validity(_name(each), _seconds(each["notBefore"]), _seconds(each["notAfter"]))
        for each in context.get_ca_certs()
    )


@cache
def subjects(pem: str) -> tuple[str, ...]:
    """Return the subject of each CA certificate in a file as RFC 4514 writes it: `CN=kubernetes`.

    Arguments:
        pem: text of the file
    """
    try:
        return tuple(dict.fromkeys(each.subject.rfc4514_string() for each in load_pem_x509_certificates(pem.encode())))
    except ValueError:  # OpenSSL reads certificates that cryptography refuses
        return tuple(dict.fromkeys(f"CN={each.name}" for each in validity(pem)))


def _seconds(moment: object) -> float:
    return float(ssl.cert_time_to_seconds(str(moment)))


def _name(certificate: Mapping[str, object]) -> str:
    """Return the common name of the subject."""
    subject = certificate.get("subject", ())
    names = dict(pair for part in subject for pair in part) if isinstance(subject, tuple) else {}
    return str(names.get("commonName", "CA"))
