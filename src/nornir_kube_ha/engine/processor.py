"""Our Nornir processors, each of which handles only some events."""

import threading

from nornir.core.inventory import Host
from nornir.core.task import AggregatedResult, MultiResult, Task

from nornir_kube_ha.ssh.login import is_streaming


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
    """Logs out of a host once its task is done, in the thread that ran it, unless the login is among the few that stay.

    Each login that stays is a thread and an open file of the controller. One on which a command keeps running stays.

    Arguments:
        most: how many hosts stay logged in; can be lowered at any time
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._staying: set[str] = set()
        self._lock = threading.Lock()

    def task_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:  # noqa: ARG002 - Nornir's
        """Log out, or note that the login stays."""
        with self._lock:
            stays = len(self._staying | {host.name}) <= self.most
            (self._staying.add if stays else self._staying.discard)(host.name)
        if not (stays or is_streaming(host)):
            host.close_connections()
