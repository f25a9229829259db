"""Faults that only the owner of the machine can make: power, and how apiservers behave. Each must show to count."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nornir_kube_ha.lab import healing, lifecycle
from nornir_kube_ha.lab.errors import LabError
from nornir_kube_ha.lab.hosts import Host, read_layout
from nornir_kube_ha.lab.status import await_hosts, readyz_of

PATIENCE = 5.0  # seconds until a fault must show, or be gone
POLL = 0.02


@dataclass(frozen=True, slots=True)
class LabFault:
    """Something that a lab does to some of its hosts.

    Arguments:
        lab: its name
        verb: `off`, `reboot`, or a way for apiservers to behave: `gone`, `error`, `slow 2`
        hosts: their names
        seconds: after which the lab ends it by itself if nobody has; None: never
    """

    lab: str
    verb: str
    hosts: Sequence[str]
    seconds: float | None = None

    def make(self) -> None:
        """Make it, and see it.

        Raises:
            LabError: it does not show
        """
        if self.seconds is not None and self.verb != "reboot":  # from a reboot, a host comes back by itself
            healing.arm(self.lab, self.verb, self.hosts, self.seconds)
        for host in self.hosts:
            self._break(host)
        self._await(self._shows, "does not show")

    def heal(self) -> None:
        """Undo it, and see it gone.

        Raises:
            LabError: it does not go
        """
        for host in self.hosts:
            if self.verb == "off":
                lifecycle.power_on(self.lab, host)
            elif self.verb == "reboot":
                await_hosts(read_layout(self.lab), [Host(self.lab, host)], with_apiserver=[])
            else:
                Host(self.lab, host).set_apiserver("ok")
        self._await(self._is_well, "is not over")
        healing.disarm(self.lab, self.hosts)

    def _break(self, host: str) -> None:
        if self.verb == "off":
            lifecycle.power_off(self.lab, host)
        elif self.verb == "reboot":
            lifecycle.reboot(self.lab, host)
        else:
            Host(self.lab, host).set_apiserver(self.verb)

    def _await(self, condition: Callable[[str], bool], words: str) -> None:
        deadline = time.monotonic() + PATIENCE
        for host in self.hosts:
            while not condition(host):
                if time.monotonic() > deadline:
                    raise LabError(f"{self.verb} of {host} {words} after {PATIENCE:g} s")
                time.sleep(POLL)

    def _shows(self, host: str) -> bool:
        if self.verb == "off":
            return not Host(self.lab, host).is_on
        if self.verb == "reboot":
            return True  # `lifecycle.reboot` has seen the old process 1 end
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
    """Names of the lab's hosts whose apiserver has one of these addresses.

    Arguments:
        lab: its name
        addresses: of apiservers, in order

    Raises:
        LabError: none has
    """
    by_address = {str(host.address.ip): host.name for host in read_layout(lab).hosts if host.apiserver_port}
    names = tuple(by_address[address] for address in addresses if address in by_address)
    if not names:
        raise LabError(f"lab {lab} has no apiserver at {', '.join(addresses)}")
    return names
