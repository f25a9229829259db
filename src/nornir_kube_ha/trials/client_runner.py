"""Run the probe client (`failover.probe`), and collect its reports, on this process's clock.

Its source is sent to this machine or to a host, so the host needs no installation.
"""

import queue
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from nornir_kube_ha.errors import ClientError, KubeHaError
from nornir_kube_ha.failover.outage import Attempt
from nornir_kube_ha.failover.probe.api import SETTLING
from nornir_kube_ha.failover.probe.settings import ADDRESS, Config, Kubernetes
from nornir_kube_ha.intent import Node
from nornir_kube_ha.ssh.login import refuse_outside_lab
from nornir_kube_ha.trials.client_channel import GRACE, Channel, LocalChannel, client_source
from nornir_kube_ha.trials.client_record import Record

EXCHANGES = 5  # to compare the clocks; the quickest answer counts
PATIENCE = 10.0  # seconds for an answer; the first one includes opening a channel and starting Python
SILENCE = 3.0  # seconds; the client prints a line each second, whatever happens
READY_TIMEOUT = 90.0  # seconds until the client's objects exist; those of an earlier run may have to go first
SETTLE_GRACE = 20.0  # seconds, beyond its patience, for the client to report everything
POLL = 0.05  # seconds; the client writes as often
MOST_TOLD = 128 * 1024 * 1024  # bytes of reports that are kept: an hour at 200 attempts a second
FOREVER = float("inf")


def config_of(node: Node) -> Config:
    """Return the settings of a client of a node's cluster. `_replace` changes its rate.

    Arguments:
        node: any of the cluster's
    """
    return Config(str(node.vip.ip), node.haproxy.port, node.server_name, node.apiserver_ca)


