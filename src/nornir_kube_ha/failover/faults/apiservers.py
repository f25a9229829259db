"""Faults of apiservers, and planned changes: VIP moves, deploys and restarts."""

from dataclasses import replace

from nornir_kube_ha.failover.faults.model import Fault, Target, Way
from nornir_kube_ha.failover.limit import ApiLimit, Limit

UNHARMED = Limit(failed=0, moves=0)
DETECTED = Limit(seconds=3.0, moves=0, api=ApiLimit(read=3.0, write=3.0, watch=3.0))
PLANNED = Limit(seconds=0.15, moves=1, api=ApiLimit(read=0.5, write=0.5, watch=0.3, failed=0))

_LISTENS = 'pid=$(listener "$PORT"); [ -n "$pid" ] || { echo nothing listens on port "$PORT"; false; }'


def _lab(name: str, meaning: str, limit: Limit, verb: str, target: Target = Target.APISERVER) -> Fault:
    return Fault(name, meaning, Way.LAB, target, limit, seconds=4.0, verb=verb)


APISERVER_FAULTS = (
    Fault(
        "apiserver-kill",
        "one apiserver is killed and started again",
        Way.HOST,
        Target.APISERVER,
        UNHARMED,
        needs=_LISTENS,
        inject='pid=$(listener "$PORT"); kill -KILL "$pid"',
        there='[ -n "$pid" ] && [ ! -d "/proc/$pid" ]',
        heal="systemctl start kube-apiserver 2>/dev/null || true",  # a static pod has no unit: the kubelet restarts it
        well='[ -n "$(listener "$PORT")" ]',
    ),
    Fault(
        "apiserver-hang",
        "one apiserver hangs: it accepts connections but answers nothing",
        Way.HOST,
        Target.APISERVER,
        DETECTED,
        seconds=6.0,
        needs=_LISTENS,
        inject='pid=$(listener "$PORT"); echo "$pid" >"$FOLDER/pid" && kill -STOP "$pid"',
        there='hangs "$pid"',
        heal='kill -CONT "$(cat "$FOLDER/pid")"',
        well='! hangs "$(cat "$FOLDER/pid")"',
    ),
    _lab("apiserver-error", "one apiserver answers 500 to all health checks", DETECTED, "error"),
    _lab("apiserver-slow", "one apiserver answers after a delay of two seconds", DETECTED, "slow 2"),
    _lab("apiserver-gone", "one apiserver is stopped, as for an upgrade", UNHARMED, "gone"),
    _lab(
        "apiservers-gone",
        "all apiservers are stopped and started again; the VIP should not move",
        Limit(moves=0, after=3.0),
        "gone",
        Target.ALL_APISERVERS,
    ),
)

PLANE_FAULTS = (
    _lab(
        "etcd-leader-kill",
        "etcd's leader is killed and started again",
        Limit(moves=0, after=None, api=ApiLimit(read=2.0, cached=0.5, write=3.0, cuts=0)),
        "etcd-kill",
        Target.ETCD_LEADER,
    ),
    _lab(
        "etcd-member-stop",
        "an etcd member other than the leader is stopped",
        DETECTED,
        "etcd-stop",
        Target.ETCD_MEMBER,
    ),
    replace(
        _lab(
            "etcd-no-quorum",
            "etcd loses its quorum for a while; all apiservers stay alive",
            Limit(moves=0, after=3.0, api=ApiLimit(cached=1.0, cuts=0)),
            "etcd-stop",
            Target.ETCD_MAJORITY,
        ),
        seconds=8.0,  # less than the client's time limit
    ),
    replace(
        _lab(
            "apiserver-rolling-upgrade",
            "all apiservers are restarted one by one, each after the previous one is ready",
            # Requests in flight at each apiserver are cut.
            Limit(failed=3, moves=0, api=ApiLimit(read=0.3, write=0.3, watch=0.3)),
            "upgrade",
            Target.ALL_APISERVERS,
        ),
        seconds=0.0,
    ),
)

CHANGE_FAULTS = (
    Fault(
        "vip-move",
        "the VIP is moved to another node by `vip move`",
        Way.RUN,
        Target.CLUSTER,
        PLANNED,
        seconds=0.0,
    ),
    Fault(
        "config-change",
        "both daemons' configuration changes on all nodes by a roll-out, and is changed back",
        Way.RUN,
        Target.CLUSTER,
        Limit(failed=0, lost=0, moves=0, api=ApiLimit(read=0.3, write=0.3, failed=0, cuts=0)),
        seconds=0.0,
    ),
    Fault(
        "rolling-restart",
        "both daemons are restarted node by node; the VIP holder last, after a planned move",
        Way.RUN,
        Target.CLUSTER,
        PLANNED,
        seconds=0.0,
    ),
)
