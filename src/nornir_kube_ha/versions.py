"""Features of haproxy and keepalived versions. Templates test features, not distributions."""

import re
from dataclasses import dataclass


def upstream_version(text: str) -> tuple[int, ...]:
    """Return the upstream part of a package version, which sorts like the daemon's releases.

    `packaging.Version` refuses package versions, which have an epoch and a distribution's revision.

    Arguments:
        text: a Debian or RPM version, `1:2.2.7-1+b2`

    Returns:
        The numbers, `(2, 2, 7)`; empty if there are none
    """
    upstream = text.rpartition(":")[2].partition("-")[0]
    match = re.match(r"\d{1,9}(\.\d{1,9}){0,9}", upstream)
    return tuple(int(number) for number in match[0].split(".")) if match else ()


@dataclass(frozen=True, slots=True)
class Features:
    """Features of one host's daemons.

    Arguments:
        nbproc: haproxy has `nbproc`; removed in 2.5
        down_timer_adverts: keepalived has `down_timer_adverts`; since 2.2.4
        tmpdir: keepalived writes its state to $TMPDIR instead of /tmp; since 2.2.7 or earlier
        keeps_vip_with_new_script: keepalived stays master while a script added by a reload runs for the first time;
            since 2.2.5 (`SCRIPT_INIT_STATE_INIT_RELOAD`)
        exporter: haproxy may have its Prometheus exporter; Debian builds it into all its packages since 2.2
        conditions: haproxy.cfg may ask whether the binary has a feature, with `.if feature(PROMEX)`; since 2.4
    """

    nbproc: bool
    down_timer_adverts: bool
    tmpdir: bool
    keeps_vip_with_new_script: bool
    exporter: bool
    conditions: bool


def features(haproxy: tuple[int, ...], keepalived: tuple[int, ...]) -> Features:
    """Return the features of two upstream versions.

    Arguments:
        haproxy: empty if unknown, which assumes a current version
        keepalived: empty if unknown, which assumes a current version
    """
    return Features(
        nbproc=bool(haproxy) and haproxy < (2, 5),
        down_timer_adverts=not keepalived or keepalived >= (2, 2, 4),
        tmpdir=not keepalived or keepalived >= (2, 2, 7),
        keeps_vip_with_new_script=not keepalived or keepalived >= (2, 2, 5),
        exporter=not haproxy or haproxy >= (2, 2),
        conditions=not haproxy or haproxy >= (2, 4),
    )
