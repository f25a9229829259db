"""A lab of many hosts, and what every contestant needs: the hosts' names and addresses, and their files."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.consoles import at_consoles
from benchmarks.jobs import Job
from rig.clusters import QUIET, add_clusters, names_of
from rig.lab import VERBOSE, Lab, copy_inventory

from nornir_kube_ha.cli.selection import open_inventory
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.lab.machine.command import run
from nornir_kube_ha.lab.network import NETNS, control_namespace
from nornir_kube_ha.lab.state import LabFiles
from nornir_kube_ha.planning.node_files import config_files
from nornir_kube_ha.planning.package_managers import family_of
from nornir_kube_ha.templating import our_environment
from nornir_kube_ha.versions import features, upstream_version

SETTLE_SECONDS = 300
LAST_WORDS = 2000
FORKS = 6  # for kube-ha, where hosts share two processors
ELSEWHERE = "198.51.100.1"  # TEST-NET-2: of no lab
MOST_LOUD = 9  # hosts with the settings that users have; more would leave contestants no processor time
_VERSIONS = "apt-cache --no-all-versions show haproxy keepalived | sed -n 's/^Version: //p'"
_PLAIN_LOGIN = """\
Host *
    User root
    IdentityFile {key}
    IdentitiesOnly yes
    UserKnownHostsFile {known_hosts}
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    BatchMode yes
    LogLevel ERROR
"""
# OpenSSH's default key exchange costs 90 ms of the client's processor time.
_QUICK_LOGIN = """\
    KexAlgorithms curve25519-sha256
    HostKeyAlgorithms ssh-ed25519
    Ciphers aes128-gcm@openssh.com
    PreferredAuthentications publickey
    GSSAPIAuthentication no
    AddressFamily inet
    Compression no
    UpdateHostKeys no
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A host.

    Arguments:
        name: name in every inventory
        address: where it is reached
        vip: the cluster's VIP
        files: the files that our own renderer makes
    """

    name: str
    address: str
    vip: str
    files: tuple[ConfigFile, ...]


@dataclass(slots=True)
class Site:
    """A lab, and what a contestant has to know of it.

    Arguments:
        lab: with its inventory
        folder: for contestants: `files/HOST/PATH`, `ssh_config` as users have it, `quick_ssh_config`
        names: names of the hosts
        forks: number of hosts that kube-ha looks at at once
        targets: the hosts as they should be; renewed when a job begins
        is_restless: whether daemons were started or reloaded since they last settled
    """

    lab: Lab
    folder: Path
    names: tuple[str, ...]
    forks: int
    targets: tuple[Target, ...] = field(default=())
    is_restless: bool = False
    _is_up: bool = False
    _changes: int = 0

    @property
    def files(self) -> Path:
        """Folder with each host's files, in a folder of its name, with their final modes."""
        return self.folder / "files"

    @property
    def keys(self) -> LabFiles:
        """The lab's keys."""
        return LabFiles(self.lab.name)

    def begin(self, job: Job) -> None:
        """Bring the hosts to the state in which a job begins."""
        if job is Job.FRESH:
            self.lab.down()
            self._up()
        elif not self._is_up:
            self._up("--installed")
            self._deploy()
        if self.is_restless:
            self._settle()
        if job is Job.CHANGED:
            self._changes += 1
            self.lab.set("haproxy.timeouts.client", f"{10 + self._changes}m")
            self._render()

    def _up(self, *options: str) -> None:
        self.lab.up(*options)
        self._is_up, self.is_restless = True, False
        self._refuse_ways_out()
        at_consoles(self.lab, self.names, VERBOSE)
        self._render()

    def _deploy(self) -> None:
        completed = self.lab.deploy("--forks", str(self.forks))
        self.is_restless = completed.status != 0
        if completed.status not in {0, 1}:  # failed checks may pass once so many hosts have settled
            raise SystemExit(completed.stdout[-LAST_WORDS:] + completed.stderr[-LAST_WORDS:])

    def _settle(self) -> None:
        """Wait until the daemons have settled and every check passes."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while (seen := self.lab.runbook("verify", "--forks", str(self.forks))).status != 0:
            if time.monotonic() > deadline:
                raise SystemExit(seen.stdout[-LAST_WORDS:] + seen.stderr[-LAST_WORDS:])
        self.is_restless = False

    def _render(self) -> None:
        """Render the hosts' files with our own renderer, and write them for contestants that copy them."""
        nornir = open_inventory(self.lab.inventory)
        intent = load_intent(nornir)
        versions = [upstream_version(each) for each in self.lab.run(self.names[0], _VERSIONS).split()]

        def text(template: str, values: dict[str, Any]) -> str:
            return our_environment().get_template(template).render(values)

        nodes = [intent.node(name) for name in self.names]
        self.targets = tuple(
            Target(
                node.name,
                str(node.address),
                str(node.vip.ip),
                config_files(intent.cluster_of(node.name), node, features(*versions), text, family_of("apt")),
            )
            for node in nodes
        )
        shutil.rmtree(self.files, ignore_errors=True)
        for target in self.targets:
            for file in target.files:
                path = self.files / target.name / file.path.removeprefix("/")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.data)
                path.chmod(int(file.mode, 8))
        plain = _PLAIN_LOGIN.format(key=self.keys.private_key, known_hosts=self.keys.known_hosts)
        (self.folder / "ssh_config").write_text(plain)
        (self.folder / "quick_ssh_config").write_text(plain + _QUICK_LOGIN)

    def _refuse_ways_out(self) -> None:
        """Refuse a lab that packets can leave: its namespace must have no route to anywhere else."""
        inside = ["nsenter", f"--net={NETNS / control_namespace(self.lab.name)}"]
        said = run([*inside, "sh", "-c", f"ip route show default; ip route get {ELSEWHERE} 2>&1 || true"])
        if "unreachable" not in said or "default" in said or " dev " in said:
            raise SystemExit(f"the lab has a way out: {said}")


@contextmanager
def site(hosts: int, name: str = "bench", forks: int = FORKS) -> Iterator[Site]:
    """Yield a lab of so many hosts, which is not up yet, and take it down at the end.

    Its clusters have three nodes, or more if three would leave a cluster of one.

    Arguments:
        hosts: how many, at least three
        name: name of the lab
        forks: number of hosts that kube-ha looks at at once
    """
    with TemporaryDirectory(prefix="kube-ha-bench-") as folder:
        lab = copy_inventory(name, Path(folder) / "inventory")
        nodes = next(size for size in range(3, hosts + 1) if hosts % size != 1)
        names = names_of(1, hosts)
        add_clusters(lab, names, nodes)
        for key, value in QUIET.items() if hosts > MOST_LOUD else ():
            lab.set(key, value)
        lab.set("verify.listen", 3.6)  # as users have it; tests listen for less
        try:
            yield Site(lab, Path(folder), tuple(names), forks)
        finally:
            lab.down()
