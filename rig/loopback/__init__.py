"""Servers on the loopback that stand in for hosts, or for the way to them."""
