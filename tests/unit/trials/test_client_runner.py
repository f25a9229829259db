"""A client wherever it runs: how it is started and ended, whose clock it tells by, what becomes of one that fails."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.support.apiserver import Apiserver

from nornir_kube_ha.errors import ClientError, HostUnreachableError
from nornir_kube_ha.failover.outage import Attempt
from nornir_kube_ha.failover.probe.settings import ADDRESS, Config
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.trials import client_channel
from nornir_kube_ha.trials import client_runner as vantage
from nornir_kube_ha.trials.client_channel import LocalChannel, bootstrap, client_source, remote_command
from nornir_kube_ha.trials.client_runner import Client, config_of

PATIENCE = 20.0  # seconds for what takes a moment on an idle machine
NOBODY = Config("127.0.0.1", 9, "127.0.0.1", rate=1, connections=0)  # the discard port: nobody listens


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("apiserver")


@pytest.fixture
def server(folder: Path) -> Iterator[Apiserver]:
    running = Apiserver(folder)
    yield running
    running.close()


class Script:
    """A channel to nothing: lines are said as it is told, and to each question for the time an answer is made up.

    Arguments:
        clock: what a client there would call now; none if it never answers
    """

    def __init__(self, clock: Callable[[], float] | None = time.monotonic) -> None:
        self.clock = clock
        self.written = b""
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def write(self, data: bytes) -> None:
        self.written += data
        for line in data.rpartition(b"}\n")[2].decode().splitlines():
            if line.startswith("time ") and self.clock:
                self.say("time", int(line.partition(" ")[2]), self.clock())
            if line == "stop":
                self.say("end", 0, 0, 0)
                self.end()

    def say(self, *record: object) -> None:
        self._lines.put(json.dumps(record) + "\n")

    def print(self, line: str) -> None:
        self._lines.put(line)

    def end(self) -> None:
        self._lines.put(None)

    def lines(self) -> Iterator[str]:
        return iter(self._lines.get, None)

    def close(self) -> None:
        self.end()


class Shell:
    """A client as a host runs it, by this machine's own shell and python3."""

    def __init__(self, command: str, path: str = os.defpath) -> None:
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": path},
        )

    def write(self, data: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def lines(self) -> Iterator[str]:
        assert self.process.stdout
        with self.process.stdout as stdout:
            yield from (line.decode() for line in stdout)

    def close(self) -> None:
        assert self.process.stdin
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(PATIENCE)


def process_of(measuring: Client) -> subprocess.Popen[bytes]:
    assert isinstance(measuring.channel, LocalChannel)
    return measuring.channel.process


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def several(tries: list[Attempt]) -> bool:
    return len(tries) >= 10


def test_cluster_is_asked_at_its_vip_by_the_name_that_clients_use(intent: Intent) -> None:
    node = intent.nodes[0]
    assert config_of(node) == Config("192.0.2.10", node.haproxy.port, "192.0.2.10", node.apiserver_ca)
    named = node.model_copy(update={"control_plane_endpoint": "k8s.example.org:8443", "apiserver_ca": None})
    assert config_of(named)[:4] == ("192.0.2.10", node.haproxy.port, "k8s.example.org", None)


def test_cluster_of_a_lab_is_asked_from_within_it_only(intent: Intent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(subprocess, "Popen")
    with pytest.raises(HostUnreachableError, match=r"is in lab demo, .* nothing was sent"):
        Client.here(intent.nodes[0].model_copy(update={"lab": "demo"}))


def test_client_here_asks_what_it_is_given(intent: Intent) -> None:
    with Client.here(intent.nodes[0], NOBODY) as measuring:
        assert measuring.wait_until(bool, PATIENCE)
    assert {each.error for each in measuring.attempts()} == {"refused"}


def test_nothing_is_left_of_a_client_that_was_stopped(server: Apiserver) -> None:
    before = threading.enumerate()
    with Client(LocalChannel, server.config()) as measuring:
        process = process_of(measuring)
        assert os.getsid(process.pid) == process.pid  # what is typed here is not sent there
        assert measuring.wait_until(several, PATIENCE)
    assert process.returncode == 0
    assert process.stdin and process.stdin.closed  # noqa: PT018 - the first is for the type
    assert process.stdout and process.stdout.closed  # noqa: PT018 - the same
    assert set(threading.enumerate()) <= set(before)
    assert several(measuring.attempts())
    measuring.stop()


def test_running_attempts_are_reported_at_the_end(server: Apiserver) -> None:
    server.delay = 0.4
    with Client(LocalChannel, server.config(timeout=10)) as measuring:
        time.sleep(0.5)
        stopped = time.monotonic()
    assert any(each.start < stopped < each.end for each in measuring.attempts())
    assert not any(each.failed for each in measuring.attempts())


def test_client_that_hangs_is_killed_and_that_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (vantage, client_channel):
        monkeypatch.setattr(module, "GRACE", 0.1)
    channel = LocalChannel()
    with pytest.raises(ClientError, match="did not end after `stop`"), Client(lambda: channel, NOBODY):
        channel.process.send_signal(signal.SIGSTOP)
    assert channel.process.returncode == -signal.SIGKILL


def test_client_ends_with_its_stdin(server: Apiserver) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "nornir_kube_ha.failover.probe.measurement"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        said, _ = process.communicate(server.config().line() + b"time 1\n", PATIENCE)
    records = [json.loads(line) for line in said.splitlines()]
    assert process.returncode == 0
    assert (records[0][:2], records[-1][0]) == (["time", 1], "end")


def test_client_ends_when_its_reader_is_gone(server: Apiserver) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "nornir_kube_ha.failover.probe.measurement"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(server.config().line() + b"")
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(PATIENCE) == 0


def test_client_does_not_outlive_a_controller_that_is_killed() -> None:
    controller = (
        "import sys, time; from nornir_kube_ha.failover.probe.settings import Config\n"
        "from nornir_kube_ha.trials.client_runner import Client, LocalChannel\n"
        f"with Client(LocalChannel, Config{tuple(NOBODY)!r}) as measuring:\n"
        "    print(measuring.channel.process.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", controller], stdout=subprocess.PIPE) as process:
        assert process.stdout
        measuring = int(process.stdout.readline())
        assert is_alive(measuring)
        process.kill()
        assert until(lambda: not is_alive(measuring))


def test_client_that_was_stalled_itself_says_so_and_calls_it_no_outage(server: Apiserver) -> None:
    server.delay = 0.1  # some attempts wait for their answer at any moment, and have no time for a stall
    config = server.config(timeout=0.25)
    with Client(LocalChannel, config) as measuring:
        assert measuring.wait_until(several, PATIENCE)
        stalled = time.monotonic()
        process_of(measuring).send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        went_on = time.monotonic()
        process_of(measuring).send_signal(signal.SIGCONT)
        assert measuring.wait_until(lambda tries: len(tries) > 25, PATIENCE, since=went_on)
    seen = measuring.attempts()
    waited = [each for each in seen if each.start < stalled and each.end > went_on]
    assert waited
    assert not [each for each in waited if each.failed]
    assert measuring.late(stalled) >= 0.25
    assert measuring.skipped(stalled) >= 0.25 * config.rate
    at_once = [each for each in seen if went_on <= each.start < went_on + 0.1 and each.is_new]
    assert len(at_once) <= 0.1 * config.rate + 2  # what was left out is not made up for


def test_clock_that_is_ours_is_not_moved(server: Apiserver) -> None:
    before = time.monotonic()
    with Client(LocalChannel, server.config()) as measuring:
        assert measuring.ahead == 0
        assert measuring.wait_until(several, PATIENCE)
    assert all(before < each.start < each.end < time.monotonic() for each in measuring.attempts())


def test_clock_of_another_machine_is_compared_with_ours() -> None:
    channel = Script(lambda: time.monotonic() - 1000)
    with Client(lambda: channel, NOBODY) as measuring:
        assert abs(measuring.ahead - 1000) <= measuring.doubt < 1
        now = time.monotonic()
        for start in (now - 1000, now - 1001):
            channel.say("a", start, start + 0.1, "refused", None, "", "address")
        channel.say("late", now - 1000, 0.5, 3)
        channel.say("late", now - 1001, 0.7, 4)
        assert measuring.wait_until(lambda tries: len(tries) == 2, PATIENCE)
        assert until(lambda: measuring.skipped() == 7)
        earlier, later = measuring.attempts()
        assert abs(later.start - now) <= measuring.doubt
        assert abs(earlier.start - now + 1) <= measuring.doubt
        assert (later.error, later.connection, later.server) == ("refused", None, "")
        assert measuring.attempts(now - 0.5) == [later]
        assert (measuring.late(now - 0.5), measuring.late()) == (0.5, 0.7)


def test_quickest_answer_says_what_the_clock_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([(0.5, 1000.2), (0.01, 1000.001), (0.3, 1000.1), (0.2, 999.9), (0.4, 1000.1)])
    measuring = Client(Script, NOBODY)
    monkeypatch.setattr(measuring, "_exchange", lambda: next(answers))
    measuring.synchronise()
    assert (measuring.ahead, measuring.doubt) == (1000.001, 0.005)


def wait_in_vain(measuring: Client) -> None:
    measuring.wait_until(lambda _: False, PATIENCE)


def test_client_that_ended_by_itself_is_an_error_with_its_last_words() -> None:
    channel = Script()

    def die(measuring: Client) -> None:
        channel.print("Killed\n")
        channel.print('["a", "never"]\n')
        channel.end()
        wait_in_vain(measuring)

    measuring = Client(lambda: channel, NOBODY, "lb-2")
    with pytest.raises(ClientError, match=r"the client on lb-2 ended unexpectedly: Killed \["), measuring:
        die(measuring)


def tell(channel: Script, measuring: Client, count: int) -> None:
    now = time.monotonic()
    for _ in range(count):
        channel.say("a", now, now, "", None, "", ADDRESS)
    assert measuring.wait_until(lambda tries: len(tries) == count, PATIENCE)


def test_client_that_reports_without_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vantage, "MOST_TOLD", 3000)
    channel = Script()
    measuring = Client(lambda: channel, NOBODY, "lb-2")
    with pytest.raises(ClientError, match="it sent more than 3000 bytes"), measuring:
        tell(channel, measuring, 50)


