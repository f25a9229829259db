"""An apiserver taken out of every load balancer: which hosts are told what, and what is refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from nornir.core import Nornir
from tests.support.reports import UNREACHABLE

from nornir_kube_ha.engine.ledger import Ledger
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import DrainError, HostUnreachableError, KubeHaError, RemoteCommandError
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.runbooks.drain import drain, ready
from nornir_kube_ha.tasks import drain_apiserver, ready_apiserver

ALL = ("lb-1", "lb-2", "lb-3")


@dataclass
class World:
    """A run that has looked, and notes what it is told to do."""

    intent: Intent
    facts: dict[str, Facts]
    fails: str = ""
    lease: None = None
    steps: list[str] = field(default_factory=list)

    def one(
        self,
        task: Callable[..., Any],
        host: str,
        *,
        intent: Intent,
        apiserver: str,
        lease: None,
        seconds: float = 0,
    ) -> None:
        assert lease is self.lease
        assert intent is self.intent
        verb = {drain_apiserver: "drain", ready_apiserver: "ready"}[task]
        self.steps.append(f"{verb} {host} {apiserver}{f' {seconds:g}' if seconds else ''}")
        if host == self.fails:
            raise RemoteCommandError(host, "haproxy does not answer")

    @property
    def ledger(self) -> Ledger:
        unseen = [name for name in ALL if name not in self.facts]
        return Ledger(dict.fromkeys(ALL, "demo"), frozenset({"demo"}), dict.fromkeys(unseen, UNREACHABLE))

    def drain(self, *, allow_unreachable: bool = False) -> None:
        drain(cast("Run", self), self.intent.clusters[0], "lb-2", 60, allow_unreachable=allow_unreachable)

    def ready(self, *, allow_unreachable: bool = False) -> None:
        ready(cast("Run", self), self.intent.clusters[0], "lb-2", allow_unreachable=allow_unreachable)


@pytest.fixture
def world(nornir_of: Callable[..., Nornir], healthy: Mapping[str, Facts]) -> World:
    """A healthy cluster."""
    return World(load_intent(nornir_of()), dict(healthy))


def test_every_load_balancer_is_drained(world: World) -> None:
    world.drain()
    world.ready()
    assert world.steps == [f"drain {host} lb-2 60" for host in ALL] + [f"ready {host} lb-2" for host in ALL]


def test_what_one_does_not_do_is_undone_on_all(world: World) -> None:
    world.fails = "lb-2"
    with pytest.raises(RemoteCommandError, match="lb-2"):
        world.drain()
    assert world.steps == ["drain lb-1 lb-2 60", "drain lb-2 lb-2 60", "ready lb-1 lb-2", "ready lb-2 lb-2"]


def test_ready_reaches_all_nodes_though_one_fails(world: World) -> None:
    world.fails = "lb-1"
    with pytest.raises(KubeHaError, match="lb-1"):
        world.ready()
    assert world.steps == [f"ready {host} lb-2" for host in ALL]


def test_node_that_would_have_no_apiserver_left_keeps_it(world: World) -> None:
    servers = tuple(
        server if server.name == "lb-2" else replace(server, status="DOWN")
        for server in world.facts["lb-3"].servers or ()
    )
    world.facts["lb-3"] = replace(world.facts["lb-3"], servers=servers)
    with pytest.raises(DrainError, match="lb-3: would have no apiserver left: lb-2 is the only one up there"):
        world.drain()
    assert world.steps == []


@pytest.mark.parametrize("silent", [True, False])
def test_node_of_which_nothing_is_known_stops_all(world: World, *, silent: bool) -> None:
    if silent:
        world.facts["lb-3"] = replace(world.facts["lb-3"], servers=None)
    else:
        del world.facts["lb-3"]
    with pytest.raises(DrainError, match="lb-3") as caught:
        world.drain()
    assert caught.value.exit_code == (DrainError if silent else HostUnreachableError).exit_code
    assert world.steps == []


@pytest.mark.field_report("E1")
def test_drain_says_why_haproxy_cannot_be_asked(world: World) -> None:
    why = "haproxy does not answer on /run/haproxy-admin.sock, which has 100 clients"
    world.facts["lb-2"] = replace(world.facts["lb-2"], servers=None, haproxy_silence=why)
    with pytest.raises(DrainError, match="which has 100 clients; nothing was changed"):
        world.drain()
    assert world.steps == []


@pytest.mark.field_report("J1")
def test_node_that_is_off_is_left_out_where_that_is_allowed(world: World) -> None:
    del world.facts["lb-3"]
    world.drain(allow_unreachable=True)
    world.ready(allow_unreachable=True)
    assert world.steps == ["drain lb-1 lb-2 60", "drain lb-2 lb-2 60", "ready lb-1 lb-2", "ready lb-2 lb-2"]


@pytest.mark.field_report("J1")
def test_apiserver_that_is_down_already_can_be_drained_though_no_other_is_up(world: World) -> None:
    """It is the last one nowhere, so that nobody loses anything."""
    servers = tuple(replace(server, status="DOWN") for server in world.facts["lb-3"].servers or ())
    world.facts["lb-3"] = replace(world.facts["lb-3"], servers=servers)
    world.drain()
    assert world.steps == [f"drain {host} lb-2 60" for host in ALL]
