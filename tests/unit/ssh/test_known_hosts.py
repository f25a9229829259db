"""Files of known keys as people have them: blanks of any kind, keys that are revoked, a disk that fails once."""

import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import paramiko
import pytest

from nornir_kube_ha.ssh.known_hosts import known_keys

OLD, NEW = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()


def line(key: paramiko.PKey, name: str = "lb-1", between: str = " ") -> str:
    return between.join((name, key.get_name(), key.get_base64()))


def keys(file: Path, name: str = "lb-1") -> list[paramiko.PKey]:
    connection: Any = SimpleNamespace(system_host_keys=False, alt_host_keys=True, alt_key_file=str(file))
    return [*known_keys(connection, name).values()]


@pytest.mark.parametrize("between", [" ", "\t", "  ", " \t "])
def test_fields_are_parted_by_any_blanks(tmp_path: Path, between: str) -> None:
    (tmp_path / "known_hosts").write_text(f"  {line(OLD, between=between)}\n")
    assert keys(tmp_path / "known_hosts") == [OLD]


@pytest.mark.parametrize("between", [" ", "\t", "  ", " \t "])
def test_a_revoked_key_belongs_to_no_host(tmp_path: Path, between: str) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"{line(OLD)}\n@revoked{between}{line(OLD, '*', between)}\n")
    assert keys(file) == []
    file.write_text(f"{line(OLD)}\n{line(NEW)}\n@revoked{between}{line(OLD, '*', between)}\n")
    assert keys(file) == [NEW]


def test_a_revocation_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text(f"{line(OLD)}\n@revoked * ssh-ed25519 AAAA\n")
    with pytest.raises(ValueError, match="line 2: cannot parse the revoked key"):
        keys(tmp_path / "known_hosts")


def test_names_are_found_plain_with_their_port_and_hashed(tmp_path: Path) -> None:
    hidden = paramiko.HostKeys.hash_host("[lb-1]:2222")
    (tmp_path / "known_hosts").write_text(f"# mine\n{line(OLD, 'lb-1,192.0.2.11')}\n{line(NEW, hidden)}\n|1|cut off\n")
    assert keys(tmp_path / "known_hosts", "192.0.2.11") == [OLD]
    assert keys(tmp_path / "known_hosts", "[lb-1]:2222") == [NEW]
    assert keys(tmp_path / "known_hosts", "lb-2") == []


def test_a_file_that_has_changed_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"{line(OLD)}\n")
    assert keys(file) == [OLD]
    (tmp_path / "new").write_text(f"{line(NEW)}\n")
    (tmp_path / "new").replace(file)
    assert keys(file) == [NEW]
    file.unlink()
    assert keys(file) == []


def test_a_file_that_cannot_be_read_for_a_moment_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"{line(OLD)}\n")

    def fail(*_arguments: object, **_options: object) -> str:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_text", fail)
        with pytest.raises(ValueError, match=r"cannot read known hosts .*: Too many open files"):
            keys(file)
    assert keys(file) == [OLD]
