"""Logins of a user who is not root, on real hosts: through real sudo, and each refusal by its own name, and soon."""

import time

import pytest
from rig.lab import HOSTS, Lab, on_all
from rig.users import DEMAND_PASSWORD, LET_IN, PASSWORD, REMOVE, allow

SOON = 10  # seconds
TRIES = "journalctl --boot --identifier sudo --output cat | grep -c 'incorrect password' || true"


def refusal(lab: Lab) -> tuple[str, str]:
    """Type and words of what a verify says of the first host; it must come soon, and be nothing else's."""
    begun = time.monotonic()
    completed = lab.runbook("verify", "--output", "json")
    assert time.monotonic() - begun < SOON
    assert completed.status == 6, completed.stdout + completed.stderr
    errors = [host["error"] for host in completed.report["hosts"].values()]
    kinds = {error["type"] for error in errors}
    assert len(kinds) == 1, errors
    [kind] = kinds
    return kind, errors[0]["message"]


@pytest.mark.parametrize("rule", [LET_IN, DEMAND_PASSWORD], ids=["no password", "password"])
def test_everything_goes_by_sudo(ops: Lab, rule: str) -> None:
    allow(ops, rule, password=PASSWORD)
    if rule == DEMAND_PASSWORD:
        ops.set("login.sudo_password", PASSWORD)
    ops.set("haproxy.balance", "source")
    ops.set("keepalived.garp_master_refresh", 30)
    completed = ops.deploy("--output", "json")
    assert completed.status == 0, completed.stdout + completed.stderr
    assert {host["changed"] for host in completed.report["hosts"].values()} == {True}
    assert ops.runbook("verify").status == 0
    again = ops.deploy("--output", "json")
    assert again.status == 0
    assert not again.report["changed"]
    assert not any(PASSWORD in said for said in on_all(ops, "journalctl --boot --output cat").values())


def test_wrong_password_is_tried_once(ops: Lab) -> None:
    allow(ops, DEMAND_PASSWORD, password=PASSWORD)
    ops.set("login.sudo_password", "another")
    before = on_all(ops, TRIES)
    kind, words = refusal(ops)
    assert kind == "SudoRefusedError"
    assert "incorrect password" in words
    assert {int(now) - int(before[host]) for host, now in on_all(ops, TRIES).items()} == {1}


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ((DEMAND_PASSWORD,), "a password is required; set login.sudo_password, or NOPASSWD in sudoers"),
        ((LET_IN, "Defaults:ops requiretty"), "you must have a tty to run sudo"),
        (("ops ALL=(ALL) NOPASSWD: /usr/bin/id",), "a password is required"),
    ],
    ids=["none given", "requiretty", "another command"],
)
def test_sudo_that_refuses_says_why(ops: Lab, rules: tuple[str, ...], words: str) -> None:
    allow(ops, *rules, password=PASSWORD)
    kind, message = refusal(ops)
    assert kind == "SudoRefusedError"
    assert words in message


def test_password_that_has_expired_is_called_so(ops: Lab) -> None:
    allow(ops, LET_IN, password=PASSWORD)
    on_all(ops, "chage --lastday 0 ops")
    assert refusal(ops)[0] == "PasswordExpiredError"


def test_unknown_user_is_refused(ops: Lab) -> None:
    on_all(ops, REMOVE)
    kind, words = refusal(ops)
    assert kind == "LoginRefusedError"
    assert "login as ops" in words


def test_keys_of_all_hosts_are_known_and_those_of_a_new_one_enrolled(deployed: Lab) -> None:
    known = deployed.inventory / "known_hosts"
    groups = deployed.inventory / "groups.yaml"
    text = groups.read_text()
    path = next(line.split(": ")[1] for line in text.splitlines() if "alt_key_file:" in line)
    groups.write_text(text.replace(path, str(known)))
    assert deployed.runbook("verify").status == 6
    enrolled = deployed.kube_ha("hostkeys", "enroll", "-i", str(deployed.inventory), "--yes")
    assert enrolled.status == 0, enrolled.stderr
    assert [line.split()[0] for line in enrolled.stdout.splitlines()] == list(HOSTS)
    assert enrolled.stdout.count("SHA256:") == len(HOSTS)
    assert deployed.runbook("verify").status == 0
