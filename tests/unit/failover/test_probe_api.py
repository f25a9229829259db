"""What the client sees through the Kubernetes API, and what it must not overlook: tried on a fake with defects."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.kubernetes import NAMESPACE, TOKEN, FakeKubernetes

from nornir_kube_ha.errors import ClientError
from nornir_kube_ha.failover.api_outage import ApiCost, api_cost
from nornir_kube_ha.failover.probe.settings import Config, Kubernetes, parse_config
from nornir_kube_ha.trials.client_channel import LocalChannel
from nornir_kube_ha.trials.client_runner import Client

pytestmark = pytest.mark.slow

PATIENCE = 20.0  # seconds for what takes a moment on an idle machine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kubernetes")


@pytest.fixture
def server(folder: Path) -> Iterator[FakeKubernetes]:
    running = FakeKubernetes(folder)
    yield running
    running.close()


def await_writes(client: Client, count: int, since: float) -> None:
    """Until so many writes have ended."""
    deadline = time.monotonic() + PATIENCE
    while sum(each.kind == "write" for each in client.api_attempts(since)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def cost_of(client: Client, since: float) -> ApiCost:
    lost, missed = client.take_losses()
    return api_cost(client.api_attempts(since), lost=lost, missed=missed)


def measured(server: FakeKubernetes, writes: int = 10) -> ApiCost:
    since = time.monotonic()
    with Client(LocalChannel, server.credential(watches=2)) as client:
        await_writes(client, writes, since)
        client.settle()
        return cost_of(client, since)


def test_all_is_answered_and_heard_and_nothing_is_left(server: FakeKubernetes) -> None:
    cost = measured(server)
    assert (cost.read.failed, cost.write.failed, cost.lost, cost.missed) == (0, 0, 0, 0)
    assert (cost.watch.cuts, cost.watch.refused) == (0, 0)
    # Two watches of each object: the one that changes all the time, and the one that changed in the end.
    assert cost.watch.heard >= 2 * 10 + 2
    assert cost.read.total > 5
    assert server.objects == {}


def test_reads_from_the_cache_go_on_without_etcd(server: FakeKubernetes) -> None:
    since = time.monotonic()
    with Client(LocalChannel, server.credential(watches=1)) as client:
        await_writes(client, 3, since)
        server.fails = {"GET", "PATCH"}
        await_writes(client, 20, since)
        server.fails = set()
        client.settle()
        cost = cost_of(client, since)
    assert cost.read.failed > 0
    assert (cost.cached.failed, cost.cached.total > 5) == (0, True)


def test_few_writes_are_begun_while_a_seconds_worth_is_unanswered(server: FakeKubernetes) -> None:
    since = time.monotonic()
    with Client(LocalChannel, server.credential(watches=1, rate=40.0)) as client:
        await_writes(client, 3, since)
        server.hangs = {"PATCH"}
        time.sleep(3)
        server.hangs = set()
        client.settle()
        writes = [each for each in client.api_attempts(since) if each.kind == "write"]
        cost = cost_of(client, since)
    hung = [each for each in writes if each.end - each.start > 0.1]
    assert 40 <= len(hung) <= 60  # of 120 that were due
    assert max(each.start for each in hung) > min(each.start for each in hung) + 2
    assert (cost.write.failed, cost.lost, cost.missed) == (0, 0, 0)


def test_write_that_was_acknowledged_and_not_kept_is_lost(server: FakeKubernetes) -> None:
    server.loses = {4}
    cost = measured(server)
    assert (cost.lost, cost.missed) == (1, 0)


def test_event_that_a_watch_passes_over_is_missed(server: FakeKubernetes) -> None:
    server.skips = {4}
    cost = measured(server)
    assert (cost.lost, cost.missed) == (0, 2)  # by both watches


def test_watch_that_hears_nothing_ends_by_its_own_patience_and_misses_nothing(server: FakeKubernetes) -> None:
    since = time.monotonic()
    with Client(LocalChannel, server.credential(watches=1, patience=1.0)) as client:
        await_writes(client, 3, since)
        server.is_mute = True
        await_writes(client, 40, since)
        server.is_mute = False
        client.settle()
        cost = cost_of(client, since)
    assert cost.watch.silence >= 0.9
    assert dict(cost.watch.ended)["timeout"] >= 1
    assert (cost.lost, cost.missed) == (0, 0)


def test_watch_that_was_cut_goes_on_where_it_left_off(server: FakeKubernetes) -> None:
    since = time.monotonic()
    with Client(LocalChannel, server.credential(watches=2)) as client:
        await_writes(client, 5, since)
        server.away(0.5)
        client.settle()
        cost = cost_of(client, since)
    assert cost.watch.cuts == 4
    assert cost.watch.refused >= 1
    assert (cost.lost, cost.missed) == (0, 0)
    assert cost.write.failed > 0
    assert cost.write.gap >= 0.4


def test_watch_that_its_apiserver_ends_was_not_cut(server: FakeKubernetes) -> None:
    since = time.monotonic()
    with Client(LocalChannel, server.credential(watches=1)) as client:
        await_writes(client, 5, since)
        server.finishes = True
        await_writes(client, 10, since)
        server.finishes = False
        client.settle()
        cost = cost_of(client, since)
    assert {how for how, _ in cost.watch.ended} == {"finished"}
    assert (cost.watch.cuts, cost.lost, cost.missed) == (0, 0, 0)


def test_forgotten_version_is_replaced_by_a_list(server: FakeKubernetes) -> None:
    since = time.monotonic()
    with Client(LocalChannel, server.credential(watches=1)) as client:
        await_writes(client, 5, since)
        server.is_mute = True
        await_writes(client, 10, since)
        server.oldest = server.version
        server.reset()
        server.is_mute = False
        client.settle()
        cost = cost_of(client, since)
    assert (cost.missed, cost.lost) == (0, 0)
    assert 2 <= cost.watch.refused < 10  # both watches were refused once, and not again and again
    assert cost.watch.silence < PATIENCE


def test_watch_that_never_hears_is_silent_without_end(server: FakeKubernetes) -> None:
    since = time.monotonic()
    with Client(LocalChannel, server.credential(watches=1, patience=0.3)) as client:
        server.is_mute = True
        await_writes(client, 3, since)
        client.settle()
        cost = cost_of(client, since)
    assert cost.watch.silence == float("inf")


def test_apiserver_that_answers_503_fails_writes_and_no_reads(server: FakeKubernetes) -> None:
    since = time.monotonic()
    with Client(LocalChannel, server.credential()) as client:
        await_writes(client, 3, since)
        server.fails = {"PATCH"}
        await_writes(client, 10, since)
        server.fails = set()
        client.settle()
        cost = cost_of(client, since)
    assert cost.write.failed > 0
    assert cost.read.failed == 0
    assert {each.error for each in client.api_attempts(since) if each.failed} == {"HTTP 503"}


@pytest.mark.parametrize("right", ["create namespaces", "delete namespaces", "patch configmaps", "watch configmaps"])
def test_credential_without_a_right_is_refused_by_its_name_and_nothing_is_made(
    server: FakeKubernetes, right: str
) -> None:
    server.forbidden = {right}
    with pytest.raises(ClientError, match=f"may not {right}"), Client(LocalChannel, server.credential()):
        pass
    assert server.objects == {}


def test_rejected_credential_is_reported(server: FakeKubernetes) -> None:
    with pytest.raises(ClientError, match="HTTP 401"), Client(LocalChannel, server.credential(token="another")):
        pass


def test_foreign_namespace_is_left_alone(server: FakeKubernetes) -> None:
    path = f"/api/v1/namespaces/{NAMESPACE}"
    server.objects[path] = {"metadata": {"name": NAMESPACE}}
    with pytest.raises(ClientError, match="exists without the label"), Client(LocalChannel, server.credential()):
        pass
    assert path in server.objects


def test_namespace_that_an_earlier_run_has_left_is_removed_first(server: FakeKubernetes) -> None:
    labels = {"app.kubernetes.io/managed-by": "nornir-kube-ha"}
    path = f"/api/v1/namespaces/{NAMESPACE}"
    server.objects |= {path: {"metadata": {"labels": labels}}, f"{path}/configmaps/counter": {"data": {"1": "7"}}}
    assert measured(server, 3).lost == 0
    assert server.objects == {}


def test_object_that_was_created_though_the_answer_was_lost_is_taken_for_created(server: FakeKubernetes) -> None:
    server.swallows = 3  # the namespace's, and both objects'
    cost = measured(server, 3)
    assert (cost.write.failed, cost.lost, cost.missed) == (0, 0, 0)
    assert server.objects == {}


def test_namespace_that_cannot_be_removed_is_reported(server: FakeKubernetes) -> None:
    with (
        pytest.raises(ClientError, match=f"namespace {NAMESPACE} was not deleted: DELETE .*: HTTP 503"),
        Client(LocalChannel, server.credential(patience=0.5)),
    ):
        server.fails = {"DELETE"}


def test_nothing_is_left_when_the_controller_is_killed(server: FakeKubernetes) -> None:
    controller = (
        "import sys, time; from nornir_kube_ha.failover.probe.settings import parse_config\n"
        "from nornir_kube_ha.trials.client_runner import Client, LocalChannel\n"
        "with Client(LocalChannel, parse_config(sys.stdin.buffer.readline())) as client:\n"
        "    print('ready', flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", controller]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(server.credential().line())
        process.stdin.flush()
        assert process.stdout.readline() == b"ready\n"
        assert server.objects
        os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while server.objects:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_credential_is_on_no_command_line_and_in_no_repr(server: FakeKubernetes) -> None:
    config = server.credential(key="a-private-key")
    assert TOKEN not in repr(config)
    assert "a-private-key" not in repr(config)
    with Client(LocalChannel, server.credential()) as client:
        assert isinstance(client.channel, LocalChannel)
        process = Path(f"/proc/{client.channel.process.pid}")
        assert TOKEN.encode() not in (process / "cmdline").read_bytes()
        assert TOKEN.encode() not in (process / "environ").read_bytes()


def test_settings_are_read_as_they_were_written() -> None:
    config = Config("192.0.2.10", 8443, "192.0.2.10", kubernetes=Kubernetes("ca", "token", watches=3))
    assert parse_config(config.line()) == config
    assert parse_config(config._replace(kubernetes=None).line()) == config._replace(kubernetes=None)


def test_invalid_client_certificate_is_an_error(server: FakeKubernetes) -> None:
    with pytest.raises(ClientError, match="SSLError"), Client(LocalChannel, server.credential(certificate="none")):
        pass
