"""Failover tests: the faults, the probe client, the arithmetic of outages, and the limits. Only the probe does I/O."""
