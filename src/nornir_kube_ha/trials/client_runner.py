"""Where the probe client (`failover.probe`) runs, and what it saw, in this process's own time.

It is sent to where it runs, be it this machine or a host that a channel leads to: nothing has to be installed there.
"""

import base64
import json
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import resources
from typing import Protocol, Self

from nornir_kube_ha.errors import ClientError, KubeHaError
from nornir_kube_ha.failover.outage import Attempt
from nornir_kube_ha.failover.probe import MODULES
from nornir_kube_ha.failover.probe.api import SETTLING
from nornir_kube_ha.failover.probe.settings import ADDRESS, Config, Kubernetes
from nornir_kube_ha.intent import Node
from nornir_kube_ha.ssh.login import refuse_outside_lab

EXCHANGES = 5  # questions about the time; the quickest answer counts
PATIENCE = 10.0  # seconds for an answer; the first one waits for a login's channel and Python's start
SILENCE = 3.0  # seconds; it says a word each second, whatever happens
GRACE = 3.0  # seconds until a client that was told to end is killed, beside its time-out
READY_TIMEOUT = 90.0  # seconds until the client's objects are there; those of an earlier run may have to go first
SETTLE_GRACE = 20.0  # seconds, beside its patience, for all to be told
POLL = 0.05  # seconds; the client writes as often
MOST_TOLD = 128 * 1024 * 1024  # bytes that are not forgotten yet: an hour of 200 attempts a second
KEPT_LINE = 100  # bytes, about, of what is kept of a line beside its characters
FOREVER = float("inf")

# Its source comes before its settings and commands on the same stdin, so not a byte more may be read.
_BOOTSTRAP = """\
import json, os, sys, types
left, source = {size}, b""
while left > len(source):
    piece = os.read(0, left - len(source))
    if not piece:
        sys.exit("the client's source was cut short")
    source += piece
for name, text in json.loads(source).items():
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(text, name, "exec"), module.__dict__)
sys.exit(module.main())
"""


class Channel(Protocol):
    """Leads to a client that runs somewhere."""

    def write(self, data: bytes) -> None:
        """Send to its stdin.

        Raises:
            OSError: it has ended
        """

    def lines(self) -> Iterator[str]:
        """What it prints, until it ends."""

    def close(self) -> None:
        """End it. It is gone when this returns, and `lines` ends."""


class LocalChannel:
    """Leads to a client on this machine, in the network namespace of the calling thread.

    It has a session of its own: Ctrl-C on a terminal is for its controller to decide about.
    """

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", bootstrap(client_source())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,
        )

    def write(self, data: bytes) -> None:
        """See `Channel`."""
        stdin = self.process.stdin
        if stdin is None or stdin.closed:
            raise BrokenPipeError("it was told to end")
        stdin.write(data)
        stdin.flush()

    def lines(self) -> Iterator[str]:
        """See `Channel`."""
        if self.process.stdout:
            with self.process.stdout as stdout:
                for line in stdout:
                    yield line.decode(errors="replace")

    def let_go(self) -> None:
        """End its stdin, and let it end by itself: it may have something to clear up."""
        if self.process.stdin:
            with suppress(OSError):  # what it had not read yet
                self.process.stdin.close()

    def close(self) -> None:
        """See `Channel`."""
        self.let_go()
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def client_source() -> bytes:
    """The client's own source: its modules as JSON, by name, in the order in which they are loaded."""
    folder = resources.files("nornir_kube_ha.failover.probe")
    return json.dumps(
        {f"nornir_kube_ha.failover.probe.{name}": (folder / f"{name}.py").read_text() for name in MODULES}
    ).encode()


def bootstrap(source: bytes) -> str:
    """What Python runs to take the client from its stdin; the settings and commands follow there.

    Arguments:
        source: the client's
    """
    return _BOOTSTRAP.format(size=len(source))


