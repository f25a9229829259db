"""Faults of the VIP holder's network, and of the holder itself."""

from nornir_kube_ha.failover.faults.model import Fault, Target, Way
from nornir_kube_ha.failover.limit import ApiLimit, Limit

LOST = ApiLimit(read=2.0, write=3.0, watch=1.3)
"""A lost node takes its apiserver and etcd member with it."""

_HEAL = "nft delete table inet kube_ha_fault"
_WELL = "! nft list table inet kube_ha_fault >/dev/null 2>&1"


def _filtered(name: str, meaning: str, limit: Limit, *rules: str, seconds: float = 4.0) -> Fault:
    """Return a fault made by the holder's own packet filter, in a table of its own."""
    chains = " ".join(
        f"chain {hook} {{ type filter hook {hook} priority -200; {rule}; }};"
        for hook, rule in (each.split(" ", 1) for each in rules)
    )
    return Fault(
        name,
        meaning,
        Way.HOST,
        Target.HOLDER,
        limit,
        seconds=seconds,
        needs="command -v nft >/dev/null || { echo nft is missing; false; }",
        inject=f"nft 'table inet kube_ha_fault {{ {chains} }}'",
        there="nft list table inet kube_ha_fault | grep -q drop",
        heal=_HEAL,
        well=_WELL,
    )


NETWORK_FAULTS = (
    Fault(
        "link-down",
        "the VIP holder's interface goes down and comes up again",
        Way.HOST,
        Target.HOLDER,
        Limit(seconds=1.0, moves=1, api=LOST),
        fast=0.4,
        seconds=4.0,
        inject='save_addresses "$INTERFACE" && save_routes "$INTERFACE" && ip link set dev "$INTERFACE" down',
        there='[ "$(cat "/sys/class/net/$INTERFACE/operstate")" = down ]',
        heal='ip link set dev "$INTERFACE" up; restore_addresses "$INTERFACE"; restore_routes "$INTERFACE"',
        well='[ "$(cat "/sys/class/net/$INTERFACE/operstate")" != down ]',
    ),
    _filtered(
        "vrrp-blocked",
        "VRRP is blocked at the VIP holder in both directions: two nodes hold the VIP",
        Limit(seconds=1.0, two_holders=None, after=1.0, two_after=1.0),
        "input meta l4proto 112 drop",
        "output meta l4proto 112 drop",
    ),
    _filtered(
        "vrrp-mute",
        "the VIP holder's adverts are dropped on their way out; it still receives the others'",
        Limit(seconds=1.0, two_holders=None, after=1.0, two_after=1.0),
        "output meta l4proto 112 drop",
    ),
    _filtered(
        "vrrp-loss",
        "30 % of VRRP packets to and from the VIP holder are lost",
        Limit(failed=0, moves=1, two_holders=None),
        "input meta l4proto 112 numgen random mod 100 < 30 drop",
        "output meta l4proto 112 numgen random mod 100 < 30 drop",
        seconds=10.0,
    ),
    Fault(
        "cpu-pressure",
        "four busy processes per processor on the VIP holder",
        Way.HOST,
        Target.HOLDER,
        Limit(moves=0),
        seconds=4.0,
        inject='for _ in $(seq $((4 * $(nproc)))); do sh -c "while :; do :; done" & echo $! >>"$FOLDER/pids" || '
        "kill $!; done",
        there='kill -0 $(cat "$FOLDER/pids")',
        heal='kill $(cat "$FOLDER/pids")',
    ),
    Fault(
        "run-full",
        "the VIP holder's /run is full, and its haproxy is killed",
        Way.HOST,
        Target.HOLDER,
        Limit(seconds=2.0, moves=1),
        seconds=4.0,
        needs="findmnt /run >/dev/null || { echo /run is not a file system of its own; false; }",
        inject='findmnt --noheadings --output SIZE --bytes /run >"$FOLDER/size" && { pid=$(main haproxy); '
        "mount -o remount,size=$(df --output=used -k /run | tail -n 1 | tr -d ' ')k /run; "
        "kill_all haproxy; }",
        there='[ "$(df --output=avail -k /run | tail -n 1 | tr -d " ")" -lt 8 ] && [ ! -d "/proc/$pid" ]',
        heal='mount -o "remount,size=$(tr -d " " <"$FOLDER/size")" /run; systemctl start haproxy',
        well="systemctl --quiet is-active haproxy",
    ),
    Fault(
        "node-off",
        "the VIP holder loses power and comes back",
        Way.LAB,
        Target.HOLDER,
        Limit(seconds=1.0, moves=1, api=LOST),
        fast=0.4,
        seconds=4.0,
        verb="off",
    ),
    Fault(
        "node-reboot",
        "the VIP holder is rebooted",
        Way.LAB,
        Target.HOLDER,
        Limit(seconds=0.15, moves=1, api=LOST),
        seconds=1.0,
        verb="reboot",
    ),
)
