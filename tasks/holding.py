"""Who holds the VIP, at each moment: every node tells when it comes and when it goes, over the login that it has."""

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
from nornir_kube_ha.ssh.remote import assignments, load_script
from nornir_kube_ha.tasks.stream import Stream, get_stream, piped
from nornir_kube_ha.text import shortened

SECONDS_AT_MOST = 7200  # until a watch that everybody forgot ends by itself
LEAD = 0.5  # seconds before a fault from which on a trial is drawn
QUESTIONS = 5  # by which the clocks are compared; the quickest answer counts
MOST_STRANGE = 200  # characters of what is no answer
MOST_LINES = 200_000  # of one watch: 20 a second all the time; a host that tells more does not run our script

_TOLD = re.compile(r"(\d{1,12}\.\d{1,9}) (held|free)(?: (\d{1,9}))?")


class HoldingWatch:
    """What one host tells of its holding the VIP, on the controller's monotonic clock.

    Arguments:
        host: its name
        stream: of the command that tells
        past: what an earlier watch of the same host was told
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
                if match := _TOLD.fullmatch(line):  # a login's shell may say more
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
        """Ask whether it holds the VIP: what it told before has then arrived, too.

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
        """What the host said instead of an answer, "" if it said nothing."""
        return "; ".join(filter(None, (self._stream.complaint(), self._strange)))

    def controller_time(self, host_time: float) -> float:
        """A time of the host's clock, on the controller's.

        Arguments:
            host_time: seconds since 1970
        """
        return host_time - self._ahead

    def gone(self, moment: float) -> None:
        """Note that the host lost its power, and with it the VIP, which it could not tell.

        Arguments:
            moment: on the controller's clock
        """
        with self._changed:
            self._past.append((moment, False))

    @property
    def told(self) -> list[tuple[float, bool]]:
        """Each time that it told, on the controller's clock, and whether it held the VIP then."""
        with self._changed:
            return sorted([*self._past, *((self.controller_time(moment), held) for moment, held in self._told)])

    @property
    def holds(self) -> bool:
        """Whether it held the VIP when it last told."""
        told = self.told
        return bool(told) and told[-1][1]

    def spans(self) -> list[Span]:
        """When it held the VIP."""
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


def get_holding(task: Task, intent: Intent, earlier: HoldingWatch | None = None) -> Result:
    """Begin to watch whether a node holds its cluster's VIP.

    Arguments:
        intent: what should be
        earlier: a watch of the same host that this one goes on from: the host was switched off meanwhile

    Returns:
        Result object with the following attributes set:
          * result (:obj:`HoldingWatch`): to be closed by the caller

    Raises:
        HostUnreachableError, LoginRefusedError: see `get_stream`
        RemoteTimeoutError: the host tells nothing
    """
    script = load_script("holding.sh")
    variables = assignments(vip=str(intent.node(task.host.name).vip.ip), seconds_at_most=str(SECONDS_AT_MOST))
    if earlier:
        earlier.close()
    stream: Stream = get_stream(task, *piped(variables + script)).result
    watch = HoldingWatch(task.host.name, stream, earlier.told if earlier else ())
    if not all(watch.ask(timeout=5) for _ in range(QUESTIONS)):
        words = ": ".join(filter(None, ("the watch on the VIP does not answer", watch.complaint())))
        watch.close()
        raise RemoteTimeoutError(task.host.name, words)
    return Result(host=task.host, result=watch)


def holding_of(watches: Iterable[HoldingWatch], zero: float, end: float) -> Holding:
    """Who held the VIP in a time.

    Arguments:
        watches: of all nodes of a cluster
        zero: the moment, on the controller's clock, that the result's times count from
        end: until when, on the controller's clock; since a little before `zero`
    """
    start = zero - LEAD
    spans = [span for watch in watches for span in watch.spans() if span.end > start and span.start < end]
    moved = [Span(span.host, max(span.start, start) - zero, min(span.end, end) - zero) for span in spans]
    return Holding(tuple(sorted(moved, key=lambda span: span.start)), -LEAD, end - zero)
