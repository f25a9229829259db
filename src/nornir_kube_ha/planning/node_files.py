"""Render the files of a load balancer from the intent, within the features of its daemon versions."""

from collections.abc import Callable
from typing import Any

from nornir_kube_ha.intent import CHECK_SCRIPT, Cluster, Login, Node, Router
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import (
    CHECK_APISERVERS,
    CHECK_VRRP,
    CHECKED_FILE,
    CLIENTS,
    CLIENTS_TABLE,
    HAPROXY_CA,
    HAPROXY_CFG,
    HAPROXY_DOWN_FILE,
    HAPROXY_DROP_IN,
    KEEPALIVED_CONF,
    KEEPALIVED_DROP_IN,
    KEEPALIVED_RUN_FOLDER,
    LAST_RESORT,
    LISTENER,
    METRICS_PATH,
    METRICS_USERS,
    MOST_REMEMBERED,
    REMEMBERED,
    RUN_FOLDER,
    TMPFILES,
    UNWATCHED_FILE,
    VIP_RELEASED_FILE,
    VIP_WANTED_FILE,
    VRRP_DEAF_FILE,
    VRRP_INSTANCE,
    VRRP_MAC,
    WATCH,
)
from nornir_kube_ha.planning.package_managers import UNKNOWN, Family
from nornir_kube_ha.versions import Features

Render = Callable[[str, dict[str, Any]], str]
"""Renders the named template with the given values."""


def config_files(
    cluster: Cluster, node: Node, features: Features, render: Render, family: Family = UNKNOWN
) -> tuple[ConfigFile, ...]:
    """Return every file of a node, sorted by path.

    Arguments:
        cluster: the node's cluster
        node: the node
        features: features of its daemon versions
        render: renders a template
        family: package manager of the host; its units may need extra drop-in lines
    """
    values = _values(cluster, node, features, family)
    files = [
        ConfigFile(HAPROXY_CFG, render("haproxy.cfg.j2", values), "0640", "root", node.haproxy.group),
        ConfigFile(KEEPALIVED_CONF, render("keepalived.conf.j2", values), "0600"),
        ConfigFile(CHECK_SCRIPT, render("check-haproxy.j2", values), "0755"),
    ]
    if node.apiserver_ca:
        files.append(ConfigFile(HAPROXY_CA, node.apiserver_ca))
    if _watches_apiservers(node):
        files.append(ConfigFile(CHECK_APISERVERS, render("check-apiservers.j2", values), "0755"))
    if node.keepalived.events:
        files += [
            ConfigFile(HAPROXY_DROP_IN, render("haproxy.service.conf.j2", values)),
            ConfigFile(KEEPALIVED_DROP_IN, render("keepalived.service.conf.j2", values)),
            ConfigFile(CHECK_VRRP, render("check-vrrp.j2", values), "0755"),
            ConfigFile(TMPFILES, render("tmpfiles.conf.j2", values)),
        ]
    if node.keepalived.tickle:
        files.append(ConfigFile(CLIENTS, render("clients.py", values), "0755"))
    if _is_watched(node):
        files.append(ConfigFile(WATCH, render("watch.nft.j2", values)))
    return tuple(sorted(files, key=lambda file: file.path))


def _values(cluster: Cluster, node: Node, features: Features, family: Family) -> dict[str, Any]:
    """Return what templates may use."""
    return {
        "node": node.model_copy(update={"login": Login()}),  # a custom template must not be able to print credentials
        "haproxy": node.haproxy,
        "keepalived": node.keepalived,
        "peers": tuple(peer.model_copy(update={"login": Login()}) for peer in cluster.peers(node)),
        "features": features,
        "haproxy_service_lines": family.haproxy_service,
        "keepalived_service_lines": family.keepalived_service,
        "ca_path": HAPROXY_CA if node.apiserver_ca else None,
        "check_vrrp": CHECK_VRRP if node.keepalived.events else None,
        "checked_file": CHECKED_FILE,
        "vrrp_deaf_file": VRRP_DEAF_FILE,
        "watch": WATCH if _is_watched(node) else None,
        "vrrp_mac": VRRP_MAC,
        "remembered": REMEMBERED,
        "most_remembered": MOST_REMEMBERED,
        "unwatched_file": UNWATCHED_FILE,
        "raw_sockets": "/proc/net/raw6" if node.vip.version == 6 else "/proc/net/raw",
        "keepalived_run_folder": KEEPALIVED_RUN_FOLDER,
        "check_apiservers": CHECK_APISERVERS if _watches_apiservers(node) else None,
        "haproxy_down_file": HAPROXY_DOWN_FILE,
        "run_folder": RUN_FOLDER,
        "listener": LISTENER,
        "listener_sources": {name: cluster.sources_of(name) for name in node.haproxy.listeners},
        "last_resort": LAST_RESORT,
        "metrics_path": METRICS_PATH,
        "metrics_users": METRICS_USERS,
        "clients": CLIENTS if node.keepalived.tickle else None,
        "clients_table": CLIENTS_TABLE,
        "routers": tuple(_rendered(cluster, node, router) for router in cluster.routers),
    }


def _rendered(cluster: Cluster, node: Node, router: Router) -> dict[str, object]:
    """Return a virtual router's template values on a node."""
    place = cluster.place(node, router).keepalived
    return {
        "vrrp_instance": router.name(VRRP_INSTANCE),
        "virtual_router_id": router.virtual_router_id,
        "state": place.state,
        "priority": place.priority,
        "vips": router.vips,
        "advertised_vips": router.advertised_vips,
        "carried_vips": router.carried_vips,
        "vip_released": router.name("vip_released"),
        "vip_released_file": router.name(VIP_RELEASED_FILE),
        "vip_wanted": router.name("vip_wanted"),
        "vip_wanted_file": router.name(VIP_WANTED_FILE),
    }


def _is_watched(node: Node) -> bool:
    """Return whether the kernel records the VRRP routers that it hears.

    IPv4 only. Switches with MLD snooping do not flood the IPv6 group, and `ip maddress add` sends no MLD report.
    """
    return node.vip.version == 4 and node.keepalived.events


def _watches_apiservers(node: Node) -> bool:
    """Return whether keepalived tracks a script that reads haproxy's view of the apiservers."""
    return node.keepalived.yield_when_blind or node.haproxy.shutdown_sessions
