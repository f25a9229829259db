"""What a host says is read once and within bounds, whatever it says: each parser against shapes made to keep it busy.

The clock is the processor's own: a machine that is busy otherwise costs nothing.
"""

import json
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

import pytest
from tests.support.changes import Hosts

from nornir_kube_ha.checks import ALL, check_host, foreign_routers
from nornir_kube_ha.checks.haproxy import stats_password
from nornir_kube_ha.daemons import HAProxyCfg, KeepalivedConf, parse_haproxy_cfg, parse_keepalived_conf
from nornir_kube_ha.facts import Facts, parse_facts
from nornir_kube_ha.facts.files import FileFact
from nornir_kube_ha.firewall.managers import parse_firewall
from nornir_kube_ha.firewall.ruleset import parse_ruleset
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.planning.diff import diff, masked
from nornir_kube_ha.planning.foreign import cluster_in_header
from nornir_kube_ha.planning.generated_password import kept_passwords
from nornir_kube_ha.planning.generations import parse_files, parse_generations
from nornir_kube_ha.planning.lease import Holder
from nornir_kube_ha.planning.vrrp_compatibility import differences
from nornir_kube_ha.rollout.preflight import blockers
from nornir_kube_ha.sections import sections_of
from nornir_kube_ha.tasks.lease import find_holder
from nornir_kube_ha.versions import upstream_version

