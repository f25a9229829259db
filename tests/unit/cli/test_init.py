"""`kube-ha init`: an inventory without anything to edit, and the steps after it in their order."""

import argparse
import io
import re
from ipaddress import ip_address
from pathlib import Path

import pytest
import yaml
from ruamel.yaml import YAML

from nornir_kube_ha.cli import main as cli
from nornir_kube_ha.cli.options.setup import apiservers, nodes, vip
from nornir_kube_ha.cli.selection import open_inventory
from nornir_kube_ha.intent import Cluster
from nornir_kube_ha.intent.names import AUTO_INTERFACE
from nornir_kube_ha.inventory.load import load_intent

GIVEN = ("--vip", "192.0.2.100", "--nodes", "lb-1=192.0.2.11,lb-2=192.0.2.12,lb-3=192.0.2.13")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBE_HA_STATS_PASSWORD", "correct-horse-battery")
    return tmp_path / "my cluster"


def cluster_of(folder: Path) -> Cluster:
    [cluster] = load_intent(open_inventory(folder)).clusters
    return cluster


def test_nothing_needs_an_edit(folder: Path) -> None:
    assert cli.main(["init", str(folder), *GIVEN]) == 0
    cluster = cluster_of(folder)
    assert [(node.name, str(node.address), node.role) for node in cluster.nodes] == [
        ("lb-1", "192.0.2.11", "master"),
        ("lb-2", "192.0.2.12", "backup"),
        ("lb-3", "192.0.2.13", "backup"),
    ]
    assert str(cluster.vip) == "192.0.2.100/24"
    assert cluster.nodes[0].endpoint == cluster.nodes[0].control_plane_endpoint == "192.0.2.100:8443"
    assert [str(each) for each in cluster.apiservers] == ["192.0.2.11:6443", "192.0.2.12:6443", "192.0.2.13:6443"]
    assert [each.name for each in cluster.apiservers] == ["lb-1", "lb-2", "lb-3"]
    assert cluster.nodes[0].interface == AUTO_INTERFACE
    assert open_inventory(folder).inventory.hosts["lb-3"].username == "root"


def test_all_may_be_given(folder: Path) -> None:
    options = ("--user", "admin", "--interface", "ens18", "--apiservers", "2001:db8::21,2001:db8::22")
    arguments = ["--vip", "2001:db8::100/56", "--nodes", "2001:db8::11,2001:db8::12", *options]
    assert cli.main(["init", str(folder), *arguments]) == 0
    cluster = cluster_of(folder)
    assert [node.name for node in cluster.nodes] == ["lb-1", "lb-2"]
    assert str(cluster.vip) == "2001:db8::100/56"
    assert cluster.nodes[0].endpoint == "[2001:db8::100]:8443"
    assert {(each.name, each.address) for each in cluster.apiservers} == {
        ("cp-1", ip_address("2001:db8::21")),
        ("cp-2", ip_address("2001:db8::22")),
    }
    assert {node.interface for node in cluster.nodes} == {"ens18"}
    assert open_inventory(folder).inventory.hosts["lb-1"].username == "admin"
    for file in folder.glob("*.yaml"):  # ruamel.yaml brings libyaml in some versions, and it is stricter
        assert yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)


def test_comments_of_the_example_stay_and_its_addresses_go(folder: Path) -> None:
    assert cli.main(["init", str(folder), *GIVEN]) == 0
    text = "".join(path.read_text() for path in folder.iterdir())
    assert "# Nornir replaces extras as a whole" in text
    assert "# a free address in the nodes' own network" in text
    assert "172.27." not in text
    assert "Put your own addresses here" not in text


