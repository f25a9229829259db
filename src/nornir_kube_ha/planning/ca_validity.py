"""When the certificates of a CA file are valid: pure, from their PEM text."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

DAY = 86400  # seconds


@dataclass(frozen=True, slots=True)
class Validity:
    """When a CA's certificate is valid. Times are in seconds since 1970.

    Arguments:
        name: its common name, or what else it is called
        begins: from when on
        ends: until when
    """

    name: str
    begins: float
    ends: float

    def covers(self, now: float) -> bool:
        """Return whether it is valid at a time.

        Arguments:
            now: the time
        """
        return self.begins <= now <= self.ends

    def days_left(self, now: float) -> int:
        """Return the whole days until it ends; negative once it has.

        Arguments:
            now: the time
        """
        return int((self.ends - now) // DAY)

    def words(self, now: float) -> str:
        """Return `ended on 2026-11-29`, `is valid from 2026-12-24 on only`, or `20 days left`.

        Arguments:
            now: the time
        """
        if now > self.ends:
            return f"ended on {_date(self.ends)}"
        return (
            f"is valid from {_date(self.begins)} on only" if now < self.begins else f"{self.days_left(now)} days left"
        )


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


@cache
def validity(pem: str) -> tuple[Validity, ...]:
    """Return when each CA certificate of a file is valid; nothing if it has none that can be read.

    Arguments:
        pem: the file's text
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=pem.encode("ascii", "ignore").decode())
    except (ssl.SSLError, ValueError):  # a text that begins as a certificate does, and is none: others say so
        return ()
    return tuple(
        Validity(_name(each), _seconds(each["notBefore"]), _seconds(each["notAfter"]))
        for each in context.get_ca_certs()
    )


def _seconds(moment: object) -> float:
    return float(ssl.cert_time_to_seconds(str(moment)))


def _name(certificate: Mapping[str, object]) -> str:
    """Its subject's common name."""
    subject = certificate.get("subject", ())
    names = dict(pair for part in subject for pair in part) if isinstance(subject, tuple) else {}
    return str(names.get("commonName", "CA"))
