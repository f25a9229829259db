"""What the client tells of a server that is there, is not, hangs, or is another: tried on real TLS, on the loopback."""

import ast
import errno
import resource
import socket
import ssl
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.apiserver import HERE, OK, Apiserver

from nornir_kube_ha.failover import probe
from nornir_kube_ha.failover.outage import Attempt, outage, reused_outage
from nornir_kube_ha.failover.probe.http import Answer, parse_answer, word_for
from nornir_kube_ha.failover.probe.settings import Config
from nornir_kube_ha.lab.control_plane import pki
from nornir_kube_ha.trials.client_channel import LocalChannel
from nornir_kube_ha.trials.client_runner import Client

PATIENCE = 20.0  # seconds for what takes a moment on an idle machine
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("apiserver")


@pytest.fixture
def server(folder: Path) -> Iterator[Apiserver]:
    running = Apiserver(folder)
    yield running
    running.close()


def measured(config: Config, *, until: Callable[[list[Attempt]], bool]) -> list[Attempt]:
    """What a client sees until it has seen enough."""
    with Client(LocalChannel, config) as measuring:
        enough = measuring.wait_until(until, PATIENCE)
    seen = measuring.attempts()
    assert enough, Counter(each.error for each in seen)
    return seen


def several(tries: list[Attempt]) -> bool:
    """Some of each kind."""
    return min(sum(each.is_new for each in tries), sum(not each.is_new for each in tries)) >= 8


def errors(tries: list[Attempt]) -> set[str]:
    return {each.error for each in tries}


@pytest.mark.parametrize("seconds", [0.1, 1.0])
def test_outage_is_as_long_as_the_server_was_away(server: Apiserver, seconds: float) -> None:
    config = server.config(timeout=10)  # a machine with other work to do is no outage
    with Client(LocalChannel, config) as measuring:
        assert measuring.wait_until(several, PATIENCE)
        gone, back = server.away(seconds)
        assert measuring.wait_until(lambda tries: len(tries) > 50, PATIENCE, since=back.end)
    seen = measuring.attempts()
    own = measuring.late(gone.begin - 1) + 2 * measuring.doubt
    shortest, longest = back.begin - gone.end, back.end - gone.begin
    lost = outage(each for each in seen if each.is_new and each.start >= gone.begin)
    assert shortest - 2 / config.rate - own <= lost.seconds <= longest + 2 / config.rate + own
    assert errors(seen) <= {"", "refused", "reset", "closed"}
    # What was in flight had begun before, some of it long before if the machine was busy.
    whole = outage((each for each in seen if each.is_new), made=gone.begin)
    cut = (each for each in seen if each.is_new and each.failed and each.start < gone.begin)
    in_flight = max((each.end - each.start for each in cut), default=0.0)
    assert lost.seconds <= whole.seconds <= lost.seconds + in_flight + 1 / config.rate + own
    assert (whole.failed_new, whole.failed - whole.cut) == (lost.failed, lost.failed)
    kept = reused_outage(seen)
    assert kept.failed >= config.connections  # each of them was broken
    assert kept.seconds >= shortest - config.reuse_interval - own


def test_attempts_begin_at_a_steady_rate(server: Apiserver) -> None:
    config = server.config(connections=0)
    server.delay = 0.1  # nobody waits for the one before
    with Client(LocalChannel, config) as measuring:
        assert measuring.wait_until(lambda tries: len(tries) >= 60, PATIENCE)
    starts = [each.start for each in measuring.attempts()]
    slots = len(starts) - 1 + measuring.skipped()
    assert abs(starts[-1] - starts[0] - slots / config.rate) <= 2 * measuring.late()  # each may be as late, none drifts


def test_each_new_connection_is_a_whole_handshake(server: Apiserver) -> None:
    seen = measured(server.config(connections=0), until=lambda tries: len(tries) >= 10)
    assert errors(seen) == {""}
    assert (server.handshakes, server.resumed) == (len(seen), 0)


def test_long_lived_connections_are_kept(server: Apiserver) -> None:
    config = server.config(rate=0, connections=3, reuse_interval=0.03)
    seen = measured(config, until=lambda tries: len(tries) >= 30)
    assert errors(seen) == {""}
    assert {each.connection for each in seen} == {0, 1, 2}
    assert server.handshakes == 3


