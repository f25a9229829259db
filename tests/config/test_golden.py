"""The files of a node as each pair of daemons gets them, held in golden/ line by line.

golden/INTENT/HOST/haproxy-VERSION-keepalived-VERSION/ is the root of a host: `attributes` lists modes and owners of the
files, and below it each file lies at its own path. `ours` asks for nothing that has a default, `guide` for the guide's
values, `dual` for VIPs of both families, `ipv6` for IPv6 alone and multicast, `two` for two virtual routers,
`listeners` for further ports; their inventories are in inventory/. To write all of them anew after a template changed,
and then to read what `git diff` says of it:

    KUBE_HA_UPDATE_GOLDEN=1 .venv/bin/pytest tests/config
"""

import difflib
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nornir_kube_ha.cli.selection import open_inventory
from nornir_kube_ha.facts import Package, parse_facts
from nornir_kube_ha.facts.files import attributes
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import (
    CHECK_APISERVERS,
    CHECK_VRRP,
    CLIENTS,
    HAPROXY_CFG,
    KEEPALIVED_CONF,
    KEEPALIVED_DROP_IN,
    WATCH,
)
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.tasks import render_config

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
BARE = HERE.parent / "unit/data/facts-bare.txt"
NONCE = "0123456789abcdef"  # of that record
UPDATE = "KUBE_HA_UPDATE_GOLDEN"

INTENTS = ("ours", "guide", "dual", "ipv6", "two", "listeners")
HOSTS = ("lb-1", "lb-2")  # a master and a backup
BULLSEYE, BOOKWORM, TRIXIE = PAIRS = (("2.2.9", "2.1.5"), ("2.6.12", "2.2.7"), ("3.0.11", "2.3.3"))

Rendered = Callable[[str, str, str, str], tuple[ConfigFile, ...]]
Lines = set[str]


@pytest.fixture(scope="session")
def rendered() -> Rendered:
    """The files of a host of an intent, for versions of haproxy and keepalived."""
    nornirs = {intent: open_inventory(HERE / "inventory" / intent) for intent in INTENTS}
    intents = {intent: load_intent(nornir) for intent, nornir in nornirs.items()}

    def files(intent: str, host: str, haproxy: str, keepalived: str) -> tuple[ConfigFile, ...]:
        packages = {"haproxy": Package(haproxy), "keepalived": Package(keepalived)}
        facts = replace(parse_facts(BARE.read_text(encoding="utf-8"), NONCE), packages=packages)
        results = nornirs[intent].filter(name=host).run(render_config, intent=intents[intent], facts={host: facts})
        results.raise_on_error()
        found: tuple[ConfigFile, ...] = results[host][0].result
        return found

    return files


def folder(intent: str, host: str, haproxy: str, keepalived: str) -> Path:
    return GOLDEN / intent / host / f"haproxy-{haproxy}-keepalived-{keepalived}"


