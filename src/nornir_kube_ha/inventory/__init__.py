"""The edge: Nornir's inventory in, intent out. Files are looked over, levels merged, logins decided."""

from nornir_kube_ha.inventory.load import load_intent

__all__ = ["load_intent"]
