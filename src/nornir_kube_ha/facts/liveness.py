"""What keepalived needs in order to take the VIP over, as the kernel of the host shows it, and its parser. Pure."""

import re
from dataclasses import dataclass

from nornir_kube_ha.facts.sections import whole

LONGEST = 20_000  # characters of a section; a node's own has a few hundred
_SOCKET = re.compile(r'^\S+ +\d+ +\d+ +(\S+):112 +.*\(\("keepalived",')


@dataclass(frozen=True, slots=True)
class Liveness:
    """keepalived's processes and what they hold. Ages are in seconds.

    Arguments:
        age: since its main process was started
        child_age: since the VRRP process was started, which does all the work; none if there is none
        watches: how many folders and files it watches for changes (inotify)
        families: IP versions of its VRRP sockets
        checked: since it last ran its scripts; none if it never did
    """

    age: int
    child_age: int | None
    watches: int
    families: frozenset[int]
    checked: int | None


def parse_liveness(processes: str, sockets: str) -> Liveness | None:
    """Return what keepalived has; None if it does not run.

    Arguments:
        processes: `checked SECONDS` if its scripts ever ran; `main AGE WATCHES`, and `child AGE WATCHES` each
        sockets: the raw sockets of protocol 112, as `ss` prints them
    """
    found: dict[str, list[list[int]]] = {"checked": [], "main": [], "child": []}
    for line in processes[:LONGEST].splitlines():
        kind, *numbers = line.split()
        found[kind].append([whole(number) for number in numbers])
    if not found["main"]:
        return None
    (age, watches), *_ = found["main"]
    children = found["child"]
    local = [match[1] for line in sockets[:LONGEST].splitlines() if (match := _SOCKET.match(line))]
    return Liveness(
        age=age,
        child_age=min((each[0] for each in children), default=None),
        watches=watches + sum(each[1] for each in children),
        families=frozenset(6 if ":" in address or address == "*" else 4 for address in local),
        checked=found["checked"][0][0] if found["checked"] else None,
    )
