"""How the probe client's source reaches the place where it runs, and how its lines come back.

Its source is sent to this machine or to a host, so the host needs no installation.
"""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import resources
from typing import Protocol

from nornir_kube_ha.failover.probe import MODULES

GRACE = 3.0  # seconds, beyond its time-out, until a stopped client is killed

# The source comes before the settings and commands on the same stdin, so read exactly its size.
_BOOTSTRAP = """\
import json, os, sys, types
left, source = {size}, b""
while left > len(source):
    piece = os.read(0, left - len(source))
    if not piece:
        sys.exit("the client's source was cut short")
    source += piece
for name, text in json.loads(source).items():
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(text, name, "exec"), module.__dict__)
sys.exit(module.main())
"""


class Channel(Protocol):
    """A connection to a client that runs somewhere."""

    def write(self, data: bytes) -> None:
        """Write to the client's stdin.

        Raises:
            OSError: the client has ended
        """

    def lines(self) -> Iterator[str]:
        """Yield the client's lines until it ends."""

    def close(self) -> None:
        """End the client. It is gone when this returns, and `lines` ends."""


class LocalChannel:
    """A client on this machine, in the network namespace of the calling thread.

    It has a session of its own, so Ctrl-C on the terminal does not reach it: the controller decides when it ends.
    """

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", bootstrap(client_source())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,
        )

    def write(self, data: bytes) -> None:
        """See `Channel`."""
        stdin = self.process.stdin
        if stdin is None or stdin.closed:
            raise BrokenPipeError("the client was stopped")
        stdin.write(data)
        stdin.flush()

    def lines(self) -> Iterator[str]:
        """See `Channel`."""
        if self.process.stdout:
            with self.process.stdout as stdout:
                for line in stdout:
                    yield line.decode(errors="replace")

    def let_go(self) -> None:
        """Close the client's stdin, and let it end by itself: it may have to clean up."""
        if self.process.stdin:
            with suppress(OSError):  # it had not read everything
                self.process.stdin.close()

    def close(self) -> None:
        """See `Channel`."""
        self.let_go()
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def client_source() -> bytes:
    """Return the client's source: its modules by name as JSON, in the order in which they are loaded."""
    folder = resources.files("nornir_kube_ha.failover.probe")
    return json.dumps(
        {f"nornir_kube_ha.failover.probe.{name}": (folder / f"{name}.py").read_text() for name in MODULES}
    ).encode()


def bootstrap(source: bytes) -> str:
    """Return the Python code that reads the client from stdin. Its settings and commands follow there.

    Arguments:
        source: the client's
    """
    return _BOOTSTRAP.format(size=len(source))


def remote_command(source: bytes | None = None) -> str:
    """Return the command by which a host runs the client, for an exec channel. `Client` sends the rest through stdin.

    Arguments:
        source: the client's; None: its own
    """
    # One line without special characters, for any login shell: csh takes no newline in quotes, and no 2>&1.
    own = base64.b64encode(bootstrap(source or client_source()).encode()).decode()
    command = f'import base64; exec(base64.b64decode("{own}"))'
    return f"exec /bin/sh -c 'exec 2>&1; exec python3 -I -c \"$1\"' sh '{command}'"