class Client:
    """A client at work, as a context manager: it runs from entering to `stop`, or to leaving.

    Arguments:
        connect: starts it
        config: what it asks for, and how often
        where: the place where it runs, for error messages
    """

    def __init__(self, connect: Callable[[], Channel], config: Config, where: str = "this machine") -> None:
        self.where = where
        self.ahead = 0.0
        """Seconds by which our clock is ahead of the client's."""
        self.doubt = FOREVER
        """Seconds by which `ahead` may be wrong at most."""
        self._connect, self._config = connect, config
        self.channel: Channel | None = None
        """Connection to the client, while it runs."""
        self._patience = config.kubernetes.patience if config.kubernetes else config.timeout
        self._record = Record()
        self._settling = self._asked = 0
        self._told_losses = 0, 0
        self._over = threading.Event()
        self._reader = threading.Thread(target=self._listen, name="client", daemon=True)

    @classmethod
    def here(cls, node: Node, config: Config | None = None) -> Self:
        """Return a client on this machine.

        Arguments:
            node: any of the cluster's
            config: what it asks for, and how often; None: `config_of`

        Raises:
            HostUnreachableError: the cluster is in a lab, and this thread is not in the lab's network; nothing was sent
        """
        refuse_outside_lab(node.name, node.lab)
        return cls(LocalChannel, config or config_of(node))

    def __enter__(self) -> Self:
        """Start the client, and compare the clocks.

        Raises:
            ClientError: it does not run
        """
        source = client_source()
        self.channel = self._connect()
        self._reader.start()
        try:
            self._write(source + self._config.line())
            self.synchronise()
            if self.uses_api:
                self._await(lambda: self._record.ready, READY_TIMEOUT, "does not begin to read and write")
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stop the client. An error of the block is not replaced by one of the client's."""
        if kind is None:
            self.stop()
        else:
            self._leave()

    def synchronise(self) -> None:
        """Compare the clocks again. From then on, all times are converted by the result, those of older attempts too.

        Two clocks drift apart by some ms in a minute. A difference within the error of the measurement counts as none,
        since both may be the same clock.

        Raises:
            ClientError: the client ended, or does not answer
        """
        trip, ahead = min(self._exchange() for _ in range(EXCHANGES))
        self.doubt = trip / 2
        self.ahead = 0.0 if abs(ahead) <= self.doubt else ahead

    def attempts(self, since: float = -FOREVER) -> list[Attempt]:
        """Return the attempts that began since a moment and are over, in our time, in order of their start.

        Arguments:
            since: a moment of `time.monotonic`

        Raises:
            ClientError: the client ended by itself, or does not answer
        """
        return self._in_our_time(lambda each: each.kind == ADDRESS and each.start + self.ahead >= since)

    def api_attempts(self, since: float) -> list[Attempt]:
        """Return the reads, writes and watches that ended since a moment, in our time, in order of their start.

        Arguments:
            since: a moment of `time.monotonic`

        Raises:
            ClientError: the client ended by itself, or does not answer
        """
        return self._in_our_time(lambda each: each.kind != ADDRESS and each.end + self.ahead >= since)

    def _in_our_time(self, keep: Callable[[Attempt], bool]) -> list[Attempt]:
        self._check()
        found = (each.moved(self.ahead) for each in filter(keep, list(self._record.attempts)))
        return sorted(found, key=lambda each: each.start)

    def take_losses(self) -> tuple[int, int]:
        """Return how many acknowledged writes were lost, and how many events missed, since the last call."""
        told, self._told_losses = self._told_losses, (self._record.lost, self._record.missed)
        return self._told_losses[0] - told[0], self._told_losses[1] - told[1]

    @property
    def credential(self) -> Kubernetes | None:
        """The credential for reads, writes and watches; None if there are none."""
        return self._config.kubernetes

    @property
    def uses_api(self) -> bool:
        """Whether the client reads, writes and watches."""
        return self.credential is not None

    def settle(self) -> None:
        """Wait until the client has reported every read, write and watch that has begun. No wait without a credential.

        Raises:
            ClientError: it ended by itself, or does not settle
        """
        if not self.uses_api:
            return
        self._settling += 1
        self._write(f"settle {self._settling}\n".encode())
        seconds = SETTLING * self._patience + SETTLE_GRACE
        self._await(lambda: self._record.settled >= self._settling, seconds, "does not report all requests")

    def _await(self, condition: Callable[[], bool], seconds: float, words: str) -> None:
        if not self._is_met(condition, seconds):
            raise ClientError(f"the client on {self.where} {words} within {seconds:.0f} s: {self._last_words}")

    def _is_met(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Return whether a condition is met before the time is over."""
        deadline = time.monotonic() + seconds
        while not condition():
            self._check()
            if time.monotonic() > deadline:
                return False
            self._over.wait(POLL)
        return True

    def forget(self, before: float) -> None:
        """Drop attempts that are not needed any more: a client that works for hours sees many.

        Arguments:
            before: a moment of `time.monotonic`; attempts that were over by then are dropped
        """
        # One `del` for each list, since the reader goes on appending. Both are in the order of arrival.
        self._record.size = 0
        del self._record.attempts[: sum(each.end + self.ahead < before for each in list(self._record.attempts))]
        del self._record.late[: sum(each[0] + self.ahead < before for each in list(self._record.late))]

    def late(self, since: float = -FOREVER) -> float:
        """Return the client's maximum lateness in seconds: it could not have seen anything shorter.

        Arguments:
            since: a moment of `time.monotonic`

        Raises:
            ClientError: the client ended by itself, or does not answer
        """
        self._check()
        return max((late for moment, late, _ in list(self._record.late) if moment + self.ahead >= since), default=0.0)

    def skipped(self, since: float = -FOREVER) -> int:
        """Return how many attempts the client skipped, because it was late or had no descriptor for them.

        Arguments and errors: as for `late`
        """
        self._check()
        return sum(skipped for moment, _, skipped in list(self._record.late) if moment + self.ahead >= since)

    def wait_until(
        self, condition: Callable[[list[Attempt]], bool], seconds: float, *, since: float = -FOREVER
    ) -> bool:
        """Wait until the client's attempts meet a condition.

        Arguments:
            condition: asked about all attempts since `since`
            seconds: how long to wait at most
            since: a moment of `time.monotonic`

        Returns:
            Whether they met it

        Raises:
            ClientError: the client ended by itself, or does not answer
        """
        return self._is_met(lambda: condition(self.attempts(since)), seconds)

    def stop(self) -> None:
        """End the client, once the attempts that it has begun are over. Its results stay available.

        Raises:
            ClientError: it had ended by itself, had to be killed, left objects on the cluster, or found losses late
        """
        self._write(b"stop\n")
        # Attempts end within its patience. Then it removes its objects, and tries that for as long.
        if not self._over.wait((3 if self.uses_api else 1) * self._patience + GRACE):
            self._record.words.append("it did not end after `stop`")
        self._close()
        self._check()
        if self._record.left:
            raise ClientError(f"the client on {self.where} has ended, but {self._record.left}")
        if any(losses := self.take_losses()):
            lost, missed = losses
            words = f"{lost} acknowledged writes lost, {missed} events missed"
            raise ClientError(f"the client on {self.where} found losses after the last fault: {words}")

    def _leave(self) -> None:
        """Ask the client to end, and wait only briefly: an interrupted user wants to leave. It cleans up by itself."""
        self._write(b"stop\n")
        if self._over.wait(GRACE) or not self.uses_api:
            self._close()
        elif isinstance(self.channel, LocalChannel):
            self.channel.let_go()
            self.channel = None
        if self._record.left:
            sys.stderr.write(f"{self._record.left}\n")

    def _close(self) -> None:
        if self.channel:
            self.channel.close()
            self.channel = None
            self._reader.join()

    def _write(self, data: bytes) -> None:
        if self.channel:
            with suppress(OSError):  # the client has ended: `_check` says so, with its last words
                self.channel.write(data)

    def _check(self) -> None:
        if self._over.is_set():
            if not self._record.finished:
                raise ClientError(f"the client on {self.where} ended unexpectedly: {self._last_words}")
        elif time.monotonic() - self._record.heard > SILENCE:
            self._exchange()  # or this process did not listen

    def _exchange(self) -> tuple[float, float]:
        """Ask for the client's time. Return how long the answer took, and how far our clock is ahead."""
        if self._over.is_set():
            raise ClientError(f"the client on {self.where} has ended: {self._last_words}")
        self._asked += 1
        sent = time.monotonic()
        self._write(f"time {self._asked}\n".encode())
        while (left := sent + PATIENCE - time.monotonic()) > 0:
            with suppress(queue.Empty):
                answer = self._record.times.get(timeout=left)
                if answer is None:
                    self._over.wait(GRACE)
                    break
                number, moment, heard = answer
                if number == self._asked:
                    return heard - sent, (sent + heard) / 2 - moment
        if self._over.is_set():
            raise ClientError(f"the client on {self.where} ended unexpectedly: {self._last_words}")
        raise ClientError(f"the client on {self.where} has sent nothing for {PATIENCE:g} s: {self._last_words}")

    @property
    def _last_words(self) -> str:
        return " ".join(" ".join((*self._record.words, self._record.left)).split())[-2000:] or "no output"

    def _listen(self) -> None:
        try:
            for line in self.channel.lines() if self.channel else ():
                self._record.take(line)
                if self._record.size > MOST_TOLD:
                    self._record.words.append(f"it sent more than {MOST_TOLD} bytes")
                    break
        except (OSError, EOFError, KubeHaError) as error:
            self._record.words.append(f"{type(error).__name__}: {error}")
        finally:
            self._over.set()
            self._record.times.put(None)
