"""Configuration files that somebody else has written."""

from dataclasses import replace

from nornir_kube_ha.facts import Facts
from nornir_kube_ha.facts.files import FileFact

WEB = b"""\
global
    log /dev/log local0
defaults
    mode tcp
frontend "web" # bind :81
\tbind *:80,[::]:80 name x
    default_backend b
listen mqtt 0.0.0.0:1883
    bind unix@/run/x.sock
backend b
    server s 127.0.0.1:9
"""
VIP_77 = b"""\
! somebody else's
global_defs { router_id x }
vrrp_instance "VI 1"
{
    virtual_router_id 51 # not ours
    virtual_ipaddress
    {
        192.0.2.77/24 dev eth0 label eth0:1
    }
}
vrrp_instance VI_2 {
    virtual_router_id 52
    unicast_peer {
        192.0.2.12
        2001:db8::12 min_ttl 255
    }
    virtual_ipaddress { 192.0.2.78 }
    virtual_ipaddress_excluded {
        2001:db8::78/64
    }
}
"""


def with_file(facts: Facts, path: str, content: bytes, **changes: object) -> Facts:
    """A host with another file, and what else is said."""
    file = FileFact(path, "0644", "root", "root", content)
    return replace(facts, files={**facts.files, path: file}, **changes)  # type: ignore[arg-type]
