"""Fixtures of the unit tier: inventories in memory, and facts as real lab hosts printed them. No host is needed.

data/ holds what `facts.sh` printed on Debian 12 hosts of the lab (`facts-*.txt`), and haproxy's own statistics of other
releases (`show-stat-*.txt`). The CA and the password in them are the lab's.
"""

import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import paramiko
import pytest
from nornir.core import Nornir
from nornir.core.configuration import Config, InventoryConfig
from nornir.core.inventory import Defaults, Group, Groups, Host, Hosts, Inventory, ParentGroups
from nornir.core.state import GlobalState
from nornir.plugins.runners import SerialRunner
from rig.loopback.sshserver import Sent, SSHServer, close, login_to, sender
from rig.samples import DATA, DEFAULTS, GROUP, HOSTS, NONCE
from tests.support.changes import as_found, replace_section
from tests.support.inventories import DUAL, IPV6, OF_IPV6
from tests.support.world import ALL, World, stand_in, with_other_haproxy_cfg

from nornir_kube_ha.checks import ClusterView, HostView
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import InventoryError, Problem
from nornir_kube_ha.facts import Endpoint, Facts, Package, Probe, parse_facts
from nornir_kube_ha.firewall import openings
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.planning.plan import plan
from nornir_kube_ha.tasks import render_config


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here reaches for any host: these addresses are somebody else's outside of a lab."""
    connect = socket.socket.connect

    def only_here(own: socket.socket, address: object) -> None:
        if own.family != socket.AF_UNIX and not (isinstance(address, tuple) and address[0] == "127.0.0.1"):
            raise AssertionError(f"a unit test connects to {address}")
        connect(own, address)  # type: ignore[arg-type] # as it was called

    monkeypatch.setattr(socket.socket, "connect", only_here)


@pytest.fixture(scope="session")
def nornir_of() -> Callable[..., Nornir]:
    """An inventory in memory: the lab's three hosts, with what each level is given put over it.

    Arguments of the function: `hosts` (data by host name; further names are further hosts of the group), `group` and
    `defaults` (data; `defaults` replaces, the others add), `without` (keys that the group does not have), `strangers`
    (data by name of hosts outside the group), `folder` (where relative paths start).
    """

    def make(
        hosts: Mapping[str, Any] | None = None,
        *,
        group: Mapping[str, Any] | None = None,
        defaults: Mapping[str, Any] | None = None,
        without: Iterable[str] = (),
        strangers: Mapping[str, Any] | None = None,
        folder: Path = DATA,
    ) -> Nornir:
        hosts = hosts or {}
        base = Defaults(platform="linux", data=dict(DEFAULTS if defaults is None else defaults))
        data = {key: value for key, value in {**GROUP, **(group or {})}.items() if key not in set(without)}
        kube = Group("kube", data=data, defaults=base)
        names = [*HOSTS, *(name for name in hosts if name not in HOSTS)]
        members = {
            name: Host(
                name,
                hostname=f"192.0.2.{number}",
                groups=ParentGroups([kube]),
                data={**HOSTS.get(name, {}), **hosts.get(name, {})},
                defaults=base,
            )
            for number, name in enumerate(names, start=11)
        }
        others = {name: Host(name, data=dict(data), defaults=base) for name, data in (strangers or {}).items()}
        return Nornir(
            inventory=Inventory(Hosts({**members, **others}), Groups({"kube": kube}), base),
            config=Config(inventory=InventoryConfig(options={"host_file": str(folder / "hosts.yaml")})),
            data=GlobalState(),
            runner=SerialRunner(),
        )

    return make


@pytest.fixture
def problems_of() -> Callable[[Nornir], tuple[Problem, ...]]:
    """All that is wrong with an inventory."""

    def problems(nornir: Nornir) -> tuple[Problem, ...]:
        with pytest.raises(InventoryError) as caught:
            load_intent(nornir)
        return caught.value.problems

    return problems


@pytest.fixture(scope="session")
def intent(nornir_of: Callable[..., Nornir]) -> Intent:
    """What the inventory of the lab's three hosts says."""
    return load_intent(nornir_of())


@pytest.fixture(scope="session")
def ipv6(nornir_of: Callable[..., Nornir]) -> Intent:
    """What the inventory of three hosts says whose addresses are all of IPv6."""
    return load_intent(nornir_of(OF_IPV6, group=IPV6))