def test_long_lived_connections_that_were_reset_are_opened_again(server: Apiserver) -> None:
    config = server.config(rate=0, connections=3, reuse_interval=0.03)
    with Client(LocalChannel, config) as measuring:
        assert measuring.wait_until(lambda tries: len(tries) >= 9, PATIENCE)
        server.reset()
        since = time.monotonic()
        assert measuring.wait_until(lambda tries: len(tries) >= 12, PATIENCE, since=since)
    assert Counter(each.connection for each in measuring.attempts() if each.failed) == {0: 1, 1: 1, 2: 1}
    assert errors(measuring.attempts()) <= {"", "reset", "closed"}
    assert server.handshakes == 6


def test_connection_that_the_server_says_it_closes_is_no_failure(server: Apiserver) -> None:
    server.answer = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    seen = measured(server.config(rate=0, connections=2, reuse_interval=0.03), until=lambda tries: len(tries) >= 10)
    assert errors(seen) == {""}
    assert server.handshakes == len(seen)


def test_server_that_says_which_it_is_is_named(server: Apiserver) -> None:
    assert {each.server for each in measured(server.config(), until=several)} == {"lb-1"}


def test_server_is_called_by_the_name_that_its_certificate_has(server: Apiserver) -> None:
    # Time is not the matter here, and a busy machine may take half a second for an answer.
    seen = measured(server.config(server_name="kubernetes.default", path="/version", timeout=5.0), until=several)
    assert errors(seen) == {""}
    assert server.names == {"kubernetes.default"}
    host = f"kubernetes.default:{server.port}".encode()
    assert server.asked == {b"GET /version HTTP/1.1\r\nHost: " + host + b"\r\nAccept: */*\r\n\r\n"}


@pytest.mark.parametrize("status", [b"401 Unauthorized", b"403 Forbidden"])
def test_apiserver_that_wants_a_login_has_answered(server: Apiserver, status: bytes) -> None:
    server.answer = OK.replace(b"200 OK", status)
    assert errors(measured(server.config(), until=several)) == {""}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (OK.replace(b"200 OK", b"500 Internal Server Error"), "HTTP 500"),
        (OK.replace(b"200 OK", b"301 Moved Permanently"), "HTTP 301"),
        (OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n").replace(b"h: 2", b"h: 200"), "closed"),
        (b"", "closed"),
        (None, "reset"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "malformed"),
    ],
)
def test_invalid_answer_is_an_error_with_a_name(server: Apiserver, answer: bytes | None, error: str) -> None:
    server.answer = answer
    # Time is not the matter here, either.
    assert errors(measured(server.config(timeout=5.0), until=several)) == {error}


@pytest.fixture
def hung() -> Iterator[int]:
    """The port of a server that hangs: the kernel accepts, nobody reads."""
    with socket.create_server((str(HERE), 0), backlog=2000) as listener:
        yield listener.getsockname()[1]


def test_server_that_hangs_is_a_timeout(server: Apiserver, hung: int) -> None:
    config = server.config(port=hung, timeout=0.2)
    seen = measured(config, until=lambda tries: {each.connection for each in tries} == {None, *range(10)})
    assert errors(seen) == {"timeout"}
    assert min(each.end - each.start for each in seen) >= config.timeout


