"""Hosts that only seem to be there: what a run sends to them, and what becomes of them by it."""

import re
from base64 import b64encode
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

import pytest
from nornir.core.task import Result, Task

from nornir_kube_ha.engine import endpoints
from nornir_kube_ha.engine import run as run_module
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import RemoteCommandError
from nornir_kube_ha.facts import Endpoint, Facts, Probe, Scope
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.names import HAPROXY_CFG
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.report import HostReport, Report
from nornir_kube_ha.rollout import gate, second_holder
from nornir_kube_ha.rollout.policy import RollOut
from nornir_kube_ha.runbooks import deploy as deploy_module
from nornir_kube_ha.runbooks.deploy import deploy
from nornir_kube_ha.ssh.shell import Completed
from nornir_kube_ha.tasks import apply, config, firewall, generations, lease, packages, services
from nornir_kube_ha.tasks import remove as remove_tasks
from nornir_kube_ha.tasks import upgrade as upgrade_tasks
from nornir_kube_ha.tasks.apply import NOT_TOLD

ALL = ("lb-1", "lb-2", "lb-3")
MARKS = {
    "list_changes$": "newer",
    "change$": "upgrade",
    "install_wanted$": "install",
    "STALE=": "commit",
    "CHANGES=": "services",
    "list_generations$": "generations",
    "show_generation [0-9]": "files",
    "KEPT=": "remove",
    "WRITE=": "unstage",
    "release$": "release",
    "words=": "take",
    "WANTED=": "firewall",
}
NAMES = {Scope.OWN: "quick look", Scope.GATE: "gate", Scope.ALL: "look"}
GOOD = "@generation 000007 1700000000 good 0123456789ab root@noc-1 other"


def found_in(script: str, before: str) -> str:
    """The word behind some others in a script."""
    match = re.search(rf"^.*{before}(\w+)", script, re.MULTILINE)
    assert match
    return match[1]


@dataclass
class World:
    """Three hosts as a run sees them: what they are, what was sent to them, and what becomes of them by it.

    Arguments:
        facts: by host, as they are now
        healthy: by host, as they are once they have been changed
        leases: what is said of a host's lease, exit status first: somebody else's
        generations: by host, the line of what is kept there
        newer: by host, packages that its package sources have newer, as its script says it
        refuses: hosts whose haproxy refuses what is staged there
        opened: by host, as they are once their firewall was told
        fails: what a script on a host ends with, by host and step
        steps: what was sent to which host, in this order
        meant: of each look, whether the host was to be changed after it
        listens: of each look, whether it listens for other routers
    """

    facts: dict[str, Facts]
    healthy: Mapping[str, Facts]
    leases: dict[str, str] = field(default_factory=dict)
    generations: dict[str, str] = field(default_factory=dict)
    newer: dict[str, str] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)
    opened: dict[str, Facts] = field(default_factory=dict)
    fails: dict[tuple[str, str], Exception] = field(default_factory=dict)
    steps: list[tuple[str, str]] = field(default_factory=list)
    meant: list[bool] = field(default_factory=list)
    listens: list[bool] = field(default_factory=list)

    def get_facts(
        self,
        task: Task,
        intent: Intent,
        lease: Lease | None = None,
        *,
        scope: Scope = Scope.ALL,
        listened: Collection[str] = (),
    ) -> Result:
        assert intent.nodes
        self._step(task.host.name, NAMES[scope])
        self.meant.append(lease is not None)
        self.listens.append(task.host.name not in listened)
        return Result(task.host, result=replace(self.facts[task.host.name], scope=scope))

    def run_script(self, task: Task, script: str, *, timeout: float) -> Completed:
        host = task.host.name
        assert timeout > 0
        step, *further = self._steps_of(script)
        self._step(host, step)
        self._become(host, step)
        if step == "commit" and further[0] == "services":
            self._tell_units(host)
        nonce = re.search(r"^NONCE=(\w+)", script, re.MULTILINE)
        return Completed(0, re.sub("(?m)^@", f"@{nonce[1]} ", self._answer(host, step)) if nonce else "", "")

    @staticmethod
    def _steps_of(script: str) -> list[str]:
        if script.endswith("judge\n"):
            return ["stage"]
        if re.search("^(DRY=yes|would_change)$", script, re.MULTILINE):
            return ["ask"]
        return [name for mark, name in MARKS.items() if re.search(rf"^{mark}", script, re.MULTILINE)]

    def _answer(self, host: str, step: str) -> str:
        """What a host says, in sections that begin with `@`."""
        ended, _, words = self.leases.get(host, "0  boot-1").partition(" ")
        answers = {
            "stage": f"@haproxy {int(host in self.refuses)}\nwords\n@keepalived 0\n",
            "take": f"@{ended}\n{words}\n",
            "newer": "".join(f"@{line}\n" for line in self.newer.get(host, "").splitlines()),
            "upgrade": "@changed\n",
            "ask": "@changed\n",
        }
        kept = self.kept(host, step) if step in {"generations", "files"} else ""
        return kept or f"{answers.get(step, '')}@end\n"

    def _become(self, host: str, step: str) -> None:
        """What becomes of a host by a step."""
        if step == "install":
            installed = self.healthy[host]
            units = {
                name: replace(each, exists=True, load_state="loaded") for name, each in self.facts[host].units.items()
            }
            self.facts[host] = replace(
                self.facts[host], packages=installed.packages, heard=installed.heard, units=units
            )
        if step == "firewall":
            self.facts[host] = self.opened.get(host, self.facts[host])
        if step in {"commit", "services", "upgrade"}:
            self.facts[host] = self.healthy[host]

    def _tell_units(self, host: str) -> None:
        """The other half of a script that commits as well."""
        try:
            self._step(host, "services")
        except RemoteCommandError as error:
            raise RemoteCommandError(host, error.message, NOT_TOLD) from None

    def kept(self, host: str, step: str) -> str:
        """What a host says of the files that it has kept: those that it had before anything was sent to it."""
        if step == "generations":
            return f"{self.generations.get(host, '')}\n@end\n"
        files = with_other_haproxy_cfg(self.healthy[host]).files.values()
        shown = (
            f"@file {file.path} {file.attributes.replace(':', ' ')} 0\n{b64encode(file.content).decode()}"
            for file in files
        )
        return "\n".join([*shown, "@end\n"])

    def _step(self, host: str, step: str) -> None:
        self.steps.append((host, step))
        if error := self.fails.get((host, step)):
            raise error

    def order(self, *steps: str) -> list[tuple[str, str]]:
        """Hosts and steps, of these steps, in the order in which they came."""
        return [each for each in self.steps if each[1] in steps]


