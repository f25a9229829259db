"""The only place that decides how to log in to a host, whichever level of the inventory sets an option.

Nornir reads `hostname`, `username`, `port`, `platform` and `extras` from `connection_options` or beside it, at host,
group or defaults, from files or from a plugin. All of these are validated here. Settings that are not known to be safe
are inventory errors.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from nornir.core.inventory import ConnectionOptions, Defaults, Group, Host

from nornir_kube_ha.errors import Problem
from nornir_kube_ha.inventory.login_extras import wrong_extras
from nornir_kube_ha.inventory.login_places import KNOWN_HOSTS, Site, placed, ssh_config_problem, unreadable_known_hosts
from nornir_kube_ha.inventory.login_words import HOST_FORM, LINUX, USER_FORM, is_host_word, is_linux, is_user_word

CONNECTION = "netmiko"
ANY_HOST_KEY = "insecure-accept-any"
"""Value of `host_keys` that accepts any host key."""
PATIENCE: Mapping[str, float] = MappingProxyType({"conn_timeout": 8, "banner_timeout": 30, "auth_timeout": 30})
"""Default time limits in seconds for TCP connect, SSH banner and authentication."""
_WHERE = f"connection_options.{CONNECTION}.extras"
_Level = Host | Group | Defaults


def login_options(host: Host, data: Mapping[str, Any], site: Site) -> dict[str, Any]:
    """Return netmiko's options for a host, in addition to host name, port and user.

    Nornir takes all `extras` from the nearest level, and netmiko accepts any host key by default. So one line of
    `extras` at a host would disable host key checking. The strict defaults are therefore added here, below all levels.

    Arguments:
        host: a host for which `weaknesses` yields nothing
        data: the host's merged data
        site: the inventory's folder and Nornir's SSH settings
    """
    own = host.get_connection_parameters(CONNECTION).extras or {}
    options: dict[str, Any] = {
        **PATIENCE,
        "ssh_strict": data.get("host_keys") != ANY_HOST_KEY,
        "system_host_keys": not own.get("alt_host_keys"),
        **own,
    }
    keys = _known_hosts(own, site)
    options |= {"alt_host_keys": keys is not None, "alt_key_file": str(keys or "")}
    return options | {"ssh_config_file": own.get("ssh_config_file") or site.ssh_config or None, "auto_connect": False}


def _known_hosts(extras: Mapping[str, Any], site: Site) -> Path | None:
    """Return the inventory's known_hosts file; None if it has no folder, or sets `alt_host_keys: false`."""
    if extras.get("alt_host_keys") is False:
        return None
    if file := extras.get("alt_key_file"):
        return placed(file, site.folder)
    return site.folder / KNOWN_HOSTS if site.folder else None


def weaknesses(host: Host, data: Mapping[str, Any], site: Site) -> Iterator[Problem]:
    """Yield login settings that would let another machine pose as the host, or affect the controller.

    Arguments:
        host: a host of the inventory
        data: the host's merged data
        site: the inventory's folder and Nornir's SSH settings
    """
    options = host.get_connection_parameters(CONNECTION)
    yield from _wrong_words(host, options)
    extras = options.extras or {}
    said = _said_at(host, lambda level: _options_of(level).extras, extras) if extras else ""
    if not isinstance(extras, Mapping):
        yield Problem(host.name, _WHERE, f"must be a mapping, for example {{key_file: ~/.ssh/id_ed25519}}{said}")
        return
    wrong = dict(wrong_extras(extras))
    yield from (Problem(host.name, f"{_WHERE}.{key}", f"{reason}{said}") for key, reason in wrong.items())
    if wrong:
        return
    if extras.get("ssh_strict", True) is not True and data.get("host_keys") != ANY_HOST_KEY:
        yield Problem(
            host.name,
            f"{_WHERE}.ssh_strict",
            f"{extras['ssh_strict']!r} would accept any machine as this host. Remove it (the default is "
            "true) and pin the host's key with `kube-ha hostkeys enroll`, or set `host_keys: "
            f"{ANY_HOST_KEY}` in its data{said}",
        )
    yield from _wrong_files(host.name, extras, data, site, said)


def _wrong_words(host: Host, options: ConnectionOptions) -> Iterator[Problem]:
    """Yield invalid values of password, hostname, username, port and platform."""
    port, user = options.port, options.username
    if not isinstance(options.password, str | None):  # the message must not contain the value
        words = "must be text; `login.password` in the data can refer to a secret, for example {env: NAME}"
        yield Problem(host.name, "password", words)
    rules = (
        ("hostname", options.hostname, options.hostname is None or is_host_word(options.hostname), HOST_FORM),
        ("username", user, user is None or user == "" or is_user_word(user), USER_FORM),
        ("port", port, port is None or _is_port(port), "a number from 1 to 65535"),
        (
            "platform",
            options.platform,
            is_linux(options.platform),
            f"Linux, which is the only supported platform. Write `platform: {LINUX}` if the host runs Linux",
        ),
    )
    for key, value, is_right, form in rules:
        if not is_right:
            said = _said_at(host, lambda level, key=key: getattr(_options_of(level), key), value)  # type: ignore[misc]
            beside = "" if said else _said_at(host, lambda level, key=key: getattr(level, key), value)  # type: ignore[misc]
            where = f"connection_options.{CONNECTION}.{key}" if said else key
            yield Problem(host.name, where, f"{value!r:.200} must be {form}{said or beside}")


def _is_port(value: object) -> bool:
    number = value if isinstance(value, int) and not isinstance(value, bool) else None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 6:
        number = int(value)
    return number is not None and 1 <= number <= 65535


def _wrong_files(
    name: str, extras: Mapping[str, Any], data: Mapping[str, Any], site: Site, said: str
) -> Iterator[Problem]:
    """Yield known_hosts and ssh_config files on the controller that an inventory may not choose."""
    if file := extras.get("ssh_config_file"):
        if problem := ssh_config_problem(file):
            yield Problem(name, f"{_WHERE}.ssh_config_file", f"{problem}{said}")
    elif site.ssh_config and (problem := ssh_config_problem(site.ssh_config)):
        yield Problem(name, "ssh.config_file", f"{problem} (set in Nornir's configuration)")
    keys = _known_hosts(extras, site)
    if keys is None and extras.get("alt_host_keys"):
        yield Problem(name, f"{_WHERE}.alt_key_file", f"is missing: alt_host_keys is true{said}")
    elif keys and (
        problem := unreadable_known_hosts(keys, site.folder, str(data.get("lab")), os.environ.get("HOME", ""))
    ):
        key = f"{_WHERE}.alt_key_file" if "alt_key_file" in extras else KNOWN_HOSTS
        yield Problem(name, key, f"{problem}{said if 'alt_key_file' in extras else ''}")


def _options_of(level: _Level) -> ConnectionOptions:
    none = ConnectionOptions(None, None, None, None, None, None)
    return level.connection_options.get(CONNECTION) or none


def _said_at(host: Host, value_of: Callable[[_Level], object], value: object) -> str:
    """Return a note on the level that sets a value; "" if no level does.

    Nornir copies values of higher levels into lower ones when it merges, so the highest level with the value counts.
    """
    groups = list(host.extended_groups())
    levels: tuple[_Level, ...] = (host.defaults, *reversed(groups), host)
    for level in levels:
        own = value_of(level)
        if own is value or (own is not None and type(own) is type(value) and own == value):
            if isinstance(level, Defaults):
                return " (set in the defaults)"
            # Group is a subclass of Host in Nornir, so it is tested first.
            return f" (set in group {level.name})" if isinstance(level, Group) else f" (set at host {level.name})"
    return ""
