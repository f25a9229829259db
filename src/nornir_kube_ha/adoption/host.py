"""One host's files, read: what they say in the inventory's words, and the virtual routers that they make."""

from dataclasses import dataclass

from nornir_kube_ha.adoption.draft import Draft
from nornir_kube_ha.adoption.haproxy_cfg.global_section import say_global
from nornir_kube_ha.adoption.haproxy_cfg.listener import Listener
from nornir_kube_ha.adoption.haproxy_cfg.proxies import Proxy, read_proxies
from nornir_kube_ha.adoption.haproxy_cfg.settings import say_haproxy
from nornir_kube_ha.adoption.note import Place
from nornir_kube_ha.adoption.routers import Conf, RouterSeen, read_conf, routers_of
from nornir_kube_ha.adoption.running import Running, unreadable
from nornir_kube_ha.errors import AdoptionError
from nornir_kube_ha.planning.foreign import cluster_in_header

MOST_ROUTERS = 64  # the inventory takes nine for a cluster


@dataclass(frozen=True, slots=True)
class HostSeen:
    """A host whose files were read.

    Arguments:
        running: what runs there
        draft: its settings
        proxies: sections of its haproxy.cfg files
        listener: that leads to apiservers
        conf: its keepalived.conf files
        routers: its virtual routers
        cluster: the cluster that kube-ha wrote its keepalived.conf for; None if kube-ha did not write it
    """

    running: Running
    draft: Draft
    proxies: tuple[Proxy, ...]
    listener: Listener
    conf: Conf
    routers: tuple[RouterSeen, ...]
    cluster: str | None

    @property
    def name(self) -> str:
        """Name in the adopted inventory."""
        return self.running.name

    def router(self, vrid: int) -> RouterSeen | None:
        """Return its virtual router with a VRID; None if there is none."""
        return next((each for each in self.routers if each.vrid == vrid), None)

    def holds(self, router: RouterSeen) -> bool:
        """Return whether the host has the VIPs of a router now."""
        return bool(router.addresses & {address.ip for _, address in self.running.addresses})


def read_host(running: Running) -> HostSeen:
    """Return what a host's files say.

    Arguments:
        running: what runs there

    Raises:
        AdoptionError: the files cannot be read, or lack an apiserver listener or a VIP
    """
    name = running.name
    for daemon, files in (("haproxy", running.haproxy), ("keepalived", running.keepalived)):
        if not files:
            raise AdoptionError(name, f"{daemon} loads no file: expected a host that runs haproxy and keepalived")
        if fault := unreadable(files):
            raise AdoptionError(name, fault)
    try:
        conf = read_conf(running.keepalived)
    except ValueError as error:
        raise AdoptionError(name, f"{error}. Correct the file: keepalived may not start with it") from error
    routers = routers_of(conf)
    if not routers:
        where = Place(running.keepalived[0].path)
        raise AdoptionError(name, f"expected a vrrp_instance with a virtual_ipaddress in {where}, got none")
    if len(routers) > MOST_ROUTERS:
        raise AdoptionError(
            name, f"{len(routers)} vrrp_instances with VIPs: more than {MOST_ROUTERS} cannot be adopted"
        )
    draft, proxies = Draft(running), read_proxies(running.haproxy)
    cluster = next(filter(None, (cluster_in_header(file.content) for file in running.keepalived)), None)
    if cluster is not None:
        draft.say("cluster", cluster, Place(running.keepalived[0].path, 1))
    say_global(draft, proxies)
    listener = say_haproxy(draft, proxies)
    return HostSeen(running, draft, proxies, listener, conf, routers, cluster)
