"""The tests' own long way to a host: everything takes so long there and so long back, and nothing waits for it."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from rig.lab import ROOT

SECONDS = 0.2


@pytest.fixture
def far() -> Iterator[socket.socket]:
    """A connection to somebody far away who says everything back."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def echo() -> None:
            client, _ = server.accept()
            with client:
                while data := client.recv(100):
                    client.sendall(data)

        threading.Thread(target=echo, daemon=True).start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        command = [sys.executable, "-m", "rig.loopback.delaying", str(SECONDS), address]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as proxy:
            assert proxy.stdout
            [port] = json.loads(proxy.stdout.readline())
            with socket.create_connection(("127.0.0.1", port)) as client:
                yield client
            proxy.communicate(timeout=10)


def test_answer_comes_after_both_ways_and_what_follows_does_not_wait_for_it(far: socket.socket) -> None:
    far.sendall(b".")
    assert far.recv(1) == b"."  # it is connected
    begun = time.monotonic()
    heard = []
    for _ in range(10):
        far.sendall(b".")
        time.sleep(SECONDS / 10)
    for _ in range(10):
        assert far.recv(1) == b"."
        heard.append(time.monotonic() - begun)
    assert heard[0] >= 2 * SECONDS
    assert heard[-1] < 8 * SECONDS
