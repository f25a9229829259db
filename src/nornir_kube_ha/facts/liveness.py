"""What keepalived needs for a take-over, as the host's kernel shows it, and the parser. No I/O."""

import re
from dataclasses import dataclass

from nornir_kube_ha.sections import whole

LONGEST = 20_000  # characters of a section; usually a few hundred
_SOCKET = re.compile(r'^\S+ +\d+ +\d+ +(\S+):112 +.*\(\("keepalived",')


@dataclass(frozen=True, slots=True)
class Liveness:
    """keepalived's processes and their resources. Ages are in seconds.

    Arguments:
        age: of the main process
        child_age: of the VRRP process, which does the work; None if it is gone
        watches: number of inotify watches
        families: IP versions of the VRRP sockets
        checked: since the last run of keepalived's scripts; None if they never ran
    """

    age: int
    child_age: int | None
    watches: int
    families: frozenset[int]
    checked: int | None


def parse_liveness(processes: str, sockets: str) -> Liveness | None:
    """Parse keepalived's processes and sockets; return None if it does not run.

    Arguments:
        processes: lines `checked SECONDS` (if the scripts ever ran), `main AGE WATCHES` and `child AGE WATCHES`
        sockets: raw sockets of protocol 112, as `ss` prints them
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
