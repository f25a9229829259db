"""What a lab does to its hosts, and that it counts only once it shows."""

import json
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from nornir_kube_ha.lab import faults, healing
from nornir_kube_ha.lab.errors import LabError
from nornir_kube_ha.lab.faults import LabFault, apiserver_hosts, etcd_members, why_not
from nornir_kube_ha.lab.layout import ControlPlane, LabHost, Layout

HOSTS = (
    LabHost("lb-1", "eth0", IPv4Interface("192.0.2.11/24"), 6443),
    LabHost("lb-2", "eth0", IPv4Interface("192.0.2.12/24"), 6443),
    LabHost("client", "eth0", IPv4Interface("192.0.2.13/24")),
)


def with_plane(etcd: str = "stacked") -> tuple[LabHost, ...]:
    """The same with a real control plane."""
    plane = ControlPlane("demo", "192.0.2.10:8443", etcd, "v1.20.2")
    return *(replace(host, plane=plane) for host in HOSTS[:2]), HOSTS[2]


@dataclass
class Lab:
    """A lab of two hosts, and what was done to them.

    Arguments:
        seen: what an apiserver is seen to do, look by look; the last one stays
    """

    seen: list[str] = field(default_factory=lambda: ["200"])
    on: dict[str, bool] = field(default_factory=lambda: {"lb-1": True, "lb-2": True})
    obeys: bool = True
    steps: list[str] = field(default_factory=list)
    hosts: tuple[LabHost, ...] = HOSTS
    etcd: str = ""

    def power_off(self, _lab: str, host: str) -> None:
        self.steps.append(f"off {host}")
        self.on[host] = not self.obeys

    def power_on(self, _lab: str, host: str) -> None:
        self.steps.append(f"on {host}")
        self.on[host] = self.obeys

    def reboot(self, _lab: str, host: str) -> None:
        self.steps.append(f"reboot {host}")

    def look(self, host: str) -> str:
        del host
        return self.seen.pop(0) if len(self.seen) > 1 else self.seen[0]


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    world = Lab()

    class FakeHost:
        def __init__(self, _lab: str, name: str) -> None:
            self.name = name

        @property
        def is_on(self) -> bool:
            return world.on[self.name]

        def set_apiserver(self, mode: str) -> None:
            world.steps.append(f"{mode} {self.name}")

        def run(self, *argv: str) -> str:
            if "etcdctl" in argv[-1]:
                return world.etcd
            world.steps.append(f"{' '.join(argv[-3:]).removeprefix('sh -c ')} on {self.name}")
            return ""

    layout = Layout("demo", world.hosts, ())
    monkeypatch.setattr(faults, "lifecycle", world)
    monkeypatch.setattr(healing, "disarm", lambda *_: None)
    monkeypatch.setattr(healing, "arm", lambda _lab, verb, hosts, _: world.steps.append(f"arm {verb} {hosts[0]}"))
    monkeypatch.setattr(faults, "Host", FakeHost)
    monkeypatch.setattr(faults, "read_layout", lambda _: replace(layout, hosts=world.hosts))
    monkeypatch.setattr(faults, "await_hosts", lambda *_, **__: world.steps.append("wait"))
    monkeypatch.setattr(LabFault, "_seen", lambda _, host: world.look(host))
    monkeypatch.setattr(faults, "PATIENCE", 1.0)  # a busy machine takes some for nothing
    monkeypatch.setattr(faults, "POLL", 0.001)
    return world


def fault(verb: str, *hosts: str) -> LabFault:
    return LabFault("demo", verb, hosts or ("lb-1",))


@pytest.mark.parametrize(
    ("verb", "made", "healed"),
    [
        ("off", ["off lb-1", "off lb-2"], ["on lb-1", "on lb-2"]),
        ("reboot", ["reboot lb-1", "reboot lb-2"], ["wait", "wait"]),
    ],
)
def test_power_goes_and_comes_back(lab: Lab, verb: str, made: list[str], healed: list[str]) -> None:
    lab.seen = ["refused"]  # which is not the matter here
    both = fault(verb, "lb-1", "lb-2")
    both.make()
    assert sorted(lab.steps) == made  # both at once
    both.heal()
    assert lab.steps[2:] == healed


@pytest.mark.parametrize(("verb", "shows"), [("gone", "refused"), ("error", "500"), ("slow 2", "late")])
def test_apiserver_behaves_badly_once_that_is_seen(lab: Lab, verb: str, shows: str) -> None:
    lab.seen = ["200", "broken", shows]
    fault(verb).make()
    assert lab.seen == [shows]
    lab.seen = [shows, "refused", "200"]
    fault(verb).heal()
    assert lab.seen == ["200"]
    assert lab.steps == [f"{verb} lb-1", "ok lb-1"]


@pytest.mark.parametrize("verb", ["gone", "error", "slow 2"])
def test_apiserver_fault_without_effect_is_an_error(lab: Lab, verb: str) -> None:
    assert lab.seen == ["200"]
    with pytest.raises(LabError, match=f"^{verb} of lb-1 had no visible effect after"):
        fault(verb).make()


