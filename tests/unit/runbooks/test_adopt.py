"""`kube-ha adopt`, against servers on the loopback that answer as hosts would: what is written, and what never is."""

import base64
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import paramiko
import pytest
from nornir.core.task import Task
from rig.loopback.sshserver import Answer, SSHServer
from tests.support.adoption import hosts_of

from nornir_kube_ha import adopt
from nornir_kube_ha.adoption import Running
from nornir_kube_ha.cli.main import main
from nornir_kube_ha.cli.selection import open_inventory
from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.ssh.remote import run_script
from nornir_kube_ha.ssh.shell import Completed

pytestmark = pytest.mark.usefixtures("homeless")
Serve = Callable[[str], list[str]]


def answer_of(host: Running) -> Callable[[str], Answer]:
    """What `running.sh` prints on a host."""

    def answer(script: str) -> Answer:
        nonce = (re.search(r"^NONCE=(\w+)", script, re.MULTILINE) or [""])[1]
        names = re.search(r"^RESOLVED='(.+)'", script, re.MULTILINE)
        sections = resolved(names[1].split(), host) if names else looked_at(host)
        text = "".join(f"\n@{nonce} {name}\n{body}" for name, body in [*sections, ("end", "")])
        return 0, f"Welcome!\n{text}\n".encode(), b""

    return answer


def looked_at(host: Running) -> Iterator[tuple[str, str]]:
    yield "user", "0"
    yield "hostname", f"{host.name}.example.org"
    infos = ",".join(
        f'{{"ifname":"{link}","addr_info":[{{"family":"inet","local":"{each.ip}","prefixlen":{each.network.prefixlen}}}]}}'
        for link, each in host.addresses
    )
    yield "addresses", f"[{infos}]"
    for daemon, files in (("haproxy", host.haproxy), ("keepalived", host.keepalived)):
        for file in files:
            yield f"file {daemon} {file.path}", base64.b64encode(file.content).decode()
    yield "server", "https://192.0.2.10:8443"


