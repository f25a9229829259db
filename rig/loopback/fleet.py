"""A fleet on the loopback: one SSH server that answers for any number of hosts, each as a real one was recorded.

Run as `python -m rig.loopback.fleet FOLDER HOSTS`: writes the inventory of so many hosts to a folder, then serves them
until its standard input ends. Hosts print what Debian hosts of the lab printed, with other addresses, and with the
files that the inventory asks for.
"""

import base64
import re
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import paramiko
from nornir import InitNornir
from nornir.core import Nornir
from ruamel.yaml import YAML

from nornir_kube_ha.facts import Package, parse_facts
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.tasks import render_config
from rig.loopback.sshserver import Answer, SSHServer
from rig.samples import DATA, NONCE, PASSWORD

RECORDS = ("facts-master", "facts-backup", "facts-other-backup")
ROLES = ("master", "backup", "backup")
RECORDED = "192.0.2."
CLOCK = re.compile(rf"^(@{NONCE} clock(?:_end)?\n).*$", re.MULTILINE)
OF = re.compile(r"^(NONCE|ADDRESS)=(\S+)$", re.MULTILINE)


def inventory_of(folder: Path, hosts: int, port: int) -> None:
    """Write an inventory of clusters of three, on one SSH server."""
    count = hosts // len(RECORDS)
    clusters = [f"cluster-{number:03}" for number in range(count)]
    groups = {
        name: {
            "data": {
                "cluster": name,
                "vip": f"{_network(number)}10/24",
                "virtual_router_id": 68,
                "apiservers": [{"name": f"lb-{each}", "address": f"{_network(number)}1{each}"} for each in range(1, 4)],
            }
        }
        for number, name in enumerate(clusters)
    }
    members = {
        f"{name}-lb-{each + 1}": {
            "hostname": "127.0.0.1",
            "groups": [name],
            "data": {"role": ROLES[each], "address": f"{_network(number)}1{each + 1}"},
        }
        for number, name in enumerate(clusters)
        for each in range(len(RECORDS))
    }
    defaults = {
        "platform": "linux",
        "port": port,
        "username": "root",
        "connection_options": {"netmiko": {"extras": {"use_keys": True, "key_file": str(folder / "key")}}},
        "data": {
            "interface": "eth0",
            "apiserver_ca": str(DATA / "ca.crt"),
            "haproxy": {"stats": {"password": PASSWORD}},
            "verify": {"from_controller": False},
        },
    }
    for name, tree in (("hosts", members), ("groups", groups), ("defaults", defaults)):
        YAML(typ="safe").dump(tree, folder / f"{name}.yaml")


def _network(number: int) -> str:
    return f"10.{number // 250}.{number % 250}."


def answers(folder: Path) -> dict[str, str]:
    """What each host prints, by its address."""
    files = {"host_file": "hosts.yaml", "group_file": "groups.yaml", "defaults_file": "defaults.yaml"}
    options = {key: str(folder / name) for key, name in files.items()}
    nornir = InitNornir(inventory={"plugin": "SimpleInventory", "options": options}, logging={"enabled": False})
    rendered = _rendered(nornir)
    records = [(DATA / f"{name}.txt").read_text(encoding="utf-8") for name in RECORDS]
    found = {}
    for number, (name, own) in enumerate(rendered.items()):
        address = str(nornir.inventory.hosts[name]["address"])
        record = records[number % len(RECORDS)].replace(RECORDED, f"{address.rpartition('.')[0]}.")
        found[address] = "".join(_with_files(record, own))
    return found


def _rendered(nornir: Nornir) -> dict[str, Mapping[str, ConfigFile]]:
    packages = {"haproxy": Package("2.6.12"), "keepalived": Package("2.2.7")}
    seen = replace(parse_facts((DATA / "facts-bare.txt").read_text(encoding="utf-8"), NONCE), packages=packages)
    results = nornir.run(render_config, intent=load_intent(nornir), facts=dict.fromkeys(nornir.inventory.hosts, seen))
    results.raise_on_error()
    return {name: {file.path: file for file in result[0].result} for name, result in results.items()}


def _with_files(record: str, files: Mapping[str, ConfigFile]) -> Iterator[str]:
    """A record, with these files in the place of those that it has."""
    for section in re.split(rf"(?m)(?=^@{NONCE} )", record):
        kind = section.partition("\n")[0].split(" ")[1:2]
        if kind == ["run_folder"]:  # what comes behind the files
            for path, file in files.items():
                size = len(file.content.encode())
                yield f"@{NONCE} file {path} {file.mode} {file.owner} {file.group} 1795415317 {size}\n\n"
            contents = "\n".join(f"==> {path} <==\n{file.content}" for path, file in files.items())
            yield f"@{NONCE} contents\n{base64.encodebytes(contents.encode()).decode()}\n"
        if kind not in (["file"], ["contents"]):
            yield section


def serve(folder: Path, hosts: int) -> None:
    """Write the inventory, say that all is there, and answer until nobody wants answers any more."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    server = SSHServer(paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate())
    server.login.write_private_key_file(str(folder / "key"))
    known = f"[127.0.0.1]:{server.port} {server.key.get_name()} {server.key.get_base64()}\n"
    (folder / "known_hosts").write_text(known, encoding="utf-8")
    inventory_of(folder, hosts, server.port)
    looks = answers(folder)

    def answer(script: str) -> Answer:
        server.scripts.clear()
        server.transports[:] = [each for each in server.transports if each.is_active()]
        asked = dict(OF.findall(script))
        look = CLOCK.sub(rf"\g<1>{time.time():.9f}", looks[asked["ADDRESS"]])
        return 0, look.replace(NONCE, asked["NONCE"]).encode(), b""

    server.answer = answer
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.close()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
