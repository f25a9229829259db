"""Faults of haproxy and keepalived on the VIP holder."""

from nornir_kube_ha.failover.faults.model import Fault, Target, Way
from nornir_kube_ha.failover.limit import ApiLimit, Limit

EVENT = Limit(seconds=0.15, moves=1, api=ApiLimit(read=0.3, write=0.3, watch=0.3))
"""Faults that an event reports: the holder hands over with an advert of priority 0."""
SILENCE = Limit(seconds=1.0, moves=1, api=ApiLimit(read=1.3, write=1.3, watch=1.3))
"""Faults that only missing adverts reveal."""
HUNG = Limit(seconds=2.0, moves=1, api=ApiLimit(read=2.2, write=2.2, watch=2.2))
"""Faults that only a health check's time-out reveals."""


def _of(
    daemon: str, verb: str, meaning: str, limit: Limit, *, inject: str, there: str, heal: str = "", well: str = ""
) -> Fault:
    return Fault(
        f"{daemon}-{verb}",
        meaning,
        Way.HOST,
        Target.HOLDER,
        limit,
        seconds=4.0 if verb == "hang" else 2.0,
        needs=f'[ "$(main {daemon})" != 0 ] || {{ echo "{daemon} does not run"; false; }}',
        inject=inject,
        there=there,
        heal=heal or f"systemctl start {daemon}",
        well=well or f"systemctl --quiet is-active {daemon}",
    )


def _signal(daemon: str, name: str) -> str:
    return f"systemctl kill --kill-who=all --signal={name} {daemon}"


def _stop(daemon: str, meaning: str) -> Fault:
    return _of(daemon, "stop", meaning, EVENT, inject=f"systemctl stop {daemon}", there=f'[ "$(main {daemon})" = 0 ]')


def _kill(daemon: str, meaning: str, limit: Limit) -> Fault:
    inject = f"pid=$(main {daemon}); kill_all {daemon}"
    return _of(daemon, "kill", meaning, limit, inject=inject, there='[ ! -d "/proc/$pid" ]')


def _hang(daemon: str, meaning: str, limit: Limit) -> Fault:
    return _of(
        daemon,
        "hang",
        meaning,
        limit,
        inject=_signal(daemon, "STOP"),
        there=f"all_hang {daemon}",
        heal=_signal(daemon, "CONT"),
        well=f"! all_hang {daemon}",
    )


DAEMON_FAULTS = (
    _stop("haproxy", "haproxy is stopped on the VIP holder"),
    _kill("haproxy", "all haproxy processes on the VIP holder are killed at once", EVENT),
    _of(
        "haproxy",
        "crash",
        "haproxy's worker crashes on the VIP holder",
        EVENT,
        inject='pid=$(pgrep -P "$(main haproxy)" haproxy | head -n 1); kill -SEGV "$pid"',
        there='[ -n "$pid" ] && [ ! -d "/proc/$pid" ]',
    ),
    _of(
        "haproxy",
        "crash-loop",
        "haproxy is killed on the VIP holder whenever it is started",
        EVENT,
        inject='pid=$(main haproxy); touch "$FOLDER/on"; '
        '(while [ -e "$FOLDER/on" ]; do kill_all haproxy; sleep 0.3; done) &',
        there='[ ! -d "/proc/$pid" ]',
        heal='rm -f "$FOLDER/on"; systemctl start haproxy',
    ),
    _hang("haproxy", "haproxy hangs on the VIP holder: it accepts connections but answers nothing", HUNG),
    _stop("keepalived", "keepalived is stopped on the VIP holder"),
    _kill("keepalived", "keepalived is killed on the VIP holder, without an advert of priority 0", SILENCE),
    _hang(
        "keepalived",
        "keepalived hangs on the VIP holder: it keeps the VIP, and another node takes it too",
        Limit(seconds=1.0, two_holders=None, after=1.0, two_after=1.0),
    ),
)
