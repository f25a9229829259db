"""A stats page whose password nobody gives: the first deploy makes one up, and each later one finds it on the hosts."""

from rig.lab import HOSTS, Lab, on_all
from ruamel.yaml import YAML

AUTH = "grep 'stats auth' /etc/haproxy/haproxy.cfg"


def test_password_is_generated_once_and_the_same_everywhere(deployed: Lab) -> None:
    path, yaml = deployed.inventory / "defaults.yaml", YAML()
    tree = yaml.load(path)
    tree["data"]["haproxy"]["stats"] = {"generate_password": True, "user": "noc"}
    yaml.dump(tree, path)
    before = on_all(deployed, AUTH)
    first = deployed.deploy("--output", "json", "--diff")
    first.must_be_green()
    kept = on_all(deployed, AUTH)
    [line] = {*kept.values()}
    assert "'noc:" in line
    assert line not in before.values()
    password = line.strip().removesuffix("'").partition(":")[2]
    assert password not in first.stdout + first.stderr
    again = deployed.deploy("--output", "json")
    assert (again.status, again.report["changed"], again.red_checks()) == (0, False, {}), again.stdout
    alone = deployed.deploy("--output", "json", "--limit", HOSTS[1])
    assert (alone.status, alone.report["changed"]) == (0, False), alone.stdout
