"""Turns Nornir's inventory into the intent: validates its files, merges its levels, and decides login options."""

from nornir_kube_ha.inventory.load import load_intent

__all__ = ["load_intent"]