def golden(root: Path) -> dict[str, str]:
    """All files below a folder, by path; `attributes` by its name."""
    return {
        f"/{path.relative_to(root)}" if path.parent != root else path.name: path.read_text(encoding="utf-8")
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def write(root: Path, files: dict[str, str]) -> None:
    shutil.rmtree(root, ignore_errors=True)
    for name, content in files.items():
        path = root / name.removeprefix("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


@pytest.mark.parametrize(("haproxy", "keepalived"), PAIRS)
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("intent", INTENTS)
def test_files_are_the_golden_ones(
    rendered: Rendered, intent: str, host: str, *, haproxy: str, keepalived: str
) -> None:
    files = rendered(intent, host, haproxy, keepalived)
    now = {file.path: file.content for file in files if file.path != CLIENTS}  # which is its template, as it stands
    now["attributes"] = "".join(f"{attributes(file)} {file.path}\n" for file in files)
    root = folder(intent, host, haproxy, keepalived)
    if UPDATE in os.environ:
        write(root, now)
    assert now == golden(root)


def test_every_golden_file_is_rendered() -> None:
    roots = {folder(intent, host, *pair) for intent in INTENTS for host in HOSTS for pair in PAIRS}
    assert set(GOLDEN.glob("*/*/*")) == roots


def changes(old: str, new: str) -> tuple[Lines, Lines]:
    """Lines that only the one text has, and lines that only the other has."""
    lines = list(difflib.ndiff(old.splitlines(), new.splitlines()))
    return (
        {line[2:].strip() for line in lines if line[0] == "-"},
        {line[2:].strip() for line in lines if line[0] == "+"},
    )


NOTHING: tuple[Lines, Lines] = (set(), set())


def between(intent: str, host: str, old: tuple[str, str], new: tuple[str, str]) -> dict[str, tuple[Lines, Lines]]:
    """What differs from the files for one pair of daemons to those for another, by path."""
    before, after = golden(folder(intent, host, *old)), golden(folder(intent, host, *new))
    assert before.keys() == after.keys()
    return {path: found for path in before if (found := changes(before[path], after[path])) != NOTHING}


LENGTHENED = "# This keepalived always counts 3 lost adverts, so they are further apart."
IN_TMP = "# This keepalived writes its state to /tmp, where any user could create that file (keepalived#1048)."
ELSEWHERE = (
    "# Where keepalived writes its state for `verify`: in /tmp any user could create that file (keepalived#1048)."
)
ASKED_FIRST = {".if feature(PROMEX)", ".endif"}  # known from 2.4 on
REQUIRED = {
    "ours": {  # down_timer_adverts is known from 2.2.4 on, TMPDIR from 2.2.7 at the latest
        KEEPALIVED_CONF: ({LENGTHENED, "advert_int 0.1"}, {"advert_int 0.05", "down_timer_adverts 16"}),
        HAPROXY_CFG: (set(), ASKED_FIRST),
        KEEPALIVED_DROP_IN: (
            {IN_TMP, "PrivateTmp=yes"},
            {
                *(ELSEWHERE, "Environment=TMPDIR=/run/keepalived-kube-ha"),
                *("RuntimeDirectory=keepalived-kube-ha", "RuntimeDirectoryMode=0700"),
            },
        ),
    },
    "guide": {
        KEEPALIVED_CONF: ({LENGTHENED}, {"down_timer_adverts 3"}),
        HAPROXY_CFG: ({"nbproc 1"}, set()),  # asked for, and refused from 2.5 on
    },
}
REQUIRED |= dict.fromkeys(("dual", "ipv6", "two", "listeners"), REQUIRED["ours"])


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("intent", INTENTS)
def test_files_differ_only_where_versions_require_it(intent: str, host: str) -> None:
    assert between(intent, host, BULLSEYE, BOOKWORM) == REQUIRED[intent]
    assert between(intent, host, BOOKWORM, TRIXIE) == {}


WAIT = (
    "ExecStartPre=/bin/sh -c 'tries=150; until ip -oneline address show to {0} -tentative 2>/dev/null "
    "| grep -q .; do tries=$$((tries - 1)); [ $$tries -gt 0 ] || "
    '{{ echo "this host has no address {0} yet"; exit 1; }}; '
    "sleep 0.2; done'"
)
OWN = "own=$(ip -oneline address show to {0}) || exit"


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_master_and_backup_differ_only_where_a_role_requires_it(pair: tuple[str, str]) -> None:
    master, backup = (golden(folder("ours", host, *pair)) for host in HOSTS)
    differing = {path: changes(master[path], backup[path]) for path in master if master[path] != backup[path]}
    assert differing == {  # with the peers go the nodes that are asked whether they serve
        KEEPALIVED_CONF: (
            {"router_id lb-1", "priority 180", "unicast_src_ip 192.0.2.11", "192.0.2.12"},
            {"router_id lb-2", "priority 120", "unicast_src_ip 192.0.2.12", "192.0.2.11"},
        ),
        CHECK_APISERVERS: (
            {
                "serving=$(for each in 192.0.2.11:8443 192.0.2.12:8443 192.0.2.13:8443; do",
                'case $serving in "" | *" 192.0.2.11:8443"*) ;; *) verdict=1 ;; esac',
            },
            {
                "serving=$(for each in 192.0.2.12:8443 192.0.2.11:8443 192.0.2.13:8443; do",
                'case $serving in "" | *" 192.0.2.12:8443"*) ;; *) verdict=1 ;; esac',
            },
        ),
        HAPROXY_CFG: (
            {"localpeer lb-1", "server lb-1", "server lb-2 192.0.2.12:8444"},
            {"localpeer lb-2", "server lb-2", "server lb-1 192.0.2.11:8444"},
        ),
        KEEPALIVED_DROP_IN: ({WAIT.format("192.0.2.11")}, {WAIT.format("192.0.2.12")}),
        CHECK_VRRP: ({OWN.format("192.0.2.11")}, {OWN.format("192.0.2.12")}),
    }


EXCLUDED = "# VIPs of the other family, which adverts cannot name. They follow the same election as those above."
NOTIFY = 'notify "/etc/keepalived/kube-ha-clients notify /run/haproxy-admin.sock 8443'
NO_SOURCE = (
    "# preferred_lft 0: the holder's own connections do not start from the VIP, since they would break at a move."
)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_further_vips_change_what_carries_them_and_nothing_else(pair: tuple[str, str]) -> None:
    one, several = (golden(folder(intent, "lb-1", *pair)) for intent in ("ours", "dual"))
    differing = {path: changes(one[path], several[path]) for path in one if one[path] != several[path]}
    assert differing == {
        HAPROXY_CFG: (
            {"bind 0.0.0.0:8443", "bind 0.0.0.0:10080", "bind 0.0.0.0:8444"},
            {
                *("bind [::]:8443 v4v6", "bind [::]:10080 v4v6", "bind [::]:8444 v4v6"),
                *("acl to_vip dst 192.0.2.20", "acl to_vip dst 2001:db8::10"),
            },
        ),
        KEEPALIVED_CONF: (
            {f'{NOTIFY} 192.0.2.10"'},
            {
                f'{NOTIFY} 192.0.2.10 192.0.2.20 2001:db8::10"',
                *("192.0.2.20/32", "2001:db8::10/64 preferred_lft 0"),
                *("virtual_ipaddress_excluded {", "}", EXCLUDED, NO_SOURCE),
            },
        ),
        KEEPALIVED_DROP_IN: (
            set(),
            {
                "ExecStopPost=-/bin/sh -c 'ip address flush dev eth0 to 192.0.2.20 2>/dev/null'",
                "ExecStopPost=-/bin/sh -c 'ip address flush dev eth0 to 2001:db8::10 2>/dev/null'",
            },
        ),
    }


def instances(text: str) -> dict[str, set[str]]:
    """The lines of each `vrrp_instance`, by its name."""
    found = re.findall(r"^vrrp_instance (\S+) \{\n(.*?)^\}$", text, re.MULTILINE | re.DOTALL)
    return {name: {line.strip() for line in body.splitlines()} for name, body in found}


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize(("host", "own", "further"), [("lb-1", 180, 120), ("lb-2", 120, 180)])
def test_a_further_virtual_router_is_the_first_but_for_what_is_its_own(
    pair: tuple[str, str], host: str, own: int, further: int
) -> None:
    one, two = (golden(folder(intent, host, *pair)) for intent in ("ours", "two"))
    assert {path for path in one if one[path] != two[path]} == {HAPROXY_CFG, KEEPALIVED_CONF, KEEPALIVED_DROP_IN, WATCH}
    gone, _ = changes(one[KEEPALIVED_CONF], two[KEEPALIVED_CONF])
    assert not gone
    found = instances(two[KEEPALIVED_CONF])
    assert [*found] == ["VI-kube-master", "VI-kube-master-69"]
    assert found["VI-kube-master"] == instances(one[KEEPALIVED_CONF])["VI-kube-master"]
    first, second = found.values()
    assert first - second == {
        *(f"priority {own}", "virtual_router_id 68", "192.0.2.10/32", "vip_released", "vip_wanted"),
        f'{NOTIFY} 192.0.2.10"',
    }
    assert second - first == {
        *(f"priority {further}", "virtual_router_id 69", "192.0.2.20/32", "vip_released-69", "vip_wanted-69"),
        f'{NOTIFY} 192.0.2.20"',
    }


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_further_listeners_add_sections_and_change_nothing_else(pair: tuple[str, str]) -> None:
    one, more = (golden(folder(intent, "lb-1", *pair)) for intent in ("ours", "listeners"))
    assert {path for path in one if one[path] != more[path]} == {HAPROXY_CFG}
    gone, new = changes(one[HAPROXY_CFG], more[HAPROXY_CFG])
    assert not gone
    assert {line for line in new if line.startswith(("listen ", "bind "))} == {
        *("listen ingress-http", "listen ingress-https", "listen konnectivity"),
        *("listen machine-config", "listen registry", "bind 0.0.0.0:80", "bind 0.0.0.0:443"),
        *("bind 0.0.0.0:8132", "bind 0.0.0.0:22623", "bind 0.0.0.0:5000"),
    }
