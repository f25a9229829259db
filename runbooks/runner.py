"""Nornir's runner of the runbooks: like its threaded one, but results come as they are there, and interruptions count.

A plugin like any other, by the name of `interruptible`: `InitNornir(runner={"plugin": "interruptible"})`.
"""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor, as_completed

from nornir.core.inventory import Host
from nornir.core.task import AggregatedResult, MultiResult, Task


class Runner:
    """Runs a task over hosts, some at once. An interruption begins no further host, and waits for those in hand.

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
        pool = ThreadPoolExecutor(self.num_workers)
        try:
            waiting = {pool.submit(task.copy().start, host) for host in hosts}
            for future in as_completed(waiting):
                waiting.discard(future)
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)
