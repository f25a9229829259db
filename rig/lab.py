"""A lab for tests, beside that of `make demo`, and the runbooks as a user calls them."""

import atexit
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from nornir_kube_ha.cli.lab import ssh_command
from nornir_kube_ha.lab.hosts import Host, read_layout
from nornir_kube_ha.lab.network import NETNS, control_namespace

ROOT = Path(__file__).resolve().parents[1]
HOSTS = ("lb-1", "lb-2", "lb-3")
MASTER, *BACKUPS = HOSTS
VIP = "192.0.2.10"
RED = {"warn", "fail", "unknown"}
AT_CONSOLE = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Every package, and every file with its times: a run that must change nothing changes none of it. Logs and what sshd
# leaves of a login are left out.
EVERYTHING = """
dpkg-query --show --showformat '${Package} ${Version} ${db:Status-Status}\\n'
find / -xdev -type f -not -path '/proc/*' -not -path '/sys/*' -not -path '/run/*' \
    -not -path '/var/log/*' -printf '%p %s %m %U %G %T@\\n' | sort
find /run -name '*kube-ha*' | sort
"""
RULES = """
nft list ruleset | sed '/^table inet kube_ha_watch/,/^}/d'
nft --terse list table inet kube_ha_watch
grep -o ' 1 *01005e000012' /proc/net/dev_mcast
true
"""
"""The packet filter's rules and VRRP's multicast group, without the watch table's sets, which change by themselves."""
VERBOSE = "echo 'LogLevel VERBOSE' >/etc/ssh/sshd_config.d/count.conf && systemctl reload ssh"
UNITS = (
    # A worker that an earlier reload replaced ends when its connections do.
    "for _ in $(seq 100); do [ $(pgrep -cx haproxy) -gt 2 ] || break; sleep 0.1; done; "
    "systemctl show --property Id,MainPID,ActiveEnterTimestampMonotonic,ExecMainStartTimestampMonotonic"
    " haproxy keepalived; pgrep -x haproxy"
)


