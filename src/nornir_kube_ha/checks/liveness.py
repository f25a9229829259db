"""Checks that a running keepalived could take over, and that a node's own connections do not start from a VIP."""

from collections.abc import Iterator

from nornir_kube_ha.checks.model import HostView, Verdict
from nornir_kube_ha.facts import Liveness
from nornir_kube_ha.intent.names import CHECK_VRRP
from nornir_kube_ha.planning.plan import UNITS

UNCHECKED = 10  # seconds without a run of keepalived's scripts, which run each second
STARTS = 5  # seconds that keepalived needs to fork its VRRP process and run its first script, on a busy host


def able(view: HostView) -> Verdict:
    """Check that keepalived has what a take-over needs: VRRP process, sockets, inotify watches, running scripts."""
    found = view.facts.liveness
    expected = f"its VRRP process, IPv{view.node.vip.version} VRRP sockets" + (
        ", an inotify watch, and its scripts run every second" if view.node.keepalived.events else ""
    )
    if found is None:
        unit = view.facts.units[UNITS[1]]
        if not unit.is_active:
            return Verdict(None, expected, f"not running: {unit}", "", because="keepalived.active")
        return Verdict(None, expected, "no keepalived process found", "")
    missing = list(_missing(view, found))
    return Verdict(
        not missing,
        expected,
        "; ".join(missing) or "all present",
        "`systemctl reload keepalived` opens its sockets again. `journalctl -u keepalived` names a limit "
        "that is exhausted: for inotify raise fs.inotify.max_user_instances, then `systemctl restart "
        "keepalived`",
    )


def _missing(view: HostView, found: Liveness) -> Iterator[str]:
    if found.child_age is None:
        yield "its VRRP process is gone"
        return
    version = view.node.vip.version
    if version not in found.families:
        yield f"no IPv{version} VRRP socket: it receives no adverts and never takes over"
    # Judged by the live file, not by the inventory: after a rollback the file may ask for less.
    live = view.facts.keepalived_conf
    if live.tracks_files and not found.watches:
        yield "no inotify watch: it does not notice when haproxy ends, and planned moves do not work"
    runs_script = any(CHECK_VRRP in command.split() for command in live.scripts.values())
    if runs_script and found.child_age > UNCHECKED and (found.checked is None or found.checked > UNCHECKED):
        yield (
            "it has never run its scripts"
            if found.checked is None
            else f"it last ran its scripts {found.checked} s ago"
        )


def younger_child(found: Liveness | None) -> int | None:
    """Return the age in seconds of a VRRP process that keepalived has restarted; None if it has not.

    Arguments:
        found: keepalived's processes; None if not seen
    """
    if found is None or found.child_age is None or found.age - found.child_age <= STARTS:
        return None
    return found.child_age


def sources(view: HostView) -> Verdict:
    """Check that none of the node's own connections has a VIP as its source address."""
    vips = {vip.ip for vip in view.node.vips}
    wrong = [f"to {to} from {source}" for to, source in view.facts.sources.items() if source in vips]
    return Verdict(
        False if wrong else True if view.facts.sources else None,
        "connections to other nodes and to apiservers start from an address of the node, not from a VIP",
        "; ".join(wrong)
        or (
            f"{len(view.facts.sources)} connections"
            if view.facts.sources
            else "`ip route get` printed no source address"
        ),
        "connections from a VIP die when it moves, and etcd rejects them. Run deploy, which adds the VIP "
        "as /32. If it persists, find what added it with another prefix length (`ip address`), or a "
        "route with `src` (`ip route`)",
    )
