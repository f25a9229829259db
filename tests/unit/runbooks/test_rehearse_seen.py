"""A rehearsal that begins with a snapshot: what reaches the lab's hosts, and what is refused before any is booted."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rig.lab import ROOT
from ruamel.yaml import YAML

from nornir_kube_ha.cli import rehearsal_seen as module
from nornir_kube_ha.cli.main import main
from nornir_kube_ha.cli.rehearsal import Wanted, states
from nornir_kube_ha.cli.rehearsal_seen import AsSeen
from nornir_kube_ha.cli.selection import open_inventory
from nornir_kube_ha.engine.story import Planned, Story
from nornir_kube_ha.errors import InventoryError, UsageError
from nornir_kube_ha.facts import Facts, Package
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.inventory.lab_copy import OWN, StandIns
from nornir_kube_ha.inventory.recorded import recorded_nodes
from nornir_kube_ha.lab import lifecycle
from nornir_kube_ha.lab.door import LabError
from nornir_kube_ha.lab.seen import PutFile
from nornir_kube_ha.planning.plan import PACKAGES
from nornir_kube_ha.snapshots import Hiding, Production, SeenFile, SeenHost, SeenListener, SeenUnit, to_text
from nornir_kube_ha.snapshots.model import NotSeen

BOOKWORM, TRIXIE = "Debian GNU/Linux 12 (bookworm)", "Debian GNU/Linux 13 (trixie)"
CFG = "listen x\n    stats auth 'admin:kube-ha-hidden-stats'\n    user a password kube-ha-hidden-7\n"
RUNS = SeenUnit(active=True, enabled=True, masked=False)


def host(**change: Any) -> SeenHost:  # noqa: ANN401
    files = (SeenFile(path=HAPROXY_CFG, mode="0640", owner="root", group="haproxy", text=CFG),)
    values: dict[str, Any] = {
        "os": BOOKWORM,
        "interface": "ens18",
        "holds": (),
        "packages": {"haproxy": "2.6.12-1"},
        "files": files,
        "differs": (),
        "units": {"haproxy": RUNS, "keepalived": RUNS},
        "listeners": (),
        "not_recorded": (),
    }
    return SeenHost(**values | change)


@pytest.fixture
def new(tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(ROOT / "inventory" / "example", tmp_path / "new"))
    yaml, path = YAML(), folder / "defaults.yaml"
    tree = yaml.load(path)
    tree["data"]["haproxy"]["stats"] = {"password": "correct-horse-battery"}
    yaml.dump(tree, path)
    return folder


def edit(folder: Path, name: str, **data: object) -> None:
    yaml, path = YAML(), folder / "hosts.yaml"
    tree = yaml.load(path)
    tree[name]["data"].update(data)
    yaml.dump(tree, path)


@pytest.fixture
def taken(new: Path, tmp_path: Path) -> Callable[..., Path]:
    """Write a snapshot of the inventory's three hosts, some of them changed, and return its path."""

    def make(**hosts: SeenHost) -> Path:
        nodes = recorded_nodes(open_inventory(new), Hiding(), {})
        seen = {name: hosts.get(name.replace("-", "_"), host()) for name in nodes}
        production = Production(taken=datetime.now(UTC), taken_by="root", inventory=nodes, hosts=seen, not_seen={})
        path = tmp_path / "seen.json"
        path.write_text(to_text(production))
        return path

    return make


@pytest.fixture
def begun(new: Path, tmp_path: Path) -> Callable[[Path], AsSeen]:
    """Read a snapshot, as a rehearsal does."""

    def begin(path: Path) -> AsSeen:
        folder = tmp_path / "rehearsal"
        folder.mkdir(exist_ok=True)
        for name in (OWN, "stranger.crt", "both.crt"):
            shutil.copy(ROOT / "tests/unit/data/ca.crt", folder / name)
        _, _, seen = states(Wanted(new, snapshot=path), folder, StandIns("unit", folder))
        assert seen
        return seen

    return begin


@dataclass
class Hosts:
    """The lab's hosts: what they got, and what is there."""

    files: dict[str, dict[str, PutFile]] = field(default_factory=dict)
    units: dict[str, Any] = field(default_factory=dict)
    listeners: list[tuple[str, int, str]] = field(default_factory=list)
    facts: dict[str, Facts] = field(default_factory=dict)
    refuses: bool = False

    def put(self, _lab: str, name: str, files: list[PutFile], units: Any) -> None:  # noqa: ANN401
        self.files[name] = {file.path: file for file in files}
        self.units[name] = units

    def listen(self, _lab: str, name: str, listener: SeenListener) -> None:
        if self.refuses:
            raise LabError("address in use")
        self.listeners.append((name, listener.port, listener.process))


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch, facts_from: Callable[[str], Facts]) -> Hosts:
    found = Hosts()
    facts = replace(facts_from("facts-master"), packages={"haproxy": Package("2.6.12-1")})
    found.facts = dict.fromkeys(("lb-1", "lb-2", "lb-3"), facts)

    def looked(run: Any, **_: object) -> Any:  # noqa: ANN401
        run._update(facts=found.facts)  # noqa: SLF001 - as `look` does
        return SimpleNamespace(passed=True, findings=())

    monkeypatch.setattr(module, "put_seen", found.put)
    monkeypatch.setattr(module, "listen_as", found.listen)
    monkeypatch.setattr(module, "look_until_passed", looked)
    return found