def stand_in(healthy: Mapping[str, Facts], monkeypatch: pytest.MonkeyPatch) -> World:
    """Three hosts, all well, in the place of what tasks would reach; nothing waits for them."""
    hosts = World(dict(healthy), healthy)
    monkeypatch.setattr(run_module, "get_facts", hosts.get_facts)
    monkeypatch.setattr(endpoints, "get_endpoint", lambda *_: Endpoint(Probe(200, ""), Probe(401, "")))
    for module in (apply, config, firewall, generations, lease, packages, remove_tasks, services, upgrade_tasks):
        monkeypatch.setattr(module, "run_script", hosts.run_script)
    monkeypatch.setattr(deploy_module, "election_seconds", lambda _: 0)
    monkeypatch.setattr(second_holder, "take_over_seconds", lambda _: 0)
    for limit in ("GATE_SECONDS", "SETTLE_SECONDS", "SETTLE_INTERVAL"):
        monkeypatch.setattr(gate, limit, 0)
    return hosts


def with_other_haproxy_cfg(facts: Facts) -> Facts:
    """A host whose haproxy.cfg is not as it should be."""
    return replace(
        facts,
        files={
            **facts.files,
            HAPROXY_CFG: replace(facts.files[HAPROXY_CFG], content=facts.files[HAPROXY_CFG].content + b"# by hand\n"),
        },
    )


def without_ping(facts: Facts) -> Facts:
    return replace(facts, reachable=replace(facts.reachable, ping=False))


def statuses(report: Report) -> dict[str, str]:
    return {name: host.status for name, host in report.hosts.items()}


def failure_of(report: Report, host: str) -> str:
    found: HostReport = report.hosts[host]
    assert found.failure
    return f"{found.failure.type}: {found.failure.message}"


def kept_by(run: Run, hosts: Iterable[str] = ALL) -> dict[str, str]:
    """What hosts say of the files that a run of ours has kept on them."""
    return dict.fromkeys(hosts, f"@generation 000007 1700000000 good {run.run_id} root@here other")


def rolled(hosts: World, run: Run, **options: object) -> Report:
    """Deploy to hosts that keep what they had before."""
    hosts.generations = kept_by(run, hosts.facts)
    return deploy(run, roll_out=RollOut(**options))  # type: ignore[arg-type]
