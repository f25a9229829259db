"""Checks of haproxy: its sockets, backend servers, workers, load and stats page."""

import re
from collections.abc import Mapping
from itertools import islice

from nornir_kube_ha.checks.model import HostView, Severity, Verdict
from nornir_kube_ha.facts import NOT_PROBED, Server
from nornir_kube_ha.intent import weakness_of
from nornir_kube_ha.intent.names import HAPROXY_CFG
from nornir_kube_ha.versions import features

FULL_PERCENT = 80  # of maxconn
LONGEST_USER, MOST_LOGINS = 100, 100  # characters of a name, and logins, that are read; a real file has fewer
ANONYMOUS = (
    "it rejects anonymous clients (--anonymous-auth=false): set `haproxy.check: readyz-or-unauthorized`, "
    "which accepts 401 and 403 as alive, or `haproxy.check: tcp`. Or let anonymous clients request "
    "/readyz only (AuthenticationConfiguration)"
)
STRONG = "the stats page has a password that is neither well known nor too short"


def listening(view: HostView) -> Verdict:
    """Check that haproxy listens on all its sockets."""
    wanted = view.node.sockets
    owners = {f"{listener.address}:{listener.port}": listener.process for listener in view.facts.listeners}
    return Verdict(
        all(owners.get(socket) == "haproxy" for socket in wanted),
        ", ".join(f"{socket}: haproxy" for socket in wanted),
        ", ".join(seen_on(socket, owners) for socket in wanted),
        "if another process has the port, free it; otherwise read `journalctl -u haproxy`",
    )


def seen_on(socket: str, owners: Mapping[str, str]) -> str:
    """Return the process on a socket; if there is none, the process on the same port of another address."""
    if socket not in owners:
        port = socket.rpartition(":")[2]
        elsewhere = [other for other in owners if other.rpartition(":")[2] == port]
        socket = elsewhere[0] if elsewhere else socket
    return f"{socket}: {owners.get(socket, 'nothing listens') or 'unknown process'}"


def apiservers_up(view: HostView) -> Verdict:
    """Check that haproxy sees exactly the inventory's apiservers, all up."""
    wanted = {apiserver.name for apiserver in view.node.apiservers}
    servers = {server.name: server for server in view.facts.servers or ()}
    idle = {apiserver.name for apiserver in view.node.apiservers if not apiserver.weight}
    down = [
        f"{server.name} {_status(server)} ({_words(server)})"
        for server in servers.values()
        if not (
            server.is_up or (server.name in idle and server.status.startswith("DRAIN"))
        )  # haproxy reports DRAIN for weight 0
    ]
    missing = [f"{name} missing" for name in sorted(wanted - set(servers))]
    extra = [f"{name} is not in the inventory" for name in sorted(set(servers) - wanted)]
    seen = "; ".join([*down, *missing, *extra]) or f"{len(servers)} up"
    return Verdict(
        seen == f"{len(wanted)} up",
        f"{len(wanted)} up",
        seen if view.facts.servers is not None else silence(view),
        "if haproxy does not answer, see haproxy.active, and `ss -xp` for the process that holds its "
        "socket. Otherwise ask the apiserver: `curl --cacert CA https://ADDRESS:PORT/readyz?verbose`. "
        "One that is alive but not ready gets new connections only while none is ready",
    )


def _status(server: Server) -> str:
    """Return haproxy's status of a server; for one that is down, also whether it is alive."""
    if server.is_alive is None or not server.status.startswith("DOWN"):
        return server.status
    return f"{server.status}, {'alive but not ready' if server.is_alive else 'dead'}"


def silence(view: HostView) -> str:
    """Return why haproxy was not asked or did not answer."""
    return view.facts.haproxy_silence or f"haproxy does not answer on {view.node.haproxy.socket}"


def _words(server: Server) -> str:
    """Return the result of the last health check, with an explanation for HTTP 401 and 403."""
    if re.search(r"\b40[13]\b", server.check):
        return f"{server.check}: {ANONYMOUS}"
    return server.check


def load(view: HostView) -> Verdict:
    """Check that haproxy has far fewer connections than its `maxconn`."""
    expected = f"less than {FULL_PERCENT} % of haproxy's maxconn in use, in total and in the apiserver listener"
    if view.facts.haproxy_load is None:
        return Verdict(None, expected, silence(view), "", because="haproxy.apiservers_up")
    used, most = view.facts.haproxy_load
    full = used >= most
    return Verdict(
        used * 100 < most * FULL_PERCENT,
        expected,
        f"{used} of {most} connections" + (": haproxy accepts no more" if full else ""),
        "raise `maxconn` in haproxy.global_lines or listener_lines, and the unit's LimitNOFILE if "
        "haproxy then rejects the file. `ss -tn sport = :PORT` lists the connections",
        Severity.CRITICAL if full else None,
    )


def workers(view: HostView) -> Verdict:
    """Check that workers replaced by reloads do not pile up."""
    found = view.facts.workers
    old, most = max(0, len(found) - _processes(view)), view.node.verify.old_workers
    if not found:
        because = "" if view.facts.units["haproxy"].is_active else "haproxy.active"
        return Verdict(None, f"at most {most} old workers", "no haproxy worker found", "", because=because)
    return Verdict(
        old <= most,
        f"at most {most} old workers",
        f"{old} old workers" + (f", the oldest started {max(found)} s ago" if old else ""),
        "old workers keep connections and memory until their clients disconnect or "
        "haproxy.hard_stop_after ends them. Reload less often, shorten it, or find clients that stay "
        "connected with `ss -tnp`",
    )


def _processes(view: HostView) -> int:
    """Return the number of workers that one configuration starts."""
    package = view.facts.packages.get("haproxy")
    knows = features(package.upstream if package else (), ()).nbproc
    return view.node.haproxy.nbproc or 1 if knows else 1


def stats(view: HostView) -> Verdict:
    """Check that the node's own stats page opens with the inventory's password."""
    login = view.facts.reachable.stats_login
    expected = "this node's own stats page answers HTTP 200 to the inventory's password"
    if login is NOT_PROBED:
        return Verdict(None, expected, str(login), "", because=view.missing)
    return Verdict(
        login.status == 200,
        expected,
        str(login),
        "HTTP 401: haproxy runs with another password, run deploy; no answer: see haproxy.listening. Another process "
        "listens: stop it, or it could read the password",
    )


def stats_password(view: HostView) -> Verdict:
    """Check that the stats page's password in the host's file is neither weak nor well known."""
    if HAPROXY_CFG not in view.facts.files:
        return Verdict(None, STRONG, f"{HAPROXY_CFG} is missing", "", because="files.intended")
    logins = [*islice(view.facts.haproxy_cfg.logins, MOST_LOGINS)]
    weakness = ((user[:LONGEST_USER], weakness_of(password.get_secret_value())) for user, password in logins)
    weak = [f"{user}: password {words}" for user, words in weakness if words]
    return Verdict(
        not weak and bool(logins),
        STRONG,
        "; ".join(weak) or ("it has" if logins else "it has no password"),
        "run deploy, which sets the inventory's password",
    )