def put(seen: AsSeen) -> str:
    """Put what was seen on the hosts, and return the step's words."""
    story = Story("rehearse", lambda _: None)
    story.play([Planned("put", 1, lambda: seen.put(story, frozenset()))])
    [step] = story.report().steps
    assert step.status == "passed"
    return step.words


def test_files_reach_the_hosts_with_stand_ins(
    begun: Callable[[Path], AsSeen], taken: Callable[..., Path], hosts: Hosts
) -> None:
    seen = begun(taken(lb_2=host(holds=("172.27.129.253",))))
    assert put(seen) == ""
    assert [*hosts.files] == ["lb-2", "lb-1", "lb-3"]  # the holder first
    file = hosts.files["lb-1"][HAPROXY_CFG]
    password = seen.old.intent.node("lb-1").haproxy.stats.password.get_secret_value()
    lines = file.content.decode().splitlines()
    assert lines[1] == f"    stats auth 'admin:{password}'"
    assert lines[2].startswith("    user a password ")
    assert "kube-ha-hidden" not in file.content.decode()
    assert password == seen.new.intent.node("lb-1").haproxy.stats.password.get_secret_value()
    assert (file.mode, file.owner, file.group) == ("0640", "root", "haproxy")
    assert hosts.files["lb-3"][HAPROXY_CFG].content == file.content
    assert hosts.units["lb-1"] == {"haproxy": RUNS, "keepalived": RUNS}


def test_bytes_and_vrrps_password(begun: Callable[[Path], AsSeen], taken: Callable[..., Path], hosts: Hosts) -> None:
    text = "# \xff\n auth_pass kube-ha-hidden-vrrp\n"
    file = SeenFile(path=KEEPALIVED_CONF, mode="0600", owner="root", group="root", encoding="latin-1", text=text)
    put(begun(taken(lb_1=host(files=(file,)))))
    content = hosts.files["lb-1"][KEEPALIVED_CONF].content
    assert content.startswith(b"# \xff\n auth_pass ")
    assert len(content.split()[-1]) == 8


def test_packages_are_there_from_the_start(begun: Callable[[Path], AsSeen], taken: Callable[..., Path]) -> None:
    assert begun(taken()).packages == PACKAGES
    text = 'vrrp_script x {\n    script "killall -0 haproxy"\n}\n'
    file = SeenFile(path=KEEPALIVED_CONF, mode="0600", owner="root", group="root", text=text)
    shutil.rmtree(tmp := Path(taken()).parent / "rehearsal")
    assert not tmp.exists()
    assert begun(taken(lb_1=host(files=(file,)))).packages == (*PACKAGES, "psmisc")


def test_what_differs_from_production_is_said(
    begun: Callable[[Path], AsSeen], taken: Callable[..., Path], hosts: Hosts
) -> None:
    words = put(
        begun(
            taken(
                lb_1=host(packages={"haproxy": "2.6.9-1"}, differs=(HAPROXY_CFG,)),
                lb_2=host(os="Ubuntu 22.04", not_recorded=("/etc/haproxy/conf.d/a.cfg",)),
                lb_3=host(packages={"haproxy": "2.6.9-1"}),
            )
        )
    )
    assert f"not as its inventory says: lb-1 {HAPROXY_CFG}" in words
    assert "missing in the lab: lb-2 /etc/haproxy/conf.d/a.cfg" in words
    assert "haproxy 2.6.9-1 in production, 2.6.12-1 in the lab (lb-1, lb-3)" in words
    assert "Ubuntu 22.04 in production" in words
    assert hosts.files


def test_ports_of_others_are_taken_where_the_new_state_needs_them(
    begun: Callable[[Path], AsSeen], taken: Callable[..., Path], hosts: Hosts
) -> None:
    port = 8443
    every = [("nginx", port), ("haproxy", port), ("", port), ("sshd", 22)]
    listeners = tuple(SeenListener(address="*", port=each, process=name) for name, each in every)
    seen = begun(taken(lb_3=host(listeners=listeners)))
    assert f"port {port} of lb-3 is taken, as in production by nginx" in put(seen)
    assert hosts.listeners == [("lb-3", port, "nginx")]
    hosts.refuses = True
    assert f"port {port} of lb-3 is not taken, unlike in production by nginx" in put(seen)