def test_host_that_stays_on_is_an_error(lab: Lab) -> None:
    lab.obeys = False
    with pytest.raises(LabError, match=r"^off of lb-1 had no visible effect after"):
        fault("off").make()


@pytest.mark.parametrize("verb", ["off", "gone"])
def test_fault_that_does_not_go_is_an_error(lab: Lab, verb: str) -> None:
    lab.seen, lab.obeys = ["refused"], False
    with pytest.raises(LabError, match=f"^{verb} of lb-1 still has an effect after"):
        fault(verb).heal()


@pytest.mark.usefixtures("lab")
def test_apiservers_are_found_by_their_addresses() -> None:
    assert apiserver_hosts("demo", ["192.0.2.12", "192.0.2.99", "192.0.2.11"]) == ("lb-2", "lb-1")
    with pytest.raises(LabError, match=r"lab demo has no apiserver at 192\.0\.2\.13"):
        apiserver_hosts("demo", ["192.0.2.13"])


@pytest.mark.field_report("I4")
@pytest.mark.parametrize("verb", ["off", "gone"])
def test_end_of_a_fault_is_armed_before_it_is_made(lab: Lab, verb: str) -> None:
    lab.seen = ["refused", "200"]
    fault = LabFault("demo", verb, ("lb-1",), 4.0)
    fault.make()
    assert lab.steps[:2] == [f"arm {verb} lb-1", f"{verb} lb-1"]


@pytest.mark.field_report("I4")
def test_fault_is_ended_when_its_time_is_over_unless_already_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note, healed = tmp_path / "note", list[tuple[str, ...]]()
    monkeypatch.setattr(healing, "_note", lambda *_: note)
    monkeypatch.setattr("nornir_kube_ha.lab.network.enter", lambda _: None)

    def heal(fault: LabFault) -> None:
        healed.append((fault.verb, *fault.hosts))
        note.unlink()

    monkeypatch.setattr(LabFault, "heal", heal)
    healing.main("demo", "0123", "0", "gone", "lb-1")  # over already
    note.write_text("4567")
    healing.main("demo", "0123", "0", "gone", "lb-1")  # another fault by now
    assert healed == []
    healing.main("demo", "4567", "0", "gone", "lb-1")
    assert healed == [("gone", "lb-1")]


def member(address: str, number: int, leader: int) -> dict[str, object]:
    """What etcdctl says of a member."""
    return {"Endpoint": f"https://{address}:2379", "Status": {"header": {"member_id": number}, "leader": leader}}


@pytest.mark.parametrize(
    ("verb", "made", "healed"),
    [
        ("etcd-kill", "systemctl kill --signal KILL etcd on lb-2", "systemctl start etcd on lb-2"),
        ("etcd-stop", "systemctl kill --signal KILL etcd; systemctl stop etcd on lb-2", "systemctl start etcd on lb-2"),
    ],
)
def test_etcd_goes_and_is_over_when_its_apiserver_is_ready(lab: Lab, verb: str, made: str, healed: str) -> None:
    lab.seen = ["late", "500", "200"]
    broken = fault(verb, "lb-2")
    broken.make()
    assert len(lab.seen) == 3  # nobody asks for more than that the process is gone
    broken.heal()
    assert lab.seen == ["200"]
    assert lab.steps == [made, healed]


def test_apiservers_are_upgraded_one_after_the_other(lab: Lab) -> None:
    lab.seen = ["refused", "500", "200"]
    fault("upgrade", "lb-1", "lb-2").make()
    assert lab.seen == ["200"]
    assert lab.steps == ["gone lb-1", "ok lb-1", "gone lb-2", "ok lb-2"]


def test_member_that_leads_comes_first(lab: Lab) -> None:
    lab.hosts = with_plane()
    lab.etcd = json.dumps([member("192.0.2.11", 7, 9), member("192.0.2.12", 9, 9)])
    assert etcd_members("demo", "demo") == ("lb-2", "lb-1")
    lab.etcd = json.dumps([member("192.0.2.11", 7, 0), member("192.0.2.12", 9, 0)])
    with pytest.raises(LabError, match="has no leader"):
        etcd_members("demo", "demo")


def test_lab_says_what_it_cannot_do(lab: Lab) -> None:
    assert "stand-ins without etcd" in why_not("demo", "demo", "etcd-kill")
    assert not why_not("demo", "demo", "slow 2")
    lab.hosts = with_plane()
    assert not why_not("demo", "demo", "etcd-stop")
    assert "stand-ins without etcd" in why_not("demo", "another", "etcd-kill")
    assert "mode slow needs the stand-in" in why_not("demo", "demo", "slow 2")
    assert not why_not("demo", "demo", "error")
    lab.hosts = with_plane("listed")
    assert "stays healthy without its own" in why_not("demo", "demo", "error")
