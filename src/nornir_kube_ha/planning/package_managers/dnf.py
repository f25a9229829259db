"""Red Hat Enterprise Linux 8 and later, its rebuilds, and Fedora."""

from types import MappingProxyType

from nornir_kube_ha.planning.package_managers.model import Family


class Dnf(Family):
    """dnf over rpm; `yum` is an alias.

    The unit lines come from SOURCES/haproxy.service and SPECS/haproxy.spec of openela-main/haproxy, and from
    keepalived's unit on EL hosts.
    """

    name = "dnf"
    commands = ("dnf", "yum")
    names = MappingProxyType({"iputils-arping": "iputils", "iputils-ping": "iputils", "python3-minimal": "python3"})
    haproxy_service = (
        "Restart=always",
        "RuntimeDirectory=haproxy",  # the admin socket is in /run/haproxy, which EL does not create
        "BindReadOnlyPaths=-/dev/log:/var/lib/haproxy/dev/log",  # lets the chrooted worker log
    )
    # EL's unit has `process`, with which a child that misses its parent's end would keep the VIP.
    keepalived_service = ("KillMode=control-group",)
