"""What should be: the inventory as frozen, checked values. Nothing here knows where the values came from."""

from nornir_kube_ha.intent.cluster import Cluster, Intent
from nornir_kube_ha.intent.fields import Settings
from nornir_kube_ha.intent.haproxy import Apiserver, HAProxy
from nornir_kube_ha.intent.keepalived import CHECK_SCRIPT, Keepalived
from nornir_kube_ha.intent.node import Node

__all__ = ["CHECK_SCRIPT", "Apiserver", "Cluster", "HAProxy", "Intent", "Keepalived", "Node", "Settings"]
