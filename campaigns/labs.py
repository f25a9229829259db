"""Labs that work beside each other through the jobs of a campaign."""

import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from typing import TypeVar

from campaigns.settings import deployed_lab
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

    A lab whose job fails goes, and so do its worker and that job; the others go on. Ctrl-C lets what is in hand end.

    Arguments:
        name: what the labs' names begin with: labs of several campaigns must not meet
        labs: how many work beside each other
        jobs: what is to be done, in this order
        do: does one on a lab
        settings: one of `campaigns.settings.SETTINGS`, for a job
        apart: seconds by which each begins later than the one before: jobs of one length would all end at once
    """
    work: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        work.put(job)

    def serve(number: int) -> None:
        """A lab for each kind of settings that this worker meets, one job after the other."""
        time.sleep(apart * number)
        with ExitStack() as stack:
            own: dict[str, Lab] = {}
            with suppress(queue.Empty):
                while True:
                    job = work.get_nowait()
                    kind = settings(job)
                    if kind not in own:
                        own[kind] = stack.enter_context(deployed_lab(f"{name}{number}{kind[:1]}", kind))
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
