"""The CA that apiservers are verified by: its days, several in one file, and what is refused before a change."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from nornir.core import Nornir
from tests.support.changes import findings_of

from nornir_kube_ha.checks import ClusterView
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.planning.ca_validity import validity
from nornir_kube_ha.rollout.preflight import blockers

NOW = datetime(2026, 12, 1, tzinfo=UTC)
Span = tuple[float, float]  # days from now on, from and until


def ca(name: str, begins: float, ends: float) -> str:
    """A CA's certificate, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=begins))
        .not_valid_after(NOW + timedelta(days=ends, hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture
def intent_of(nornir_of: Callable[..., Nornir], tmp_path: Path) -> Callable[..., Intent]:
    """An inventory whose apiserver_ca has CAs that are valid from one day to another."""

    def make(*spans: Span) -> Intent:
        text = "".join(ca(f"ca-{number}", *span) for number, span in enumerate(spans, 1))
        (tmp_path / "ca.crt").write_text(text, encoding="utf-8")
        return load_intent(nornir_of(folder=tmp_path))

    return make


def at_now(healthy: Mapping[str, Facts]) -> dict[str, Facts]:
    """A healthy cluster at that time."""
    now = NOW.timestamp()
    return {name: replace(each, clock=replace(each.clock, now=now, until=now)) for name, each in healthy.items()}


@pytest.mark.field_report(
    "E3",
    "kubeadm#1784",
    "a CA about to end is green; when it ends all apiservers are out, and the advice renews the wrong certificate",
    "apiserver.ca_certificate counts the CA's own days, and a change with an ended CA is refused",
)
@pytest.mark.parametrize(
    ("spans", "status", "seen"),
    [
        ([(-1, 365)], "pass", "ca-1: 365 days left"),
        ([(-1, 20)], "warn", "ca-1: 20 days left"),
        ([(-1, 3)], "fail", "ca-1: 3 days left"),
        ([(-9, -1)], "fail", "ca-1: expired on 2026-11-30"),
        ([(5, 365)], "fail", "ca-1: is not valid before 2026-12-06"),
        ([(-9, -1), (-1, 365)], "warn", "ca-1: expired on 2026-11-30"),
        ([(-9, 3), (5, 365)], "fail", "ca-1: 3 days left; ca-2: is not valid before 2026-12-06"),
        ([(-9, 3), (-1, 365)], "warn", "ca-1: 3 days left"),
    ],
)
def test_days_of_the_ca_are_counted(
    intent_of: Callable[..., Intent], healthy: Mapping[str, Facts], spans: list[Span], status: str, seen: str
) -> None:
    [cluster] = intent_of(*spans).clusters
    finding = findings_of(ClusterView(cluster, at_now(healthy)))["apiserver.ca_certificate"]
    assert (finding.status, finding.seen) == (status, seen)
    assert ("renew the cluster's CA" in finding.next) is (status != "pass")


@pytest.mark.field_report("E3")
@pytest.mark.parametrize(
    ("spans", "refused"),
    [
        ([(-1, 3)], ""),
        ([(-9, -1), (-1, 365)], ""),
        ([(-9, -1)], "apiserver_ca expired on 2026-11-30: renew the cluster's CA"),
        ([(5, 9)], "apiserver_ca is not valid before 2026-12-06: renew"),
    ],
)
def test_ca_that_is_not_valid_is_refused_before_a_change(
    intent_of: Callable[..., Intent], healthy: Mapping[str, Facts], spans: list[Span], refused: str
) -> None:
    [cluster] = intent_of(*spans).clusters
    found = blockers(cluster, cluster.nodes[0], at_now(healthy))
    assert [words.startswith(refused) for words in found] == ([True] if refused else [])


@pytest.mark.field_report("E3")
def test_certificates_that_end_with_their_ca_point_to_it(
    intent_of: Callable[..., Intent], healthy: Mapping[str, Facts]
) -> None:
    [cluster] = intent_of((-9, -1)).clusters
    seen = at_now(healthy)
    for name, each in seen.items():
        ended = {
            address: replace(found, verification="10 (certificate has expired)")
            for address, found in each.reachable.certificates.items()
        }
        seen[name] = replace(each, reachable=replace(each.reachable, certificates=ended))
    finding = findings_of(ClusterView(cluster, seen))["apiserver.certificates"]
    assert (finding.status, finding.next) == ("fail", "their CA has expired: see apiserver.ca_certificate")


def test_text_that_is_no_certificate_says_nothing() -> None:
    assert validity("") == ()
    assert validity("-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n") == ()
