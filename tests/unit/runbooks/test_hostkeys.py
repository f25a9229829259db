"""Host keys: what a host shows, what is known of it, and how it is pinned. Servers on the loopback."""

import argparse
from collections.abc import Callable
from pathlib import Path

import paramiko
import pytest
from nornir.core import Nornir
from rig.loopback.sshserver import Sent, SSHServer, know

from nornir_kube_ha.cli.main import main
from nornir_kube_ha.errors import KubeHaError, UsageError
from nornir_kube_ha.runbooks import hostkeys as module
from nornir_kube_ha.runbooks.hostkeys import run_enroll
from nornir_kube_ha.tasks import get_host_key
from nornir_kube_ha.tasks.hostkeys import HostKey, KeyState

Enroll = Callable[..., int]


pytestmark = pytest.mark.usefixtures("homeless")


@pytest.fixture
def known_hosts(stranger: Nornir, tmp_path: Path) -> Path:
    """The file beside the inventory, which is not there yet."""
    assert stranger
    path = tmp_path / "known_hosts"
    path.unlink()
    return path


@pytest.fixture
def enroll(stranger: Nornir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Enroll:
    """`kube-ha hostkeys enroll`; `answer` is the person's, `None` where nobody may be asked."""
    monkeypatch.setattr(module, "find_inventory", lambda _: tmp_path)
    monkeypatch.setattr(module, "open_inventory", lambda *_, **__: stranger)

    def run(*hosts: str, answer: bool | None = True, yes: bool = False) -> int:
        def ask(question: str) -> bool:
            assert answer is not None, question
            return answer

        return run_enroll(argparse.Namespace(inventory=None, hosts=hosts or ("lb-1",), yes=yes), ask=ask)

    return run


def shown(nornir: Nornir) -> HostKey:
    nornir.data.reset_failed_hosts()
    outcome = nornir.run(get_host_key)["lb-1"][0]
    if outcome.exception:
        raise outcome.exception
    key: HostKey = outcome.result
    return key


def test_key_of_an_unknown_host_is_new_and_there_is_no_login(
    fresh_server: SSHServer, stranger: Nornir, known_hosts: Path
) -> None:
    key = shown(stranger)
    assert key == HostKey(
        f"[127.0.0.1]:{fresh_server.port}",
        fresh_server.key.get_name(),
        fresh_server.key.get_base64(),
        fresh_server.key.fingerprint,
        KeyState.NEW,
        known_hosts,
    )
    assert fresh_server.tries == fresh_server.commands == []


@pytest.mark.parametrize("place", ["known_hosts", "home/.ssh/known_hosts"])
def test_key_that_is_known_is_known(
    fresh_server: SSHServer, stranger: Nornir, known_hosts: Path, tmp_path: Path, place: str
) -> None:
    options = stranger.inventory.hosts["lb-1"].connection_options["netmiko"]
    options.extras = {"use_keys": True, "key_file": str(tmp_path / "key")}
    know(fresh_server, fresh_server.key, tmp_path)
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    known_hosts.rename(tmp_path / place)
    assert shown(stranger).state is KeyState.KNOWN


@pytest.mark.parametrize(
    "key", [paramiko.ECDSAKey.generate(), paramiko.RSAKey.generate(2048)], ids=["same kind", "another kind"]
)
def test_key_that_is_not_the_known_one_has_changed(
    fresh_server: SSHServer, stranger: Nornir, tmp_path: Path, key: paramiko.PKey
) -> None:
    know(fresh_server, key, tmp_path)
    assert shown(stranger).state is KeyState.CHANGED


def test_host_without_a_server_is_an_error(fresh_server: SSHServer, stranger: Nornir) -> None:
    fresh_server.close()
    with pytest.raises(KubeHaError, match="no SSH server answers"):
        shown(stranger)


def test_new_key_is_shown_and_pinned_and_then_a_login_goes(
    fresh_server: SSHServer,
    sent_afresh: Sent,
    enroll: Enroll,
    known_hosts: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    known_hosts.write_text("# by hand, and cut off")
    assert enroll() == 0
    name = f"[127.0.0.1]:{fresh_server.port}"
    kind = fresh_server.key.get_name()
    assert capsys.readouterr().out == f"lb-1  {name}  {kind}  {fresh_server.key.fingerprint}  new\n"
    assert known_hosts.read_text() == f"# by hand, and cut off\n{name} {kind} {fresh_server.key.get_base64()}\n"
    sent_afresh()


def test_key_that_is_known_is_not_pinned_twice(enroll: Enroll, known_hosts: Path) -> None:
    assert enroll(answer=None, yes=True) == 0
    before = known_hosts.read_text()
    assert enroll(answer=None) == 0
    assert known_hosts.read_text() == before


def test_mode_of_the_file_stays(enroll: Enroll, known_hosts: Path) -> None:
    known_hosts.touch(mode=0o600)
    enroll()
    assert known_hosts.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("known_hosts")
def test_nothing_is_pinned_without_confirmation(enroll: Enroll, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no key was pinned"):
        enroll(answer=False)
    assert not (tmp_path / "known_hosts").exists()


def test_changed_key_is_never_pinned(
    fresh_server: SSHServer, enroll: Enroll, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    know(fresh_server, paramiko.ECDSAKey.generate(), tmp_path)
    before = (tmp_path / "known_hosts").read_text()
    assert enroll(answer=None, yes=True) == 6
    out, err = capsys.readouterr()
    assert "CHANGED" in out
    assert f"ssh-keygen -f {tmp_path / 'known_hosts'} -R '[127.0.0.1]:{fresh_server.port}'" in err
    assert (tmp_path / "known_hosts").read_text() == before


def test_file_that_cannot_be_written_says_so(enroll: Enroll, known_hosts: Path) -> None:
    known_hosts.mkdir()
    with pytest.raises(UsageError, match=f"cannot write {known_hosts}"):
        enroll()


def test_host_that_is_not_in_the_inventory_is_refused(enroll: Enroll) -> None:
    with pytest.raises(UsageError, match="no host called lb-9; known hosts: lb-1"):
        enroll("lb-9")


def test_help_says_what_becomes_of_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["hostkeys", "enroll", "--help"])
    assert "fingerprint" in capsys.readouterr().out
