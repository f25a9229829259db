"""The examples of README.md and docs/embedding.md in somebody's own Nornir, as they are written there."""

import re
import sys
from pathlib import Path

from rig.lab import HOSTS, ROOT, Lab, on_all

CONFIG = """
inventory:
  plugin: SimpleInventory
  options: {{host_file: {0}/hosts.yaml, group_file: {0}/groups.yaml, defaults_file: {0}/defaults.yaml}}
logging: {{enabled: false}}
"""


def examples(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def run(lab: Lab, folder: Path, example: str) -> str:
    """What an example prints, run in a folder with the configuration file that it names."""
    (folder / "config.yaml").write_text(CONFIG.format(lab.inventory))
    (folder / "example.py").write_text(f"import os\nos.chdir({str(folder)!r})\n{example}")
    done = lab.kube_ha("lab", "exec", "--lab", lab.name, "--", sys.executable, str(folder / "example.py"))
    assert done.status == 0, done.stdout + done.stderr
    return done.stdout


def balances_by_source(lab: Lab) -> bool:
    return all("balance source" in said for said in on_all(lab, "cat /etc/haproxy/haproxy.cfg").values())


def test_the_readmes_deploy_makes_hosts_what_the_inventory_says(deployed: Lab, tmp_path: Path) -> None:
    [example] = examples("README.md")
    deployed.set("haproxy.balance", "source")
    assert run(deployed, tmp_path, example) == "True ['lb-1', 'lb-2', 'lb-3']\n"
    assert balances_by_source(deployed)


def test_runbooks_of_the_page_run_and_report(deployed: Lab, tmp_path: Path) -> None:
    example, _ = examples("docs/embedding.md")
    more = (
        "print([(fault.name, fault.outcome in {'passed', 'missed'}) for fault in report.faults])"  # limits: elsewhere
    )
    assert run(deployed, tmp_path, f"{example}\n{more}\n") == "[('haproxy-kill', True), ('link-down', True)]\n"
    for host in HOSTS:  # `haproxy.stable` would warn of the kill for ten minutes, in other tests too
        deployed.run(host, "systemctl restart haproxy")
        deployed.await_healthy()
    deployed.bring_vip_home()


def test_tasks_make_hosts_what_the_inventory_says(deployed: Lab, tmp_path: Path) -> None:
    _, example = examples("docs/embedding.md")
    deployed.set("haproxy.balance", "source")
    run(deployed, tmp_path, example)
    assert balances_by_source(deployed)
    assert not deployed.deploy("--output", "json").report["changed"]
