"""As much of a NetBox as nornir-netbox asks for: the devices of an inventory, as NetBox's REST API shows them.

Run as `python -m tests.support.netbox INVENTORY COMMAND...`: serves an inventory of files on the loopback, and runs a
command that finds it by $NB_URL and $NB_TOKEN.
"""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from nornir_kube_ha.cli.selection import open_inventory
from nornir_kube_ha.inventory.merge import merged_data

TOKEN = "0123456789abcdef0123456789abcdef01234567"
SWITCH = "access-1"  # a device that is none of ours, as most are


def devices(inventory: Path) -> list[dict[str, Any]]:
    """The hosts of an inventory as devices, and one that is no host of ours."""
    found = [
        _device(number, host.name, str(host.hostname), {"kube_ha": _absolute(merged_data(host), inventory)})
        for number, host in enumerate(open_inventory(inventory).inventory.hosts.values(), start=1)
        if merged_data(host).get("cluster")
    ]
    return [*found, _device(99, SWITCH, "192.0.2.250", {"ntp_servers": ["192.0.2.1"]})]


def _absolute(data: dict[str, Any], inventory: Path) -> dict[str, Any]:
    if "apiserver_ca" in data:
        data["apiserver_ca"] = str((inventory / data["apiserver_ca"]).resolve())
    return data


def _device(number: int, name: str, address: str, context: dict[str, Any]) -> dict[str, Any]:
    """As NetBox 4 shows it; `role` and `cluster` are its own, and mean something else than ours."""
    return {
        "id": number,
        "url": f"http://netbox/api/dcim/devices/{number}/",
        "name": name,
        "device_type": {"id": 1, "manufacturer": {"id": 1, "slug": "acme"}, "slug": "server"},
        "role": {"id": 1, "name": "Load balancer", "slug": "load-balancer"},
        "tenant": None,
        "platform": {"id": 1, "name": "Debian", "slug": "linux"},
        "serial": "",
        "site": {"id": 1, "name": "Lab", "slug": "lab"},
        "status": {"value": "active", "label": "Active"},
        "primary_ip": {"id": number, "family": 4, "address": f"{address}/24"},
        "cluster": None,
        "config_context": context,
        "local_context_data": None,
        "tags": [],
        "custom_fields": {"rack_unit": number},
    }


def serve(found: list[dict[str, Any]]) -> ThreadingHTTPServer:
    """Answer on a free port of the loopback, in the background."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = self.headers.get("Authorization") == f"Token {TOKEN}"
            known = self.path.startswith("/api/dcim/devices/")
            body = {"count": len(found), "next": None, "previous": None, "results": found}
            self.send_response(403 if not allowed else 200 if known else 404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body if allowed and known else {"detail": "no"}).encode())

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> int:
    server = serve(devices(Path(sys.argv[1])))
    environment = os.environ | {"NB_URL": f"http://127.0.0.1:{server.server_port}", "NB_TOKEN": TOKEN}
    return subprocess.run(sys.argv[2:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
