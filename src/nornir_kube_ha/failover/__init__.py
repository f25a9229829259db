"""What breaks and what it costs: faults, the client that measures, the arithmetic of outages, the limits. Pure."""
