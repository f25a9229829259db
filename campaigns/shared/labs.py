"""Labs that work through the jobs of a campaign in parallel."""

import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from typing import TypeVar

from campaigns.shared.settings import SETTINGS, deployed_lab
from rig.lab import Lab

Job = TypeVar("Job")


def share_out(
    name: str,
    labs: int,
    jobs: Iterable[Job],
    do: Callable[[Lab, Job], None],
    settings: Callable[[Job], str],
    *,
    apart: float = 0,
) -> None:
    """Do each job once, on a lab that is deployed with the settings that the job needs.

    A job that fails ends its worker, whose labs go down; the other workers go on. Ctrl-C lets jobs in hand end.

    Arguments:
        name: start of the labs' names, which must differ between campaigns
        labs: number of workers
        jobs: the jobs, in order
        do: does one job on a lab
        settings: returns one of `campaigns.shared.settings.SETTINGS` for a job
        apart: seconds between the starts of two workers: jobs of one length would all end at once
    """
    work: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        work.put(job)

    def serve(number: int) -> None:
        """Do jobs one after the other, with one lab for each kind of settings."""
        time.sleep(apart * number)
        with ExitStack() as stack:
            own: dict[str, Lab] = {}
            with suppress(queue.Empty):
                while True:
                    job = work.get_nowait()
                    kind = settings(job)
                    if kind not in own:
                        own_name = f"{name}{number}{[*SETTINGS].index(kind):x}"
                        own[kind] = stack.enter_context(deployed_lab(own_name, kind))
                    do(own[kind], job)

    threads = [threading.Thread(target=serve, args=(number,)) for number in range(labs)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: nothing more is begun\n")
        with suppress(queue.Empty):
            while True:
                work.get_nowait()
        for thread in threads:
            thread.join()