def test_server_that_hangs_uses_up_no_descriptors(server: Apiserver, hung: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    config = server.config(port=hung, rate=400, connections=2, timeout=1)
    channel = LocalChannel()
    resource.prlimit(channel.process.pid, resource.RLIMIT_NOFILE, (64, hard))
    with Client(lambda: channel, config) as measuring:
        assert measuring.wait_until(lambda tries: len(tries) > 20, PATIENCE)
    assert errors(measuring.attempts()) == {"timeout"}
    assert measuring.skipped() > 0


def test_answer_that_comes_too_late_is_a_timeout(server: Apiserver) -> None:
    server.delay = 0.3
    assert errors(measured(server.config(timeout=0.1), until=several)) == {"timeout"}


def test_port_without_a_listener_is_refused(server: Apiserver) -> None:
    server.leave()
    assert errors(measured(server.config(), until=several)) == {"refused"}


def test_certificate_of_another_ca_is_reported(server: Apiserver, tmp_path: Path) -> None:
    pki.ensure_ca(tmp_path)
    assert errors(measured(server.config(ca=(tmp_path / "ca.crt").read_text()), until=several)) == {"certificate"}


@pytest.mark.parametrize("name", ["k8s.example.org", "192.0.2.10"])
def test_certificate_of_another_name_is_reported(server: Apiserver, name: str) -> None:
    assert errors(measured(server.config(server_name=name), until=several)) == {"certificate"}


def test_without_a_ca_nothing_is_verified(server: Apiserver) -> None:
    assert errors(measured(server.config(ca=None, server_name="k8s.example.org"), until=several)) == {""}


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (OK, Answer(200, "lb-1", lasts=True, body=b"ok")),
        (OK[:-1], None),
        (OK[:20], None),
        (OK[:5], None),
        (b"", None),
        (OK.replace(b"1.1", b"1.0"), Answer(200, "lb-1", lasts=False, body=b"ok")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Answer(204, "", lasts=True)),
        (
            b"HTTP/1.1 503 Service Unavailable\r\nconnection: Close\r\ncontent-length: 0\r\n\r\n",
            Answer(503, "", lasts=False),
        ),
        (b"HTTP/1.1 200 OK\r\n\r\nok", None),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\n", Answer(200, "", lasts=True, body=b"ok")),
        (CHUNKED + b"5;x=y\r\n0\r\n\r\n\r\n0\r\n\r\n", Answer(200, "", lasts=True, body=b"0\r\n\r\n")),
        (CHUNKED + b"5\r\n0\r\n\r\n", None),
        (CHUNKED + b"2\r\nok\r\n0\r\n", None),
        (CHUNKED + b"2\r\nok\r\n0\r\nA: b\r\n\r\n", Answer(200, "", lasts=True, body=b"ok")),
    ],
)
def test_answer_is_read_to_its_end(data: bytes, answer: Answer | None) -> None:
    assert parse_answer(data) == answer


def test_answer_without_a_length_ends_with_its_connection() -> None:
    assert parse_answer(b"HTTP/1.1 200 OK\r\n\r\nok", ended=True) == Answer(200, "", lasts=False, body=b"ok")
    assert parse_answer(OK[:-1], ended=True) is None


@pytest.mark.parametrize("data", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\r\n\r\n", OK.replace(b": 2", b": two")])
def test_what_is_no_http_is_malformed(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_answer(data)


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (OSError(errno.ECONNREFUSED, ""), "refused"),
        (OSError(errno.ECONNRESET, ""), "reset"),
        (OSError(errno.EPIPE, ""), "reset"),
        (OSError(errno.ENOTCONN, ""), "reset"),
        (OSError(errno.EHOSTUNREACH, ""), "unreachable"),
        (OSError(errno.ENETUNREACH, ""), "unreachable"),
        (OSError(errno.ETIMEDOUT, ""), "timeout"),
        (TimeoutError(), "timeout"),
        (EOFError(), "closed"),
        (ssl.SSLEOFError(), "closed"),
        (ssl.SSLZeroReturnError(), "closed"),
        (ssl.SSLCertVerificationError(), "certificate"),
        (ssl.SSLError(), "tls"),
        (ValueError(), "malformed"),
        (OSError(errno.EMFILE, ""), "EMFILE"),
        (OSError("no number"), "OSError"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_each_error_has_one_word(error: Exception, word: str) -> None:
    assert word_for(error) == word


def test_it_runs_by_any_python_from_39_on_with_nothing_installed() -> None:
    folder = Path(probe.__file__).parent
    assert {*probe.MODULES, "__init__"} == {path.stem for path in folder.glob("*.py")}
    loaded: set[str] = set()
    for name in probe.MODULES:
        tree = ast.parse((folder / f"{name}.py").read_text(), feature_version=(3, 9))
        imported = {
            name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in (
                [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
            )
        }
        assert {each for each in imported if each.partition(".")[0] not in sys.stdlib_module_names} <= loaded
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Match)]
        loaded.add(f"nornir_kube_ha.failover.probe.{name}")


def test_descriptors_are_given_back(server: Apiserver) -> None:
    with Client(LocalChannel, server.config(connections=2)) as measuring:
        assert measuring.wait_until(lambda tries: len(tries) >= 60, PATIENCE)
        server.away(0.5)
        assert measuring.wait_until(lambda tries: len(tries) >= 20, PATIENCE, since=time.monotonic())
        assert isinstance(measuring.channel, LocalChannel)
        assert len(list(Path(f"/proc/{measuring.channel.process.pid}/fd").iterdir())) < 20
