"""Whether a host finds an apiserver's certificate signed by the inventory's CA: by openssl, of a real TLS server."""

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from rig.lab import ROOT
from rig.samples import NONCE

from nornir_kube_ha.facts import Certificate
from nornir_kube_ha.facts.parse_network import reachable
from nornir_kube_ha.planning.ca_validity import subjects

NOW = datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def signed(name: str, by: Signed | None = None, *, is_ca: bool = True, days: float = 9, names: int = 1) -> Signed:
    """A certificate of a new key, by default a CA's that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder(by.certificate.subject if by else subject, subject, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=99))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key((by.key if by else key).public_key()), critical=False
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(f"{name}-{i}") for i in range(names)]), critical=False)
    )
    return Signed(builder.sign(by.key if by else key, hashes.SHA256()), key)


ROOT_CA, SAME_NAME, OTHER = signed("kubernetes"), signed("kubernetes"), signed("other")
BETWEEN = signed("between", ROOT_CA)
LEAF, BELOW = signed("leaf", ROOT_CA, is_ca=False), signed("below", BETWEEN, is_ca=False)
EXPIRED, LONG = signed("old", ROOT_CA, is_ca=False, days=-1), signed("long", ROOT_CA, is_ca=False, names=200)


@contextmanager
def serving(folder: Path, *chain: Signed) -> Iterator[str]:
    """A TLS server on the loopback that presents certificates, with the first one's key; its address."""
    key = chain[0].key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_text(key.decode() + "".join(each.pem for each in chain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with context.wrap_socket(self.request, server_side=True) as client:
                client.recv(1)

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def seen(folder: Path, authority: str, *chain: Signed) -> Certificate:
    """What a look finds of an apiserver that presents certificates."""
    with serving(folder, *chain) as address:
        script = f". {ROOT}/tasks/probes.sh\ncertificate {address}"
        environment = {"AUTHORITY": authority, "NONCE": NONCE}
        command = ["sh", "-u", "-c", script]
        shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    return reachable({f"certificate {address}": shown.strip()}).certificates[address]


@pytest.mark.parametrize(
    ("authority", "chain", "is_trusted"),
    [
        pytest.param([ROOT_CA], [LEAF], True, id="its own CA"),
        pytest.param([OTHER, ROOT_CA], [LEAF], True, id="one CA of two"),
        pytest.param([SAME_NAME, ROOT_CA], [LEAF], True, id="one of two with the same name"),
        pytest.param([ROOT_CA], [BELOW, BETWEEN], True, id="by way of an intermediate certificate"),
        pytest.param([ROOT_CA, BETWEEN], [BELOW], True, id="an intermediate certificate in the file"),
        pytest.param([OTHER], [LEAF], False, id="another CA"),
        pytest.param([SAME_NAME], [LEAF], False, id="another CA with the same name"),
        pytest.param([ROOT_CA], [BELOW], False, id="without the intermediate certificate"),
        pytest.param([OTHER], [BELOW, BETWEEN], False, id="an intermediate certificate of another CA"),
        pytest.param([OTHER], [ROOT_CA], False, id="self-signed"),
        pytest.param([OTHER], [LONG], False, id="too long to be shown whole"),
    ],
)
def test_certificate_is_held_against_the_inventorys_ca(
    tmp_path: Path, authority: list[Signed], chain: list[Signed], *, is_trusted: bool
) -> None:
    found = seen(tmp_path, "".join(each.pem for each in authority), *chain)
    assert (found.is_trusted, found.is_of_another_ca) == (is_trusted, not is_trusted), found
    assert found.issuer == chain[0].certificate.issuer.rfc4514_string()
    assert found.expires
    assert f"DNS:{chain[0].certificate.subject.rfc4514_string().removeprefix('CN=')}-0" in found.names


def test_expired_certificate_is_another_error(tmp_path: Path) -> None:
    found = seen(tmp_path, ROOT_CA.pem, EXPIRED)
    assert (found.is_trusted, found.is_of_another_ca) == (False, False)
    assert "expired" in found.verification


def test_without_a_ca_nothing_is_compared(tmp_path: Path) -> None:
    assert seen(tmp_path, "", LEAF).issuer == "CN=kubernetes"


def test_apiserver_that_does_not_answer_shows_nothing() -> None:
    with ThreadingTCPServer(("127.0.0.1", 0), BaseRequestHandler) as server:
        address = f"127.0.0.1:{server.server_address[1]}"
    script = f". {ROOT}/tasks/probes.sh\ncertificate {address}"
    shown = subprocess.run(
        ["sh", "-u", "-c", script], env={"AUTHORITY": ROOT_CA.pem}, capture_output=True, text=True, check=True
    ).stdout
    found = reachable({f"certificate {address}": shown}).certificates[address]
    assert (found.is_trusted, found.is_of_another_ca, found.expires) == (False, False, None)


def test_subjects_of_a_file() -> None:
    assert subjects(ROOT_CA.pem + OTHER.pem + SAME_NAME.pem) == ("CN=kubernetes", "CN=other")
    assert subjects("no certificate") == ()
