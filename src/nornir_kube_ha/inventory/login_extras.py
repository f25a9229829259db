"""Allow-list of the netmiko `extras` in an inventory; other keys could redirect logins or leak secrets.

Inventories may come from other systems. Any key not listed is refused before anything is sent, and the message says
what to use instead.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from nornir_kube_ha.nearest import did_you_mean

REACHES_OUT = frozenset(
    {"session_log", "session_log_record_writes", "session_log_file_mode", "serial_settings", "sock", "sock_telnet"}
)
"""Keys that make netmiko write or talk to anything but the host; `session_log` truncates any file that it names."""
INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "host": "decides which machine gets the login; set `hostname` of the host instead",
        "ip": "decides which machine gets the login; set `hostname` of the host instead",
        "port": "decides which server gets the login; set `port` of the host instead",
        "username": "decides which user logs in; set `username` of the host instead",
        "password": "is a secret that would not be masked; set `login.password` in the data instead",
        "secret": "is a secret that would not be masked; set `login.sudo_password` in the data instead",
        "device_type": "decides the protocol, which is always SSH to Linux; set `platform: linux` instead",
        **dict.fromkeys(
            REACHES_OUT,
            "would make netmiko write to files or connect elsewhere; remove it (for a jump host, set "
            "ProxyJump in an ssh_config file)",
        ),
    }
)
"""Refused netmiko keys, with the reason and what to use instead."""
MOST_SECONDS = 600
_ALGORITHMS = frozenset({"ciphers", "macs", "keys", "pubkeys", "kex"})


def _is_switch(value: object) -> bool:
    return isinstance(value, bool)


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MOST_SECONDS


def _is_line(value: object) -> bool:
    return isinstance(value, str) and bool(value) and value.isprintable()


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) < 100)


def _is_algorithms(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        kind in _ALGORITHMS and isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
        for kind, names in value.items()
    )


def _is_no(value: object) -> bool:
    return value is False


def _is_key(value: object) -> bool:
    # YAML cannot contain such an object; only a program that embeds kube-ha passes one.
    return any(kind.__module__.startswith("paramiko.") and kind.__name__ == "PKey" for kind in type(value).__mro__)


def _is_anything(_value: object) -> bool:
    return True  # `weaknesses` validates it


Rule = tuple[Callable[[object], bool], str]
_SWITCH: Rule = _is_switch, "true or false"
_SECONDS: Rule = _is_seconds, f"a number of seconds, more than 0 and at most {MOST_SECONDS}"
_LINE: Rule = _is_line, "one line of text"
_SCALAR: Rule = _is_scalar, "a single short value"

ALLOWED: Mapping[str, Rule] = MappingProxyType(
    {
        # Which of the operator's own keys are tried.
        **dict.fromkeys(("use_keys", "allow_agent"), _SWITCH),
        **dict.fromkeys(("key_file", "passphrase"), _LINE),
        "pkey": (_is_key, "a key object, which only a program can pass"),
        # Host key checking, known_hosts files and ssh_config; `weaknesses` validates the values.
        "ssh_strict": (_is_anything, ""),
        **dict.fromkeys(("system_host_keys", "alt_host_keys"), _SWITCH),
        **dict.fromkeys(("alt_key_file", "ssh_config_file"), _LINE),
        # For old servers. Can only remove algorithms.
        "disabled_algorithms": (_is_algorithms, f"lists of names by {', '.join(sorted(_ALGORITHMS))}"),
        "disable_sha2_fix": _SWITCH,
        # Time limit of each phase of a login.
        **dict.fromkeys(("conn_timeout", "banner_timeout", "auth_timeout"), _SECONDS),
        # With true, netmiko would log in by itself and skip the validation here.
        "auto_connect": (_is_no, "false, or left out: netmiko's own login skips what is checked here"),
        # netmiko's shell settings. kube-ha opens no netmiko shell, but the user's own tasks may need them.
        **dict.fromkeys(
            (
                *("allow_auto_change", "blocking_timeout", "default_enter", "delay_factor_compat", "encoding"),
                *("disable_lf_normalization", "fast_cli", "global_cmd_verify", "global_delay_factor", "keepalive"),
                *("read_timeout_override", "response_return", "session_timeout", "timeout", "verbose", "_legacy_mode"),
            ),
            _SCALAR,
        ),
    }
)
"""Allowed keys, each with a predicate for its value and a description of valid values."""


def wrong_extras(extras: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield key and reason of each refused item of `extras`."""
    for key, value in extras.items():
        if key in ALLOWED:
            is_right, form = ALLOWED[key]
            if not is_right(value):
                yield key, f"must be {form}"
        elif key in INSTEAD:
            yield key, INSTEAD[key]
        else:
            yield str(key), f"is not an allowed login setting; {did_you_mean(str(key), ALLOWED, cutoff=0)}"
