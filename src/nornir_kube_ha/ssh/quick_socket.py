"""A TCP connection on which neither side waits for the other to have more to say.

paramiko never sets TCP_NODELAY, and the kernel holds acknowledgements back for up to 40 ms: between the two, each of
SSH's short messages waits that long. Measured: a command over a login that stands 48 ms, and so 3 ms.
"""

import socket
from typing import Any

_QUICKACK = getattr(socket, "TCP_QUICKACK", None)  # Linux alone has it


class QuickSocket(socket.socket):
    """Acknowledges at once. The kernel forgets that it shall, so it is told again whenever something comes or goes."""

    def send(self, *arguments: Any) -> int:  # noqa: ANN401 - the socket's own
        """As the socket's own."""
        sent = super().send(*arguments)
        self.acknowledge()
        return sent

    def recv(self, *arguments: Any) -> bytes:  # noqa: ANN401 - the socket's own
        """As the socket's own."""
        received = super().recv(*arguments)
        self.acknowledge()
        return received

    def acknowledge(self) -> None:
        """Hold no acknowledgement back."""
        if _QUICKACK is not None:
            self.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)


def connect(host: str, port: int, timeout: float | None) -> QuickSocket:
    """A connection to a host, at the first of its addresses that answers.

    Arguments:
        host: its name or address
        port: of TCP
        timeout: seconds that each address has

    Raises:
        OSError: none does
    """
    made = socket.create_connection((host, port), timeout)
    quick = QuickSocket(made.family, made.type, made.proto, made.detach())
    quick.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    quick.settimeout(None)  # SSH has time-outs of its own
    quick.acknowledge()
    return quick
