"""What a host's own Kubernetes components do: which apiserver they name, and which one they are connected to."""
