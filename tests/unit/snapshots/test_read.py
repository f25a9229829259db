"""A snapshot's file may be cut off, of another version, or made to do harm: each gets a clear error."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.inventory.recorded import read_snapshot
from nornir_kube_ha.snapshots import Production, SeenHost, SeenNode, parse_snapshot, to_text

FILE = {"path": "/etc/haproxy/haproxy.cfg", "mode": "0640", "owner": "root", "group": "haproxy", "text": "global\n"}
HOST: dict[str, Any] = {
    "os": "Debian GNU/Linux 12 (bookworm)",
    "interface": "eth0",
    "holds": [],
    "packages": {"haproxy": "2.6.12-1"},
    "files": [FILE],
    "differs": [],
    "units": {"haproxy": {"active": True, "enabled": True, "masked": False}},
    "listeners": [{"address": "[::]", "port": 80, "process": "nginx"}],
    "not_recorded": [],
}


def whole() -> dict[str, Any]:
    node = SeenNode(hostname="192.0.2.11", platform="linux", data={"cluster": "demo"}, ca="")
    host = SeenHost.model_validate(HOST)
    hosts = {"lb-1": host}
    seen = Production(taken=datetime.now(UTC), taken_by="x", inventory={"lb-1": node}, hosts=hosts, not_seen={})
    tree: dict[str, Any] = json.loads(to_text(seen))
    return tree


def test_what_is_written_is_read_back() -> None:
    seen = parse_snapshot(json.dumps(whole()), "f")
    assert json.loads(to_text(seen)) == whole() | {"taken": json.loads(to_text(seen))["taken"]}


def put(*keys: str | int, value: object) -> Callable[[dict[str, Any]], None]:
    def change(tree: Any) -> None:  # noqa: ANN401 - JSON
        *places, last = keys
        for key in places:
            tree = tree[key]
        tree[last] = value

    return change


WRONG: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "another version": (put("version", value=2), "version 1 of the snapshot's format"),
    "another file": (put("format", value="report"), "that `kube-ha snapshot` wrote"),
    "path outside": (put("hosts", "lb-1", "files", 0, "path", value="/etc/haproxy/../passwd"), "files.0.path"),
    "path of others": (put("hosts", "lb-1", "files", 0, "path", value="/root/.ssh/authorized_keys"), "files.0.path"),
    "owner with a command": (put("hosts", "lb-1", "files", 0, "owner", value="root; reboot"), "files.0.owner"),
    "mode": (put("hosts", "lb-1", "files", 0, "mode", value="a+s"), "files.0.mode"),
    "address with a command": (put("hosts", "lb-1", "listeners", 0, "address", value="$(reboot)"), "listeners.0"),
    "port": (put("hosts", "lb-1", "listeners", 0, "port", value=0), "listeners.0.port"),
    "process with a newline": (put("hosts", "lb-1", "listeners", 0, "process", value="a\nb"), "listeners.0.process"),
    "unit of others": (put("hosts", "lb-1", "units", "ssh", value={}), "units.ssh"),
    "unknown key": (put("hosts", "lb-1", "run", value="reboot"), "hosts.lb-1.run"),
    "name that is a path": (put("inventory", "../../etc", value={}), "inventory"),
    "host without a node": (put("hosts", "lb-9", value=HOST), "lb-9"),
    "time without a zone": (put("taken", value="2026-12-01T00:00:00"), "taken"),
    "no hosts": (put("hosts", value=[]), "hosts"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_file_is_refused_with_its_place(what: str) -> None:
    change, words = WRONG[what]
    tree = whole()
    change(tree)
    with pytest.raises(UsageError) as caught:
        parse_snapshot(json.dumps(tree), "seen.json")
    assert words in str(caught.value)
    assert str(caught.value).startswith("seen.json: expected")
    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)


NO_SNAPSHOTS = ("", "{", "[]", "null", "[" * 100_000, '{"a":' * 100_000, "\x00", json.dumps(whole())[:-30])


@pytest.mark.parametrize("text", NO_SNAPSHOTS, ids=range(len(NO_SNAPSHOTS)))
def test_text_that_is_no_snapshot_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^f: expected"):
        parse_snapshot(text, "f")


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(2**40)  # sparse
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe")
    for path in (huge, binary, tmp_path, tmp_path / "missing", Path("/dev/zero")):
        with pytest.raises(UsageError, match="cannot be read"):
            read_snapshot(path)
