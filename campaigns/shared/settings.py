"""A deployed lab for the duration of a campaign, with settings as users have them."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rig.lab import HOSTS, Lab, copy_inventory

_GUIDE: Mapping[str, object] = {
    "haproxy.balance": "source",
    "haproxy.check": "tcp",
    "haproxy.inter": 2000,
    "haproxy.retries": 3,
    "haproxy.shutdown_sessions": False,
    "haproxy.timeouts": {"connect": 5000, "client": "10m", "server": "10m"},
    "haproxy.stats.admin": True,
    "keepalived.vrrp_version": 2,
    "keepalived.advert_int": 3,
    "keepalived.unicast": False,
    "keepalived.dont_track_primary": True,
    "keepalived.preempt": True,
    "keepalived.events": False,
    "keepalived.tickle": False,
    "keepalived.yield_when_blind": False,
    "keepalived.garp_master_refresh": 0,
    "keepalived.check": {"script": "killall -0 haproxy", "interval": 5, "weight": -30},
}
_REAL: Mapping[str, object] = {"lab_control_plane": "real"}
SETTINGS: Mapping[str, Mapping[str, object]] = {
    "ours": {},
    "fast": {"keepalived.timers": "fast"},
    "guide": _GUIDE,
    "real": _REAL,
    "guide-real": {**_GUIDE, **_REAL},
    "real-fall-1": {**_REAL, "haproxy.fall": 1},
    "real-fall-3": {**_REAL, "haproxy.fall": 3},
    "real-fastinter-1s": {**_REAL, "haproxy.fastinter": "1s"},
    "real-check-2s": {**_REAL, "haproxy.timeouts": {"check": "2s"}},
}
"""Optional settings in the inventory: none, or all of the guide's, or other health checks; `real` has a real plane."""
GUIDE_PRIORITIES = (120, 110, 110)


@contextmanager
def deployed_lab(name: str, settings: str = "ours") -> Iterator[Lab]:
    """Yield three hosts that pass every check, and take them down at the end in any case.

    Arguments:
        name: name of the lab
        settings: one of `SETTINGS`
    """
    with tempfile.TemporaryDirectory() as folder:
        lab = copy_inventory(name, Path(folder) / "inventory")
        for key, value in SETTINGS[settings].items():
            lab.set(key, value)
        if settings.startswith("guide"):
            for host, priority in zip(HOSTS, GUIDE_PRIORITIES, strict=True):
                lab.set("keepalived.priority", priority, host=host)
        with set_up(lab):
            yield lab


@contextmanager
def set_up(lab: Lab, *options: str) -> Iterator[None]:
    """Boot a lab and deploy to it; take it down at the end.

    Arguments:
        lab: with its inventory
        options: the deploy's options
    """
    lab.up()
    try:
        completed = lab.deploy(*options)
        if completed.status:
            raise SystemExit(completed.stdout + completed.stderr)
        yield
    finally:
        lab.down()
