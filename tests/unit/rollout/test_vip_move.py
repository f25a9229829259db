"""A planned move of the VIP: who is told what, in which order, and what is refused."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from nornir.core import Nornir
from tests.support.changes import VIP, vrrp

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.checks import Finding, Status
from nornir_kube_ha.engine.ledger import Ledger
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import HostUnreachableError, MoveError
from nornir_kube_ha.facts import Facts, Moves
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.report import Failure, HostReport, Report
from nornir_kube_ha.rollout.vip_move import move_vip
from nornir_kube_ha.tasks import forward_connections, prefer_for_vip, release_vip, wait_for_vip

NAMES: Mapping[Any, str] = {
    prefer_for_vip: "prefer",
    forward_connections: "forward",
    release_vip: "release",
    wait_for_vip: "arrival",
}


@dataclass
class FakeReport:
    hosts: dict[str, HostReport]


@dataclass
class World:
    """A run that has looked, and notes what it is told to do."""

    intent: Intent
    facts: dict[str, Facts]
    findings: tuple[Finding, ...] = ()
    failure: Failure | None = None
    lease: None = None
    fails: dict[str, BaseException] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    of_host: dict[str, tuple[Finding, ...]] = field(default_factory=dict)  # where not the same on all
    looks: list[str] = field(default_factory=list)  # who holds the VIP, look by look
    drains: list[float] = field(default_factory=list)

    def look(self) -> None:
        holder = self.looks.pop(0)
        self.steps.append(f"look {holder}")
        for name, facts in self.facts.items():
            has = name == holder
            self.facts[name] = vrrp("MASTER" if has else "BACKUP", holds=has)(facts)
        if holder == "lb-2":
            self.fails.clear()

    def one(
        self,
        task: Callable[..., Any],
        host: str,
        *,
        intent: Intent,
        virtual_router_id: int,
        preferred: str | None = "",
        lasts: bool = False,
        holder: Sequence[IPAddress] = (),
        mac: str = "",
        drain: float = -1,
        lease: None = None,
    ) -> None:
        assert lease is self.lease
        assert intent is self.intent
        assert virtual_router_id == intent.cluster_of(host).virtual_router_id
        name = NAMES[task]
        if task is prefer_for_vip:
            name = "withdraw" if preferred is None else "prefer" if preferred == host else "defer"
            name = "keep" if lasts else name
        if task is forward_connections:
            had = next(name for name, facts in self.facts.items() if facts.holds(VIP))
            assert not drain or (holder, mac) == ((intent.node(had).address,), self.facts[had].links["eth0"].mac)
            name = "forward" if drain else "settle"
        if task in {forward_connections, release_vip}:
            self.drains.append(drain)
        self.steps.append(f"{name} {host}")
        if error := self.fails.get(name):
            raise error

    def report(self) -> Report:
        def of(name: str) -> HostReport:
            findings = self.of_host.get(name, self.findings)
            return HostReport("demo", "backup", changed=False, findings=findings, failure=None)

        return cast("Report", FakeReport({name: of(name) for name in self.facts}))

    @property
    def ledger(self) -> Ledger:
        clusters = {node.name: node.cluster for node in self.intent.nodes}
        return Ledger(clusters, frozenset(), dict.fromkeys(clusters, self.failure) if self.failure else {})

    def move(self, to: str, **options: Any) -> str:  # noqa: ANN401 - move_vip's own
        return move_vip(cast("Run", self), self.intent.clusters[0], to, **options)


Worlds = Callable[..., World]


@pytest.fixture
def world_of(nornir_of: Callable[..., Nornir], healthy: Mapping[str, Facts]) -> Worlds:
    """A healthy cluster whose VIP lb-1 holds, of nodes that have these settings of keepalived."""

    def make(**keepalived: object) -> World:
        intent = load_intent(nornir_of(group={"keepalived": keepalived}))
        return World(intent, dict(healthy))

    return make


def finding(identity: str, status: Status) -> Finding:
    return Finding(identity, status, "expected", "seen", "next")


def test_one_is_put_ahead_the_third_behind_the_holder_lets_go_and_nothing_is_left_behind(world_of: Worlds) -> None:
    world = world_of()
    assert world.move("lb-2") == "lb-1"
    withdrawn = ["withdraw lb-1", "withdraw lb-2", "withdraw lb-3"]
    assert world.steps == [
        *("prefer lb-2", "defer lb-3", "forward lb-2", "release lb-1", "arrival lb-2", "settle lb-2"),
        *withdrawn,
    ]
    assert world.drains == [0.5, 0.5, 0]


@pytest.mark.parametrize(
    ("keepalived", "options"), [({"tickle": False}, {}), ({}, {"drain": 0.0})], ids=["never", "now"]
)
def test_connections_that_need_not_go_on_are_not_forwarded(
    world_of: Worlds, keepalived: dict[str, Any], options: dict[str, Any]
) -> None:
    world = world_of(**keepalived)
    world.move("lb-2", **options)
    assert world.steps[:4] == ["prefer lb-2", "defer lb-3", "release lb-1", "arrival lb-2"]


def test_nodes_of_another_cluster_are_left_alone(world_of: Worlds) -> None:
    world = world_of()
    world.facts["other-1"] = world.facts["lb-2"]
    world.move("lb-2")
    assert not [step for step in world.steps if "other-1" in step]


def test_vip_that_is_there_already_stays(world_of: Worlds) -> None:
    world = world_of()
    assert world.move("lb-1") == "lb-1"
    assert world.steps == []


def test_preference_lasts_for_a_backup_where_nodes_preempt(world_of: Worlds) -> None:
    world = world_of(preempt=True)
    world.move("lb-2")
    assert world.steps[-3:] == ["keep lb-2", "withdraw lb-1", "withdraw lb-3"]


def test_preference_does_not_last_for_the_master_where_nodes_preempt(world_of: Worlds) -> None:
    world = world_of(preempt=True)
    world.facts["lb-1"] = vrrp("BACKUP", holds=False)(world.facts["lb-1"])
    world.facts["lb-2"] = vrrp("MASTER", holds=True)(world.facts["lb-2"])
    assert world.move("lb-1") == "lb-2"
    assert world.steps[-3:] == ["withdraw lb-1", "withdraw lb-2", "withdraw lb-3"]


def test_third_node_that_was_the_first_to_claim_it_lets_go_as_well(world_of: Worlds) -> None:
    world = world_of()
    world.fails["arrival"] = MoveError("lb-2", "does not come")
    world.looks = ["lb-3", "lb-2"]
    assert world.move("lb-2") == "lb-1"
    first, second = ["release lb-1", "arrival lb-2"], ["release lb-3", "arrival lb-2"]
    assert world.steps[:3] == ["prefer lb-2", "defer lb-3", "forward lb-2"]
    assert world.steps[3:10] == [*first, "settle lb-2", "look lb-3", *second, "look lb-2"]
    assert world.drains == [0.5, 0.5, 0, 0]
    assert world.steps[10:] == ["withdraw lb-1", "withdraw lb-2", "withdraw lb-3"]


@pytest.mark.parametrize("error", [MoveError("lb-2", "does not come"), KeyboardInterrupt()], ids=["error", "Ctrl-C"])
@pytest.mark.parametrize("step", ["defer", "release", "arrival"])
def test_preference_is_withdrawn_if_it_does_not_move(world_of: Worlds, step: str, error: BaseException) -> None:
    world = world_of()
    world.fails[step] = error
    world.looks = ["lb-3", "lb-3"]
    with pytest.raises(type(error)) as caught:
        world.move("lb-2")
    assert caught.value is error
    withdrawn = [each for each in world.steps if "withdraw" in each]
    assert withdrawn == world.steps[-2:] == ["withdraw lb-2", "withdraw lb-3"]


def test_node_that_cannot_be_put_back_does_not_keep_the_others_from_it(world_of: Worlds) -> None:
    world = world_of()
    world.fails = {"release": MoveError("lb-1", "does not let go"), "withdraw": MoveError("lb-2", "is gone")}
    with pytest.raises(MoveError, match="does not let go"):
        world.move("lb-2")
    assert world.steps[-2:] == ["withdraw lb-2", "withdraw lb-3"]


@pytest.mark.parametrize("identity", ["haproxy.serving", "keepalived.state", "host.interface"])
def test_node_that_is_not_fit_is_refused(world_of: Worlds, identity: str) -> None:
    world = world_of()
    world.findings = (finding(identity, Status.FAIL),)
    with pytest.raises(MoveError, match=f"lb-2: cannot take 192.0.2.10: {identity}; .*The VIP was not moved"):
        world.move("lb-2")
    assert world.steps == []


@pytest.mark.parametrize(("identity", "status"), [("haproxy.x", Status.WARN), ("vip.ping", Status.FAIL)])
def test_other_findings_do_not_stop_a_move(world_of: Worlds, identity: str, status: Status) -> None:
    world = world_of()
    world.findings = (finding(identity, status),)
    assert world.move("lb-2") == "lb-1"


def test_node_that_cannot_be_looked_at_is_refused(world_of: Worlds) -> None:
    world = world_of()
    world.failure = Failure("HostUnreachableError", "no answer", 4)
    with pytest.raises(MoveError, match="cannot gather facts: no answer") as caught:
        world.move("lb-2")
    assert caught.value.exit_code == HostUnreachableError.exit_code
    assert world.steps == []


@pytest.mark.parametrize(
    ("lb_1", "lb_2", "words"),
    [(True, True, "expected one holder, got lb-1 and lb-2"), (False, False, "expected one holder, got none")],
)
def test_vip_without_one_holder_is_refused(world_of: Worlds, *, lb_1: bool, lb_2: bool, words: str) -> None:
    world = world_of()
    world.facts["lb-1"] = vrrp("MASTER", holds=lb_1)(world.facts["lb-1"])
    world.facts["lb-2"] = vrrp("MASTER", holds=lb_2)(world.facts["lb-2"])
    del world.facts["lb-3"]
    with pytest.raises(MoveError, match=f"{words}; no answer from lb-3"):
        world.move("lb-2")
    assert world.steps == []


def test_cluster_that_is_not_made_for_moves_is_refused(world_of: Worlds) -> None:
    world = world_of(events=False)
    with pytest.raises(MoveError, match=r"keepalived\.events, which is false"):
        world.move("lb-2")
    assert world.steps == []


@pytest.mark.field_report("D3")
@pytest.mark.parametrize("stuck", ["lb-1", "lb-2"])
def test_move_from_or_to_a_node_that_notices_nothing_is_refused(world_of: Worlds, stuck: str) -> None:
    world = world_of()
    world.of_host[stuck] = (finding("keepalived.able", Status.FAIL),)
    with pytest.raises(MoveError, match="The VIP was not moved") as caught:
        world.move("lb-2")
    assert stuck in str(caught.value)
    assert world.steps == []


def test_third_node_that_notices_nothing_does_not_stop_a_move(world_of: Worlds) -> None:
    world = world_of()
    world.of_host["lb-3"] = (finding("keepalived.able", Status.FAIL),)
    assert world.move("lb-2") == "lb-1"


def seeing(facts: Facts, *down: str) -> Facts:
    """A node whose haproxy sees these apiservers down."""
    servers = (replace(each, status="DOWN") if each.name in down else each for each in facts.servers or ())
    return replace(facts, servers=tuple(servers))


@pytest.mark.field_report(
    "J1",
    "found by trial",
    "there is no planned move",
    "the VIP moves to a node that is as good as the holder, though an apiserver or a node is gone",
)
def test_target_that_is_as_good_as_the_holder_is_fit(world_of: Worlds) -> None:
    world = world_of()
    world.findings = (finding("haproxy.apiservers_up", Status.FAIL),)
    world.facts = {name: seeing(facts, "lb-3") for name, facts in world.facts.items()}
    assert world.move("lb-2") == "lb-1"


@pytest.mark.field_report("J1")
def test_target_that_sees_fewer_apiservers_than_the_holder_is_refused(world_of: Worlds) -> None:
    world = world_of()
    world.findings = (finding("haproxy.apiservers_up", Status.FAIL),)
    world.facts["lb-1"] = seeing(world.facts["lb-1"], "lb-3")
    world.facts["lb-2"] = seeing(world.facts["lb-2"], "lb-3", "lb-1")
    with pytest.raises(MoveError, match=r"sees 1 apiservers up, while the holder lb-1 sees 2; .*The VIP was not moved"):
        world.move("lb-2")
    world.of_host["lb-1"] = ()
    with pytest.raises(MoveError, match=r"cannot take 192.0.2.10: haproxy.apiservers_up;"):
        world.move("lb-2")
    assert world.steps == []


@pytest.mark.field_report("I2")
def test_what_a_move_that_was_cut_off_has_left_is_put_back_by_the_next(world_of: Worlds) -> None:
    world = world_of()
    world.facts["lb-3"] = replace(world.facts["lb-3"], moves=Moves({"vip-wanted": "-59", "vip-released": "0"}))
    assert world.move("lb-1") == "lb-1"
    assert world.steps == ["withdraw lb-3"]
