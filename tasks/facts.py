"""Gather facts of a host in one round trip. Changes nothing."""

import math
import secrets
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from ipaddress import IPv6Interface

from nornir.core.task import Result, Task

from nornir_kube_ha.addresses import ANY_ADDRESSES, with_port
from nornir_kube_ha.errors import LoginRefusedError
from nornir_kube_ha.facts import Facts, Scope, parse_facts
from nornir_kube_ha.facts.wire import direct_filter, group_member, heard_filter, solicitation
from nornir_kube_ha.intent import Cluster, Intent, Node, Stats
from nornir_kube_ha.intent.names import (
    CHECKED_FILE,
    CLIENTS,
    FOLDERS,
    HAPROXY_CA,
    KUBECONFIGS,
    MANAGED_PATHS,
    REMEMBERED,
    WATCH,
)
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.planning.package_managers import functions
from nornir_kube_ha.planning.plan import required_packages
from nornir_kube_ha.sections import sections_of
from nornir_kube_ha.ssh.remote import reading, run_script
from nornir_kube_ha.ssh.script import Script
from nornir_kube_ha.tasks.lease import MOST_GONE, always_gone, find_holder, held_by, leave_if_held, unreadable

PATIENCE = 25  # seconds beyond listening until the script ends itself; a look takes about half of one
GRACE = 5  # seconds more until the controller gives up on a host whose script has not ended
LOOK = Script(
    (
        "interface.sh",
        "section.sh",
        "probes.sh",
        "endpoint_clients.sh",
        "nftables.sh",
        "loads.sh",
        "generations.sh",
        "origins.sh",
        "facts.sh",
    ),
    "nonce deadline lock probed whole listened listen_at_least listen_at_most remembered files folders managed "
    "checked_file others interface watch vrids address haproxy_socket vip also port heard group ask_by_arp ask_by_ndp "
    "ca_file endpoint served_at authority apiservers peers clients_check listener_places kubeconfigs direct elsewhere "
    "stats_url own_stats_url stats_user stats_login",
)
LEAST_AT_A_GATE = 0.1  # seconds
LEAST_TO_HEAR = 0.9  # seconds; Linux delays its proxy ARP answers by up to 0.8 (proxy_delay)
LEAST_AGAIN = 0.3  # seconds, where no other router was heard a moment ago
ADVERTS_TO_HEAR = 1.2  # times advert_int: at least one advert, and some margin for a late one


def get_facts(
    task: Task,
    intent: Intent,
    lease: Lease | None = None,
    *,
    scope: Scope = Scope.ALL,
    listened: Collection[str] = (),
) -> Result:
    """Look at a load-balancer node: packages, files, units, addresses, sockets, both daemons' state, the VIP.

    Arguments:
        intent: desired state, from the inventory: it says where to look
        lease: the lease that this run will take, if it means to change the host; raises at once if another run holds it
        scope: which other machines to ask; checks that need their answers are skipped. `Scope.OWN` takes a tenth of
            the time, `Scope.GATE` half of it
        listened: names of hosts where an earlier look heard no other router: they do not listen for one again

    Returns:
        Result object with the following attributes set:
          * result (:obj:`nornir_kube_ha.facts.Facts`): the host's state

    Raises:
        LeaseHeldError: another run holds the host's lease
        UnexpectedReplyError: the host's answer cannot be parsed
        HostUnreachableError, LoginRefusedError, RemoteTimeoutError: see `run_script`
    """
    name, nonce = task.host.name, secrets.token_hex(8)
    cluster, node = intent.cluster_of(name), intent.node(name)
    least = _least_to_hear(node, scope, again=name in listened)
    times = {
        "listen_at_least": least,
        "listen_at_most": max(node.verify.listen, least),
        "remembered": REMEMBERED,
    }
    deadline = PATIENCE + math.ceil(times["listen_at_most"])
    variables = _variables(cluster, node, scope) | {"nonce": nonce, "deadline": str(deadline)}
    variables["listened"] = "yes" if name in listened else ""
    variables |= {name: str(math.ceil(100 * seconds)) for name, seconds in times.items()}
    look = functions(required_packages(node)) + LOOK.render(**variables)
    asked, answered, stdout = _ask(task, look, nonce, deadline + GRACE, lease)
    with reading(task):
        facts = parse_facts(stdout, nonce)
    if not facts.is_root:
        raise LoginRefusedError(task.host.name, f"{task.host.username} is not root, and sudo did not make it root")
    clock = replace(facts.clock, ahead=(facts.clock.until - answered, facts.clock.now - asked))
    return Result(host=task.host, result=replace(facts, clock=clock, scope=scope))


def _least_to_hear(node: Node, scope: Scope, *, again: bool) -> float:
    """Return the seconds to listen for at least.

    A gate needs the first advert of each VRID. Other looks have to hear every router that uses one.
    """
    if scope is Scope.GATE:
        return max(LEAST_AT_A_GATE, ADVERTS_TO_HEAR * node.keepalived.advert_int)
    longest = max(node.keepalived.advert_int, node.keepalived.lengthened_advert_int)
    return max(LEAST_AGAIN if again else LEAST_TO_HEAR, ADVERTS_TO_HEAR * longest)


