"""Who makes a fault and ends it: a script on a host, the lab, or our own work. Times are of the controller's clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import FaultError
from nornir_kube_ha.failover.faults import Fault
from nornir_kube_ha.lab.door import UPGRADE, LabError, LabFault
from nornir_kube_ha.tasks.faults import Story, heal_fault, inject_fault
from nornir_kube_ha.tasks.holding import HoldingWatch

PATIENCE = 30  # seconds beyond its time in which a host must have healed


@dataclass(frozen=True, slots=True)
class Window:
    """When a fault was there.

    Arguments:
        begun: when its making began
        made: when it was seen to be there; none if it never was
        heal: when its healing began
        healed: when it was seen to be gone; none if it never was
        trouble: why it was not there, or is not gone
    """

    begun: float
    made: float | None
    heal: float
    healed: float | None
    trouble: str = ""


class Breaker(Protocol):
    """Makes one fault, once."""

    @property
    def target(self) -> str:
        """What is broken, by name."""

    def inject(self) -> None:
        """Make it.

        Raises:
            FaultError: it cannot be made; nothing is broken
        """

    def heal(self) -> Window:
        """Wait for its end, or end it.

        Raises:
            KubeHaError: it does not end
        """

    def heal_now(self) -> None:
        """End it at once, whatever has become of it.

        Raises:
            KubeHaError: it does not end
        """


class HostBreaker:
    """A script on a host, whose own timer ends the fault.

    Arguments:
        run: logs in
        fault: one that a host makes
        watch: of that host: knows its clock
        seconds: how long it lasts
        port: the apiserver's, for faults of one
    """

    def __init__(self, run: Run, fault: Fault, watch: HoldingWatch, *, seconds: float, port: int) -> None:
        self.target = watch.host
        self._run, self._fault, self._watch, self._seconds, self._port = run, fault, watch, seconds, port
        self._asked = 0.0

    def inject(self) -> None:
        """See `Breaker`."""
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
        """See `Breaker`."""
        patience = self._asked + self._seconds + PATIENCE - time.monotonic()
        story: Story = self._run.one(heal_fault, self.target, run_id=self._run.run_id, patience=patience)
        begun, made, heal, healed = (self._time(moment) for moment in story.moments)
        if begun is None or heal is None:
            return Window(self._asked, None, time.monotonic(), None, story.trouble or "the host tells of no fault")
        trouble = story.trouble or ("" if made else "the host did not show it before it was healed")
        return Window(begun, made, heal, healed, trouble)

    def _time(self, moment: float | None) -> float | None:
        return None if moment is None else self._watch.controller_time(moment)

    def heal_now(self) -> None:
        """See `Breaker`."""
        self._run.one(heal_fault, self.target, run_id=self._run.run_id)


class LabBreaker:
    """The lab itself.

    Arguments:
        fault: what it does, and to whom
        gone: is told when a host lost its power, and with what it held
        back: is told when it has it again
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
        """See `Breaker`."""
        self._begun = time.monotonic()
        try:
            self._fault.make()
        except LabError as error:
            self.heal_now()
            raise FaultError(self.target, str(error)) from error
        # An upgrade is there from its beginning, and over when it is made.
        self._made = self._begun if self._fault.verb == UPGRADE else time.monotonic()
        for host in self._fault.hosts if self._takes_hosts_away else ():
            self._gone(host)

    def heal(self) -> Window:
        """See `Breaker`."""
        heal = time.monotonic()
        self.heal_now()
        return Window(self._begun, self._made, heal, time.monotonic())

    def heal_now(self) -> None:
        """See `Breaker`."""
        self._fault.heal()
        for host in self._fault.hosts if self._takes_hosts_away else ():
            self._back(host)


class RunBreaker:
    """Our own work: something that is done, and then undone or left.

    Arguments:
        target: whom it concerns
        do: does it
        undo: undoes it
    """

    def __init__(self, target: str, do: Callable[[], None], undo: Callable[[], None] = lambda: None) -> None:
        self.target = target
        self._do, self._undo = do, undo
        self._begun = 0.0

    def inject(self) -> None:
        """See `Breaker`."""
        self._begun = time.monotonic()
        try:
            self._do()
        except FaultError:
            self._undo()  # half a change is a change
            raise

    def heal(self) -> Window:
        """See `Breaker`."""
        heal = time.monotonic()
        self._undo()
        return Window(self._begun, self._begun, heal, time.monotonic())

    def heal_now(self) -> None:
        """See `Breaker`."""
        self._undo()
