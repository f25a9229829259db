"""The lines of a probe client, with times of its own clock."""

import json
import queue
import time
from collections import deque

from nornir_kube_ha.failover.outage import Attempt

KEPT_LINE = 100  # bytes that a kept line takes beside its characters, about


class Record:
    """What a client has reported so far. One thread takes its lines, others read.

    Attributes:
        attempts: its requests, in order of arrival
        late: moment, seconds by which it was late, number of attempts that it skipped
        times: its answers to the question for its time: number, its clock, this process's clock; None once it has ended
        words: its last messages, and lines that are not reports
        heard: when its last line arrived, on this process's clock
        size: bytes that its lines take, about
        ready: whether its objects exist
        settled: number of the last question that it settled
        lost: number of acknowledged writes that were lost
        missed: number of events that were missed
        left: its objects that it could not remove at the end, and why
        finished: whether it ended normally
    """

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.late: list[tuple[float, float, int]] = []
        self.times: queue.SimpleQueue[tuple[int, float, float] | None] = queue.SimpleQueue()
        self.words: deque[str] = deque(maxlen=20)
        self.heard = time.monotonic()
        self.size = self.settled = self.lost = self.missed = 0
        self.ready = self.finished = False
        self.left = ""

    def take(self, line: str) -> None:
        """Take one of its lines."""
        self.heard = time.monotonic()
        self.size += len(line) + KEPT_LINE
        try:
            self._take(json.loads(line), line)
        except ValueError:
            self.words.append(line)

    def _take(self, record: object, line: str) -> None:
        match record:
            case ["a", float(start), float(end), str(error), int() | None as number, str(server), str(kind)]:
                self.attempts.append(Attempt(start, end, error, number, server, kind))
            case ["late", float(moment), float(seconds), int(skipped)]:
                self.late.append((moment, seconds, skipped))
            case ["time", int(number), float(moment)]:
                self.times.put((number, moment, self.heard))
            case ["end", *_]:
                self.finished = True
            case ["fatal", str(words)]:
                self.words.append(words)
            case _:
                self._take_of_api(record, line)

    def _take_of_api(self, record: object, line: str) -> None:
        match record:
            case ["ready"]:
                self.ready = True
            case ["lost", float(), int()]:
                self.lost += 1
            case ["missed", int(), float(), int()]:
                self.missed += 1
            case ["settled", int(number)]:
                self.settled = number
            case ["left", str(words)]:
                self.left = words
            case _:
                self.words.append(line)