def remote_command(source: bytes | None = None) -> str:
    """The command by which a host runs the client, for an exec channel; `Client` sends the rest through its stdin.

    Arguments:
        source: the client's, its own unless given
    """
    # In one line of letters, whichever the login's shell is: csh takes no newline in quotes, and no 2>&1.
    own = base64.b64encode(bootstrap(source or client_source()).encode()).decode()
    command = f'import base64; exec(base64.b64decode("{own}"))'
    return f"exec /bin/sh -c 'exec 2>&1; exec python3 -I -c \"$1\"' sh '{command}'"


def config_of(node: Node) -> Config:
    """What a client of a node's cluster asks for; `_replace` changes how often.

    Arguments:
        node: any of the cluster's
    """
    return Config(str(node.vip.ip), node.haproxy.port, node.server_name, node.apiserver_ca)


class Client:
    """A client at work, as a context manager: it runs from entering to `stop`, or to leaving.

    Arguments:
        connect: starts it
        config: what it asks for, and how often
        where: it runs, as an error says it
    """

    def __init__(self, connect: Callable[[], Channel], config: Config, where: str = "this machine") -> None:
        self.where = where
        self.ahead = 0.0
        """Seconds that our clock shows more than the client's."""
        self.doubt = FOREVER
        """Seconds by which `ahead` may be wrong at most."""
        self._connect, self._config = connect, config
        self.channel: Channel | None = None
        """Leads to it while it runs."""
        self._left = ""  # what it could not remove of its own in the end, and why
        self._patience = config.kubernetes.patience if config.kubernetes else config.timeout
        self._ready = False
        self._settling = self._settled = 0
        self._lost = self._missed = 0
        self._told_losses = 0, 0
        self._attempts: list[Attempt] = []  # in the client's own time
        self._late: list[tuple[float, float, int]] = []
        self._times: queue.SimpleQueue[tuple[int, float, float] | None] = queue.SimpleQueue()
        self._asked = 0
        self._words: deque[str] = deque(maxlen=20)
        self._heard = time.monotonic()
        self._told = 0
        self._finished = False
        self._over = threading.Event()
        self._reader = threading.Thread(target=self._listen, name="client", daemon=True)

    @classmethod
    def here(cls, node: Node, config: Config | None = None) -> Self:
        """A client on this machine.

        Arguments:
            node: any of the cluster's that it asks
            config: what it asks for, and how often; `config_of` unless given

        Raises:
            HostUnreachableError: the cluster lives in a lab, and this thread does not work there; nothing was sent
        """
        refuse_outside_lab(node.name, node.lab)
        return cls(LocalChannel, config or config_of(node))

    def __enter__(self) -> Self:
        """Start it, and compare the clocks.

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
                self._await(lambda: self._ready, READY_TIMEOUT, "does not begin to read and write")
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stop it. An error that is on its way already is not replaced by one of the client's."""
        if kind is None:
            self.stop()
        else:
            self._leave()

    def synchronise(self) -> None:
        """Compare the clocks again. All that is told from then on is told by the result, older attempts too.

        Two clocks drift apart by some ms in a minute, if they are two: one that cannot be told from ours is ours.

        Raises:
            ClientError: it ended, or does not answer
        """
        trip, ahead = min(self._exchange() for _ in range(EXCHANGES))
        self.doubt = trip / 2
        self.ahead = 0.0 if abs(ahead) <= self.doubt else ahead

    def attempts(self, since: float = -FOREVER) -> list[Attempt]:
        """All attempts that began since then and are over, in our time, in order of their start.

        Arguments:
            since: a moment of `time.monotonic`

        Raises:
            ClientError: it ended by itself, or does not answer
        """
        self._check()
        found = [each for each in list(self._attempts) if each.kind == ADDRESS and each.start + self.ahead >= since]
        return sorted((each.moved(self.ahead) for each in found), key=lambda each: each.start)

    def api_attempts(self, since: float) -> list[Attempt]:
        """What reads, writes and watches went through that ended since then, in our time, in order of their start.

        Arguments:
            since: a moment of `time.monotonic`

        Raises:
            ClientError: it ended by itself, or does not answer
        """
        self._check()
        found = [each for each in list(self._attempts) if each.kind != ADDRESS and each.end + self.ahead >= since]
        return sorted((each.moved(self.ahead) for each in found), key=lambda each: each.start)

    def take_losses(self) -> tuple[int, int]:
        """How many acknowledged writes were lost, and how many events missed, since this was asked last."""
        told, self._told_losses = self._told_losses, (self._lost, self._missed)
        return self._told_losses[0] - told[0], self._told_losses[1] - told[1]

    @property
    def credential(self) -> Kubernetes | None:
        """What it reads, writes and watches with; none if it does not."""
        return self._config.kubernetes

    @property
    def uses_api(self) -> bool:
        """Whether it reads, writes and watches."""
        return self.credential is not None

    def settle(self) -> None:
        """Wait until all is told of what reads, writes and watches have begun; at once without a credential.

        Raises:
            ClientError: it ended by itself, or does not come to an end
        """
        if not self.uses_api:
            return
        self._settling += 1
        self._write(f"settle {self._settling}\n".encode())
        seconds = SETTLING * self._patience + SETTLE_GRACE
        self._await(lambda: self._settled >= self._settling, seconds, "does not settle")

    def _await(self, condition: Callable[[], bool], seconds: float, words: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            self._check()
            if time.monotonic() > deadline:
                raise ClientError(f"the client on {self.where} {words} within {seconds:.0f} s: {self._last_words}")
            self._over.wait(POLL)

    def forget(self, before: float) -> None:
        """Let go of what is not asked for any more: a client that works for hours sees much.

        Arguments:
            before: a moment of `time.monotonic`; attempts that were over by then are forgotten
        """
        # In one step each, as the reader goes on adding: both are in the order in which they were told.
        self._told = 0
        del self._attempts[: sum(each.end + self.ahead < before for each in list(self._attempts))]
        del self._late[: sum(each[0] + self.ahead < before for each in list(self._late))]

    def late(self, since: float = -FOREVER) -> float:
        """By how many seconds the client itself was late at most: what it saw is no better than that.

        Arguments:
            since: a moment of `time.monotonic`

        Raises:
            ClientError: it ended by itself, or does not answer
        """
        self._check()
        return max((late for moment, late, _ in list(self._late) if moment + self.ahead >= since), default=0.0)

    def skipped(self, since: float = -FOREVER) -> int:
        """How many attempts the client left out, because it was late or had no descriptor for them.

        Arguments:
            since: a moment of `time.monotonic`

        Raises:
            ClientError: it ended by itself, or does not answer
        """
        self._check()
        return sum(skipped for moment, _, skipped in list(self._late) if moment + self.ahead >= since)

    def wait_until(
        self, condition: Callable[[list[Attempt]], bool], seconds: float, *, since: float = -FOREVER
    ) -> bool:
        """Wait for what the client sees.

        Arguments:
            condition: asked about all attempts since then
            seconds: how long at most
            since: a moment of `time.monotonic`

        Returns:
            Whether it came true

        Raises:
            ClientError: the client ended by itself, or does not answer
        """
        deadline = time.monotonic() + seconds
        while not condition(self.attempts(since)):
            if time.monotonic() >= deadline:
                return False
            self._over.wait(POLL)
        return True

    def stop(self) -> None:
        """End it, with all attempts that it has begun; it can still be asked what it saw.

        Raises:
            ClientError: it had ended by itself, had to be killed, or left something of its own on the cluster
        """
        self._write(b"stop\n")
        # What has begun ends within its patience; then its objects are removed, which it tries for as long.
        if not self._over.wait((3 if self.uses_api else 1) * self._patience + GRACE):
            self._words.append("it did not end when it was told to")
        self._close()
        self._check()
        if self._left:
            raise ClientError(f"the client on {self.where} has ended, but {self._left}")
        if any(losses := self.take_losses()):
            lost, missed = losses
            words = f"{lost} acknowledged writes lost, {missed} events missed"
            raise ClientError(f"the client on {self.where} has found more after the last fault: {words}")

    def _leave(self) -> None:
        """Tell it to end, and do not wait for long: who was interrupted wants to go. It clears up by itself."""
        self._write(b"stop\n")
        if self._over.wait(GRACE) or not self.uses_api:
            self._close()
        elif isinstance(self.channel, LocalChannel):
            self.channel.let_go()
            self.channel = None
        if self._left:
            sys.stderr.write(f"{self._left}\n")

    def _close(self) -> None:
        if self.channel:
            self.channel.close()
            self.channel = None
            self._reader.join()

    def _write(self, data: bytes) -> None:
        if self.channel:
            with suppress(OSError):  # it has ended: `_check` says so, with its last words
                self.channel.write(data)

    def _check(self) -> None:
        if self._over.is_set():
            if not self._finished:
                raise ClientError(f"the client on {self.where} ended by itself: {self._last_words}")
        elif time.monotonic() - self._heard > SILENCE:
            self._exchange()  # or it is we who were not listening

    def _exchange(self) -> tuple[float, float]:
        """Ask for the time: how long the answer took, and how far our clock is ahead."""
        if self._over.is_set():
            raise ClientError(f"the client on {self.where} has ended: {self._last_words}")
        self._asked += 1
        sent = time.monotonic()
        self._write(f"time {self._asked}\n".encode())
        while (left := sent + PATIENCE - time.monotonic()) > 0:
            with suppress(queue.Empty):
                answer = self._times.get(timeout=left)
                if answer is None:
                    self._over.wait(GRACE)
                    break
                number, moment, heard = answer
                if number == self._asked:
                    return heard - sent, (sent + heard) / 2 - moment
        if self._over.is_set():
            raise ClientError(f"the client on {self.where} ended by itself: {self._last_words}")
        raise ClientError(f"the client on {self.where} says nothing for {PATIENCE:g} s: {self._last_words}")

    @property
    def _last_words(self) -> str:
        return " ".join(" ".join((*self._words, self._left)).split())[-2000:] or "without a word"

    def _listen(self) -> None:
        try:
            for line in self.channel.lines() if self.channel else ():
                self._heard = time.monotonic()
                self._told += len(line) + KEPT_LINE
                if self._told > MOST_TOLD:
                    self._words.append(f"it has told more than {MOST_TOLD} bytes")
                    break
                self._take(line)
        except (OSError, EOFError, KubeHaError) as error:
            self._words.append(f"{type(error).__name__}: {error}")
        finally:
            self._over.set()
            self._times.put(None)

    def _take(self, line: str) -> None:
        try:
            match json.loads(line):
                case ["a", float(start), float(end), str(error), int() | None as number, str(server), str(kind)]:
                    self._attempts.append(Attempt(start, end, error, number, server, kind))
                case ["late", float(moment), float(seconds), int(skipped)]:
                    self._late.append((moment, seconds, skipped))
                case ["time", int(number), float(moment)]:
                    self._times.put((number, moment, self._heard))
                case ["end", *_]:
                    self._finished = True
                case ["fatal", str(words)]:
                    self._words.append(words)
                case record:
                    self._take_of_api(record, line)
        except ValueError:
            self._words.append(line)

    def _take_of_api(self, record: object, line: str) -> None:
        match record:
            case ["ready"]:
                self._ready = True
            case ["lost", float(), int()]:
                self._lost += 1
            case ["missed", int(), float(), int()]:
                self._missed += 1
            case ["settled", int(number)]:
                self._settled = number
            case ["left", str(words)]:
                self._left = words
            case _:
                self._words.append(line)
