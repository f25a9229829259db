"""What an inventory may call a host, its user and its platform: each ends up as one word of a command or a request.

A ProxyCommand, a `Match exec` or an `ssh -W` of the operator's own ssh_config takes `%h` and `%r` from here. So no such
word begins with a dash, and none holds a blank, a control character or anything that a shell knows.
"""

import re
from ipaddress import IPv6Address, ip_address

_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,252}")
_ZONE = re.compile(r"[A-Za-z0-9_.-]{1,15}")
HOST_FORM = "a name or an address: letters, digits and ._- (or an IPv6 address), no dash first"
USER_FORM = "a user's name: letters, digits and ._@+-, no dash first"

MOST = 100  # characters of a platform's name
LINUX = "linux"
"""netmiko's name for the only platform that there is."""
_DISTRIBUTION = re.compile(
    "almalinux|alma|alpine|amazon|amzn|archlinux|arch|centos|debian|el|fedora|flatcar|gentoo|gnu|kali|linux|mint|ol|"
    "opensuse|oracle|photon|raspbian|red hat|redhat|rhel|rockylinux|rocky|sles|sle|suse|ubuntu"
)
_FURTHER = frozenset(
    [
        "core",
        "enterprise",
        "gnu",
        "hat",
        "leap",
        "linux",
        "lts",
        "os",
        "server",
        "ssh",
        "stable",
        "stream",
        "tumbleweed",
        "bullseye",
        "bookworm",
        "trixie",
        "forky",
        "focal",
        "jammy",
        "noble",
        "blue",
        "onyx",
        "plow",
    ]
)
_RELEASE = re.compile(r"(?:v|sp)?[0-9][0-9.]{0,20}")


def is_host_word(word: object) -> bool:
    """Whether a text is one word that names a host.

    Arguments:
        word: as the inventory, or an ssh_config file, has it
    """
    if not isinstance(word, str):
        return False
    if _HOST.fullmatch(word):
        return True
    try:
        address = ip_address(word)
    except ValueError:
        return False
    zone = address.scope_id if isinstance(address, IPv6Address) else None
    return zone is None or _ZONE.fullmatch(zone) is not None


def is_user_word(word: object) -> bool:
    """Whether a text is one word that names a user.

    Arguments:
        word: as the inventory, or an ssh_config file, has it
    """
    return isinstance(word, str) and _USER.fullmatch(word) is not None


def is_linux(platform: object) -> bool:
    """Whether a platform is Linux: `linux`, a distribution's name with its release as NetBox has it, or none at all.

    Arguments:
        platform: as the inventory has it
    """
    if platform is None or platform == "":  # as an inventory plugin may say none
        return True
    text = platform.lower() if isinstance(platform, str) and len(platform) < MOST else ""
    found = _DISTRIBUTION.match(text)
    words = re.split("[ _/()-]", text[found.end() :]) if found else ["unknown"]
    return all(not word or word in _FURTHER or _RELEASE.fullmatch(word) for word in words)