@pytest.fixture(scope="session")
def dual(nornir_of: Callable[..., Nornir]) -> Intent:
    """What the inventory of three hosts says that have VIPs of both families."""
    return load_intent(nornir_of(group=DUAL))


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], str]:
    """What a host printed, by the name of the record."""
    return lambda name: (DATA / f"{name}.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def facts_from(recorded: Callable[[str], str]) -> Callable[[str], Facts]:
    """A host as a record shows it."""
    return lambda name: parse_facts(recorded(name), NONCE)


@pytest.fixture(scope="session")
def with_section(recorded: Callable[[str], str]) -> Callable[[str, str], Facts]:
    """The host that holds the VIP, with another body in one section of its record."""
    return lambda name, body: parse_facts(replace_section(recorded("facts-master"), name, body), NONCE)


@pytest.fixture(scope="session")
def render(facts_from: Callable[[str], Facts]) -> Callable[..., dict[str, dict[str, ConfigFile]]]:
    """The files that an inventory's hosts should have, by host and path.

    Arguments of the function: the Nornir, and the versions of `haproxy` and `keepalived` on its hosts.
    """

    def files(nornir: Nornir, haproxy: str = "2.6.12", keepalived: str = "2.2.7") -> dict[str, dict[str, ConfigFile]]:
        packages = {"haproxy": Package(haproxy), "keepalived": Package(keepalived)}
        seen = replace(facts_from("facts-bare"), packages=packages)
        results = nornir.run(
            render_config, intent=load_intent(nornir), facts=dict.fromkeys(nornir.inventory.hosts, seen)
        )
        results.raise_on_error()
        return {host: {file.path: file for file in result[0].result} for host, result in results.items()}

    return files


@pytest.fixture(scope="session")
def healthy(
    nornir_of: Callable[..., Nornir],
    render: Callable[..., dict[str, dict[str, ConfigFile]]],
    facts_from: Callable[[str], Facts],
) -> Mapping[str, Facts]:
    """The lab's three hosts, all well: what was recorded, with the files that the inventory asks for now."""
    records = {"lb-1": "facts-master", "lb-2": "facts-backup", "lb-3": "facts-other-backup"}
    found = {
        host: replace(facts_from(records[host]), files={path: as_found(file) for path, file in files.items()})
        for host, files in render(nornir_of()).items()
    }
    return MappingProxyType(found)  # one for all tests


@pytest.fixture(scope="session")
def host_view(
    nornir_of: Callable[..., Nornir],
    render: Callable[..., dict[str, dict[str, ConfigFile]]],
    healthy: Mapping[str, Facts],
) -> Callable[..., HostView]:
    """All that is known of a healthy host, after a change.

    Arguments of the function: the host, the change of its facts, and `nornir_of`'s own for another inventory, whose
    files it then has.
    """

    def view(host: str = "lb-1", change: Callable[[Facts], Facts] = lambda facts: facts, **overrides: Any) -> HostView:  # noqa: ANN401 - nornir_of's own
        nornir = nornir_of(**overrides)
        intent, files = load_intent(nornir), tuple(render(nornir)[host].values())
        facts = change(replace(healthy[host], files={file.path: as_found(file) for file in files}))
        cluster, node = intent.cluster_of(host), intent.node(host)
        return HostView(cluster, node, facts, plan(node, files, facts, openings(cluster, node)))

    return view


@pytest.fixture(scope="session")
def cluster_view(nornir_of: Callable[..., Nornir], healthy: Mapping[str, Facts]) -> Callable[..., ClusterView]:
    """All that is known of a healthy cluster, after changes.

    Arguments of the function: the changes of facts by host, hosts that are `unseen`, what the controller sees, and
    `nornir_of`'s own for another inventory.
    """
    version = healthy["lb-1"].reachable.version
    ready = Probe(200, "", "ok")
    answers = Endpoint(ready, version, apiservers=dict.fromkeys(("lb-1", "lb-2", "lb-3"), (ready, ready)))

    def view(
        changes: Mapping[str, Callable[[Facts], Facts]] | None = None,
        *,
        unseen: Iterable[str] = (),
        endpoint: Endpoint | None = answers,
        **overrides: Any,  # noqa: ANN401 - nornir_of's own
    ) -> ClusterView:
        seen = {host: facts for host, facts in healthy.items() if host not in set(unseen)}
        changed = {host: change(seen[host]) for host, change in (changes or {}).items()}
        return ClusterView(load_intent(nornir_of(**overrides)).clusters[0], {**seen, **changed}, endpoint)

    return view


@pytest.fixture
def fresh_server() -> Iterator[SSHServer]:
    """A server that nobody has logged in to."""
    running = SSHServer(paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate())
    yield running
    running.close()


@pytest.fixture
def stranger(fresh_server: SSHServer, tmp_path: Path) -> Iterator[Nornir]:
    """An inventory of it."""
    nornir = login_to(fresh_server, tmp_path)
    yield nornir
    close(nornir)


@pytest.fixture
def sent_afresh(stranger: Nornir) -> Sent:
    """Log in, and run a script."""
    return sender(stranger)


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's host keys are known but those of the inventory."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def world(healthy: Mapping[str, Facts], monkeypatch: pytest.MonkeyPatch) -> World:
    """Three hosts that only seem to be there, all well."""
    return stand_in(healthy, monkeypatch)


@pytest.fixture
def stale(world: World) -> World:
    """Three hosts whose haproxy.cfg is not as it should be."""
    world.facts = {host: with_other_haproxy_cfg(facts) for host, facts in world.facts.items()}
    return world


@pytest.fixture
def run_of(nornir_of: Callable[..., Nornir]) -> Callable[..., Run]:
    """A run over hosts of the lab's inventory."""

    def make(runbook: str, hosts: tuple[str, ...] = ALL, *, dry_run: bool = False) -> Run:
        nornir = nornir_of()
        nornir.data.dry_run = dry_run
        return Run(runbook, nornir, load_intent(nornir), hosts)

    return make
