"""A user's whole way with one cluster: deploy, deploy again, verify, faults, rollback, remove."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rig.breaking import failover_test
from rig.lab import Completed, Lab

FAULTS = ("haproxy-kill", "link-down")
STEPS = ("deploy", "again", "verify", *FAULTS, "rollback", "remove")
# What is left of kube-ha, except the records that package managers, systemd and the journal keep.
LEFT = """
grep -rslI kube-ha /etc /var/lib /run | grep -vE '^/(var/lib|run)/(dpkg|systemd|rpm|dnf)/'
nft list tables 2>/dev/null | grep -o kube_ha_.*
awk '$4 == 1 && $5 == "01005e000012" { print $2 }' /proc/net/dev_mcast
"""
JSON = ("--output", "json")
CHANGE = {"haproxy.balance": ("leastconn", "source"), "keepalived.garp_master_refresh": (60, 30)}
# For a cluster with a keepalived before 2.2.4: a node's time-out is the holder's interval times its own count.
COUNTED_BY_ALL = {"keepalived.advert_int": 0.1, "keepalived.down_timer_adverts": 3}
VERSIONS = "haproxy -v | head -n 1; keepalived --version 2>&1 | head -n 1"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way.

    Arguments:
        name: one of `STEPS`
        ok: whether it did what it should
        words: what was measured, or what went wrong
    """

    name: str
    ok: bool
    words: str = ""


def walk(lab: Lab, warned: Collection[str] = (), *, repeat: int = 1) -> Iterator[Step]:
    """Go the whole way, on hosts that are up and bare.

    Arguments:
        lab: the lab of the hosts
        warned: ids of checks that are expected to warn
        repeat: number of trials of each fault
    """
    by_right = frozenset(warned)
    yield _judged("deploy", lab.deploy(*JSON), by_right, changed=True)
    yield _judged("again", lab.deploy(*JSON), by_right, changed=False)
    yield _judged("verify", lab.runbook("verify", *JSON), by_right, changed=False)
    for fault in FAULTS:
        yield _fault(lab, fault, repeat)
    yield _rollback(lab, by_right | {"haproxy.stable"})  # haproxy was killed a moment ago
    yield _remove(lab)


def use_ipv6(lab: Lab, hosts: Sequence[str]) -> None:
    """Replace each IPv4 address in the inventory with an IPv6 address."""
    path = lab.inventory / "hosts.yaml"
    path.write_text(path.read_text().replace("192.0.2.", "2001:db8::"))
    lab.set_for_group("vip", "2001:db8::10/64")
    lab.set_for_group("control_plane_endpoint", "[2001:db8::10]:8443")
    apiservers = [{"name": host, "address": f"2001:db8::1{number}"} for number, host in enumerate(hosts, 1)]
    lab.set_for_group("apiservers", apiservers)


def versions(lab: Lab, host: str) -> str:
    """Return `haproxy 2.6.12, keepalived 2.2.7`, as installed on a host."""
    haproxy, keepalived = lab.run(host, VERSIONS).splitlines()
    return f"haproxy {haproxy.split()[2].partition('-')[0]}, keepalived {keepalived.split()[1].lstrip('v')}"


def _rollback(lab: Lab, warned: frozenset[str]) -> Step:
    """Deploy a change of both daemons' files, and roll it back."""
    for key, (_, changed) in CHANGE.items():
        lab.set(key, changed)
    change = _judged("rollback", lab.deploy(*JSON), warned, changed=True)
    if not change.ok:
        return change
    back = _judged("rollback", lab.runbook("rollback", *JSON), warned | {"files.intended"}, changed=True)
    for key, (before, _) in CHANGE.items():
        lab.set(key, before)
    return _judged("rollback", lab.deploy(*JSON), warned, changed=False) if back.ok else back


def _remove(lab: Lab) -> Step:
    removed = lab.runbook("remove", "--yes", *JSON)
    left = {host: lab.run(host, LEFT).split() for host in removed.report["hosts"]}
    words = [f"{host}: {', '.join(paths)}" for host, paths in left.items() if paths]
    return Step("remove", not removed.status and not words, "; ".join(words))


def _judged(name: str, completed: Completed, warned: frozenset[str], *, changed: bool) -> Step:
    if not completed.stdout:
        return Step(name, ok=False, words=completed.stderr[-300:])
    report = completed.report
    red = {place: sorted(set(ids) - warned) for place, ids in completed.red_checks().items()}
    words = [f"{place}: {', '.join(ids)}" for place, ids in red.items() if ids]
    words += [f"{place}: {host['error']['message']}" for place, host in report["hosts"].items() if host["error"]]
    if report["changed"] is not changed:
        words.append("something was changed" if report["changed"] else "nothing was changed")
    return Step(name, not completed.status and not words, "; ".join(words))


def _fault(lab: Lab, name: str, repeat: int) -> Step:
    completed = failover_test(lab, "--fault", name, "--repeat", str(repeat))
    if not completed.stdout or not completed.report["faults"]:
        return Step(name, ok=False, words=completed.stderr[-300:])
    [fault] = completed.report["faults"]
    longest = fault["statistics"]["new"]["max"] if fault["statistics"] else None
    words = ["no end" if longest is None else f"{longest:.2f} s"]
    if fault["outcome"] != "passed":
        words += [each for trial in fault["trials"] for each in (*trial["exceeded"], trial["words"]) if each]
    return Step(name, fault["outcome"] == "passed", "; ".join(words))
