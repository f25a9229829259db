"""Nornir's runner of the runbooks: like its threaded one, but whoever interrupts it is heard."""

from concurrent.futures import ThreadPoolExecutor

from nornir.core.inventory import Host
from nornir.core.task import AggregatedResult, Task


class Runner:
    """Runs a task over hosts, some at once. An interruption begins no further host, and waits for those in hand.

    Arguments:
        num_workers: how many hosts at once
    """

    def __init__(self, num_workers: int = 20) -> None:
        self.num_workers = num_workers

    def run(self, task: Task, hosts: list[Host]) -> AggregatedResult:
        """Run a task.

        Arguments:
            task: what to do
            hosts: on which hosts

        Returns:
            Each host's results, by name
        """
        results = AggregatedResult(task.name)
        pool = ThreadPoolExecutor(self.num_workers)
        try:
            for future in [pool.submit(task.copy().start, host) for host in hosts]:
                result = future.result()
                results[result.host.name] = result
        finally:
            pool.shutdown(cancel_futures=True)
        return results
