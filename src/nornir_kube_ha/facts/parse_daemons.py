"""Parsers for the sections of `facts.sh` about haproxy and keepalived. No I/O."""

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from nornir_kube_ha.facts.daemons import VRRP_STATES, ConfigCheck, Server, Unit, VRRPInstance
from nornir_kube_ha.facts.loaded import loaded
from nornir_kube_ha.intent.names import LAST_RESORT, LISTENER
from nornir_kube_ha.sections import sections_about, whole

_CHECK = ("check_status", "check_code", "last_chk")


def units(shown: str, sections: Mapping[str, str]) -> Iterator[Unit]:
    """Parse the units.

    Arguments:
        shown: output of `systemctl show`, one block per unit
        sections: all sections, for each unit's program and journal
    """
    for block in shown.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines())
        name = values["Id"].removesuffix(".service")
        yield Unit(
            name=name,
            exists=values["LoadState"] == "loaded",
            active_state=values["ActiveState"],
            sub_state=values["SubState"],
            enabled=values["UnitFileState"] == "enabled",
            needs_daemon_reload=values["NeedDaemonReload"] == "yes",
            restarts=whole(values["NRestarts"]),
            started=_time(values["ActiveEnterTimestamp"]),
            told=_time(values["StateChangeTimestamp"]),
            program=sections[f"program {name}"],
            journal=tuple(sections.get(f"journal {name}", "").splitlines()),
            load_state=values["LoadState"],
            loaded=loaded(name, sections),
        )


def _time(text: str) -> float | None:
    """Parse systemd's time stamp, `Mon 2026-11-23 04:28:26 UTC`; return None for an empty one."""
    if not text:
        return None
    return datetime.strptime(text.partition(" ")[2], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC).timestamp()


def judgements(sections: Mapping[str, str]) -> Iterator[ConfigCheck]:
    """Parse each daemon's validation of its live configuration."""
    for (daemon, status), words in sections_about("syntax", sections):
        yield ConfigCheck(daemon, whole(status), words)


def servers(text: str) -> tuple[Server, ...] | None:
    """Parse haproxy's backend servers; return None if haproxy did not answer.

    Arguments:
        text: output of `show stat`
    """
    if not text:
        return None
    rows = [*csv.DictReader(text.removeprefix("# ").splitlines())]
    alive = {row["svname"]: _status(row).startswith("UP") for row in rows if row["pxname"] == LAST_RESORT}
    return tuple(
        _server(row, is_alive=alive.get(row["svname"]))
        for row in rows
        if row["pxname"] == LISTENER and row["svname"] not in {"FRONTEND", "BACKEND"}
    )


def other_servers(text: str) -> dict[str, tuple[Server, ...]]:
    """Parse the servers of haproxy's further listeners, by the listener's name; those of its own sections are left out.

    Arguments:
        text: output of `show stat`
    """
    found: dict[str, tuple[Server, ...]] = {}
    for row in csv.DictReader(text.removeprefix("# ").splitlines()):
        proxy, name = row["pxname"] or "", row["svname"] or ""
        if proxy not in {LISTENER, LAST_RESORT} and name != "BACKEND":
            own = () if name == "FRONTEND" else (_server(row),)
            found[proxy] = (*found.get(proxy, ()), *own)
    return found


def _server(row: Mapping[str, str | None], *, is_alive: bool | None = None) -> Server:
    check = " ".join(filter(None, (row[column] for column in _CHECK)))
    return Server(row["svname"] or "", _status(row), check, is_alive)


def _status(row: Mapping[str, str | None]) -> str:
    return row["status"] or ""


def worker_started(text: str) -> float | None:
    """Return the start time of haproxy's worker in seconds since 1970; None if haproxy did not answer.

    Arguments:
        text: `Asked: TIME` and the output of `show info`; haproxy before 2.5 reports only `Uptime_sec`
    """
    values = _values(text)
    if "Start_time_sec" in values:
        return float(whole(values["Start_time_sec"]))
    return whole(values["Asked"]) - whole(values["Uptime_sec"]) if "Uptime_sec" in values else None


def load(info: str, stat: str) -> tuple[int, int] | None:
    """Return current and maximum connections of haproxy or of the apiserver listener, whichever is fuller.

    Arguments:
        info: output of `show info`
        stat: output of `show stat`

    Returns:
        Both numbers; None if haproxy did not answer or reports no limit
    """
    values = _values(info)
    if not {"CurrConns", "Maxconn"} <= values.keys():
        return None
    found = [(whole(values["CurrConns"]), whole(values["Maxconn"]))]
    rows = csv.DictReader(stat.removeprefix("# ").splitlines())
    own = (row for row in rows if (row.get("pxname"), row.get("svname")) == (LISTENER, "FRONTEND"))
    found += [(whole(row.get("scur") or "0"), whole(row.get("slim") or "0")) for row in own]
    return max((each for each in found if each[1]), key=lambda each: each[0] / each[1], default=None)


def _values(info: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in info.splitlines() if ": " in line)


def vrrp(text: str) -> tuple[VRRPInstance, ...] | None:
    """Parse keepalived's instances; return None if keepalived did not answer, or not in a known format.

    Arguments:
        text: keepalived's state, in JSON
    """
    if not text:
        return None
    try:
        return tuple(_vrrp_instance(each["data"]) for each in json.loads(text))
    except (
        ValueError,
        LookupError,
        TypeError,
        RecursionError,
    ):  # truncated, or the format of another version
        return None


def _vrrp_instance(data: dict[str, Any]) -> VRRPInstance:
    return VRRPInstance(data["iname"], VRRP_STATES[data["state"]], data["effective_priority"])
