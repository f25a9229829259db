"""Nornir's runner of the runbooks: like its threaded one, but results come as they are there, and interruptions count.

A plugin like any other, by the name of `interruptible`: `InitNornir(runner={"plugin": "interruptible"})`.
"""

import queue
import threading
from collections import deque
from collections.abc import Generator

from nornir.core.inventory import Host
from nornir.core.task import AggregatedResult, MultiResult, Result, Task

from nornir_kube_ha.errors import HostUnreachableError
from nornir_kube_ha.ssh.departure import DEPARTURE
from nornir_kube_ha.ssh.remote import LEFT

POLL = 0.25  # seconds between two looks at whether the run leaves


class Runner:
    """Runs a task over hosts, some at once. An interruption begins no further host, and waits for those in hand.

    It waits no longer than `DEPARTURE` has it: a host that hangs is left to itself, in a thread that keeps no process.

    Arguments:
        num_workers: how many hosts at once
    """

    def __init__(self, num_workers: int = 32) -> None:
        self.num_workers = num_workers

    def run(self, task: Task, hosts: list[Host]) -> AggregatedResult:
        """Run a task.

        Arguments:
            task: what to do
            hosts: on which hosts

        Returns:
            Each host's results, by name, in the order of the hosts
        """
        found = {result.host.name: result for result in self.stream(task, hosts)}
        results = AggregatedResult(task.name)
        results.update({host.name: found[host.name] for host in hosts})
        return results

    def stream(self, task: Task, hosts: list[Host]) -> Generator[MultiResult]:
        """Run a task, and have each host's results as soon as they are there. Nothing here keeps them.

        Arguments:
            task: what to do
            hosts: on which hosts
        """
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
    """What each thread does: one host after the other, until none is left."""
    while True:
        try:
            host = pending.popleft()
        except IndexError:
            return
        try:
            done.put((host, task.copy().start(host)))
        except BaseException as error:  # noqa: BLE001 - whoever reads the results raises it
            done.put((host, error))


def _next(
    done: queue.SimpleQueue[tuple[Host, MultiResult | BaseException]],
) -> tuple[Host, MultiResult | BaseException] | None:
    """The next result; none if none comes for a while."""
    try:
        return done.get(timeout=POLL)
    except queue.Empty:
        return None


def _left(task: Task, host: Host) -> MultiResult:
    """What is known of a host that did not answer before the run left."""
    error = HostUnreachableError(host.name, LEFT)
    found = MultiResult(task.name)
    found.append(Result(host=host, failed=True, exception=error))
    return found
