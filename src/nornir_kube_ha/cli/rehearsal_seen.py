"""Begin a rehearsal with what a snapshot of production saw."""

import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nornir_kube_ha.cli.rehearsal_state import State
from nornir_kube_ha.engine.retry import failing, look_until_passed
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.engine.story import Story
from nornir_kube_ha.errors import MOST, UsageError
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent.names import HAPROXY_CA
from nornir_kube_ha.inventory.lab_copy import StandIns, certificates_in, names_release
from nornir_kube_ha.lab.door import LabError, PutFile, listen_as, put_seen
from nornir_kube_ha.planning.plan import PACKAGES
from nornir_kube_ha.report.model import KEEPS_FROM_PASSING
from nornir_kube_ha.snapshots import STATS, VRRP, Production, SeenFile, SeenHost, SeenListener, revealed
from nornir_kube_ha.text import one_line, shortened

SETTLE_SECONDS, SETTLE_SLEEP = 12.0, 0.5
OURS = frozenset({"", "haproxy", "keepalived"})
"""Processes whose ports need no stand-in."""


@dataclass(slots=True)
class AsSeen:
    """The first step of a rehearsal that starts from a snapshot.

    Arguments:
        production: the snapshot
        stand_ins: values that stand for production's
        old: the old state: the snapshot's inventory
        new: the new state
        unmet: ids of checks that production did not pass either, known once its files are on the hosts
        others: stand-ins of secrets that are not the inventory's, by placeholder
    """

    production: Production
    stand_ins: StandIns
    old: State
    new: State
    unmet: frozenset[str] = frozenset()
    others: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def packages(self) -> tuple[str, ...]:
        """Packages that the lab's hosts have from the start: ours, and what a keepalived.conf by the guide calls."""
        files = (file.text for host in self.production.hosts.values() for file in host.files)
        return (*PACKAGES, "psmisc") if any("killall" in text for text in files) else PACKAGES

    def put(self, story: Story, checks: Collection[str]) -> None:
        """Put the files and unit states that were seen on the lab's hosts, and others' listeners in their places.

        Whatever is not as it was in production becomes a remark of the step.

        Arguments:
            story: records the steps
            checks: ids of the checks that the daemons pass once they have settled

        Raises:
            LabError: a daemon that ran in production does not start
        """
        hosts = self.production.hosts
        for name in sorted(hosts, key=lambda each: not hosts[each].holds):  # the holder first, so that it holds again
            files = [self._file(name, file) for file in hosts[name].files]
            put_seen(self.stand_ins.lab, name, files, hosts[name].units)
        with self.old.run("verify", [*hosts], story.tell) as run:
            run.make_only(checks)
            report = look_until_passed(run, timeout=SETTLE_SECONDS, sleep=SETTLE_SLEEP)
            self.unmet = frozenset(each.id for _, each in report.findings if each.status in KEEPS_FROM_PASSING)
            remarks = [] if report.passed else [f"not healthy before the change: {failing(report)}"]
            remarks += [*self._drift(), *self._differences(run)]
        for words in [*remarks, *self._listen()]:
            story.tell(f"  {words}")
            story.remark(words)

    def _file(self, name: str, file: SeenFile) -> PutFile:
        def stand_in(placeholder: str) -> str:
            node = self.old.intent.node(name)
            if placeholder == STATS:
                return node.haproxy.stats.password.get_secret_value()
            if placeholder == VRRP and node.keepalived.auth_pass:
                return node.keepalived.auth_pass.get_secret_value()
            return self.others.setdefault(placeholder, secrets.token_hex(4))  # good for VRRP and as a hash of crypt(3)

        if file.path == HAPROXY_CA:
            cluster = self.old.intent.node(name).cluster
            content = self.stand_ins.ca(cluster, certificates_in(file.text)).read_bytes()
        else:
            content = revealed(file.text, stand_in).encode(file.encoding)
        return PutFile(file.path, file.mode, file.owner, file.group, content, file.written_for)

    def _drift(self) -> Iterator[str]:
        paths = {name: host.differs for name, host in self.production.hosts.items()}
        lacking = {name: host.not_recorded for name, host in self.production.hosts.items()}
        for words, each in (("not as its inventory says", paths), ("missing in the lab", lacking)):
            if found := [f"{name} {', '.join(where)}" for name, where in each.items() if where]:
                yield f"{words}: {'; '.join(found)}"

    def _differences(self, run: Run) -> Iterator[str]:
        found: dict[str, list[str]] = {}
        for name, host in self.production.hosts.items():
            for words in _of_lab(host, run.facts[name]) if name in run.facts else ():
                found.setdefault(words, []).append(name)
        yield from (f"{words} ({', '.join(names)})" for words, names in found.items())

    def _listen(self) -> Iterator[str]:
        """Have stand-ins listen on ports that the new state needs and other software has."""
        for node in self.new.intent.nodes:
            seen = self.production.hosts.get(node.name)
            for listener in _in_the_way(seen, node.all_sockets) if seen else ():
                where = f"port {listener.port} of {node.name}"
                try:
                    listen_as(self.stand_ins.lab, node.name, listener)
                except LabError as error:
                    yield f"{where} is not taken, unlike in production by {listener.process}: {error}"
                else:
                    yield f"{where} is taken, as in production by {listener.process}"


def _in_the_way(seen: SeenHost, sockets: Collection[str]) -> list[SeenListener]:
    ports = {int(socket.rpartition(":")[2]) for socket in sockets}
    return [each for each in seen.listeners if each.port in ports and each.process not in OURS]


def _of_lab(seen: SeenHost, own: Facts) -> Iterator[str]:
    """Yield how a lab's host differs from what was seen."""
    versions: Mapping[str, str] = {name: each.installed for name, each in own.packages.items() if each.installed}
    for name, version in seen.packages.items():
        if name in versions and versions[name] != version:
            yield f"{name} {version} in production, {versions[name]} in the lab"
    if not names_release(seen.os):
        yield f"{seen.os} in production, {own.os} in the lab"


def refuse_unseen(production: Production, path: Path) -> None:
    """Refuse a snapshot that lacks hosts: what runs there is unknown.

    Raises:
        UsageError: it lacks one
    """
    if production.not_seen:
        lacking = "; ".join(f"{name}: {each.message}" for name, each in production.not_seen.items())
        words = "Take it again when all answer, or rehearse with --from or --from-git"
        raise UsageError(f"snapshot {path} lacks hosts of its inventory: {shortened(one_line(lacking), MOST)}. {words}")
