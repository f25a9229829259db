"""Secrets of any daemon's files leave no trace, and everything else stays byte for byte."""

import time

import pytest
from rig.lab import ROOT
from rig.samples import PASSWORD

from nornir_kube_ha.snapshots import STATS, VRRP, Hiding, revealed

GOLDEN = ROOT / "tests/config/golden"
SECRET = "s3cr-t0"
LINES = (
    f"stats auth admin:{SECRET}",
    f"stats auth 'admin:{SECRET}'  # the page",
    f'stats auth "admin:{SECRET}"',
    f"stats auth admin:{SECRET}#x",
    f"user joe insecure-password {SECRET}",
    f"user joe password $5${SECRET} groups ops",
    f"user joe insecure-password '{SECRET} and more'",
    f"auth_pass {SECRET}",
    f'auth_pass "{SECRET}',
    f'http-check send hdr Authorization "Basic {SECRET}=="',
    rf"option httpchk GET / HTTP/1.1\r\nAuthorization:\ Bearer\ {SECRET}123",
    rf"tcp-check send AUTH\ {SECRET}\r\n",
    f"quic-cluster-secret {SECRET}",
    f'script "/usr/bin/mysql -u root -p{SECRET} -e x"',
    f"script curl -u bob:{SECRET} https://192.0.2.1/",
    f"server-state http://bob:{SECRET}@192.0.2.1/",
    f"$DB_PASSWORD={SECRET}",
    f'Environment="API_TOKEN={SECRET}"',
    f"# the old password: {SECRET}",
    f"setenv BACKEND_SECRET {SECRET}",
    f"user a password {SECRET}1; user b password {SECRET}2",
    f"-----BEGIN EC PRIVATE KEY-----\n{SECRET}\n-----END EC PRIVATE KEY-----",
    f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n",
)
INNOCENT = (
    "# Accept adverts of peers only: VRRP version 3 has no passwords.",
    "    auth_type PASS",
    "    http-request auth realm ops unless { http_auth(ops) }",
    "# The password is kept elsewhere",
    "    option httpchk GET /readyz",
    "    bind 192.0.2.10:8443 ssl crt /etc/haproxy/site.pem",
    "mkdir -p /run/kube-ha",
)


@pytest.mark.parametrize("line", LINES)
def test_secret_is_hidden_and_its_place_can_be_filled(line: str) -> None:
    hidden = Hiding().hide(f"a\n  {line}\nb\n", {})
    assert SECRET not in hidden
    assert hidden.startswith("a\n")
    assert hidden.endswith("b\n") or "BEGIN PRIVATE" in line
    assert revealed(hidden, lambda _: "other").count("kube-ha-hidden") == 0


@pytest.mark.parametrize("line", INNOCENT)
def test_other_lines_stay(line: str) -> None:
    assert Hiding().hide(f"{line}\n", {}) == f"{line}\n"


def test_our_own_files_lose_their_passwords_only() -> None:
    paths = [path for path in GOLDEN.rglob("*") if path.is_file()]
    assert len(paths) > 100
    for path in paths:
        text = path.read_text()
        hidden = Hiding().hide(text, {PASSWORD: STATS})
        assert PASSWORD not in hidden
        assert revealed(hidden, {STATS: PASSWORD}.__getitem__) == text, path


def test_one_value_has_one_placeholder_everywhere() -> None:
    hiding = Hiding()
    first = hiding.hide("auth_pass abc\n", {})
    assert hiding.hide("user x insecure-password 'abc'", {}) == f"user x insecure-password '{first.split()[1]}'"
    assert hiding.hide("auth_pass abd\n", {}) != first


def test_known_secret_has_its_name_and_is_found_anywhere() -> None:
    known = {"long-enough": STATS, "1111": VRRP, "of-a-login": ""}
    hidden = Hiding().hide("auth_pass 1111\nmaxconn 1111\nx long-enough y of-a-login", known)
    assert hidden == (f"auth_pass kube-ha-hidden-{VRRP}\nmaxconn 1111\nx kube-ha-hidden-{STATS} y kube-ha-hidden-1")


@pytest.mark.parametrize(
    "part",
    ["a-", "mysql ", "password ", '"', '\\"', "'\"", "token=", "a://", " -u", "stats auth ", "AUTH\\ ", 'pwd"', "pwd "],
)
def test_hostile_file_takes_seconds_at_most(part: str) -> None:
    begun = time.monotonic()
    Hiding().hide(part * (1_000_000 // len(part)), {})
    Hiding().hide((part + " " * 1000) * 900, {})
    assert time.monotonic() - begun < 20
