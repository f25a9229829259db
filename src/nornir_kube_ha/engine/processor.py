"""Our Nornir processors, each of which handles only some events."""

from nornir.core.inventory import Host
from nornir.core.task import AggregatedResult, MultiResult, Task


class Processor:
    """A processor that does nothing. Nornir's protocol requires a method for each event."""

    def task_started(self, task: Task) -> None:
        """Handle the start of a task, before its first host."""

    def task_completed(self, task: Task, result: AggregatedResult) -> None:
        """Handle the end of a task, after its last host."""

    def task_instance_started(self, task: Task, host: Host) -> None:
        """Handle the start of a task on a host."""

    def task_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:
        """Handle the end of a task on a host, in the thread that ran it."""

    def subtask_instance_started(self, task: Task, host: Host) -> None:
        """Handle the start of a subtask on a host."""

    def subtask_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:
        """Handle the end of a subtask on a host."""


class LogOut(Processor):
    """Logs out of a host once its task is done, in the thread that ran it: for a look at a fleet."""

    def task_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:  # noqa: ARG002 - Nornir's
        """Log out."""
        host.close_connections()
