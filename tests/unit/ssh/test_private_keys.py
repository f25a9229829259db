"""Private keys of logins: a fleet's key is read once, read again when its file changes, and its refusal is reported."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
)
from nornir.core import Nornir
from rig.loopback.sshserver import Sent, SSHServer

from nornir_kube_ha.errors import LoginRefusedError
from nornir_kube_ha.ssh.private_keys import with_key


def parameters(file: Path | list[str] | None, **more: str) -> dict[str, Any]:
    named = str(file) if isinstance(file, Path) else file
    return {"key_filename": named, "pkey": None, "passphrase": None, "password": None, **more}


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Key files that were read."""
    read: list[str] = []
    original: Callable[..., paramiko.PKey] = paramiko.PKey.from_path

    def from_path(path: str, password: Any = None) -> paramiko.PKey:  # noqa: ANN401 - as paramiko's stubs have it
        read.append(Path(path).name)
        return original(path, password)

    monkeypatch.setattr(paramiko.PKey, "from_path", from_path)
    return read


def test_key_is_read_once_and_again_when_its_file_has_changed(tmp_path: Path, reads: list[str]) -> None:
    file = tmp_path / "key"
    found = []
    for _ in range(2):
        paramiko.ECDSAKey.generate().write_private_key_file(str(file))
        found += [with_key(parameters(file)), with_key(parameters(file))]
    assert reads == ["key"] * 2
    keys = [each["pkey"] for each in found]
    assert (keys[0] == keys[1], keys[1] == keys[2], keys[2] == keys[3]) == (True, False, True)
    assert {each["key_filename"] for each in found} == {None}


def test_certificate_beside_a_key_is_presented(tmp_path: Path) -> None:
    file, key = tmp_path / "key", ec.generate_private_key(ec.SECP256R1())
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    assert with_key(parameters(file))["pkey"].public_blob is None
    draft = SSHCertificateBuilder().public_key(key.public_key()).serial(1).type(SSHCertificateType.USER)
    draft = draft.key_id(b"operator").valid_principals([b"root"]).valid_after(0).valid_before(2**32)
    certificate = tmp_path / "key-cert.pub"
    certificate.write_bytes(draft.sign(Ed25519PrivateKey.generate()).public_bytes())
    for named in (file, certificate):
        assert with_key(parameters(named))["pkey"].public_blob.key_type.endswith("-cert-v01@openssh.com")


@pytest.mark.parametrize(
    ("passphrase", "more"),
    [("", {"password": "of the login"}), ("its own", {"passphrase": "its own"}), ("its own", {"password": "its own"})],
)
def test_password_of_the_login_is_a_passphrase_where_one_is_needed(
    tmp_path: Path, passphrase: str, more: dict[str, str]
) -> None:
    file, key = tmp_path / "key", paramiko.RSAKey.generate(1024)
    key.write_private_key_file(str(file), password=passphrase or None)
    assert with_key(parameters(file, **more))["pkey"] == key


@pytest.mark.parametrize("content", [None, "", "no key", "locked"])
def test_key_that_cannot_be_read_is_left_to_paramiko(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "key"
    if content == "locked":
        paramiko.ECDSAKey.generate().write_private_key_file(str(file), password="unknown")
    elif content is not None:
        file.write_text(content)
    assert with_key(parameters(file)) == parameters(file)


@pytest.mark.parametrize("named", [None, [], ["one", "two"]])
def test_no_file_and_several_are_left_to_paramiko(named: list[str] | None) -> None:
    assert with_key(parameters(named)) == parameters(named)


@pytest.mark.parametrize("hangs_up", [False, True], ids=["refuses", "hangs up"])
def test_refusal_is_not_hidden_by_the_types_that_a_key_is_not(
    fresh_server: SSHServer,
    stranger: Nornir,
    sent_afresh: Sent,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *,
    hangs_up: bool,
) -> None:
    """paramiko's own words: "encountered EC key, expected OPENSSH key"."""
    for name in ("one", "two"):
        paramiko.ECDSAKey.generate().write_private_key_file(str(tmp_path / name))
    file = tmp_path / "config"
    file.write_text("".join(f"IdentityFile {tmp_path / name}\n" for name in ("one", "two")))
    monkeypatch.setenv("NORNIR_SSH_CONFIG_FILE", str(file))
    extras = stranger.inventory.hosts["lb-1"].connection_options["netmiko"].extras
    assert extras
    del extras["key_file"], extras["use_keys"]
    extras["ssh_config_file"] = str(file)
    if hangs_up:
        fresh_server.lets_in_after = 0.3
        fresh_server.prepare = _hang_up_soon
    with pytest.raises(LoginRefusedError, match="closed the connection" if hangs_up else "Authentication failed"):
        sent_afresh()


def _hang_up_soon(transport: paramiko.Transport) -> None:
    def hang_up() -> None:
        while not transport.initial_kex_done:
            time.sleep(0.01)
        time.sleep(0.1)
        transport.close()

    threading.Thread(target=hang_up, daemon=True).start()
