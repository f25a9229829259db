"""Logins that are not kept: for a look at a fleet, which asks each host once."""

from nornir.core.inventory import Host
from nornir.core.task import MultiResult, Task

from nornir_kube_ha.engine.processor import Processor


class Leaving(Processor):
    """A processor of Nornir's that logs out of a host when the task is done there, in the thread that did it."""

    def task_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:  # noqa: ARG002 - Nornir's
        """Log out."""
        host.close_connections()