@dataclass(frozen=True, slots=True)
class Completed:
    """A command of kube-ha that has ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def report(self) -> dict[str, Any]:
        tree: dict[str, Any] = json.loads(self.stdout)
        return tree

    def failed_checks(self) -> dict[str, list[str]]:
        """Ids of the checks that did not pass, by host and cluster; those without any are left out."""
        return self._ids_by_place({"warn", "fail", "skip", "unknown"})

    def red_checks(self) -> dict[str, list[str]]:
        """Ids of the checks that failed, warned, or could not be made for a host that was not reached."""
        return self._ids_by_place(RED)

    def must_be_green(self) -> None:
        """Fail and show what was seen, without the rest of a long report."""
        seen = [f"{name}: {each['id']}: {each['seen']}" for name, each in self._checks_that(RED)]
        assert (self.status, seen) == (0, []), self.stderr

    def _ids_by_place(self, statuses: set[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, each in self._checks_that(statuses):
            found.setdefault(name, []).append(each["id"])
        return found

    def _checks_that(self, statuses: set[str]) -> Iterator[tuple[str, dict[str, str]]]:
        for name, part in {**self.report["hosts"], **self.report["clusters"]}.items():
            yield from ((name, each) for each in part["checks"] if each["status"] in statuses)


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab and its inventory, in a folder that a test may write to."""

    name: str
    inventory: Path

    def kube_ha(self, *arguments: str) -> Completed:
        return _runner_of(threading.get_ident()).run("cli", *arguments)

    def up(self, *options: str) -> None:
        completed = self.kube_ha("lab", "up", "-i", str(self.inventory), *options)
        assert completed.status == 0, completed.stderr

    def down(self) -> None:
        completed = self.kube_ha("lab", "down", "--lab", self.name)
        assert completed.status == 0, completed.stderr

    def runbook(self, name: str, *options: str) -> Completed:
        return _runner_of(threading.get_ident()).run(name, "-i", str(self.inventory), *options)

    def deploy(self, *options: str) -> Completed:
        return self.runbook("deploy", *options)

    def await_healthy(self) -> None:
        """Wait until verify passes again, for example after a boot."""
        deadline = time.monotonic() + 30
        while (completed := self.runbook("verify")).status != 0:
            assert time.monotonic() < deadline, completed.stdout

    def await_green(self) -> None:
        """Wait until no check fails or warns."""
        deadline = time.monotonic() + 30
        while (completed := self.runbook("verify", "--output", "json")).red_checks() and time.monotonic() < deadline:
            pass
        completed.must_be_green()

    def is_vip_home(self) -> bool:
        return f" {VIP}/" in self.run(MASTER, "ip -4 -oneline address show")

    def bring_vip_home(self) -> None:
        """Move the VIP to the master, as after the first deploy. Without preempt it stays where it went."""
        if self.is_vip_home():
            return
        completed = self.kube_ha("vip", "move", "-i", str(self.inventory), "--to", MASTER)
        assert completed.status == 0, completed.stdout + completed.stderr

    def ssh_command(self, host: str, command: str) -> list[str]:
        """Return the command that `kube-ha lab ssh` runs, to save the start of Python."""
        inside = ["nsenter", f"--net={NETNS / control_namespace(self.name)}"]
        return [*inside, *ssh_command(read_layout(self.name), host, [command], terminal=False)]

    def run(self, host: str, command: str, *, check: bool = True) -> str:
        """Run a shell command on a host without a login, so that none is counted or refused."""
        completed = _run(self.inside(host, "sh", "-c", command))
        assert completed.status == 0 or not check, f"{host}: {command}: {completed.stderr}"
        return completed.stdout

    def inside(self, host: str, *command: str) -> list[str]:
        """Return the command that runs a command on a host without a login."""
        return [
            "nsenter",
            "--all",
            "--target",
            str(Host(self.name, host).init()),
            "--",
            "env",
            "-i",
            AT_CONSOLE,
            *command,
        ]

    def set(self, section: str, value: object, *, host: str | None = None) -> None:
        """Set a value in the inventory, for a host or in the defaults: `set("haproxy.balance", "source")`."""
        _write("hosts.yaml" if host else "defaults.yaml", host, section, value, self.inventory)

    def set_for_group(self, section: str, value: object) -> None:
        """Set a value for the group of all hosts, which overrides the defaults."""
        _write("groups.yaml", "lab", section, value, self.inventory)

    def copy_to(self, folder: Path) -> "Lab":
        """Return the same lab with a copy of the inventory, which may be changed."""
        return Lab(self.name, shutil.copytree(self.inventory, folder / "inventory"))

    def copy_without(self, host: str, folder: Path) -> "Lab":
        """Return the same lab with a copy of the inventory that lacks a host."""
        copy = self.copy_to(folder)
        hosts, yaml = copy.inventory / "hosts.yaml", YAML()
        tree = yaml.load(hosts)
        del tree[host]
        yaml.dump(tree, hosts)
        return copy


def _write(file: str, owner: str | None, section: str, value: object, inventory: Path) -> None:
    path = inventory / file
    yaml = YAML()
    tree = yaml.load(path)
    place = (tree[owner] if owner else tree)["data"]
    *parents, last = section.split(".")
    for key in parents:
        place = place.setdefault(key, {})
    place[last] = value
    yaml.dump(tree, path)


class Runner:
    """Runs calls of `rig/runner.py`, one after the other."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rig.runner"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C must not end it: it is still needed to take labs down
        )
        atexit.register(self._process.communicate)

    def run(self, *call: str) -> Completed:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{json.dumps(call)}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, self._process.stderr.read() if self._process.stderr else ""
        return Completed(**json.loads(line))


@cache
def _runner_of(_thread: int) -> Runner:
    return Runner()  # a runner takes one call at a time, and campaigns have a thread for each lab


def _run(command: list[str]) -> Completed:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=240)
    return Completed(done.returncode, done.stdout, done.stderr)


def on_all(lab: Lab, command: str) -> dict[str, str]:
    return {host: lab.run(host, command) for host in HOSTS}


def copy_inventory(lab: str, folder: Path) -> Lab:
    """Copy the repository's inventory under another lab's name. It listens for 8 adverts rather than 24."""
    shutil.copytree(ROOT / "inventory", folder)
    groups = folder / "groups.yaml"
    groups.write_text(groups.read_text().replace("/lab/demo/", f"/lab/{lab}/").replace("lab: demo", f"lab: {lab}"))
    copy = Lab(lab, folder)
    copy.set("verify.listen", 0.4)
    return copy
