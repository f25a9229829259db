"""Log out of each host after its task: for a look at a fleet, which asks each host once."""

from nornir.core.inventory import Host
from nornir.core.task import MultiResult, Task

from nornir_kube_ha.engine.processor import Processor


class Leaving(Processor):
    """A Nornir processor that logs out of a host once its task is done, in the thread that ran it."""

    def task_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:  # noqa: ARG002 - Nornir's
        """Log out."""
        host.close_connections()
