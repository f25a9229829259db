"""What all nodes of a virtual router must agree on, or they do not hear each other: then each holds the VIP."""

import re
from collections.abc import Mapping

_WORDS = {
    "vrrp_version": r"^\s*vrrp_version\s+(\S+)",
    "interface": r"^\s*interface\s+(\S+)",
    "virtual_router_id": r"^\s*virtual_router_id\s+(\S+)",
    "unicast_peer": r"^\s*(unicast_peer)\b",
    "virtual_ipaddress": r"^\s*virtual_ipaddress\s*\{([^}]*)",  # adverts name these, and no excluded ones
    "advert_int": r"^\s*advert_int\s+(\S+)",
}
VRRP_3 = "3"  # its adverts say how often they come; those of version 2 are dropped where another interval is expected


def dialect(keepalived_conf: str) -> Mapping[str, str]:
    """What a keepalived.conf of ours says that its peers must say as well.

    Arguments:
        keepalived_conf: its text

    Returns:
        Values by keyword; "" where it does not say
    """
    found = {word: re.search(pattern, keepalived_conf, re.MULTILINE) for word, pattern in _WORDS.items()}
    said = {word: match[1] if match else "" for word, match in found.items()}
    said["unicast_peer"] = "some" if said["unicast_peer"] else ""
    said["virtual_ipaddress"] = ", ".join(
        sorted(line.split()[0] for line in said["virtual_ipaddress"].splitlines() if line.strip())
    )
    if said["vrrp_version"] == VRRP_3:
        del said["advert_int"]
    return said


def differences(old: str, new: str) -> tuple[str, ...]:
    """Why nodes of an old and of a new keepalived.conf do not hear each other: `vrrp_version 3 -> 2`.

    Arguments:
        old: as it is
        new: as it should be
    """
    before, after = dialect(old), dialect(new)
    words = [
        word for word in _WORDS if before.get(word, "") != after.get(word, "") and word in before and word in after
    ]
    return tuple(f"{word} {before[word] or 'none'} -> {after[word] or 'none'}" for word in words)
