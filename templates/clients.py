#!/usr/bin/python3 -IS
"""Notify the clients of a VIP that it has moved. Written by nornir-kube-ha; keepalived runs it.

An idle connection receives no segment when the VIP moves, so its client waits for a time-out of its own. This program
sends each client one segment that its connection does not expect: SYN and ACK, with sequence numbers 0. The client's
kernel answers with the numbers that it expects. The new holder has no such connection, so its kernel answers with a
reset, and the client reconnects. If the connection still exists, the answer changes nothing. The SYN is needed for the
client's own packet filter: connection tracking drops a bare ACK with these numbers as invalid.

haproxy writes each new connection to a VIP into its table, as CLIENT-PORT-VIP, and copies the table to its peers.

    remember SOCKET PORT    write open connections into the table again, and mark them as lasting
    notify SOCKET PORT VIP ... INSTANCE NAME STATE PRIORITY    keepalived calls this when a state changes
    check SOCKET PORT VIP ...    print what it sees, for `verify`

It sends only from a VIP and its port, and only to clients that the kernel or haproxy's table lists as connected there,
now or earlier. It sends SPREAD segments a second, to MOST clients, once at each of the TIMES.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import syslog
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

TABLE = "kube-apiserver-clients"
MOST = 100_000  # the table has no more
SPREAD = 10_000
BATCH = 100
KEEPS = "/run/kube-ha-keeps-"  # + VIP: exists while this node keeps its connections during a planned move
LOCK = "/run/kube-ha-remembers"
BUFFER = 4 << 20  # bytes; segments to clients that do not answer ARP wait there for seconds
FORWARDS = "/run/kube-ha-forwards-"  # + VIP: exists while this node forwards packets during a planned move
TIMES_TAKEN = (0.0, 0.6)  # seconds after a take-over; an answer may be lost, and a kernel gives one in half a second
TIMES_LEFT = (0.2, 0.8, 1.6)  # seconds after the VIP is gone: there are no resets until another node has it
TCP_HEADER = struct.Struct("!HHIIBBHHH")
SYN_ACK = 0x12
COMMANDS = 50  # in one line to haproxy, which reads 16 KiB at most
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
TRANSPARENT = {4: (socket.IPPROTO_IP, 19), 6: (socket.IPPROTO_IPV6, 75)}  # IP_TRANSPARENT, IPV6_TRANSPARENT
SO_SNDBUFFORCE = 32
ANY = {4: "0.0.0.0", 6: "::"}  # noqa: S104 - nothing is received


class Connection(NamedTuple):
    """A client's connection to a VIP."""

    client: str
    port: int
    vip: str


def address_of(text: str) -> str:
    """Return an address in the kernel's form, "" if it is invalid; an IPv4-mapped one as IPv4."""
    text = text[7:] if text.lower().startswith("::ffff:") and "." in text else text
    for family in FAMILIES.values():
        with contextlib.suppress(OSError, ValueError):
            return socket.inet_ntop(family, socket.inet_pton(family, text))
    return ""


def version_of(address: str) -> int:
    """Return the IP version."""
    return 6 if ":" in address else 4


def is_one_machine(address: str) -> bool:
    """Return whether an address may belong to one other machine: not multicast, broadcast, loopback or unspecified."""
    packed = socket.inet_pton(FAMILIES[version_of(address)], address)
    if len(packed) == 4:
        return packed[0] not in {0, 127} and packed[0] < 224
    return packed[0] != 0xFF and any(packed[:15])


def connection_of(client: str, port: str, vip: str, vips: Sequence[str] = ()) -> Connection | None:
    """Parse a connection to one of these VIPs, or to any address if none are given; return None if it is invalid."""
    client, vip = address_of(client), address_of(vip)
    if not client or not vip or client == vip or version_of(client) != version_of(vip) or (vips and vip not in vips):
        return None
    if not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536 or not is_one_machine(client):
        return None
    return Connection(client, int(port), vip)


