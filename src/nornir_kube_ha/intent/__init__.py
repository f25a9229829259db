"""The intended state: the inventory as frozen, validated values, independent of where they came from."""

from nornir_kube_ha.intent.cluster import Cluster
from nornir_kube_ha.intent.fields import Settings, weakness_of
from nornir_kube_ha.intent.haproxy import ANY_ADDRESS, Apiserver, HAProxy, Stats
from nornir_kube_ha.intent.intent import Intent
from nornir_kube_ha.intent.keepalived import CHECK_SCRIPT, FOREMOST, HINDMOST, Keepalived
from nornir_kube_ha.intent.listeners.settings import Backend, Listener
from nornir_kube_ha.intent.login import Login
from nornir_kube_ha.intent.node import Node
from nornir_kube_ha.intent.router import Router, VirtualRouter
from nornir_kube_ha.intent.template import Template

__all__ = [
    "ANY_ADDRESS",
    "CHECK_SCRIPT",
    "FOREMOST",
    "HINDMOST",
    "Apiserver",
    "Backend",
    "Cluster",
    "HAProxy",
    "Intent",
    "Keepalived",
    "Listener",
    "Login",
    "Node",
    "Router",
    "Settings",
    "Stats",
    "Template",
    "VirtualRouter",
    "weakness_of",
]
