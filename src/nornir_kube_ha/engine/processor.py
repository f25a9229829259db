"""What our processors of Nornir's have in common: they care for some of a task's moments only."""

from nornir.core.inventory import Host
from nornir.core.task import AggregatedResult, MultiResult, Task


class Processor:
    """A processor to which nothing matters; Nornir's own wants every moment to be provided for."""

    def task_started(self, task: Task) -> None:
        """Before the first host."""

    def task_completed(self, task: Task, result: AggregatedResult) -> None:
        """After the last host."""

    def task_instance_started(self, task: Task, host: Host) -> None:
        """Before a host."""

    def task_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:
        """After a host, in the thread that did it."""

    def subtask_instance_started(self, task: Task, host: Host) -> None:
        """Before a part of a task on a host."""

    def subtask_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:
        """After a part of a task on a host."""