def ask(path: str, command: str) -> str:
    """Send a command to haproxy's admin socket and return the answer."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.settimeout(5)
        asked.connect(path)
        asked.sendall(command.encode() + b"\n")
        pieces = []
        while piece := asked.recv(65536):
            pieces.append(piece)
    return b"".join(pieces).decode(errors="replace")


def remembered(text: str, vips: Sequence[str]) -> list[Connection]:
    """Parse `show table`: lasting connections first, then the most recent ones. Most of the others have ended."""
    found: list[tuple[bool, int, int, Connection]] = []
    for line in text.splitlines():
        words = dict(word.split("=", 1) for word in line.split() if "=" in word)
        parts = words.get("key", "").split("-")
        connection = connection_of(parts[0], parts[1], parts[2], vips) if len(parts) == 3 else None
        if connection:
            left = re.fullmatch("[0-9]{1,12}", words.get("exp", ""))
            found.append((words.get("gpc0") != "1", -int(left[0]) if left else 0, len(found), connection))
    return list(dict.fromkeys(connection for *_, connection in sorted(found)))[:MOST]


def connected(port: int, vips: Sequence[str] = ()) -> list[Connection]:
    """Return the kernel's connections to these VIPs, or to any address if none are given."""
    found = (connection_of(*words, vips) for words in established(port))
    return [connection for connection in found if connection][:MOST]


def established(port: int) -> Iterator[tuple[str, str, str]]:
    """Return the kernel's connections to a port, as it prints them: client, its port, address."""
    command = ["ss", "-Htn", "state", "established", f"( sport = :{port} )"]
    text = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    for words in map(str.split, text.splitlines()):
        if len(words) >= 4:
            (address, _), (client, client_port) = (word.rsplit(":", 1) for word in words[2:4])
            yield client.strip("[]"), client_port, address.strip("[]")


