"""Make a lab's hosts as a snapshot of production saw them: files, units, and others' listeners."""

import base64
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nornir_kube_ha.intent.names import MANAGED_PATHS
from nornir_kube_ha.lab.errors import LabError
from nornir_kube_ha.lab.hosts import Host
from nornir_kube_ha.snapshots import SeenListener, SeenUnit
from nornir_kube_ha.snapshots.model import Daemon

SECONDS = 120  # for files and both units of a host
_SCRIPT = Path(__file__).with_name("seen.sh")
_END = "END-OF-FILE"  # no word of base64
# Listens, under the name of the process that it stands for. The parent ends once the socket is there.
LISTENER = """
import os, signal, socket, sys
address, port, name = sys.argv[1:]
address = address.partition("%")[0].strip("[]")
if not os.path.exists("/proc/net/if_inet6") and address == "*":
    address = "0.0.0.0"
four = ":" not in address and address != "*"
listener = socket.socket(socket.AF_INET if four else socket.AF_INET6)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
# IP_FREEBIND and IPV6_FREEBIND: no interface need have the address.
listener.setsockopt(*((0, 15) if four else (41, 78)), 1)
if not four:
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address != "*")
listener.bind(("::" if address == "*" else address, int(port)))
listener.listen()
with open("/proc/self/comm", "w") as comm:
    comm.write(name)
if os.fork():
    os._exit(0)
signal.pause()
"""


@dataclass(frozen=True, slots=True)
class PutFile:
    """A file for a lab's host.

    Arguments:
        path: one of `MANAGED_PATHS`
        mode: permission bits, in octal digits
        owner: user name
        group: group name
        content: bytes, with stand-ins instead of secrets
        written_for: cluster that a run wrote it for, "" if the file says so itself, or no run did
    """

    path: str
    mode: str
    owner: str
    group: str
    content: bytes = field(repr=False)
    written_for: str = ""


def put_seen(lab: str, name: str, files: Collection[PutFile], units: Mapping[Daemon, SeenUnit]) -> None:
    """Give a host files and unit states. Managed files that are not among them are removed.

    Arguments:
        lab: name of the lab
        name: name of the host
        files: the files
        units: state of each unit, by name

    Raises:
        LabDownError: the host is off
        LabError: a file cannot be written, or a unit that ran does not start here
    """
    lines = [f"MANAGED='{' '.join(MANAGED_PATHS)}'", _SCRIPT.read_text(), "begin"]
    for file in files:
        words = shlex.join((file.path, file.mode, file.owner, file.group))
        lines.append(f"put {words} <<'{_END}'\n{base64.encodebytes(file.content).decode()}{_END}")
        if file.written_for:
            lines.append(f"note {shlex.join((file.written_for, file.path))}")
    lines.append("reread")
    for unit, state in units.items():
        words = shlex.join("yes" if each else "" for each in (state.active, state.enabled, state.masked))
        lines.append(f"unit {shlex.quote(unit)} {words}")
    try:
        Host(lab, name).run("sh", seconds=SECONDS, stdin="\n".join([*lines, ""]))
    except LabError as error:
        reason = str(error).partition("exit status ")[2].partition(": ")[2] or str(error)
        words = "cannot be made as the snapshot saw it. It may name a file that only production has"
        raise LabError(f"{name} {words}: {reason}") from error


def listen_as(lab: str, name: str, listener: SeenListener) -> None:
    """Have a process on a host listen in place of other software, under its name.

    Arguments:
        lab: name of the lab
        name: name of the host
        listener: what to listen on

    Raises:
        LabDownError: the host is off
        LabError: nothing can listen there
    """
    program = ("python3", "-c", LISTENER, listener.address, str(listener.port), listener.process)
    Host(lab, name).run("systemd-run", "--quiet", "--service-type=forking", "--", *program)
