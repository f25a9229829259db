"""Whom a failover test breaks, for how long, and what that may cost there."""

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from nornir.core import Nornir
from tests.support.kubernetes import kubeconfig
from tests.support.reports import PASSED, host, report_of

from nornir_kube_ha.engine import credentials
from nornir_kube_ha.engine.credentials import credentials_of
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import ClientError, UsageError
from nornir_kube_ha.failover.limit import Limit
from nornir_kube_ha.failover.trial import Outcome, Trial
from nornir_kube_ha.intent import Cluster, Intent
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.runbooks import failover_test as module
from nornir_kube_ha.runbooks.failover_test import failover_test
from nornir_kube_ha.tasks.stream import Stream
from nornir_kube_ha.trials.client_channel import remote_command
from nornir_kube_ha.trials.client_runner import Client
from nornir_kube_ha.trials.fault_injectors import FaultInjector

ALL = ("lb-1", "lb-2", "lb-3")


class Ended(Stream):
    """A command that has ended."""

    def __init__(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        raise OSError(f"nobody hears {len(data)} bytes")

    def lines(self) -> Iterator[str]:
        yield from ()

    def close(self) -> None:
        pass


@dataclass
class World:
    """A healthy cluster, and what is done to it.

    Arguments:
        nornir_of: makes its inventory
        holders: who holds the VIP
        kubeconfig: of the lab
    """

    nornir_of: Callable[..., Nornir]
    holders: tuple[str, ...] = ("lb-2",)
    kubeconfig: Path | None = None
    injectors: list[FaultInjector] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def breaks(
        self,
        name: str,
        inventory: Mapping[str, Any] | None = None,
        kubeconfig: Path | None = None,
        **options: Any,  # noqa: ANN401
    ) -> FaultInjector:
        """Make a fault, on an inventory whose group says this, too; who would make it."""
        nornir = self.nornir_of(**(inventory or {}))
        run = Run("failover_test", nornir, load_intent(nornir), ALL)
        failover_test(run, [name], kubeconfig=kubeconfig, confirm=None, **options)
        return self.injectors[-1]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, nornir_of: Callable[..., Nornir]) -> World:
    world = World(nornir_of)

    class FakeMeasurement:
        def __init__(self, _run: Run, cluster: Cluster, client: Client) -> None:
            self.cluster = cluster
            self.holders = world.holders
            self.watches = {name: SimpleNamespace(host=name) for name in ALL}
            self.lose = self.watch = world.holders.index
            world.clients.append(client)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def trial(self, limit: Limit, injector: FaultInjector, seconds: float, keep: Callable[[Trial], None]) -> Trial:
            world.limits.append(limit)
            world.injectors.append(injector)
            world.seconds.append(seconds)
            trial = Trial(self.cluster.name, injector.target, datetime.now(UTC), Outcome.PASSED)
            keep(trial)
            return trial

    def hosts_of(lab: str, addresses: list[str]) -> tuple[str, ...]:
        assert lab == "demo"
        return tuple(f"lb-{address.removeprefix('192.0.2.1')}" for address in addresses)

    def one(_run: Run, _task: object, name: str, **arguments: object) -> Stream:
        world.told.append((name, arguments))
        return Ended()

    monkeypatch.setattr(Run, "look", lambda *_: None)
    monkeypatch.setattr(Run, "report", lambda _: report_of(host(PASSED)))
    monkeypatch.setattr(module, "Measurement", FakeMeasurement)
    monkeypatch.setattr(module, "apiserver_hosts", hosts_of)
    monkeypatch.setattr(module, "etcd_members", lambda *_: ("lb-3", "lb-1", "lb-2"))
    monkeypatch.setattr(module, "why_not", lambda *_: "")
    monkeypatch.setattr(credentials, "kubeconfig_of", lambda *_: world.kubeconfig)
    monkeypatch.setattr("nornir_kube_ha.trials.client_runner.refuse_outside_lab", lambda *_: None)
    monkeypatch.setattr(Run, "one", one)
    return world


def apiservers(*numbers: int) -> dict[str, Any]:
    """A group whose apiservers run on these nodes; 9 is none."""
    return {
        "group": {
            "apiservers": [
                {"name": f"cp-{number}", "address": f"192.0.2.1{number}", "port": 16443} for number in numbers
            ]
        }
    }


@pytest.mark.parametrize(("holders", "target"), [(("lb-2",), "lb-2"), (("lb-3", "lb-1"), "lb-3"), ((), "lb-1")])
def test_node_that_holds_the_vip_is_broken(world: World, holders: tuple[str, ...], target: str) -> None:
    world.holders = holders
    assert world.breaks("haproxy-kill").target == target