def resolved(names: list[str], host: Running) -> Iterator[tuple[str, str]]:
    for name in names:
        yield f"name {name}", "\n".join(map(str, host.resolved.get(name, ())))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start servers that answer as the hosts of a kind do, known and with a key of this user; return HOST of each."""
    servers: list[SSHServer] = []
    home = tmp_path / "home/.ssh"
    home.mkdir(parents=True)
    login = paramiko.ECDSAKey.generate()
    login.write_private_key_file(str(home / "id_ecdsa"))

    def start(kind: str) -> list[str]:
        hosts = [host for host in hosts_of(kind) if host.name in {"lb-1", "lb-2", "balancer1", "balancer2"}]
        servers.extend(SSHServer(paramiko.ECDSAKey.generate(), login, answer_of(host)) for host in hosts)
        known = (f"[{name}]:{each.port} {each.key.get_name()} {each.key.get_base64()}" for name, each in named())
        (home / "known_hosts").write_text("".join(f"{line}\n" for line in known))
        return [f"root@{name}:{each.port}" for name, each in named()]

    def named() -> Iterator[tuple[str, SSHServer]]:
        return zip(("127.0.0.1", "localhost"), servers, strict=True)

    yield start
    for server in servers:
        server.close()


def test_inventory_is_written_with_notes_and_next_commands(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new/mine"
    assert main(["adopt", *serve("role"), "-o", str(folder)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"inventory written to {folder} (cluster kube: lb-1, localhost)\n")
    assert "  changes: vrrp_script chk_haproxy" in out
    assert "unicast peer 192.0.2.13 is not among the hosts" in out
    assert f"  kube-ha deploy -i {folder} --dry-run --diff" in out
    cluster = load_intent(open_inventory(folder)).clusters[0]
    assert (str(cluster.vip), cluster.master.name, str(cluster.master.address)) == (
        "192.0.2.10/24",
        "lb-1",
        "192.0.2.11",
    )
    assert {path.name for path in folder.iterdir()} == {"hosts.yaml", "groups.yaml", "defaults.yaml", "secrets"}
    secret = folder / "secrets/kube-stats-password"
    assert (secret.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert "a-long-and-good-one" not in out
    assert [*folder.parent.iterdir()] == [folder]


def test_names_of_servers_are_resolved_on_the_host(serve: Serve, tmp_path: Path) -> None:
    assert main(["adopt", *serve("external"), "-o", str(tmp_path / "mine")]) == 0
    node = load_intent(open_inventory(tmp_path / "mine")).nodes[0]
    assert [str(each) for each in node.apiservers] == [f"10.20.1.{number}:6443" for number in range(1, 6)]


def test_an_inventory_gives_the_logins_and_the_known_keys(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (target.rpartition(":")[2] for target in serve("unicast"))
    old = tmp_path / "old"
    old.mkdir()
    lines = [
        f"one: {{hostname: 127.0.0.1, port: {first}, username: root, data: {{login: {{password: in-clear-text}}}}}}",
        f"two: {{hostname: localhost, port: {second}, username: root, data: {{firewall: leave}}}}",
    ]
    (old / "hosts.yaml").write_text("\n".join(lines))
    extras = f"{{use_keys: true, key_file: {tmp_path}/home/.ssh/id_ecdsa, system_host_keys: false}}"
    (old / "defaults.yaml").write_text(f"connection_options: {{netmiko: {{extras: {extras}}}}}\n")
    (tmp_path / "home/.ssh/known_hosts").rename(old / "known_hosts")
    assert main(["adopt", "-i", str(old), "-o", str(tmp_path / "mine")]) == 0
    nornir = open_inventory(tmp_path / "mine")
    assert (tmp_path / "mine/known_hosts").read_text() == (old / "known_hosts").read_text()
    extras_now = nornir.inventory.hosts["one"].get_connection_parameters("netmiko").extras or {}
    assert extras_now["system_host_keys"] is False
    assert nornir.inventory.hosts["two"].data["firewall"] == "leave"
    assert not [path for path in (tmp_path / "mine").rglob("*.yaml") if "in-clear-text" in path.read_text()]
    assert "in-clear-text" not in capsys.readouterr().out


def test_programs_adopt_by_their_own_nornir(serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (target.rpartition(":")[2] for target in serve("unicast"))
    (tmp_path / "old").mkdir()
    lines = [f"one: {{hostname: 127.0.0.1, port: {first}, username: root}}"]
    lines += [f"two: {{hostname: localhost, port: {second}, username: root}}"]
    (tmp_path / "old/hosts.yaml").write_text("\n".join(lines))
    extras = f"{{use_keys: true, key_file: {tmp_path}/home/.ssh/id_ecdsa}}"
    (tmp_path / "old/defaults.yaml").write_text(f"connection_options: {{netmiko: {{extras: {extras}}}}}\n")
    nornir, said = open_inventory(tmp_path / "old"), list[str]()
    adopted = adopt(nornir, tmp_path / "mine", hosts=["one", "two"], tell=said.append)
    assert (adopted.folder, adopted.problems) == (tmp_path / "mine", ())
    assert sorted(adopted.adoption.notes) == ["one", "two"]
    assert {node.name for node in load_intent(open_inventory(tmp_path / "mine")).nodes} == {"one", "two"}
    assert said == ["reading one, two; nothing is changed there"]
    assert capsys.readouterr() == ("", "")
    assert not any(host.connections for host in nornir.inventory.hosts.values())
    with pytest.raises(UsageError, match="is not empty"):
        adopt(nornir, tmp_path / "mine")
    wrong: list[Collection[str]] = [[], "one"]
    for hosts in wrong:
        with pytest.raises(UsageError, match="hosts: expected a list of names"):
            adopt(nornir, tmp_path / "other", hosts=hosts)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    "target", ["-x", "a b", "../x", "a@b@c", "root@", "h:0", "h:99999", "$(id)", "x\ny", "@h", "2001:db8::1"]
)
def test_what_is_no_host_is_refused_before_anything_is_sent(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["adopt", "-o", str(tmp_path / "mine"), "--", target]) == 2
    assert "expected [USER@]HOST[:PORT]" in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()


def test_a_folder_with_files_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for folder in (tmp_path, tmp_path / "file", tmp_path / "link"):
        assert main(["adopt", "lb-1", "-o", str(folder)]) == 2
        assert "is not empty; name a new folder with -o" in capsys.readouterr().err
    assert main(["adopt", "-o", str(tmp_path / "mine")]) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"file", "link"}


def test_a_host_whose_key_is_not_known_is_not_logged_in_to(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    targets = serve("unicast")
    (tmp_path / "home/.ssh/known_hosts").write_text("")
    assert main(["adopt", *targets, "-o", str(tmp_path / "mine")]) == 6
    assert capsys.readouterr().err.count("is unknown") == 2
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        ("@{0} user\n0\n", 1, "the output ends in section user"),
        ("@{0} user\n0\n@{0} addresses\n[]\n@{0} end\n", 1, "haproxy loads no file"),
        ("@{0} user\n1000\n@{0} end\n", 6, "is not root"),
        ("@{0} user\n0\n@{0} addresses\n[[[\n@{0} end\n", 1, "cannot parse the host's answer"),
        ("@{0} user\n0\n@{0} addresses\n5\n@{0} end\n", 1, "cannot parse the host's answer"),
        ("@{0} user\n0\n@{0} file \n\n@{0} addresses\n[]\n@{0} end\n", 1, "cannot parse the host's answer"),
        (
            "@{0} user\n0\n@{0} addresses\n[]\n@{0} excess haproxy /a\x1b[31m/b\n@{0} end\n",
            1,
            "loads more than 64 files",
        ),
        (
            "@{0} user\n0\n@{0} hostname\n../../x\n@{0} addresses\n[]\n@{0} file haproxy ../../y\n!\n@{0} end\n",
            1,
            "loads no file",
        ),
    ],
)
def test_a_host_that_lies_gets_an_error_and_nothing_is_written(
    said: str,
    code: int,
    words: str,
    *,
    serve: Serve,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    targets = serve("unicast")
    monkeypatch.setattr("nornir_kube_ha.tasks.running.secrets.token_hex", lambda _: "abc")

    def lie(task: Task, script: str, *, timeout: float) -> Completed:
        run_script(task, script, timeout=timeout)
        return Completed(0, said.format("abc"), "")

    monkeypatch.setattr("nornir_kube_ha.tasks.running.run_script", lie)
    assert main(["adopt", *targets, "-o", str(tmp_path / "mine")]) == code
    err = capsys.readouterr().err
    assert words in err
    assert "\x1b" not in err
    assert not (tmp_path / "mine").exists()
    assert {path.name for path in tmp_path.iterdir()} <= {"home"}