def test_client_may_report_more_after_old_reports_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vantage, "MOST_TOLD", 3000)
    channel = Script()
    with Client(lambda: channel, NOBODY) as measuring:
        for _ in range(5):
            tell(channel, measuring, 10)
            measuring.forget(time.monotonic())
            assert measuring.attempts() == []


def test_client_that_was_killed_is_an_error() -> None:
    channel = LocalChannel()
    measuring = Client(lambda: channel, NOBODY)
    threading.Timer(0.2, channel.process.kill).start()
    with pytest.raises(ClientError, match=r"the client on this machine .*ended"), measuring:
        wait_in_vain(measuring)


def test_client_that_says_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vantage, "PATIENCE", 0.1)
    with (
        pytest.raises(ClientError, match=r"on lb-2 has sent nothing for 0.1 s"),
        Client(lambda: Script(None), NOBODY, "lb-2"),
    ):
        pass


def test_client_that_falls_silent_is_asked_before_it_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vantage, "SILENCE", 0.0)
    channel = Script()
    with Client(lambda: channel, NOBODY) as measuring:
        asked = channel.written.count(b"time ")
        assert measuring.attempts() == []
        assert channel.written.count(b"time ") == asked + 1
        monkeypatch.setattr(vantage, "PATIENCE", 0.1)
        channel.clock = None
        with pytest.raises(ClientError, match="has sent nothing"):
            measuring.attempts()


