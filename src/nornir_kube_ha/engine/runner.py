"""A Nornir runner for the runbooks: threaded, but results arrive one by one, and it heeds interruptions.

It is a plugin named `interruptible`: `InitNornir(runner={"plugin": "interruptible"})`.
"""

import queue
import resource
import threading
from collections import deque
from collections.abc import Generator

from nornir.core.inventory import Host
from nornir.core.task import AggregatedResult, MultiResult, Result, Task

from nornir_kube_ha.errors import HostUnreachableError
from nornir_kube_ha.ssh.departure import DEPARTURE
from nornir_kube_ha.ssh.remote import LEFT

MOST_FORKS = 64  # one process gains nothing from more: Python runs one thread at a time
_FILES_OF_A_HOST = 4  # open at once: its socket and a channel's pipe, with some to spare
_OTHER_FILES = 128
POLL = 0.25  # seconds between two checks of the deadline


def default_forks() -> int:
    """Return how many hosts to work on in parallel here: `MOST_FORKS`, or fewer if fewer files may be open."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files == resource.RLIM_INFINITY:
        return MOST_FORKS
    return max(1, min(MOST_FORKS, (files - _OTHER_FILES) // _FILES_OF_A_HOST))


class Runner:
    """Runs a task on hosts in parallel. After an interruption, no further host starts.

    It waits for hosts at work until `DEPARTURE` is due. A daemon thread keeps waiting for a host that hangs, but does
    not keep the process alive.

    Arguments:
        num_workers: how many hosts in parallel
    """

    def __init__(self, num_workers: int = 32) -> None:
        self.num_workers = num_workers

    def run(self, task: Task, hosts: list[Host]) -> AggregatedResult:
        """Run a task on hosts, and return each host's results by name, in the order of the hosts."""
        found = {result.host.name: result for result in self.stream(task, hosts)}
        results = AggregatedResult(task.name)
        results.update({host.name: found[host.name] for host in hosts})
        return results

    def stream(self, task: Task, hosts: list[Host]) -> Generator[MultiResult]:
        """Run a task on hosts, and yield each host's results as soon as they arrive. None are kept."""
        pending, done = deque(hosts), queue.SimpleQueue[tuple[Host, MultiResult | BaseException]]()
        threads = [
            threading.Thread(target=_work, args=(task, pending, done), daemon=True)
            for _ in range(min(self.num_workers, len(hosts)))
        ]
        for thread in threads:
            thread.start()
        waiting = {host.name: host for host in hosts}
        try:
            while waiting:
                if found := _next(done):
                    host, result = found
                    del waiting[host.name]
                    if isinstance(result, BaseException):
                        raise result
                    yield result
                elif DEPARTURE.is_due:
                    yield from (_left(task, host) for host in waiting.values())
                    return
        finally:
            pending.clear()
            for thread in threads:
                while thread.is_alive() and not DEPARTURE.is_due:
                    thread.join(POLL)


def _work(task: Task, pending: deque[Host], done: queue.SimpleQueue[tuple[Host, MultiResult | BaseException]]) -> None:
    """Run the task on one host after the other, until none is left. Each thread does this."""
    while True:
        try:
            host = pending.popleft()
        except IndexError:
            return
        try:
            done.put((host, task.copy().start(host)))
        except BaseException as error:  # noqa: BLE001 - the reader of the results raises it
            done.put((host, error))


def _next(
    done: queue.SimpleQueue[tuple[Host, MultiResult | BaseException]],
) -> tuple[Host, MultiResult | BaseException] | None:
    """Return the next result; None if none arrives within `POLL`."""
    try:
        return done.get(timeout=POLL)
    except queue.Empty:
        return None


def _left(task: Task, host: Host) -> MultiResult:
    """Return the result of a host that did not answer before the run left."""
    error = HostUnreachableError(host.name, LEFT)
    found = MultiResult(task.name)
    found.append(Result(host=host, failed=True, exception=error))
    return found
