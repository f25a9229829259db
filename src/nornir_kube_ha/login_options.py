"""How netmiko logs in to a host: what the inventory's `extras` say, on top of what must hold without a word."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from nornir.core.inventory import Host

from nornir_kube_ha.errors import Problem

CONNECTION = "netmiko"
ANY_HOST_KEY = "insecure-accept-any"
"""What the key `host_keys` of a host's data says where any host key will do."""
PATIENCE: Mapping[str, float] = MappingProxyType({"conn_timeout": 8, "banner_timeout": 8, "auth_timeout": 8})
"""Seconds that a host may take to accept a connection, to say that it speaks SSH, and to let us in."""
REACHES_OUT = frozenset(
    {"session_log", "session_log_record_writes", "session_log_file_mode", "serial_settings", "sock", "sock_telnet"}
)
"""What netmiko knows besides, and an inventory has no business with: a session log empties any file that it names."""
_WHERE = f"connection_options.{CONNECTION}.extras"


def login_options(host: Host, data: Mapping[str, Any], known_hosts: Path | None) -> dict[str, Any]:
    """What netmiko is given for a host.

    Nornir takes `extras` as a whole from the nearest level, and netmiko's own default lets any host key in: an `extras`
    with one line at a host would open the door. So what makes a login strict stands here, below all of them.

    Arguments:
        host: of the inventory
        data: the host's, merged
        known_hosts: the inventory's own file of keys, none if it does not stand in a folder
    """
    own = host.get_connection_parameters(CONNECTION).extras or {}
    options: dict[str, Any] = {**PATIENCE, "ssh_strict": data.get("host_keys") != ANY_HOST_KEY, "auto_connect": False}
    if not own.get("alt_host_keys"):
        options["system_host_keys"] = True
        if known_hosts:
            options |= {"alt_host_keys": True, "alt_key_file": str(known_hosts)}
    return {**options, **own}


def weaknesses(host: Host, data: Mapping[str, Any]) -> Iterator[Problem]:
    """What the inventory says of a host's login that would let anybody be that host, or do something on this machine.

    Arguments:
        host: of the inventory
        data: the host's, merged
    """
    extras = host.get_connection_parameters(CONNECTION).extras or {}
    if not isinstance(extras, Mapping):
        yield Problem(host.name, _WHERE, "must be a mapping, as {key_file: ~/.ssh/id_ed25519}")
        return
    for key in sorted(REACHES_OUT.intersection(extras)):
        yield Problem(
            host.name, f"{_WHERE}.{key}", "would have netmiko write to, or talk to, what an inventory may not"
        )
    if (file := extras.get("ssh_config_file")) and not _is_operators(Path(str(file))):
        yield Problem(
            host.name,
            f"{_WHERE}.ssh_config_file",
            f"{file} is in neither ~/.ssh nor /etc/ssh; such a file can run commands here, so an inventory may choose "
            "among those of the operator only, who may name another one in $NORNIR_SSH_CONFIG_FILE",
        )
    if extras.get("ssh_strict", True) is not True and data.get("host_keys") != ANY_HOST_KEY:
        yield Problem(
            host.name,
            f"{_WHERE}.ssh_strict",
            f"{extras['ssh_strict']!r} would let any machine be this host; leave it out (it is true) and pin the "
            f"host's key with `kube-ha hostkeys enroll`, or say `host_keys: {ANY_HOST_KEY}` in its data",
        )


def _is_operators(file: Path) -> bool:
    """Whether a file is where nobody keeps an inventory."""
    found = file.expanduser()
    folders = (Path("~/.ssh").expanduser(), Path("/etc/ssh"))
    return found.is_absolute() and any(found.resolve().is_relative_to(folder.resolve()) for folder in folders)
