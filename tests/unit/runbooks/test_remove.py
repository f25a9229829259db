"""Taking everything off again: whom it meets, in which order, and who is asked before."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from nornir.core.task import Task
from tests.support.world import ALL, World, found_in

from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import RemoteCommandError, UsageError
from nornir_kube_ha.runbooks.remove import remove
from nornir_kube_ha.ssh.shell import Completed


def test_vips_holder_is_the_last(world: World, run_of: Callable[..., Run]) -> None:
    report = remove(run_of("remove"), confirm=None)
    assert [host for host, _ in world.order("remove")] == ["lb-2", "lb-3", "lb-1"]
    assert (report.changed, report.exit_code) == (True, 0)
    assert "- /etc/keepalived/keepalived.conf" in report.hosts["lb-1"].diff
    assert sorted(world.order("release")) == [(host, "release") for host in ALL]


def test_question_says_what_clients_lose(world: World, run_of: Callable[..., Run]) -> None:
    questions: list[str] = []

    def no(question: str) -> bool:
        questions.append(question)
        return False

    with pytest.raises(UsageError, match="aborted before removing anything"):
        remove(run_of("remove"), confirm=no)
    assert questions == [
        "Remove everything of kube-ha from lb-1, lb-2, lb-3? Clients of demo (192.0.2.10) lose their address. [y/N] "
    ]
    assert {step for _, step in world.steps} == {"look"}


def test_dry_run_asks_no_question_and_removes_nothing(world: World, run_of: Callable[..., Run]) -> None:
    report = remove(run_of("remove", dry_run=True))
    assert {step for _, step in world.steps} == {"look", "ask"}
    assert "- /etc/haproxy/haproxy.cfg" in report.hosts["lb-3"].diff
    assert report.hosts["lb-1"].plan[:2] == (
        "stop keepalived and haproxy, and start neither at boot",
        "remove /etc/haproxy/kube-apiserver-ca.crt",
    )


def test_host_that_fails_stops_it_while_the_vip_is_still_held(world: World, run_of: Callable[..., Run]) -> None:
    world.fails["lb-2", "remove"] = RemoteCommandError("lb-2", "keepalived does not stop")
    report = remove(run_of("remove"), confirm=None)
    assert [host for host, _ in world.order("remove")] == ["lb-2"]
    assert report.exit_code == 1


def test_host_without_kube_ha_is_not_changed(
    world: World, run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    send = world.run_script

    def sending(task: Task, script: str, *, timeout: float) -> Completed:
        done = send(task, script, timeout=timeout)
        nothing = f"@{found_in(script, 'NONCE=')} nothing\n{done.stdout}" if "\nKEPT=" in script else ""
        return replace(done, stdout=nothing or done.stdout)

    monkeypatch.setattr("nornir_kube_ha.tasks.remove.run_script", sending)
    report = remove(run_of("remove"), confirm=None)
    assert (report.changed, report.exit_code) == (False, 0)


@pytest.mark.field_report("C3")
@pytest.mark.parametrize(("hosts", "starts"), [(ALL, ["lb-3"]), (("lb-2", "lb-3"), [])])
def test_old_keepalived_with_the_vip_starts_once_all_nodes_are_removed(
    world: World, run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, hosts: tuple[str, ...], starts: list[str]
) -> None:
    started: list[str] = []
    send = world.run_script

    def sending(task: Task, script: str, *, timeout: float) -> Completed:
        done = send(task, script, timeout=timeout)
        waits = "\nKEPT=" in script and task.host.name == "lb-3"
        return replace(done, stdout=f"@{found_in(script, 'NONCE=')} waits keepalived\n{done.stdout}") if waits else done

    def starting(task: Task, script: str, *, timeout: float) -> Completed:
        assert "enable --quiet --now keepalived" in script
        assert timeout
        started.append(task.host.name)
        return Completed(0, f"@{found_in(script, 'NONCE=')} end\n", "")

    monkeypatch.setattr("nornir_kube_ha.tasks.remove.run_script", sending)
    monkeypatch.setattr("nornir_kube_ha.ssh.change.run_script", starting)
    remove(run_of("remove", hosts), confirm=None)
    assert started == starts
