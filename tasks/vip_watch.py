"""Watch who holds the VIP: each node reports when the VIP comes and goes, over the login that the run has there."""

import re
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice

from nornir.core.task import Result, Task

from nornir_kube_ha.errors import RemoteTimeoutError
from nornir_kube_ha.failover.outage import FOREVER, Holding, Span
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.ssh.script import Script
from nornir_kube_ha.tasks.stream import Stream, piped, start_command
from nornir_kube_ha.text import shortened

WATCH = Script(("vip_watch.sh",), "vip seconds_at_most")
SECONDS_AT_MOST = 7200  # until a watch that was never closed ends by itself
LEAD = 0.5  # seconds before a fault at which a trial's timeline begins
QUESTIONS = 5  # to compare the clocks; the quickest answer counts
MOST_STRANGE = 200  # characters kept of a line that is not a report
MOST_LINES = 200_000  # of one watch: over 20 a second throughout; a host that sends more does not run our script

_TOLD = re.compile(r"(\d{1,12}\.\d{1,9}) (held|free)(?: (\d{1,9}))?")


class VIPWatch:
    """A host's reports of whether it holds the VIP, on the controller's monotonic clock.

    Arguments:
        host: its name
        stream: of the command that reports
        past: reports of an earlier watch of the same host
    """

    def __init__(self, host: str, stream: Stream, past: Iterable[tuple[float, bool]] = ()) -> None:
        self.host = host
        self._stream = stream
        self._told: list[tuple[float, bool]] = []  # by the host's clock
        self._past = list(past)  # by the controller's
        self._asked: dict[int, float] = {}
        self._quickest = FOREVER
        self._ahead = 0.0
        self._strange = ""
        self._answered = 0
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, name=f"holding of {host}", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with suppress(EOFError):
            for line in islice(self._stream.lines(), MOST_LINES):
                if match := _TOLD.fullmatch(line):  # a login shell may print lines of its own
                    self._note(float(match[1]), match[2] == "held", int(match[3] or 0), time.monotonic())
                else:
                    self._strange = shortened(line.strip(), MOST_STRANGE) or self._strange

    def _note(self, moment: float, held: bool, number: int, received: float) -> None:
        with self._changed:
            self._told.append((moment, held))
            if asked := self._asked.get(number):
                trip = received - asked
                if trip < self._quickest:
                    self._quickest, self._ahead = trip, moment - (received + asked) / 2
                self._answered = number
            self._changed.notify_all()

    def ask(self, *, timeout: float) -> bool:
        """Ask the host whether it holds the VIP. Its answer comes after all of its earlier reports.

        Arguments:
            timeout: seconds to wait for the answer

        Returns:
            Whether it answered
        """
        with self._changed:
            number = len(self._asked) + 1
            self._asked[number] = time.monotonic()
            try:
                self._stream.write(f"{number}\n".encode())
            except (OSError, EOFError):
                return False
            return self._changed.wait_for(lambda: self._answered >= number, timeout)

    def complaint(self) -> str:
        """Return what the host printed instead of reports; "" if nothing."""
        return "; ".join(filter(None, (self._stream.complaint(), self._strange)))

    def controller_time(self, host_time: float) -> float:
        """Convert a time of the host's clock to the controller's clock.

        Arguments:
            host_time: seconds since 1970
        """
        return host_time - self._ahead

    def gone(self, moment: float) -> None:
        """Note that the host lost power, and so the VIP, which it could not report.

        Arguments:
            moment: on the controller's clock
        """
        with self._changed:
            self._past.append((moment, False))

    @property
    def told(self) -> list[tuple[float, bool]]:
        """The time of each report, on the controller's clock, and whether the host held the VIP then."""
        with self._changed:
            return sorted([*self._past, *((self.controller_time(moment), held) for moment, held in self._told)])

    @property
    def holds(self) -> bool:
        """Whether the host held the VIP at its last report."""
        told = self.told
        return bool(told) and told[-1][1]

    def spans(self) -> list[Span]:
        """Return the periods in which the host held the VIP."""
        found: list[Span] = []
        since: float | None = None
        for moment, held in self.told:
            if held and since is None:
                since = moment
            elif not held and since is not None:
                found.append(Span(self.host, since, moment))
                since = None
        return found if since is None else [*found, Span(self.host, since, FOREVER)]

    def close(self) -> None:
        """End the watch."""
        self._stream.close()
        self._reader.join(timeout=5)


def watch_vip(task: Task, intent: Intent, earlier: VIPWatch | None = None) -> Result:
    """Start to watch whether a node holds its cluster's VIP.

    Arguments:
        intent: desired state, from the inventory
        earlier: watch to continue, of the same host before it was switched off

    Returns:
        Result object with the following attributes set:
          * result (:obj:`VIPWatch`): to be closed by the caller

    Raises:
        HostUnreachableError, LoginRefusedError: see `start_command`
        RemoteTimeoutError: the watch does not answer
    """
    script = WATCH.render(vip=str(intent.node(task.host.name).vip.ip), seconds_at_most=str(SECONDS_AT_MOST))
    if earlier:
        earlier.close()
    stream: Stream = start_command(task, *piped(script)).result
    watch = VIPWatch(task.host.name, stream, earlier.told if earlier else ())
    if not all(watch.ask(timeout=5) for _ in range(QUESTIONS)):
        words = ": ".join(filter(None, ("the watch on the VIP does not answer", watch.complaint())))
        watch.close()
        raise RemoteTimeoutError(task.host.name, words)
    return Result(host=task.host, result=watch)


def holding_of(watches: Iterable[VIPWatch], zero: float, end: float) -> Holding:
    """Return who held the VIP in a period.

    Arguments:
        watches: of all nodes of a cluster
        zero: moment on the controller's clock from which the result's times count
        end: end of the period, on the controller's clock; it starts `LEAD` seconds before `zero`
    """
    start = zero - LEAD
    spans = [span for watch in watches for span in watch.spans() if span.end > start and span.start < end]
    moved = [Span(span.host, max(span.start, start) - zero, min(span.end, end) - zero) for span in spans]
    return Holding(tuple(sorted(moved, key=lambda span: span.start)), -LEAD, end - zero)
