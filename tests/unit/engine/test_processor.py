"""Logins that stay between two tasks: few of a fleet's, and those on which a command keeps running."""

from collections.abc import Callable

import pytest
from nornir.core import Nornir
from nornir.core.task import Result, Task
from nornir_netmiko.connections import CONNECTION_NAME
from rig.loopback.sshserver import SSHServer

from nornir_kube_ha.engine.processor import LogOut
from nornir_kube_ha.ssh.remote import run_script
from nornir_kube_ha.tasks import start_command


def look(task: Task) -> Result:
    return Result(task.host, result=run_script(task, "true\n", timeout=10))


def keep_running(task: Task) -> Result:
    return start_command(task, command="cat")


@pytest.mark.parametrize(
    ("task", "most", "stays"),
    [(look, 0, False), (look, 1, True), (keep_running, 0, True)],
    ids=["one too many", "one of the few", "in use"],
)
def test_login_ends_with_the_task_unless_it_is_among_the_few_or_in_use(
    fresh_server: SSHServer, stranger: Nornir, task: Callable[[Task], Result], most: int, *, stays: bool
) -> None:
    fresh_server.reads_scripts = task is look
    stranger.with_processors([LogOut(most)]).run(task).raise_on_error()
    assert (CONNECTION_NAME in stranger.inventory.hosts["lb-1"].connections) is stays


def test_host_that_stays_logged_in_is_counted_once(fresh_server: SSHServer, stranger: Nornir) -> None:
    watching = stranger.with_processors([LogOut(1)])
    for _ in range(3):
        watching.run(look).raise_on_error()
    assert len(fresh_server.transports) == 1


def test_number_of_logins_can_be_lowered(stranger: Nornir) -> None:
    log_out = LogOut(1)
    watching = stranger.with_processors([log_out])
    watching.run(look).raise_on_error()
    log_out.most = 0
    watching.run(look).raise_on_error()
    assert stranger.inventory.hosts["lb-1"].connections == {}