def test_wait_that_is_over_says_that_it_did_not_come_true() -> None:
    with Client(Script, NOBODY) as measuring:
        assert not measuring.wait_until(bool, 0.01)


def test_error_on_its_way_is_not_replaced_by_the_clients() -> None:
    channel = Script()

    def fail() -> None:
        channel.end()
        raise KeyError

    with pytest.raises(KeyError), Client(lambda: channel, NOBODY):
        fail()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ca": "-----BEGIN CERTIFICATE-----\nMIJ\n-----END CERTIFICATE-----\n"}, "ended.*SSLError"),
        ({"rate": None}, "ended.*TypeError"),
    ],
)
def test_settings_that_cannot_be_are_an_error(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ClientError, match=words), Client(LocalChannel, NOBODY._replace(**settings)):  # type: ignore[arg-type] # on purpose
        pass


def test_client_runs_on_a_host_by_one_command(server: Apiserver) -> None:
    command = remote_command()
    assert len(command) < 1000  # what it runs, and what it asks for, come through its stdin
    with Client(lambda: Shell(command), server.config()) as measuring:
        assert measuring.wait_until(several, PATIENCE)
        assert isinstance(measuring.channel, Shell)
        running = Path(f"/proc/{measuring.channel.process.pid}/cmdline").read_bytes()
    assert not any(each.failed for each in measuring.attempts())
    assert running.startswith(b"python3\0-I\0-c\0")  # the shell is gone: one process, which ends with its stdin


def test_host_without_python_says_so() -> None:
    measuring = Client(lambda: Shell(remote_command(), "/nonexistent"), NOBODY, "lb-2")
    with pytest.raises(ClientError, match=r"on lb-2 .*ended.*python3.*not found"), measuring:
        pass


def test_source_that_is_cut_short_does_not_run() -> None:
    source = client_source()
    command = [sys.executable, "-I", "-c", bootstrap(source)]
    completed = subprocess.run(command, input=source[:-1], capture_output=True, check=False)
    assert (completed.returncode, completed.stderr) == (1, b"the client's source was cut short\n")


def test_not_a_byte_more_than_the_source_is_read() -> None:
    source = json.dumps({"only": "import os\ndef main(): print(os.read(0, 100))"}).encode()
    command = [sys.executable, "-I", "-c", bootstrap(source)]
    completed = subprocess.run(command, input=source + b"rest", capture_output=True, check=True)
    assert completed.stdout == b"b'rest'\n"
