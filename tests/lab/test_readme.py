"""The README's example of the tasks in somebody's own Nornir, as it is written there."""

import re
import sys
from pathlib import Path

from rig.lab import ROOT, Lab, on_all

CONFIG = """
inventory:
  plugin: SimpleInventory
  options: {{host_file: {0}/hosts.yaml, group_file: {0}/groups.yaml, defaults_file: {0}/defaults.yaml}}
logging: {{enabled: false}}
"""


def test_tasks_make_hosts_what_the_inventory_says(deployed: Lab, tmp_path: Path) -> None:
    [example] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "config.yaml").write_text(CONFIG.format(deployed.inventory))
    (tmp_path / "example.py").write_text(f"import os\nos.chdir({str(tmp_path)!r})\n{example}")
    deployed.set("haproxy.balance", "source")
    done = deployed.kube_ha("lab", "exec", "--lab", deployed.name, "--", sys.executable, str(tmp_path / "example.py"))
    assert done.status == 0, done.stdout + done.stderr
    assert all("balance source" in said for said in on_all(deployed, "cat /etc/haproxy/haproxy.cfg").values())
    assert not deployed.deploy("--output", "json").report["changed"]
