"""The hosts' root images, their package pools, and a real control plane's programs."""
