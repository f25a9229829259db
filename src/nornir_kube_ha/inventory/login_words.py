"""Validation of host, user and platform names in an inventory: each becomes one word of a command or a request.

ProxyCommand, `Match exec` and `ssh -W` in the operator's ssh_config receive them as `%h` and `%r`. So a name must not
begin with a dash, or contain blanks, control characters or characters that a shell interprets.
"""

import re
from ipaddress import IPv6Address, ip_address

_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,252}")
_ZONE = re.compile(r"[A-Za-z0-9_.-]{1,15}")
HOST_FORM = "a host name or address: letters, digits and ._- (or an IPv6 address), no dash first"
USER_FORM = "a user name: letters, digits and ._@+-, no dash first"

MOST = 100  # characters of a platform's name
LINUX = "linux"
"""netmiko's name of the only supported platform."""
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
    """Return whether a value is a valid host name or IP address, from the inventory or from an ssh_config file."""
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
    """Return whether a value is a valid user name, from the inventory or from an ssh_config file."""
    return isinstance(word, str) and _USER.fullmatch(word) is not None


def is_linux(platform: object) -> bool:
    """Return whether a platform is Linux: `linux`, or a distribution with its release as in NetBox, or not given.

    Arguments:
        platform: value in the inventory
    """
    if platform is None or platform == "":  # inventory plugins may return "" for none
        return True
    text = platform.lower() if isinstance(platform, str) and len(platform) < MOST else ""
    found = _DISTRIBUTION.match(text)
    words = re.split("[ _/()-]", text[found.end() :]) if found else ["unknown"]
    return all(not word or word in _FURTHER or _RELEASE.fullmatch(word) for word in words)