def segment(connection: Connection, port: int) -> bytes:
    """Return the TCP segment from a VIP's port to a client."""
    family = FAMILIES[version_of(connection.vip)]
    pseudo = socket.inet_pton(family, connection.vip) + socket.inet_pton(family, connection.client)
    pseudo += struct.pack("!II", TCP_HEADER.size, socket.IPPROTO_TCP)
    words = [port, connection.port, 0, 0, TCP_HEADER.size // 4 << 4, SYN_ACK, 1024]
    summed = pseudo + TCP_HEADER.pack(*words, 0, 0)
    total = sum(struct.unpack(f"!{len(summed) // 2}H", summed))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return TCP_HEADER.pack(*words, ~total & 0xFFFF, 0)


def opened(address: str, *, is_local: bool) -> socket.socket:
    """Open a raw socket that sends from an address of this node or, unless `is_local`, from any address."""
    version = version_of(address)
    made = socket.socket(FAMILIES[version], socket.SOCK_RAW, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # received data is not read
        made.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, BUFFER)
        made.settimeout(0)
        if not is_local:
            level, option = TRANSPARENT[version]
            made.setsockopt(level, option, 1)
        made.bind((address, 0))
    except OSError:
        made.close()
        raise
    return made


def has(address: str) -> bool:
    """Return whether this node has an address."""
    try:
        opened(address, is_local=True).close()
    except OSError:
        return False
    return True


def send(connections: Sequence[Connection], port: int, *, is_local: bool) -> int:
    """Send each client its segment, and return how many were sent."""
    sockets: dict[str, socket.socket] = {}
    sent, began = 0, time.monotonic()
    with contextlib.ExitStack() as stack:
        for number, connection in enumerate(connections):
            if number % BATCH == 0:
                time.sleep(max(0.0, began + number / SPREAD - time.monotonic()))
            with contextlib.suppress(OSError):  # no route to that client, or the VIP has moved again
                if connection.vip not in sockets:
                    sockets[connection.vip] = stack.enter_context(opened(connection.vip, is_local=is_local))
                sockets[connection.vip].sendto(segment(connection, port), (connection.client, 0))
                sent += 1
    return sent


def send_at(times: Sequence[float], connections: Sequence[Connection], port: int, *, is_local: bool) -> int:
    """Send to all clients at each of these times, in seconds from now, and return the number of segments."""
    sent, began = 0, time.monotonic()
    for after in times if connections else ():
        time.sleep(max(0.0, began + after - time.monotonic()))
        sent += send(connections, port, is_local=is_local)
    return sent


def take(path: str, port: int, vips: Sequence[str]) -> None:
    """Notify the previous holder's clients that this node has the VIPs now."""
    connections = remembered(ask(path, f"show table {TABLE}"), vips)
    log(vips, "taken", len(connections), send_at(TIMES_TAKEN, connections, port, is_local=True))


def leave(port: int, vips: Sequence[str]) -> None:
    """Notify the clients that the kernel still has that this node released the VIPs, and drop their connections."""
    gone = [vip for vip in vips if not has(vip) and not os.path.exists(f"{KEEPS}{vips[0]}")]  # noqa: PTH110
    connections = connected(port, gone) if gone else []
    log(vips, "let go", len(connections), send_at(TIMES_LEFT, connections, port, is_local=False))
    for vip in {connection.vip for connection in connections}:
        if not has(vip):
            where = f"[{vip}]" if version_of(vip) == 6 else vip
            command = ["ss", "-K", "-Htn", f"( src {where} and sport = :{port} )"]
            subprocess.run(command, capture_output=True, timeout=10, check=False)


def log(vips: Sequence[str], what: str, clients: int, segments: int) -> None:
    """Write a line to syslog if any client was notified."""
    if clients:
        syslog.openlog("kube-ha-clients", syslog.LOG_PID, syslog.LOG_DAEMON)
        syslog.syslog(f"{', '.join(vips)} {what}: {clients} clients told, by {segments} segments")


def remember(path: str, port: int) -> None:
    """Write the connections to this node's addresses into the table again, by haproxy's admin socket."""
    there: dict[str, bool] = {}
    keys = []
    for client, client_port, address in established(port):
        connection = connection_of(client, client_port, address)
        if connection and connection.vip not in there:
            there[connection.vip] = has(connection.vip)
        if connection and there[connection.vip]:
            keys.append(f"{client}-{client_port}-{address}")
    for first in range(0, len(keys), COMMANDS):
        ask(path, ";".join(f"set table {TABLE} key {key} data.gpc0 1" for key in keys[first : first + COMMANDS]))


def remember_later(path: str, port: int) -> None:
    """Do so in a process of its own, one at a time: keepalived waits for this process's exit status."""
    if os.fork():
        return
    with contextlib.suppress(Exception), open(LOCK, "w", encoding="ascii") as lock:  # noqa: PTH123
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        signal.alarm(60)
        remember(path, port)


def check(path: str, port: int, vips: Sequence[str]) -> Iterator[str]:
    """Yield lines: "known NUMBER" from the table, "connected NUMBER", "peer NAME STATUS", "problem WORDS"."""
    try:
        yield from seen_in(ask(path, "show table;show peers"))
    except OSError as error:
        yield f"problem haproxy does not answer on {path}: {error}"
    try:
        yield f"connected {len(connected(port, vips))}"
    except (OSError, subprocess.SubprocessError) as error:
        yield f"problem ss does not list connections: {error}"
    for version in sorted({version_of(vip) for vip in vips}):
        try:
            opened(ANY[version], is_local=False).close()
        except OSError as error:
            yield f"problem no raw socket of IPv{version}: {error}"


def seen_in(text: str) -> Iterator[str]:
    """Parse haproxy's answer about its tables and its peers."""
    known = re.search(rf"^# table: {TABLE}, .*\bused:([0-9]+)", text, re.MULTILINE)
    yield f"known {known[1]}" if known else f"problem haproxy has no table {TABLE}"
    for name, status in re.findall(r"\bid=(\S+?)\(remote\b.*\blast_status=(\w+)", text):
        yield f"peer {name} {status}"  # of the last attempt: both sides connect at once, and drop one connection


def main(call: str, path: str, port: int, words: Sequence[str]) -> None:
    """Run one of the commands."""
    os.environ.update(PATH="/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL="C")
    os.setpriority(os.PRIO_PROCESS, 0, 5)  # below keepalived's priority: haproxy is busiest at this moment
    if call == "notify":
        *vips, _, _, state, _ = words
        if state in {"BACKUP", "FAULT"}:  # keepalived does not wait for this program when it stops
            leave(port, vips)
        elif state == "MASTER" and not os.path.exists(f"{FORWARDS}{vips[0]}"):  # noqa: PTH110 - pathlib takes longer than all the rest
            take(path, port, vips)
    elif call == "remember":
        remember_later(path, port)
    elif call == "check":
        sys.stdout.writelines(f"{line}\n" for line in check(path, port, words))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:])
