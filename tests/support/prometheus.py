"""Debian's Prometheus, as `./setup.sh prometheus` extracts it."""

from pathlib import Path

PROGRAMS = Path("/usr/local/lib/kube-ha-prometheus/usr/bin")


def program(name: str) -> str:
    """Path of `prometheus`, `promtool` or `prometheus-node-exporter`."""
    path = PROGRAMS / name
    assert path.exists(), f"{path} is missing: run `./setup.sh prometheus`, as `make test` does"
    return str(path)
