"""Red Hat Enterprise Linux 8 and later, what is rebuilt from it, and Fedora."""

from types import MappingProxyType

from nornir_kube_ha.planning.package_managers.model import Family


class Dnf(Family):
    """dnf, over rpm; `yum` is its other name.

    What its units lack was read in what Enterprise Linux is built from: SOURCES/haproxy.service and SPECS/haproxy.spec
    of openela-main/haproxy, and in keepalived's unit as EL hosts show it.
    """

    name = "dnf"
    commands = ("dnf", "yum")
    names = MappingProxyType({"iputils-arping": "iputils", "iputils-ping": "iputils", "python3-minimal": "python3"})
    haproxy_service = (
        "Restart=always",
        "RuntimeDirectory=haproxy",  # for a socket in /run/haproxy, which nobody makes there
        "BindReadOnlyPaths=-/dev/log:/var/lib/haproxy/dev/log",  # the worker is locked in, and logs all the same
    )
    # Its own is `process`: a child that does not see its parent's end would keep the VIP.
    keepalived_service = ("KillMode=control-group",)