@pytest.mark.parametrize(
    ("holder", "numbers", "target"),
    [("lb-2", (1, 2, 3), "lb-1"), ("lb-1", (1, 2, 3), "lb-2"), ("lb-1", (9, 3), "lb-3"), ("lb-2", (9, 2), "lb-2")],
)
def test_apiserver_is_broken_beside_the_holder_if_there_is_one(
    world: World, holder: str, numbers: tuple[int, ...], target: str
) -> None:
    world.holders = (holder,)
    injector = world.breaks("apiserver-kill", apiservers(*numbers))
    injector.inject()
    ((host, arguments),) = world.told
    assert (injector.target, host, arguments["port"], arguments["seconds"]) == (target, target, 16443, 2.0)


@pytest.mark.parametrize(
    ("name", "holder", "numbers", "target"),
    [
        ("node-off", "lb-2", (1, 2, 3), "lb-2"),
        ("apiserver-gone", "lb-2", (1, 2, 3), "lb-1"),
        ("apiserver-gone", "lb-1", (1, 2, 3), "lb-2"),
        ("apiserver-gone", "lb-3", (3,), "lb-3"),
        ("apiservers-gone", "lb-2", (1, 2, 3), "lb-1, lb-2, lb-3"),
    ],
)
def test_lab_breaks_its_own(world: World, name: str, holder: str, numbers: tuple[int, ...], target: str) -> None:
    world.holders = (holder,)
    group = apiservers(*numbers)["group"]
    assert world.breaks(name, {"group": {**group, "lab": "demo"}}).target == target


@pytest.mark.parametrize(
    ("name", "holder", "target"),
    [
        ("etcd-leader-kill", "lb-2", "lb-3"),
        ("etcd-member-stop", "lb-2", "lb-1"),
        ("etcd-member-stop", "lb-1", "lb-2"),
        ("etcd-no-quorum", "lb-2", "lb-3, lb-1"),
        ("apiserver-rolling-upgrade", "lb-2", "lb-1, lb-2, lb-3"),
    ],
)
def test_lab_breaks_its_control_plane(world: World, name: str, holder: str, target: str) -> None:
    world.holders = (holder,)
    assert world.breaks(name, {"group": {"lab": "demo"}}).target == target


def test_credential_is_the_one_given_or_the_inventorys_or_the_labs(world: World, tmp_path: Path) -> None:
    def token() -> str:
        credential = world.clients[-1].credential
        return credential.token or credential.certificate if credential else ""

    for name in ("given", "inventory"):
        (tmp_path / name).write_text(kubeconfig(name, {"token": name}))
    lab = tmp_path / "lab"
    data = {f"client-{name}-data": base64.b64encode(b"lab").decode() for name in ("certificate", "key")}
    lab.write_text(kubeconfig("demo", data))
    own = {"group": {"kubeconfig": str(tmp_path / "inventory")}}
    world.breaks("haproxy-kill")
    assert token() == ""
    world.breaks("haproxy-kill", own, kubeconfig=tmp_path / "given")
    assert token() == "given"
    world.breaks("haproxy-kill", own)
    assert token() == "inventory"
    world.kubeconfig = lab
    world.breaks("haproxy-kill", {"group": {"lab": "demo"}})
    assert token() == "lab"


def test_kubeconfig_is_of_one_cluster(intent: Intent) -> None:
    [cluster] = intent.clusters
    both = [cluster, replace(cluster, name="another")]
    with pytest.raises(UsageError, match="--kubeconfig is for a single cluster, got demo, another"):
        credentials_of(both, Path("admin.conf"))


def test_vip_is_moved_to_the_node_after_the_holder(world: World) -> None:
    assert world.breaks("vip-move").target == "lb-2 to lb-3"


def test_fault_lasts_for_its_own_time_unless_another_is_asked_for(world: World) -> None:
    world.breaks("link-down")
    world.breaks("link-down", hold=0.0)
    world.breaks("link-down", hold=600.0, repeat=2)
    assert world.seconds == [4.0, 0.0, 600.0, 600.0]


def test_limit_is_that_of_the_timers_unless_another_is_asked_for(world: World) -> None:
    fast = {"group": {"keepalived": {"timers": "fast"}}}
    world.breaks("link-down")
    world.breaks("link-down", fast)
    world.breaks("link-down", fast, limit=7.0)
    assert [limit.seconds for limit in world.limits] == [1.0, 0.4, 7.0]
    assert {limit.moves for limit in world.limits} == {1}


def test_client_runs_here_or_on_the_host_that_is_named(world: World) -> None:
    world.breaks("haproxy-kill")
    world.breaks("haproxy-kill", {"strangers": {"client-1": {}}}, vantage="client-1")
    assert [client.where for client in world.clients] == ["this machine", "client-1"]
    assert world.told == []
    with pytest.raises(ClientError, match="the client on client-1 has ended"):
        world.clients[1].__enter__()
    ((name, arguments),) = world.told
    assert (name, arguments) == ("client-1", {"command": remote_command()})