def test_name_that_yaml_would_read_as_something_else(folder: Path) -> None:
    assert cli.main(["init", str(folder), "--vip", "192.0.2.100", "--nodes", "1e3=192.0.2.11,no=192.0.2.12"]) == 0
    assert [*YAML(typ="safe").load(folder / "hosts.yaml")] == ["1e3", "no"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--vip", "192.0.2.11", "--nodes", "192.0.2.11,192.0.2.12"], "the VIP must be an unused address"),
        (["--vip", "192.0.2.100", "--nodes", "192.0.2.11"], "has one node (lb-1)"),
        ([*GIVEN, "--interface", "no such interface"], "interface: 'no such interface'"),
        ([*GIVEN, "--user", "root; reboot"], "must be a user name"),
        (["--vip", "192.0.2.100"], "--nodes is missing"),
        (["--user", "admin"], "--vip and --nodes is missing"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_nothing_is_written_unless_all_is_valid(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert cli.main(["init", str(folder), *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not folder.exists()


@pytest.mark.parametrize(
    ("parse", "text", "words"),
    [
        (vip, "no-address", "expected an IP address, as 192.0.2.100, got 'no-address'"),
        (vip, "", "expected an IP address"),
        (nodes, "", "expected lb-1="),
        (nodes, "lb-1=lb-1.example.org", "expected an IP address"),
        (nodes, "=192.0.2.11", "expected NAME=ADDRESS, got '=192.0.2.11'"),
        (nodes, "a=192.0.2.11,a=192.0.2.12", "the name a is given twice"),
        (nodes, "192.0.2.11,192.0.2.11", "the address 192.0.2.11 is given twice"),
        (apiservers, ",", "expected cp-1="),
    ],
)
def test_value_that_cannot_be_parsed(parse: object, text: str, words: str) -> None:
    assert callable(parse)
    with pytest.raises(argparse.ArgumentTypeError, match=re.escape(words)):
        parse(text)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("192.0.2.100", "192.0.2.100/24"),
        ("192.0.2.100/26", "192.0.2.100/26"),
        ("192.0.2.100/32", "192.0.2.100/32"),
        ("2001:db8::100", "2001:db8::100/64"),
    ],
)
def test_prefix_length_of_a_vip(text: str, parsed: str) -> None:
    assert vip(text) == parsed


def test_what_is_missing_is_asked_for_at_a_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ("no-address", "192.0.2.100", "", "192.0.2.11,192.0.2.12", "", "ens18")
    monkeypatch.setattr("sys.stdin", Terminal("".join(f"{each}\n" for each in answers)))
    assert cli.main(["init", str(folder), "--user", "admin"]) == 0
    cluster = cluster_of(folder)
    assert str(cluster.vip) == "192.0.2.100/24"
    assert {node.interface for node in cluster.nodes} == {"ens18"}
    assert [each.name for each in cluster.apiservers] == ["lb-1", "lb-2"]
    out, err = capsys.readouterr()
    assert out == ""
    assert "got 'no-address'" in err
    assert err.count("VIP, a free address in the nodes' network: ") == 2
    assert "kube-apiservers, as cp-1=192.0.2.21 [the load balancers]: " in err
    assert "user who logs in" not in err  # it was given


def test_nothing_is_asked_where_all_that_is_needed_is_given(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(""))
    assert cli.main(["init", str(folder), *GIVEN]) == 0
    assert "[auto]" not in capsys.readouterr().err


def test_answers_that_end_too_early_write_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("192.0.2.100\n"))
    assert cli.main(["init", str(folder)]) == 2
    assert "the answers ended too early; nothing was written" in capsys.readouterr().err
    assert not folder.exists()


@pytest.mark.parametrize(("user", "login"), [("root", "true"), ("admin", "sudo -n true")])
def test_next_steps_are_complete_and_in_order(
    folder: Path, capsys: pytest.CaptureFixture[str], user: str, login: str
) -> None:
    assert cli.main(["init", str(folder), *GIVEN, "--user", user]) == 0
    where = f"'{folder}'"  # its name has a space
    assert re.findall(r"^  \d\. (.*)$", capsys.readouterr().err, re.MULTILINE) == [
        "export KUBE_HA_STATS_PASSWORD=...",
        f"kube-ha hostkeys enroll -i {where}",
        f"ssh -o UserKnownHostsFile='{folder}/known_hosts' {user}@192.0.2.11 {login}",
        f"kube-ha deploy -i {where} --dry-run --diff",
        f"kube-ha deploy -i {where}",
        f"kube-ha verify -i {where}",
    ]


def test_placeholders_are_to_be_replaced_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["init", str(folder)]) == 0
    steps = re.findall(r"^  \d\. (.*)$", capsys.readouterr().err, re.MULTILINE)
    assert steps[0] == f"$EDITOR '{folder}'/*.yaml"
    assert len(steps) == 7