def _ask(task: Task, look: str, nonce: str, timeout: float, lease: Lease | None) -> tuple[float, float, str]:
    """Return when the host was asked, when it had answered, and its answer."""
    gone = ""
    for _ in range(MOST_GONE):
        before = leave_if_held(lease, nonce, gone) if lease else ""
        asked = time.time()
        stdout = run_script(task, before + look, timeout=timeout).stdout
        with reading(task):
            sections = sections_of(stdout, nonce)
        try:
            holder = find_holder(sections) if lease else None
        except ValueError as error:
            raise unreadable(task.host.name, stdout) from error
        if not holder:
            return asked, time.time(), stdout
        if not holder.owner.is_gone:
            raise held_by(holder, task.host.name)
        gone = holder.run_id
    raise always_gone(task.host.name)


def facts_of(task: Task, intent: Intent, facts: Mapping[str, Facts] | None) -> Facts:
    """Return a host's facts: those given, or gathered now.

    Arguments:
        intent: desired state, from the inventory
        facts: by host name, from an earlier `get_facts`; None gathers them now
    """
    if facts is None:
        looked: Facts = get_facts(task, intent).result
        return looked
    return facts[task.host.name]


def _variables(cluster: Cluster, node: Node, scope: Scope) -> dict[str, str]:
    stats = node.haproxy.stats
    own = "127.0.0.1" if stats.bind in ANY_ADDRESSES else stats.bind
    return {
        "files": " ".join(MANAGED_PATHS),
        "folders": " ".join(("/", "/etc", *FOLDERS)),
        "managed": " ".join(MANAGED_PATHS),
        "checked_file": CHECKED_FILE,
        "lock": "0",  # a look waits for no package manager
        "probed": "" if scope is Scope.OWN else "yes",
        "others": " ".join(_others(cluster, node)),
        "interface": node.interface,
        "watch": WATCH if node.vip.version == 4 else "",
        "vrids": " ".join(map(str, cluster.virtual_router_ids)),
        "address": str(node.address),
        "haproxy_socket": node.haproxy.socket,
        "vip": str(node.vip.ip),
        "also": " ".join(str(vip.ip) for vip in node.other_vips),
        "port": str(node.haproxy.port),
        "heard": heard_filter(cluster),
        "group": group_member(node),
        "ask_by_arp": " ".join(str(vip.ip) for vip in node.vips if vip.version == 4),
        "ask_by_ndp": " ".join(solicitation(vip.ip) for vip in node.vips if isinstance(vip, IPv6Interface)),
        "ca_file": HAPROXY_CA if node.apiserver_ca else "",
        "endpoint": node.endpoint,
        "served_at": with_port(node.vip.ip, node.haproxy.port),
        "authority": node.apiserver_ca or "",
        "whole": "yes" if scope is Scope.ALL else "",
        "apiservers": " ".join(map(str, node.apiservers)),
        "peers": " ".join(peer.haproxy_address for peer in cluster.peers(node)),
        "clients_check": _clients_check(node) if node.keepalived.tickle and scope is Scope.ALL else "",
        **_endpoint_clients(cluster, node, scope),
        "listener_places": " ".join(place for name in node.haproxy.listeners for place in node.places_of(name)),
        "stats_url": node.stats_url,
        "own_stats_url": f"http://{with_port(own, stats.port)}{stats.uri}",
        "stats_user": stats.user,
        "stats_login": _stats_login(stats),
    }


def _endpoint_clients(cluster: Cluster, node: Node, scope: Scope) -> dict[str, str]:
    elsewhere = (str(each) for each in node.apiservers if each.address != node.address)
    return {
        "kubeconfigs": " ".join((*KUBECONFIGS, *node.verify.kubeconfigs)) if scope is Scope.ALL else "",
        "direct": direct_filter(cluster, node) if scope is Scope.ALL else "",
        "elsewhere": " ".join(elsewhere),
    }


def _clients_check(node: Node) -> str:
    vips = (str(vip.ip) for vip in node.vips)
    return " ".join((CLIENTS, "check", node.haproxy.socket, str(node.haproxy.port), *vips))


def _others(cluster: Cluster, node: Node) -> list[str]:
    """Return the addresses that the node's own processes connect to: other nodes, and apiservers elsewhere."""
    addresses = (*(peer.address for peer in cluster.peers(node)), *(each.address for each in node.apiservers))
    return [str(address) for address in dict.fromkeys(addresses) if address != node.address]


def _stats_login(stats: Stats) -> str:
    """Return the stats page's login as curl's config quotes it; "" if the host keeps the password."""
    return "" if stats.is_kept_on_hosts else _curl_quoted(f"{stats.user}:{stats.password.get_secret_value()}")


def _curl_quoted(text: str) -> str:
    """Quote a value for curl's config file."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
