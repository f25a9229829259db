"""One address for a Kubernetes control plane: keepalived and haproxy, deployed and verified with Nornir."""
