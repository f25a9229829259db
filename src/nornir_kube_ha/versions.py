"""Versions of the daemons, and what each of them understands: templates ask for features, not for distributions."""

import re
from dataclasses import dataclass


def upstream_version(text: str) -> tuple[int, ...]:
    """The upstream part of a package's version, which orders as the daemon's own releases do.

    `packaging.Version` refuses these: they carry an epoch and a distribution's revision.

    Arguments:
        text: a Debian or RPM version, `1:2.2.7-1+b2`

    Returns:
        Its numbers, `(2, 2, 7)`; empty if it has none
    """
    upstream = text.rpartition(":")[2].partition("-")[0]
    match = re.match(r"\d{1,9}(\.\d{1,9}){0,9}", upstream)
    return tuple(int(number) for number in match[0].split(".")) if match else ()


@dataclass(frozen=True, slots=True)
class Features:
    """What the daemons of one host understand.

    Arguments:
        nbproc: haproxy knows `nbproc`; dropped in 2.5
        down_timer_adverts: keepalived knows `down_timer_adverts`; since 2.2.4
        tmpdir: keepalived writes its state to the folder that TMPDIR names; since 2.2.7 at the latest, before to /tmp
        keeps_vip_with_new_script: keepalived stays master while a script that a reload brought runs for the first time;
            since 2.2.5 (`SCRIPT_INIT_STATE_INIT_RELOAD`)
    """

    nbproc: bool
    down_timer_adverts: bool
    tmpdir: bool
    keeps_vip_with_new_script: bool


def features(haproxy: tuple[int, ...], keepalived: tuple[int, ...]) -> Features:
    """What the daemons of these versions understand.

    Arguments:
        haproxy: its upstream version; empty if unknown, then a current one is assumed
        keepalived: likewise
    """
    return Features(
        nbproc=bool(haproxy) and haproxy < (2, 5),
        down_timer_adverts=not keepalived or keepalived >= (2, 2, 4),
        tmpdir=not keepalived or keepalived >= (2, 2, 7),
        keeps_vip_with_new_script=not keepalived or keepalived >= (2, 2, 5),
    )
