"""Keys and certificates of a lab: the login key, the hosts' keys, a CA, and the certificates that it signs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from nornir_kube_ha.addresses import IPAddress, rank
from nornir_kube_ha.files import write_file

_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")
_VALID = timedelta(days=365)  # as with kubeadm


def ensure_ssh_key(path: Path, comment: str) -> str:
    """Return the public key of the ed25519 pair at `path`, in OpenSSH's format, making the pair if it is missing."""
    public = path.with_name(f"{path.name}.pub")
    if not (path.exists() and public.exists()):
        key = ed25519.Ed25519PrivateKey.generate()
        write_file(path, _openssh(key), 0o600)
        line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        write_file(public, f"{line.decode()} {comment}\n")
    return public.read_text()


def _openssh(key: ed25519.Ed25519PrivateKey) -> bytes:
    nobody = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, nobody)


def ensure_ca(folder: Path) -> None:
    """Make `ca.crt` and `ca.key` in `folder` if they are missing."""
    if (folder / "ca.crt").exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("kubernetes")
    certificate = (
        _builder(name, name, key.public_key(), _VALID * 10)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_file(folder / "ca.key", _pem(key), 0o600)
    write_file(folder / "ca.crt", certificate.public_bytes(serialization.Encoding.PEM))


def ensure_apiserver_certificate(folder: Path, addresses: Sequence[IPAddress], dns: Sequence[str] = ()) -> None:
    """Make `apiserver.crt` and `apiserver.key`, unless there is a certificate for exactly these addresses and names.

    Arguments:
        folder: has `ca.crt` and `ca.key`, and gets the two
        addresses: all that reach an apiserver, VIPs included
        dns: names of control-plane endpoints
    """
    path = folder / "apiserver.crt"
    if not (path.exists() and _names_in(path) == _alternative_names(addresses, dns)):
        issue_apiserver_certificate(folder, folder, addresses, dns=dns)


def issue_apiserver_certificate(
    ca: Path, folder: Path, addresses: Sequence[IPAddress], valid: timedelta = _VALID, dns: Sequence[str] = ()
) -> None:
    """Make `apiserver.crt` and `apiserver.key` in `folder`.

    Arguments:
        ca: folder with `ca.crt` and `ca.key`
        folder: where the two are written
        addresses: all that reach an apiserver
        valid: how long from now on; negative: it has expired
        dns: names of control-plane endpoints
    """
    extensions = [x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), _alternative_names(addresses, dns)]
    _issue(ca, folder / "apiserver", _name("kube-apiserver"), extensions, valid)


def ensure_etcd_certificate(ca: Path, folder: Path, address: IPAddress) -> None:
    """Make `etcd.crt` and `etcd.key` in `folder` if they are missing: for one member, as server and as client.

    Arguments:
        ca: folder with `ca.crt` and `ca.key`
        folder: where the two are written
        address: the member's address
    """
    if not (folder / "etcd.crt").exists():
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        addresses = [x509.IPAddress(each) for each in (ip_address("127.0.0.1"), address)]
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), *addresses])
        _issue(ca, folder / "etcd", _name("etcd"), [x509.ExtendedKeyUsage(usages), names])


def ensure_client_certificate(folder: Path, name: str, user: str, group: str = "") -> None:
    """Make `NAME.crt` and `NAME.key` in `folder` if they are missing: for a client of the apiservers.

    Arguments:
        folder: has `ca.crt` and `ca.key`, and gets the two
        name: base name of the two files
        user: the client's user name (CN)
        group: the user's group (O); "" for none
    """
    if not (folder / f"{name}.crt").exists():
        groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []
        subject = x509.Name([*groups, *_name(user)])
        _issue(folder, folder / name, subject, [x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])])


def ensure_service_account_key(folder: Path) -> None:
    """Make `sa.key` and `sa.pub` in `folder` if they are missing: they sign service accounts' tokens."""
    if not (folder / "sa.pub").exists():
        key = ec.generate_private_key(ec.SECP256R1())
        write_file(folder / "sa.key", _pem(key), 0o600)
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        write_file(folder / "sa.pub", key.public_key().public_bytes(serialization.Encoding.PEM, form))


def _issue(
    ca: Path,
    path: Path,
    subject: x509.Name,
    extensions: Sequence[x509.ExtensionType],
    valid: timedelta = _VALID,
) -> None:
    """Write a key and its certificate. The certificate comes last: its change triggers loading both."""
    authority = x509.load_pem_x509_certificate((ca / "ca.crt").read_bytes())
    ca_key = serialization.load_pem_private_key((ca / "ca.key").read_bytes(), None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)  # noqa: S101 - ours, by ensure_ca
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(subject, authority.subject, key.public_key(), valid)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    certificate = builder.sign(ca_key, hashes.SHA256())
    write_file(path.with_suffix(".key"), _pem(key), 0o600)
    write_file(path.with_suffix(".crt"), certificate.public_bytes(serialization.Encoding.PEM))


def _alternative_names(addresses: Sequence[IPAddress], dns: Sequence[str]) -> x509.SubjectAlternativeName:
    names = dict.fromkeys((*_NAMES, *dns))
    return x509.SubjectAlternativeName(
        [*map(x509.DNSName, names), *(x509.IPAddress(a) for a in sorted(set(addresses), key=rank))]
    )


def _names_in(path: Path) -> x509.SubjectAlternativeName:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    nobody = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, nobody)


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, valid: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1) + min(valid, timedelta()))  # for clocks that lag a little
        .not_valid_after(now + valid)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not signs_certificates,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
