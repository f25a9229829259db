"""How a change goes over hosts: staged and judged on all, then swapped host by host, each behind a gate."""
