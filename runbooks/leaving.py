"""Logins that are not kept: for a look at a fleet, which asks each host once."""

from nornir.core.inventory import Host
from nornir.core.task import AggregatedResult, MultiResult, Task


class Leaving:
    """A processor of Nornir's that logs out of a host when the task is done there, in the thread that did it."""

    def task_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:  # noqa: ARG002 - Nornir's
        """Log out."""
        host.close_connections()

    def task_started(self, task: Task) -> None:
        """Nothing to do."""

    def task_completed(self, task: Task, result: AggregatedResult) -> None:
        """Nothing to do."""

    def task_instance_started(self, task: Task, host: Host) -> None:
        """Nothing to do."""

    def subtask_instance_started(self, task: Task, host: Host) -> None:
        """Nothing to do."""

    def subtask_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:
        """Nothing to do."""
