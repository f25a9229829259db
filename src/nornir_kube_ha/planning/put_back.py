"""The intent that kept files stand for. A rollback is checked against these, not against the inventory."""

from collections.abc import Collection, Mapping
from ipaddress import ip_interface

from nornir_kube_ha.daemons import VRRPInstanceConf, parse_haproxy_cfg, parse_keepalived_conf
from nornir_kube_ha.intent import Cluster, Intent, Node, VirtualRouter
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF, VRRP_INSTANCE


def intent_of(intent: Intent, files: Mapping[str, Collection[ConfigFile]]) -> Intent:
    """Return the intent with the VIPs, VRIDs and admin socket of kept files instead of the inventory's.

    The nodes of a cluster share these values. They come from the cluster's first node that goes back.

    Arguments:
        intent: the intent of the inventory
        files: kept files by host name
    """
    return Intent(tuple(_cluster(cluster, files) for cluster in intent.clusters))


def _cluster(cluster: Cluster, files: Mapping[str, Collection[ConfigFile]]) -> Cluster:
    kept = next((files[node.name] for node in cluster.nodes if node.name in files), ())
    contents = {file.path: file.data for file in kept}
    return Cluster(cluster.name, tuple(_node(cluster, node, contents) for node in cluster.nodes))


def _node(cluster: Cluster, node: Node, contents: Mapping[str, bytes]) -> Node:
    changes: dict[str, object] = {}
    if socket := parse_haproxy_cfg(contents.get(HAPROXY_CFG, b"")).admin_socket:
        changes["haproxy"] = node.haproxy.model_copy(update={"socket": socket})
    if found := _ours(contents.get(KEEPALIVED_CONF, b"")):
        own, *further = found
        vip, *additional = map(ip_interface, own.addresses)
        # Kept files do not say which node is the master now.
        changes["keepalived"] = node.keepalived.model_copy(update={"preempt": False})
        changes |= {
            "vip": vip,
            "additional_vips": tuple(additional),
            "virtual_router_id": int(own.virtual_router_id),
            "virtual_routers": tuple(_further(cluster, each) for each in further),
        }
    return node.model_copy(update=changes)


def _ours(content: bytes) -> list[VRRPInstanceConf]:
    """Return the instances of our keepalived.conf, the cluster's own first; empty if any is unreadable."""
    found = {each.name: each for each in parse_keepalived_conf(content).vrrp_instances}
    own = found.pop(VRRP_INSTANCE, None)
    if own is None:
        return []
    every = [own, *(each for name, each in found.items() if name == f"{VRRP_INSTANCE}-{each.virtual_router_id}")]
    return every if all(map(_can_be_read, every)) else []


def _can_be_read(instance: VRRPInstanceConf) -> bool:
    try:
        return bool([*map(ip_interface, instance.addresses)]) and 0 < int(instance.virtual_router_id) < 256
    except ValueError:
        return False


def _further(cluster: Cluster, instance: VRRPInstanceConf) -> VirtualRouter:
    vip, *additional = instance.addresses
    number = int(instance.virtual_router_id)
    masters = {router.virtual_router_id: router.master for router in cluster.routers}
    return VirtualRouter(
        virtual_router_id=number,
        vip=ip_interface(vip),
        additional_vips=tuple(map(ip_interface, additional)),
        master=masters.get(number, cluster.master.name),
    )