def test_port_of_a_further_listener_is_taken_too(
    begun: Callable[[Path], AsSeen], taken: Callable[..., Path], hosts: Hosts, new: Path
) -> None:
    for name in ("lb-1", "lb-2", "lb-3"):
        servers = [{"address": "192.0.2.31"}]
        edit(new, name, haproxy={"listeners": {"registry": {"port": 5000, "servers": servers}}})
    seen = begun(taken(lb_3=host(listeners=(SeenListener(address="*", port=5000, process="registry"),))))
    assert "port 5000 of lb-3 is taken, as in production by registry" in put(seen)
    assert hosts.listeners == [("lb-3", 5000, "registry")]


def test_release_and_interface_are_those_that_were_seen(
    begun: Callable[[Path], AsSeen], taken: Callable[..., Path], new: Path
) -> None:
    path = taken(lb_1=host(os=TRIXIE))
    edit(new, "lb-2", interface="auto")
    seen = begun(path)
    for state in (seen.old, seen.new):
        assert [node.lab_suite for node in state.intent.nodes] == ["trixie", "bookworm", "bookworm"]
    assert seen.new.intent.node("lb-2").interface == "ens18"


def test_named_release_of_the_new_state_stays(
    begun: Callable[[Path], AsSeen], taken: Callable[..., Path], new: Path
) -> None:
    path = taken()
    edit(new, "lb-1", lab_suite="trixie")
    seen = begun(path)
    assert seen.old.intent.node("lb-1").lab_suite == "bookworm"
    assert seen.new.intent.node("lb-1").lab_suite == "trixie"  # which the lab refuses


def test_inventory_of_the_snapshot_has_no_way_to_read_files(
    begun: Callable[[Path], AsSeen], taken: Callable[..., Path], tmp_path: Path
) -> None:
    path, secret = taken(), tmp_path / "secret"
    secret.write_text("of this machine")
    tree = json.loads(path.read_text())
    for node in tree["inventory"].values():
        node["data"] |= {"templates": str(tmp_path), "kubeconfig": str(secret), "apiserver_ca": str(secret)}
        node["data"]["login"] = {"password": {"file": str(secret)}}
        node["data"]["haproxy"]["stats"]["password"] = {"file": str(secret)}
    path.write_text(json.dumps(tree))
    seen = begun(path)
    assert "of this machine" not in repr(seen.old.intent.nodes[0].model_dump())
    said = "".join(each.read_text() for each in (tmp_path / "rehearsal").rglob("*.yaml"))
    assert "of this machine" not in said
    assert str(secret) not in (tmp_path / "rehearsal/old/hosts.yaml").read_text()


def test_snapshot_without_a_host_is_refused(begun: Callable[[Path], AsSeen], taken: Callable[..., Path]) -> None:
    path = taken()
    tree = json.loads(path.read_text())
    del tree["hosts"]["lb-3"]
    tree["not_seen"]["lb-3"] = NotSeen(type="HostUnreachableError", message="no SSH server answers").model_dump()
    path.write_text(json.dumps(tree))
    with pytest.raises(UsageError, match=r"lacks hosts of its inventory: lb-3: no SSH server answers\. Take it again"):
        begun(path)


def test_snapshot_with_an_invalid_inventory_is_refused(
    begun: Callable[[Path], AsSeen], taken: Callable[..., Path]
) -> None:
    path = taken()
    tree = json.loads(path.read_text())
    tree["inventory"]["lb-2"]["data"]["interface"] = "eth0; reboot"
    path.write_text(json.dumps(tree))
    with pytest.raises(UsageError, match="its inventory is invalid: lb-2: interface"):
        begun(path)


def test_errors_of_the_new_inventory_are_its_own(
    begun: Callable[[Path], AsSeen], taken: Callable[..., Path], new: Path
) -> None:
    path = taken()
    edit(new, "lb-2", vip="192.0.2.1")
    with pytest.raises(InventoryError, match="vip"):
        begun(path)


def test_two_old_states_are_refused() -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        Wanted(None, old=Path("a"), snapshot=Path("b"))


@pytest.mark.parametrize("text", ["", "{", '{"format": "nornir-kube-ha snapshot", "version": 2}'])
def test_file_that_is_no_snapshot_boots_and_leaves_nothing(
    new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    labs = tmp_path / "labs"
    monkeypatch.setattr("nornir_kube_ha.lab.state.LABS", labs)
    monkeypatch.setattr(lifecycle, "require_root", lambda: None)
    monkeypatch.setattr(lifecycle, "labs", list)
    monkeypatch.setattr(lifecycle, "down", lambda lab: shutil.rmtree(labs / lab))
    path = tmp_path / "seen.json"
    path.write_text(text)
    before = sorted(tmp_path.rglob("*"))
    assert main(["rehearse", "-i", str(new), "--from-snapshot", str(path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"error: snapshot {path}: expected" in said.err
    assert sorted({*tmp_path.rglob("*")} - {labs}) == before
