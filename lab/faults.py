"""Faults that need root on this machine: power, apiservers, etcd. Each is confirmed once it is injected or healed."""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from nornir_kube_ha.lab import healing, lifecycle
from nornir_kube_ha.lab.errors import LabDownError, LabError
from nornir_kube_ha.lab.hosts import Host, read_layout
from nornir_kube_ha.lab.status import await_hosts, readyz_of

PATIENCE = 5.0  # seconds until a fault must show, or be over
PLANE_PATIENCE = 30.0  # the same for a real control plane: an etcd that returns waits for its leader
POLL = 0.02
_KILL_ETCD = "systemctl kill --signal KILL etcd"
# Killed before it is stopped: an etcd that shuts down hands over its leadership and keeps the quorum for up to 7 s.
ETCD = {"etcd-kill": _KILL_ETCD, "etcd-stop": f"{_KILL_ETCD}; systemctl stop etcd"}
"""Commands that inject a fault in a member. systemd restarts one that was killed."""
UPGRADE = "upgrade"
_ETCDCTL = (
    "cd /srv/kube-apiserver && /srv/kubernetes/etcdctl --cacert ca.crt --cert etcd.crt --key etcd.key "
    "--command-timeout 2s endpoint status --cluster --write-out json"
)


@dataclass(frozen=True, slots=True)
class LabFault:
    """A fault on some hosts of a lab.

    Arguments:
        lab: name of the lab
        verb: `off`, `reboot`, a mode of apiservers (`gone`, `error`, `slow 2`), `etcd-kill`, `etcd-stop`, or `upgrade`:
            each apiserver is stopped and started again, one after the other
        hosts: names of the hosts
        seconds: time after which the lab heals it by itself; None: never
    """

    lab: str
    verb: str
    hosts: Sequence[str]
    seconds: float | None = None

    def make(self) -> None:
        """Inject the fault and wait until it shows.

        Raises:
            LabError: it does not show
        """
        if self.seconds is not None and self.verb != "reboot":  # a host comes back from a reboot by itself
            healing.arm(self.lab, self.verb, self.hosts, self.seconds + self._own_time)
        if self.verb == UPGRADE:
            for host in self.hosts:
                self._break(host)
        else:
            with ThreadPoolExecutor(len(self.hosts)) as pool:  # a real apiserver takes seconds to stop
                list(pool.map(self._break, self.hosts))
        self._await(self._shows, "had no visible effect")

    def heal(self) -> None:
        """Heal the fault and wait until it is over.

        Raises:
            LabError: it is not over
        """
        for host in self.hosts:
            if self.verb == "off":
                lifecycle.power_on(self.lab, host)
            elif self.verb == "reboot":
                await_hosts(read_layout(self.lab), [Host(self.lab, host)], with_apiserver=[])
            elif self.verb in ETCD:
                Host(self.lab, host).run("systemctl", "start", "etcd")
            else:
                Host(self.lab, host).set_apiserver("ok")
        self._await(self._is_well, "still has an effect")
        healing.disarm(self.lab, self.hosts)

    @property
    def _own_time(self) -> float:
        """Seconds that the injection itself may take."""
        planes = [host for host in self.hosts if read_layout(self.lab).host(host).plane]
        return PLANE_PATIENCE * (len(self.hosts) if self.verb == UPGRADE else bool(planes))

    def _break(self, host: str) -> None:
        if self.verb == "off":
            lifecycle.power_off(self.lab, host)
        elif self.verb == "reboot":
            lifecycle.reboot(self.lab, host)
        elif self.verb in ETCD:
            Host(self.lab, host).run("sh", "-c", ETCD[self.verb])
        elif self.verb == UPGRADE:
            Host(self.lab, host).set_apiserver("gone")
            Host(self.lab, host).set_apiserver("ok")
            self._await_host(host, self._is_well, "still has an effect")
        else:
            Host(self.lab, host).set_apiserver(self.verb)

    def _await(self, condition: Callable[[str], bool], words: str) -> None:
        for host in self.hosts:
            self._await_host(host, condition, words)

    def _await_host(self, host: str, condition: Callable[[str], bool], words: str) -> None:
        patience = PLANE_PATIENCE if read_layout(self.lab).host(host).plane else PATIENCE
        deadline = time.monotonic() + patience
        while not condition(host):
            if time.monotonic() > deadline:
                raise LabError(f"{self.verb} of {host} {words} after {patience:g} s")
            time.sleep(POLL)

    def _shows(self, host: str) -> bool:
        if self.verb == "off":
            return not Host(self.lab, host).is_on
        if self.verb in {"reboot", UPGRADE, *ETCD}:
            return True  # the injection has waited for it: the old process is gone
        seen = self._seen(host)
        mode, _, _seconds = self.verb.partition(" ")
        return {"gone": seen == "refused", "error": seen in {"500", "late"}, "slow": seen == "late"}[mode]

    def _is_well(self, host: str) -> bool:
        if self.verb in {"off", "reboot"}:
            return Host(self.lab, host).is_on
        return self._seen(host) == "200"

    def _seen(self, host: str) -> str:
        return readyz_of(read_layout(self.lab).host(host))


def apiserver_hosts(lab: str, addresses: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the lab's hosts whose apiservers have these addresses.

    Arguments:
        lab: name of the lab
        addresses: addresses of apiservers, in order

    Raises:
        LabError: no apiserver has any of them
    """
    by_address = {str(host.address.ip): host.name for host in read_layout(lab).hosts if host.apiserver_port}
    names = tuple(by_address[address] for address in addresses if address in by_address)
    if not names:
        raise LabError(f"lab {lab} has no apiserver at {', '.join(addresses)}")
    return names


def etcd_members(lab: str, cluster: str) -> tuple[str, ...]:
    """Return the names of the hosts of a cluster's etcd members, the leader first.

    Arguments:
        lab: name of the lab
        cluster: with a real control plane

    Raises:
        LabError: there is no leader
    """
    layout = read_layout(lab)
    hosts = [host for host in layout.hosts if host.plane and host.plane.cluster == cluster]
    by_address = {str(host.address.ip): host.name for host in hosts}
    said = Host(lab, hosts[0].name).run("sh", "-c", _ETCDCTL)
    found: list[tuple[bool, str]] = []
    for member in json.loads(said):
        status = member["Status"]
        address = member["Endpoint"].removeprefix("https://").rpartition(":")[0].strip("[]")
        found.append((status["header"]["member_id"] == status["leader"], by_address[address]))
    if sum(leads for leads, _ in found) != 1:
        raise LabError(f"etcd of cluster {cluster} in lab {lab} has no leader: {said}")
    return tuple(name for _, name in sorted(found, reverse=True))


def why_not(lab: str, cluster: str, verb: str) -> str:
    """Return why a lab cannot inject a fault, "" if it can.

    Arguments:
        lab: name of the lab
        cluster: name of a cluster in it
        verb: as in `LabFault`
    """
    try:
        planes = [host.plane for host in read_layout(lab).hosts if host.plane and host.plane.cluster == cluster]
    except LabDownError:
        return ""  # the first look at the hosts reports it
    if verb in ETCD and not planes:
        return "the lab's apiservers are stand-ins without etcd; see: kube-ha lab up --control-plane real"
    if planes and verb.startswith("slow"):
        return "mode slow needs the stand-in; a real kube-apiserver does not have it"
    if planes and verb == "error" and planes[0].etcd == "listed":
        return "an apiserver that may use every etcd member stays healthy without its own"
    return ""