LONG = 200_000  # characters; what is read twice for each is noticed well before a megabyte
SOON = 1.0  # seconds of the processor
NONCE = "0123456789abcdef"
SHAPES: Mapping[str, str] = {
    "newlines": "\n" * LONG,
    "blanks": " " * LONG,
    "blank lines": " \n" * (LONG // 2),
    "carriage returns": "\r\n" * (LONG // 2),
    "one line": "x" * LONG,
    "NULs": "\0" * LONG,
    "no UTF-8": "\udcff" * (LONG // 2),
    "instances": "vrrp_instance x{\n" * 6000,
    "instances of VRIDs": "".join(f"vrrp_instance x {{\nvirtual_router_id {each}\n" for each in range(6000)),
    "scripts": "vrrp_script " * (LONG // 12),
    "an instance without a brace": "vrrp_instance " + "x" * LONG,
    "closed instances": "vrrp_instance x {\n virtual_router_id 7\n}\n" * 6000,
    "braces": "{" * LONG,
    "addresses": "vrrp_instance x {\n" + "virtual_ipaddress {\n" * 8000,
    "keyword and blanks": "vrrp_instance x {\ninterface" + " " * LONG,
    "logins": "stats auth a:b\n" * 12_000,
    "login and blanks": "stats auth" + " " * LONG,
    "logins and newlines": "stats auth\n" * 18_000,
    "a long login": "stats auth '" + "a:b " * (LONG // 4),
    "quotes": 'stats auth "' + "'" * LONG,
    "quotes of both kinds": "\"a' " * (LONG // 4),
    "words of binds": "frontend x\n bind " + "1," * (LONG // 2),
    "secrets": "auth_pass " * (LONG // 10),
    "secret and blanks": "auth_pass" + " " * LONG,
    "brackets": "[" * LONG,
    "objects": '{"a":' * (LONG // 5),
    "digits": "9" * LONG,
    "versions": "1." * (LONG // 2),
    "rules": "rule priority=" * (LONG // 14),
    "ufw": "ufw allow comment '" * (LONG // 19),
    "nft": 'insert rule x comment "kube-ha: ' * (LONG // 32),
    "generations": f"\n@{NONCE} generation 1 2 3" * (LONG // 40) + f"\n@{NONCE} end\n",
    "sections": f"\n@{NONCE} file" * (LONG // 23),
    "held": f"@{NONCE} held\n" + "run " * (LONG // 4) + f"\n@{NONCE} end\n",
}
CONF = "vrrp_instance VI {\n virtual_router_id 51\n interface eth0\n virtual_ipaddress {\n 192.0.2.10/24\n }\n}\n"


def of(path: str, text: str) -> FileFact:
    return FileFact(path, "0600", "root", "root", text.encode(errors="surrogateescape"))


def conf(text: str) -> KeepalivedConf:
    """Parsed anew each time, or only the first of them would take its time."""
    return parse_keepalived_conf.__wrapped__(text.encode(errors="surrogateescape"))


def cfg(text: str) -> HAProxyCfg:
    return parse_haproxy_cfg.__wrapped__(text.encode(errors="surrogateescape"))


def parsers(intent: Intent, view: Hosts, facts: Facts) -> Mapping[str, Callable[[str], object]]:
    node, cluster = intent.node("lb-1"), intent.clusters[0]

    def with_file(path: str, text: str) -> Facts:
        return replace(facts, files={**facts.files, path: of(path, text)})

    return {
        "VRIDs": lambda text: conf(text).virtual_router_ids,
        "scripts": lambda text: conf(text).scripts,
        "differences": lambda text: differences(conf(text), conf(CONF)),
        "differences, turned": lambda text: differences(conf(CONF), conf(text)),
        "foreign haproxy.cfg": lambda text: [str(each) for each in cfg(text).sections],
        "logins of haproxy.cfg": lambda text: [*cfg(text).logins],
        "ports of haproxy.cfg": lambda text: (cfg(text).ports, cfg(text).peers_ports),
        "foreign keepalived.conf": lambda text: (conf(text).does, conf(text).assigned, conf(text).tracks_files),
        "header": lambda text: cluster_in_header(text.encode(errors="surrogateescape")),
        "masked": lambda text: masked(text, node),
        "diff": lambda text: diff(of(HAPROXY_CFG, text), ConfigFile(HAPROXY_CFG, "global\n\n" * 100), node),
        "logins": lambda text: stats_password(view(change=lambda _: with_file(HAPROXY_CFG, text))),
        "kept": lambda text: [*kept_passwords(cluster, {"lb-1": with_file(HAPROXY_CFG, text)})],
        "checks": lambda text: check_host(view(change=lambda _: with_file(KEEPALIVED_CONF, text))),
        "firewalld": lambda text: parse_firewall("firewalld", "", text, text),
        "ufw": lambda text: parse_firewall("ufw", "", text, text),
        "nftables": lambda text: parse_firewall("nftables", "", text, text, text),
        "ruleset": parse_ruleset,
        "version": upstream_version,
        "generations": lambda text: parse_generations(text, NONCE),
        "files": lambda text: parse_files(text, NONCE),
        "sections": lambda text: sections_of(text, NONCE),
        "holder": lambda text: find_holder(sections_of(text, NONCE)),
        "lease": Holder.parse,
        "facts": lambda text: parse_facts(text, NONCE),
    }


@pytest.mark.field_report(
    "G3",
    "found by trial",
    "nothing reads what a host says",
    "a megabyte of anything is read in a moment or refused in words",
)
@pytest.mark.parametrize("shape", SHAPES)
def test_anything_is_read_soon(intent: Intent, host_view: Hosts, healthy: dict[str, Facts], shape: str) -> None:
    for name, parse in parsers(intent, host_view, healthy["lb-1"]).items():
        begun = time.process_time()
        with suppress(ValueError):
            parse(SHAPES[shape])
        assert time.process_time() - begun < SOON, name


def test_chains_that_jump_twice_to_the_next_are_walked_soon(host_view: Hosts) -> None:
    def chain(number: int, **base: object) -> list[dict[str, object]]:
        where = {"family": "inet", "table": "filter"}
        jump = {"jump": {"target": f"c{number + 1}"}}
        rules = [{"rule": {**where, "chain": f"c{number}", "handle": each, "expr": [jump]}} for each in (1, 2)]
        return [{"chain": {**where, "name": f"c{number}", **base}}, *rules]  # type: ignore[list-item] # JSON

    items: list[dict[str, object]] = [{"table": {"family": "inet", "name": "filter"}}]
    items += chain(0, hook="input", prio=0, policy="drop", type="filter")
    for number in range(1, 60):
        items += chain(number)
    begun = time.process_time()
    check_host(host_view(change=lambda facts: replace(facts, packet_filter=json.dumps({"nftables": items}))))
    assert time.process_time() - begun < SOON


def spoiled(text: str, dice: random.Random) -> str:
    """Recorded facts with some of their words, lines or characters changed."""
    lines = text.split("\n")
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(lines))
        line, words = lines[place], lines[place].split(" ")
        lines[place] = dice.choice(
            [
                line[: len(line) // 2],
                line.replace(dice.choice(words), dice.choice(["", "-1", "1e999", "null", "\0", "[]", "9" * 30]) or "x"),
                line + dice.choice([",", '"', "}", " x y z", "\ud800"]),
                "",
                line if line.startswith("@") else dice.choice(["\x1b[2J", "=", "a,b", "{}", "[[[["]),
            ]
        )
    return "\n".join(lines)


@pytest.mark.field_report("G4")
@pytest.mark.parametrize("seed", range(60))
def test_what_is_odd_costs_a_finding_or_the_hosts_own_row(
    host_view: Hosts, recorded: Callable[[str], str], intent: Intent, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 - the same each time
    try:
        facts = parse_facts(spoiled(recorded("facts-master"), dice), NONCE)
    except ValueError:
        return
    view = host_view(change=lambda _: facts)
    assert {each.id for each in check_host(view)} <= ALL
    assert not any("the check itself raised" in each.seen for each in check_host(view))
    [*blockers(intent.clusters[0], intent.node("lb-1"), {"lb-1": facts})]
    foreign_routers(view)
