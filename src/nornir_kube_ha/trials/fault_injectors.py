"""Inject a fault and end it: by a script on a host, by the lab, or by kube-ha. Times are the controller's."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import FaultError
from nornir_kube_ha.failover.faults import Fault
from nornir_kube_ha.lab.door import UPGRADE, LabError, LabFault
from nornir_kube_ha.tasks.faults import FaultTimeline, heal_fault, inject_fault
from nornir_kube_ha.tasks.vip_watch import VIPWatch

PATIENCE = 30  # seconds after its time within which a host must have healed


@dataclass(frozen=True, slots=True)
class Window:
    """When a fault was in effect.

    Arguments:
        begun: when the injection began
        made: when the fault was seen to be in effect; None if it never was
        heal: when healing began
        healed: when the fault was seen to be gone; None if it never was
        trouble: why it was not in effect, or is not gone
    """

    begun: float
    made: float | None
    heal: float
    healed: float | None
    trouble: str = ""


class FaultInjector(Protocol):
    """Injector of one fault, for one use."""

    @property
    def target(self) -> str:
        """Names of what is broken."""

    def inject(self) -> None:
        """Inject the fault.

        Raises:
            FaultError: it cannot be injected; nothing is broken
        """

    def heal(self) -> Window:
        """Wait for the end of the fault, or end it.

        Raises:
            KubeHaError: it does not end
        """

    def heal_now(self) -> None:
        """End the fault at once, in whatever state it is.

        Raises:
            KubeHaError: it does not end
        """


class HostFaultInjector:
    """A fault that a script on a host makes, and that a timer on the host ends.

    Arguments:
        run: logs in
        fault: one that a script on a host injects
        watch: of that host, to convert its clock
        seconds: how long the fault lasts
        port: the apiserver's, for a fault of an apiserver
    """

    def __init__(self, run: Run, fault: Fault, watch: VIPWatch, *, seconds: float, port: int) -> None:
        self.target = watch.host
        self._run, self._fault, self._watch, self._seconds, self._port = run, fault, watch, seconds, port
        self._asked = 0.0

    def inject(self) -> None:
        """See `FaultInjector`."""
        self._asked = time.monotonic()
        self._run.one(
            inject_fault,
            self.target,
            intent=self._run.intent,
            fault=self._fault,
            run_id=self._run.run_id,
            seconds=self._seconds,
            port=self._port,
            lease=self._run.lease,
        )

    def heal(self) -> Window:
        """See `FaultInjector`."""
        patience = self._asked + self._seconds + PATIENCE - time.monotonic()
        story: FaultTimeline = self._run.one(heal_fault, self.target, run_id=self._run.run_id, patience=patience)
        begun, made, heal, healed = (self._time(moment) for moment in story.moments)
        if begun is None or heal is None:
            return Window(
                self._asked, None, time.monotonic(), None, story.trouble or "the host has no record of a fault"
            )
        trouble = story.trouble or ("" if made else "the fault did not take effect on the host before it was healed")
        return Window(begun, made, heal, healed, trouble)

    def _time(self, moment: float | None) -> float | None:
        return None if moment is None else self._watch.controller_time(moment)

    def heal_now(self) -> None:
        """See `FaultInjector`."""
        self._run.one(heal_fault, self.target, run_id=self._run.run_id)


class LabFaultInjector:
    """A fault that the lab makes.

    Arguments:
        fault: what the lab does, and to which hosts
        gone: called with each host that has lost its power, and so all that it held
        back: called with each host that has its power again
    """

    def __init__(self, fault: LabFault, gone: Callable[[str], None], back: Callable[[str], None]) -> None:
        self.target = ", ".join(fault.hosts)
        self._fault, self._gone, self._back = fault, gone, back
        self._begun = 0.0
        self._made: float | None = None

    @property
    def _takes_hosts_away(self) -> bool:
        return self._fault.verb in {"off", "reboot"}

    def inject(self) -> None:
        """See `FaultInjector`."""
        self._begun = time.monotonic()
        try:
            self._fault.make()
        except LabError as error:
            self.heal_now()
            raise FaultError(self.target, str(error)) from error
        # An upgrade is in effect from its start, and over when `make` returns.
        self._made = self._begun if self._fault.verb == UPGRADE else time.monotonic()
        for host in self._fault.hosts if self._takes_hosts_away else ():
            self._gone(host)

    def heal(self) -> Window:
        """See `FaultInjector`."""
        heal = time.monotonic()
        self.heal_now()
        return Window(self._begun, self._made, heal, time.monotonic())

    def heal_now(self) -> None:
        """See `FaultInjector`."""
        self._fault.heal()
        for host in self._fault.hosts if self._takes_hosts_away else ():
            self._back(host)


class ChangeInjector:
    """A change by kube-ha itself: made, then undone or left.

    Arguments:
        target: names of those that it affects
        do: makes the change
        undo: undoes it
    """

    def __init__(self, target: str, do: Callable[[], None], undo: Callable[[], None] = lambda: None) -> None:
        self.target = target
        self._do, self._undo = do, undo
        self._begun = 0.0

    def inject(self) -> None:
        """See `FaultInjector`."""
        self._begun = time.monotonic()
        try:
            self._do()
        except FaultError:
            self._undo()  # it may be done half-way
            raise

    def heal(self) -> Window:
        """See `FaultInjector`."""
        heal = time.monotonic()
        self._undo()
        return Window(self._begun, self._begun, heal, time.monotonic())

    def heal_now(self) -> None:
        """See `FaultInjector`."""
        self._undo()
