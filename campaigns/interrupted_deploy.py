"""Interrupt a deploy while thirty hosts wait for their turn: the host in hand is made safe, no other is begun.

Written to docs/measured.md.
"""

import argparse
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from campaigns.record import record
from campaigns.rig import set_up
from ruamel.yaml import YAML
from tests.lab.killing import SUMS, Interrupted, interrupted_at
from tests.lab.rig import Lab, copy_inventory

INTERRUPTED = 128 + signal.SIGINT
QUIET = {
    "keepalived.advert_int": 1,
    "keepalived.check": {"interval": 10, "timeout": 9},
    "haproxy.inter": 10000,
    "haproxy.timeouts": {"check": 5000},
}
FEW = ("--forks", "6")
"""Thirty hosts share a machine: what they do by themselves leaves it to the deploy, which looks at a few at once."""
CLUSTER = 3  # nodes of each


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--hosts", type=int, default=30)
    options = parser.parse_args()
    names = [f"lb-{number}" for number in range(1, options.hosts + 1)]
    ended, wrong = [], 0
    with tempfile.TemporaryDirectory() as folder:
        lab = copy_inventory("many", Path(folder) / "inventory")
        _add_hosts(lab, names)
        for key, value in QUIET.items():
            lab.set(key, value)
        with set_up(lab, *FEW):
            for number in range(1, options.times + 1):
                lab.set("keepalived.garp_master_refresh", 60 + number)  # a change for every host
                before = _sums(lab, names)
                host = random.choice(names)  # noqa: S311 - any moment will do
                one = interrupted_at(lab, host, signal.SIGINT, *FEW)
                ended.append(one)
                after = _sums(lab, names)
                words = [*_wrong(one, {name for name in names if before[name] != after[name]}, host)]
                wrong += bool(words)
                sys.stderr.write(f"{number}: at {host}, {one.seconds:.2f} s: {'; '.join(words) or 'nothing wrong'}\n")
    slowest = max(each.seconds for each in ended)
    lines = [
        f"* {len(ended)} deploys that change {options.hosts} serving hosts of {options.hosts // CLUSTER} clusters, one",
        f"  after the other, interrupted at the turn of one. **{wrong} times** it was otherwise than: exit code 130",
        "  within 5 s, no other host begun, and the report says which are changed, which is in hand, which are as they",
        "  were.",
        f"* From Ctrl-C to the end it took {slowest:.2f} s at most.",
    ]
    record("Ctrl-C while hosts wait for their turn", f"make deploy-interrupted HOSTS={options.hosts}", lines)
    return 1 if wrong else 0


def _add_hosts(lab: Lab, names: list[str]) -> None:
    """Clusters of three: each of its nodes looks at its peers, so that thirty in one would look nine hundred times."""
    hosts, yaml = lab.inventory / "hosts.yaml", YAML()
    tree = yaml.load(hosts)
    for number, name in enumerate(names):
        cluster, place = divmod(number, CLUSTER)
        data: dict[str, object] = {"role": "backup" if place else "master"}
        if cluster:
            vip, vrid = f"192.0.2.{100 + cluster}", 100 + cluster
            data |= {"cluster": f"c{cluster}", "vip": f"{vip}/24", "virtual_router_id": vrid}
            data |= {"control_plane_endpoint": f"{vip}:8443"}
        tree.setdefault(name, {"hostname": f"192.0.2.{11 + number}", "groups": ["lab"], "data": data})
    yaml.dump(tree, hosts)


def _sums(lab: Lab, names: list[str]) -> dict[str, str]:
    return {name: lab.run(name, SUMS) for name in names}


def _wrong(one: Interrupted, changed: set[str], in_hand: str) -> Iterator[str]:
    """What is otherwise than it must be."""
    if one.status != INTERRUPTED:
        yield f"exit code {one.status}"
    if one.seconds > 5:
        yield f"took {one.seconds:.1f} s"
    hosts = one.report["hosts"]
    told = {name for name, host in hosts.items() if host["changed"]}
    if told != changed:
        yield f"changed are {sorted(changed)}, the report says {sorted(told)}"
    words = {name: {check["seen"] for check in host["checks"]} for name, host in hosts.items()}
    if in_hand in changed and not any("not at its gate" in seen for seen in words[in_hand]):
        yield f"{in_hand}: {words[in_hand]}"
    for name in hosts.keys() - changed:
        if not any("left as it was" in seen for seen in words[name]):
            yield f"{name}: {words[name]}"


if __name__ == "__main__":
    sys.exit(main())
