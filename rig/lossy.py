"""A network with packet loss or latency between controller and hosts, and what is wrong in a report then."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ruamel.yaml import YAML

from nornir_kube_ha.lab.hosts import read_layout
from nornir_kube_ha.lab.state import LabFiles
from rig.lab import HOSTS, ROOT, Completed, Lab, on_all

LOST = {"HostUnreachableError", "RemoteTimeoutError", "GateError"}  # the gate did not answer in time
EXIT_CODES = {"HostUnreachableError": 4}  # all others: 1
LOSS = """table inet lossy {
    chain in { type filter hook input priority 0; tcp dport 22 numgen random mod 100 < %d drop; }
    chain out { type filter hook output priority 0; tcp sport 22 numgen random mod 100 < %d drop; }
}"""


@contextmanager
def losing(lab: Lab, percent: int) -> Iterator[None]:
    """Drop a share of the SSH packets between controller and hosts, each way."""
    on_all(lab, f"nft '{LOSS % (percent, percent)}'")
    try:
        yield
    finally:
        on_all(lab, "nft delete table inet lossy")


@contextmanager
def far_away(lab: Lab, seconds: float, folder: Path) -> Iterator[Lab]:
    """Yield the same lab with an inventory that adds a delay in each direction to every host."""
    far, layout = lab.copy_to(folder), read_layout(lab.name)
    addresses = [str(layout.host(name).address.ip) for name in HOSTS]
    command = [str(Path(sys.executable).with_name("kube-ha")), "lab", "exec", "--lab", lab.name, "--"]
    command += [sys.executable, "-m", "rig.loopback.delaying", str(seconds), *addresses]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout
        ports: list[int] = json.loads(proxy.stdout.readline())
        _go_by(far, dict(zip(HOSTS, ports, strict=True)), far.inventory / "known_hosts")
        yield far
        proxy.communicate()  # ends it


def _go_by(lab: Lab, ports: Mapping[str, int], known_hosts: Path) -> None:
    """Write an inventory that reaches each host at a port of our own."""
    hosts, groups, yaml = lab.inventory / "hosts.yaml", lab.inventory / "groups.yaml", YAML()
    tree, known = yaml.load(hosts), LabFiles(lab.name).known_hosts
    keys = dict(line.split(" ", 1) for line in known.read_text().splitlines())
    for name, port in ports.items():
        address = tree[name]["hostname"]
        tree[name]["data"]["address"] = address
        tree[name] |= {"hostname": "127.0.0.1", "port": port}
        keys[f"[127.0.0.1]:{port}"] = keys.pop(address)
    yaml.dump(tree, hosts)
    known_hosts.write_text("".join(f"{name} {key}\n" for name, key in keys.items()))
    groups.write_text(groups.read_text().replace(str(known), str(known_hosts)))


def errors(completed: Completed) -> dict[str, str]:
    """Return the types of errors, by host."""
    return {name: host["error"]["type"] for name, host in completed.report["hosts"].items() if host["error"]}


def wrong_in(completed: Completed) -> Iterator[str]:
    """Yield what is wrong in a report of healthy hosts: false results, or errors not explained by a bad network."""
    found, hosts = errors(completed), completed.report["hosts"]
    if foreign := set(found.values()) - LOST:
        yield f"{foreign}: {[host['error'] for host in hosts.values()]}"
    if completed.status != max((EXIT_CODES.get(kind, 1) for kind in found.values()), default=0):
        yield f"exit code {completed.status}, of {found}"
    parts = {**hosts, **completed.report["clusters"]}
    yield from (
        f"{name}: {check}" for name, part in parts.items() for check in part["checks"] if check["status"] == "fail"
    )
    if not found.keys() <= {name for name, host in hosts.items() if host["status"] != "passed"}:
        yield f"passed with an error: {found}"


def wrong_in_verify(completed: Completed) -> Iterator[str]:
    """As `wrong_in`; also what verify reports about hosts that it reached."""
    yield from wrong_in(completed)
    red = {name for name, host in completed.report["hosts"].items() if host["status"] != "passed"}
    if red != errors(completed).keys():
        yield f"not passed are {red}"


def wrong_in_deploy(completed: Completed, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """As `wrong_in`; also where the report disagrees with the files.

    Arguments:
        completed: the deploy, with a change for each host
        before: `SUMS` of each host
        after: the same after the deploy
    """
    yield from wrong_in(completed)
    for name, host in completed.report["hosts"].items():
        if after[name] != before[name] and not host["changed"]:
            yield f"{name}: changed, and the report says nothing of it"
        if after[name] == before[name] and host["status"] == "passed":
            yield f"{name}: passed, and is as it was"
