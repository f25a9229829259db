"""What an inventory may not say. Each error names host, key and value, and what would be right; all come at once."""

from collections.abc import Callable
from typing import Any, get_args

import pytest
from nornir.core import Nornir
from nornir.core.inventory import ConnectionOptions
from pydantic import ValidationError

from nornir_kube_ha.errors import Problem
from nornir_kube_ha.intent import Node
from nornir_kube_ha.intent.fields import Settings
from nornir_kube_ha.inventory.load import load_intent

NornirOf = Callable[..., Nornir]
ProblemsOf = Callable[[Nornir], tuple[Problem, ...]]
GOOD_APISERVER = {"address": "192.0.2.12"}
OTHER = {"cluster": "other", "vip": "192.0.2.20/24", "virtual_router_id": 69}


def section(**keepalived: object) -> dict[str, Any]:
    return {"keepalived": keepalived}


def haproxy(**settings: object) -> dict[str, Any]:
    return {"haproxy": settings}


@pytest.mark.parametrize(
    ("overrides", "host", "key", "words"),
    [
        # S6: the ports, and all the apiservers
        pytest.param(
            {"group": haproxy(port=6443)},
            "lb-1",
            "haproxy.port",
            ["6443", "apiserver lb-1", "set different ports"],
            id="S6-same-port",
        ),
        pytest.param(
            {"group": {"control_plane_endpoint": "192.0.2.10:6443"}},
            "lb-1",
            "control_plane_endpoint",
            ["192.0.2.10:6443", "port 8443"],
            id="S6-url-on-another-port",
        ),
        pytest.param(
            {"group": {"control_plane_endpoint": "k8s.example.org"}},
            "lb-1",
            "control_plane_endpoint",
            ["k8s.example.org", "port 8443"],
            id="S6-url-without-a-port",
        ),
        pytest.param(
            {"hosts": {"lb-2": {"apiservers": [{"name": "lb-1", "address": "192.0.2.11"}]}}},
            "lb-2",
            "apiservers",
            ["192.0.2.11:6443", "differs", "on lb-1", "cluster demo"],
            id="S6-not-all-apiservers",
        ),
        pytest.param(
            {"group": {"apiservers": []}},
            "lb-1",
            "apiservers",
            ["at least 1 item", "All kube-apiservers"],
            id="S6-no-apiserver",
        ),
        pytest.param(
            {"group": {"apiservers": [{"address": "192.0.2.11"}, {"address": "192.0.2.11", "name": "b"}]}},
            "lb-1",
            "apiservers",
            ["192.0.2.11:6443", "more than once"],
            id="S6-apiserver-twice",
        ),
        pytest.param(
            {"group": {"apiservers": [{"address": "192.0.2.11", "name": "a"}, {"address": "192.0.2.12", "name": "a"}]}},
            "lb-1",
            "apiservers",
            ["name a", "more than once"],
            id="S6-apiserver-name-twice",
        ),
        # S10: router_id, virtual_router_id, priority and weight
        pytest.param(
            {"group": section(router_id="lb")},
            "lb-2",
            "keepalived.router_id",
            ["lb is also lb-1's", "lb-2 needs its own"],
            id="S10-same-router-id",
        ),
        pytest.param(
            {
                "hosts": {
                    "lb-4": {"role": "master", **OTHER, **section(router_id="lb-1")},
                    "lb-5": {"role": "backup", **OTHER},
                }
            },
            "lb-4",
            "keepalived.router_id",
            ["lb-1 is also lb-1's"],
            id="S10-router-id-of-another-set",
        ),
        pytest.param(
            {
                "hosts": {
                    "lb-4": {"role": "master", **OTHER, "virtual_router_id": 68},
                    "lb-5": {"role": "backup", **OTHER, "virtual_router_id": 68},
                }
            },
            "lb-4",
            "virtual_router_id",
            ["68", "is also cluster demo's", "cluster other needs its own"],
            id="S10-vrid-of-another-set",
        ),
        pytest.param(
            {"hosts": {"lb-2": {"virtual_router_id": 69}}},
            "lb-2",
            "virtual_router_id",
            ["69 differs from 68 on lb-1", "cluster demo"],
            id="S10-vrid-differs-within-the-set",
        ),
        pytest.param(
            {"hosts": {"lb-2": section(priority=181)}},
            "lb-2",
            "keepalived.priority",
            ["181", "below the master's", "lb-1 has 180"],
            id="S10-backup-above-master",
        ),
        pytest.param(
            {"hosts": {"lb-3": section(priority=180)}, "group": section(preempt=True)},
            "lb-3",
            "keepalived.priority",
            ["180", "below the master's", "lb-1 has 180"],
            id="S10-backup-equals-master",
        ),
        pytest.param(
            {"group": section(preempt=True, check={"weight": -120})},
            "lb-1",
            "keepalived.check.weight",
            ["-120", "120 apart", "more than 120", "or 0"],
            id="S10-weight-equals-the-gap",
        ),
        pytest.param(
            {"group": section(preempt=True, check={"weight": 5})},
            "lb-1",
            "keepalived.check.weight",
            ["5", "120 apart", "more than 120"],
            id="S10-positive-weight-below-the-gap",
        ),
        pytest.param(
            {"group": section(preempt=True, check={"weight": 121})},
            "lb-1",
            "keepalived.check.weight",
            ["121 added to priority 180", "exceeds 254"],
            id="S10-weight-beyond-the-highest-priority",
        ),
        pytest.param(
            {"group": section(check={"weight": -121})},
            "lb-1",
            "keepalived.check.weight",
            ["-121 has no effect", "keepalived.preempt is false", "Set 0", "preempt: true"],
            id="S10-weight-without-preempt",
        ),
        pytest.param(
            {"hosts": {"lb-2": section(priority=60)}},
            "lb-3",
            "keepalived.priority",
            ["60 is also lb-2's", "without preempt", "its own"],
            id="S10-backups-equal-without-preempt",
        ),
        # S14: how many nodes
        pytest.param(
            {"hosts": {"lb-4": {"role": "master", **OTHER}}},
            "",
            "role",
            ["cluster other", "one node (lb-4)", "2 or more"],
            id="S14-one-node",
        ),
        pytest.param(
            {"hosts": {"lb-2": {"role": "master"}}},
            "",
            "role",
            ["cluster demo", "exactly one master", "lb-1, lb-2"],
            id="S14-two-masters",
        ),
        pytest.param(
            {"hosts": {"lb-1": {"role": "backup"}}},
            "",
            "role",
            ["cluster demo", "exactly one master", "none"],
            id="S14-no-master",
        ),
        # one value that cannot be
        pytest.param(
            {"group": {"vip": "192.0.2.10"}}, "lb-1", "vip", ["'192.0.2.10'", "192.0.2.10/24"], id="vip-no-prefix"
        ),
        pytest.param({"group": {"vip": "192.0.2.300/24"}}, "lb-1", "vip", ["'192.0.2.300/24'"], id="vip-no-address"),
        pytest.param(
            {"group": {"vip": "192.0.2.12/24"}},
            "lb-2",
            "vip",
            ["192.0.2.12", "own address", "unused address"],
            id="vip-of-a-node",
        ),
        pytest.param({"group": {"vip": 10}}, "lb-1", "vip", ["10"], id="vip-a-number"),
        pytest.param({"hosts": {"lb-3": {"address": 13}}}, "lb-3", "address", ["13"], id="address-a-number"),
        pytest.param(
            {"hosts": {"lb-3": {"address": "lb-3.example.org"}}},
            "lb-3",
            "address",
            ["'lb-3.example.org'", "IPv4 address"],
            id="address-a-name",
        ),
        pytest.param(
            {"hosts": {"lb-3": {"address": "192.0.2.11"}}},
            "lb-3",
            "address",
            ["192.0.2.11 is also lb-1's"],
            id="address-twice",
        ),
        pytest.param(
            {"hosts": {"lb-3": {"role": "slave"}}},
            "lb-3",
            "role",
            ["'slave'", "'master' or 'backup'"],
            id="role-unknown",
        ),
        pytest.param({"group": {"virtual_router_id": 0}}, "lb-1", "virtual_router_id", ["0", "1"], id="vrid-0"),
        pytest.param({"group": {"virtual_router_id": 256}}, "lb-1", "virtual_router_id", ["256", "255"], id="vrid-256"),
        pytest.param(
            {"group": {"interface": "a-name-of-16-byt"}}, "lb-1", "interface", ["a-name-of-16-byt"], id="interface-long"
        ),
        pytest.param({"group": haproxy(port=0)}, "lb-1", "haproxy.port", ["0", "1"], id="port-0"),
        pytest.param({"group": haproxy(port=65536)}, "lb-1", "haproxy.port", ["65536", "65535"], id="port-65536"),
        pytest.param(
            {"group": haproxy(port=10080)},
            "lb-1",
            "haproxy",
            ["10080", "also the stats page's port"],
            id="port-of-the-stats-page",
        ),
        pytest.param(
            {"group": haproxy(stats={"uri": "/metrics"})},
            "lb-1",
            "haproxy",
            ["/metrics", "metrics: false"],
            id="stats-page-where-the-metrics-are",
        ),
        pytest.param(
            {"group": haproxy(socket_level="operator")},
            "lb-1",
            "haproxy",
            ["operator", "set admin"],
            id="socket-level",
        ),
        pytest.param(
            {"group": haproxy(stats={"port": 6443})},
            "lb-1",
            "haproxy.stats.port",
            ["6443", "apiserver"],
            id="stats-on-6443",
        ),
        pytest.param(
            {"group": haproxy(peers_port=6443)},
            "lb-1",
            "haproxy.peers_port",
            ["6443", "apiserver"],
            id="peers-on-6443",
        ),
        pytest.param(
            {"group": haproxy(peers_port=10080)}, "lb-1", "haproxy", ["peers_port 10080"], id="peers-on-stats"
        ),
        pytest.param(
            {"group": haproxy(socket_level="user", shutdown_sessions=False)},
            "lb-1",
            "",
            ["keepalived.tickle", "socket_level user"],
            id="table-that-may-not-be-written",
        ),
        pytest.param({"group": haproxy(nbproc=2)}, "lb-1", "", ["keepalived.tickle", "nbproc"], id="many-processes"),
        pytest.param(
            {"group": {"keepalived": {"instance_lines": ["notify /root/mine"]}}},
            "lb-1",
            "keepalived",
            ["tickle uses `notify` itself", "notify_master"],
            id="another-notify",
        ),
        pytest.param({"group": haproxy(inter="1 s")}, "lb-1", "haproxy.inter", ["'1 s'"], id="duration-with-a-space"),
        pytest.param({"group": haproxy(inter=0)}, "lb-1", "haproxy.inter", ["'0'"], id="duration-0"),
        pytest.param(
            {"group": haproxy(timeouts={"check": "1w"})}, "lb-1", "haproxy.timeouts.check", ["'1w'"], id="duration-unit"
        ),
        *(
            pytest.param(
                {"group": haproxy(timeouts={"client": value})},
                "lb-1",
                "haproxy.timeouts.client",
                [f"'{value}'", "haproxy allows at most 24 days"],
                id=f"duration-{value}",
            )
            for value in ("2147483648", "25d", "2147484s", "9999999999m")
        ),
        pytest.param(
            {"group": haproxy(stats={"refresh": "24856d"})},
            "lb-1",
            "haproxy.stats.refresh",
            ["'24856d'", "haproxy allows at most 68 years"],
            id="refresh-too-seldom",
        ),
        pytest.param(
            {"group": haproxy(balance="best")}, "lb-1", "haproxy.balance", ["'best'", "'source'"], id="balance-unknown"
        ),
        pytest.param(
            {"group": haproxy(socket_mode="888")}, "lb-1", "haproxy.socket_mode", ["'888'"], id="mode-not-octal"
        ),
        pytest.param(
            {"group": section(advert_int=0.5, vrrp_version=2)},
            "lb-1",
            "keepalived",
            ["advert_int 0.5", "vrrp_version 3"],
            id="vrrp-2-in-fractions",
        ),
        pytest.param(
            {"group": section(advert_int=float("nan"))}, "lb-1", "keepalived.advert_int", ["nan"], id="advert-int-nan"
        ),
        pytest.param(
            {"group": section(preempt=False), "hosts": {"lb-1": section(state="MASTER")}},
            "lb-1",
            "keepalived",
            ["preempt: false", "state BACKUP"],
            id="nopreempt-master",
        ),
        pytest.param(
            {"group": section(timers="slow")}, "lb-1", "keepalived.timers", ["'slow'", "'fast'"], id="timers-unknown"
        ),
        pytest.param(
            {"group": section(timers="fast", vrrp_version=2)},
            "lb-1",
            "keepalived",
            ["advert_int 0.02", "vrrp_version 3"],
            id="vrrp-2-in-fast-fractions",
        ),
        pytest.param({"group": haproxy(fastinter="0")}, "lb-1", "haproxy.fastinter", ["'0'"], id="second-duration-0"),
        pytest.param(
            {"group": section(check={"interval": 0.25})},
            "lb-1",
            "keepalived.check.interval",
            ["0.25"],
            id="interval-a-fraction",
        ),
        pytest.param({"group": {"keepalived": None}}, "lb-1", "keepalived", ["dictionary"], id="section-empty"),
        pytest.param({"group": {"haproxy": "yes"}}, "lb-1", "haproxy", ["dictionary"], id="section-is-text"),
        pytest.param(
            {"group": {"apiserver_ca": "no-such.crt"}}, "lb-1", "apiserver_ca", ["no-such.crt"], id="ca-not-there"
        ),
        pytest.param(
            {"group": {"apiserver_ca": "facts-bare.txt"}},
            "lb-1",
            "apiserver_ca",
            ["certificates in PEM"],
            id="ca-no-pem",
        ),
        pytest.param({"group": {"lab": "Demo-1"}}, "lb-1", "lab", ["'Demo-1'"], id="lab-name"),
        pytest.param({"group": {"cluster": ["a", "b"]}}, "lb-1", "cluster", ["valid string"], id="cluster-a-list"),
        pytest.param({"group": {"foreign_keys": 5}}, "lb-1", "foreign_keys", ["list"], id="foreign-keys-a-number"),
        pytest.param({"group": {"foreign_keys": None}}, "lb-1", "foreign_keys", ["list"], id="foreign-keys-empty"),
        pytest.param({"group": {"foreign_keys": "my_vip"}}, "lb-1", "foreign_keys", ["list"], id="foreign-keys-text"),
        pytest.param({"group": {5: "five"}}, "lb-1", "5", ["strings"], id="key-a-number"),
    ],
)
def test_refused(
    nornir_of: NornirOf, problems_of: ProblemsOf, overrides: dict[str, Any], host: str, key: str, *, words: list[str]
) -> None:
    problems = [
        problem for problem in problems_of(nornir_of(**overrides)) if (problem.host, problem.key) == (host, key)
    ]
    assert len(problems) == 1, problems_of(nornir_of(**overrides))
    missing = [word for word in words if word not in problems[0].message]
    assert not missing, problems[0].message


@pytest.mark.parametrize(
    ("overrides", "hosts"),
    [
        ({"group": haproxy(port=6443), "hosts": {"lb-4": {"role": "backup"}}}, ["lb-1", "lb-2", "lb-3"]),
        ({"group": {**haproxy(port=6443), "apiservers": [{"address": "192.0.2.99"}]}}, []),
    ],
)
def test_ports_must_differ_only_where_both_share_a_node(
    nornir_of: NornirOf, overrides: dict[str, Any], hosts: list[str]
) -> None:
    nornir = nornir_of(**overrides)
    intent = None if hosts else load_intent(nornir)
    assert intent is None or intent.nodes[0].haproxy.port == 6443
    if hosts:
        with pytest.raises(ValueError, match="set different ports") as caught:
            load_intent(nornir)
        assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == hosts


@pytest.mark.parametrize(
    "overrides",
    [
        {"group": section(preempt=True, check={"weight": -121})},
        {"group": section(check={"weight": 0})},
        {"group": section(preempt=True, check={"weight": 0})},
        {
            "group": section(preempt=True, check={"weight": 12}),
            "hosts": {f"lb-{number}": section(priority=131 - number) for number in (1, 2, 3)},
        },
        {"group": section(preempt=True), "hosts": {"lb-2": section(priority=119), "lb-3": section(priority=119)}},
        # Routers of two networks never hear each other.
        {
            "hosts": {
                "lb-4": {"role": "master", "cluster": "far", "vip": "198.51.100.10/24", "address": "198.51.100.11"},
                "lb-5": {"role": "backup", "cluster": "far", "vip": "198.51.100.10/24", "address": "198.51.100.12"},
            }
        },
        {"group": {"control_plane_endpoint": "k8s.example.org:8443"}},
        {"group": {"apiservers": [{"address": "192.0.2.11"}, {"address": "192.0.2.11", "port": 6444, "name": "b"}]}},
    ],
)
def test_accepted(nornir_of: NornirOf, overrides: dict[str, Any]) -> None:
    assert load_intent(nornir_of(**overrides)).nodes


@pytest.mark.parametrize(
    ("overrides", "key", "nearest"),
    [
        ({"group": {"virtual_router_ids": 68}}, "virtual_router_ids", "virtual_router_id"),
        ({"group": {"interfce": "eth0"}}, "interfce", "interface"),
        ({"group": {"api_servers": []}}, "api_servers", "apiservers"),
        ({"group": haproxy(prt=1)}, "haproxy.prt", "port"),
        ({"group": haproxy(timeouts={"conect": "5s"})}, "haproxy.timeouts.conect", "connect"),
        ({"group": haproxy(stats={"admn": True})}, "haproxy.stats.admn", "admin"),
        ({"group": section(advert_interval=3)}, "keepalived.advert_interval", "advert_int"),
        ({"group": section(check={"wait": 1})}, "keepalived.check.wait", "weight"),
        (
            {"group": {"apiservers": [{"address": "192.0.2.11", "adress": "x"}, GOOD_APISERVER]}},
            "apiservers.0.adress",
            "address",
        ),
        (
            {"group": {"apiservers": [{"address": "192.0.2.11", "wieght": 2}, GOOD_APISERVER]}},
            "apiservers.0.wieght",
            "weight",
        ),
    ],
)
def test_unknown_key_is_refused_with_the_nearest_known_one(
    nornir_of: NornirOf, problems_of: ProblemsOf, overrides: dict[str, Any], key: str, nearest: str
) -> None:
    problems = problems_of(nornir_of(**overrides))
    assert [(problem.host, problem.key) for problem in problems] == [(host, key) for host in ("lb-1", "lb-2", "lb-3")]
    assert f"did you mean {nearest}?" in problems[0].message


def test_only_keys_of_the_top_level_can_be_foreign(nornir_of: NornirOf, problems_of: ProblemsOf) -> None:
    problems = problems_of(nornir_of(group={"rack": 3, "haproxy": {"rack": 3}}))
    assert ["foreign_keys" in problem.message for problem in problems if problem.host == "lb-1"] == [False, True]


@pytest.mark.parametrize("strict", [False, None, "true"])
def test_login_that_any_machine_could_answer_is_refused(
    nornir_of: NornirOf, problems_of: ProblemsOf, strict: object
) -> None:
    nornir = nornir_of()
    nornir.inventory.hosts["lb-2"].connection_options["netmiko"] = ConnectionOptions(extras={"ssh_strict": strict})
    [problem] = problems_of(nornir)
    assert (problem.host, problem.key) == ("lb-2", "connection_options.netmiko.extras.ssh_strict")
    assert f"{strict!r} would accept any machine as this host" in problem.message
    nornir.inventory.hosts["lb-2"].data["host_keys"] = "insecure-accept-any"
    assert load_intent(nornir).node("lb-2").host_keys == "insecure-accept-any"


def test_extras_that_are_no_mapping_are_refused(nornir_of: NornirOf, problems_of: ProblemsOf) -> None:
    nornir = nornir_of()
    extras: Any = ["ssh_strict"]  # YAML may
    nornir.inventory.hosts["lb-2"].connection_options["netmiko"] = ConnectionOptions(extras=extras)
    [problem] = problems_of(nornir)
    assert "must be a mapping" in problem.message


def test_foreign_keys_are_left_alone(nornir_of: NornirOf) -> None:
    nornir = nornir_of(group={"rack": 3, "vlans": [1], "foreign_keys": ["rack", "vlans", "not-there"]})
    assert len(load_intent(nornir).nodes) == 3


def test_name_set_by_nornir_is_not_a_key_of_the_data(nornir_of: NornirOf, problems_of: ProblemsOf) -> None:
    assert [problem.key for problem in problems_of(nornir_of({"lb-1": {"name": "lb-9"}}))] == ["name"]


@pytest.mark.parametrize("key", ["cluster", "role"])
def test_typo_in_a_key_that_places_a_host_does_not_drop_it(
    nornir_of: NornirOf, problems_of: ProblemsOf, key: str
) -> None:
    data = {"role": "backup", **dict.fromkeys(["vip", "interface", "virtual_router_id"])}
    data.pop(key, None)
    nornir = nornir_of({"lb-3": data | {f"{key}s": "demo"}}, without=[key])
    assert f"{key}s" in {problem.key for problem in problems_of(nornir) if problem.host == "lb-3"}


def test_typo_in_a_clusters_name_does_not_split_it_silently(nornir_of: NornirOf, problems_of: ProblemsOf) -> None:
    messages = [problem.message for problem in problems_of(nornir_of({"lb-3": {"cluster": "dmeo"}}))]
    assert any("cluster dmeo has one node (lb-3)" in message for message in messages)


@pytest.mark.parametrize("name", ["../../..;id", "lb 1", "", "-lb", "lb\n1", "{{ lb }}", "l" * 64])
def test_name_of_a_host_that_could_not_stand_in_a_file(nornir_of: NornirOf, problems_of: ProblemsOf, name: str) -> None:
    assert [(problem.host, problem.key) for problem in problems_of(nornir_of({name: {"role": "backup"}}))][:1] == [
        (name, "name")
    ]


def test_all_errors_come_at_once(nornir_of: NornirOf, problems_of: ProblemsOf) -> None:
    problems = problems_of(
        nornir_of(
            {"lb-1": {"rol": "master"}, "lb-2": {"address": "nowhere"}, "lb-3": {"keepalived": {"priority": 300}}},
            group={"apiserver_ca": "no-such.crt", "virtual_router_id": 0},
            defaults={"haproxy": {"stats": {"password": "short"}}},
        )
    )
    everywhere = {"apiserver_ca", "virtual_router_id", "haproxy.stats.password"}
    assert {host: {p.key for p in problems if p.host == host} for host in ("lb-1", "lb-2", "lb-3")} == {
        "lb-1": everywhere | {"rol"},
        "lb-2": everywhere | {"address"},
        "lb-3": everywhere | {"keepalived.priority"},
    }


def test_password_that_cannot_be_read_hides_no_other_error(nornir_of: NornirOf, problems_of: ProblemsOf) -> None:
    defaults = {"haproxy": {"stats": {"password": {"file": "no-such-file"}, "prot": 1}}}
    problems = problems_of(nornir_of(without=["vip"], defaults=defaults))
    assert {p.key for p in problems if p.host == "lb-1"} == {"haproxy.stats.password", "haproxy.stats.prot", "vip"}


def test_rules_between_nodes_come_at_once_too(nornir_of: NornirOf, problems_of: ProblemsOf) -> None:
    problems = problems_of(
        nornir_of(
            {"lb-2": {"keepalived": {"priority": 200}}, "lb-3": {"interface": "eth1", "vip": "192.0.2.11/24"}},
            group={"control_plane_endpoint": "192.0.2.10:443", "keepalived": {"check": {"weight": -3}}},
        )
    )
    assert {(p.host, p.key) for p in problems} >= {
        ("lb-2", "keepalived.priority"),
        ("lb-3", "vip"),
        ("lb-1", "keepalived.check.weight"),
        ("lb-1", "control_plane_endpoint"),
    }


def test_firewall_and_templates_may_be_a_single_nodes(nornir_of: NornirOf) -> None:
    template = {"name": "haproxy.cfg.j2", "text": "# mine\n"}
    intent = load_intent(nornir_of({"lb-2": {"firewall": "leave", "templates": [template], "lab_suite": "trixie"}}))
    assert [(node.firewall, len(node.templates), node.lab_suite) for node in intent.nodes] == [
        ("open", 0, "bookworm"),
        ("leave", 1, "trixie"),
        ("open", 0, "bookworm"),
    ]


def test_packages_may_be_pinned_for_a_single_node(nornir_of: NornirOf) -> None:
    intent = load_intent(nornir_of({"lb-2": {"packages": {"keepalived": "1:2.2.7-1+b2"}}}))
    assert [node.packages.pin_of("keepalived") for node in intent.nodes] == ["", "1:2.2.7-1+b2", ""]


def test_interfaces_may_be_called_differently(nornir_of: NornirOf) -> None:
    intent = load_intent(nornir_of({"lb-3": {"interface": "ens3"}}))
    assert [node.interface for node in intent.nodes] == ["eth0", "eth0", "ens3"]


def test_apiserver_with_a_wrong_address_is_one_error_a_host(nornir_of: NornirOf, problems_of: ProblemsOf) -> None:
    problems = problems_of(nornir_of(group={"apiservers": [{"address": "nowhere"}]}))
    assert [(p.host, p.key) for p in problems] == [(host, "apiservers.0.address") for host in ("lb-1", "lb-2", "lb-3")]


def test_inventory_without_a_node_is_an_error(nornir_of: NornirOf, problems_of: ProblemsOf) -> None:
    nornir = nornir_of(defaults={}).filter(name="nobody")
    problems = problems_of(nornir)
    assert len(problems) == 1
    assert "virtual_router_id" in problems[0].message


def _settings(model: type[Settings]) -> set[type[Settings]]:
    below = {
        kind
        for field in model.model_fields.values()
        for kind in (field.annotation, *get_args(field.annotation))
        if isinstance(kind, type) and issubclass(kind, Settings)
    }
    return {model}.union(*map(_settings, below))


NUMBERS = [
    pytest.param(model, name, id=f"{model.__name__}.{name}")
    for model in sorted(_settings(Node), key=lambda model: model.__name__)
    for name, field in model.model_fields.items()
    if {int, float} & {field.annotation, *get_args(field.annotation)}
]


@pytest.mark.field_report("H9")
@pytest.mark.parametrize(("model", "key"), NUMBERS)
@pytest.mark.parametrize("truth", [True, False])
def test_truth_is_no_number(model: type[Settings], key: str, *, truth: bool) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate({key: truth})
    assert (key,) in [details["loc"] for details in caught.value.errors() if details["type"] != "missing"]


def test_truth_in_the_place_of_a_vrid_names_the_key(nornir_of: NornirOf, problems_of: ProblemsOf) -> None:
    problems = problems_of(nornir_of(group={"virtual_router_id": True}))
    assert {problem.key for problem in problems} == {"virtual_router_id"}
    assert len(NUMBERS) > 20


@pytest.mark.field_report(
    "J7",
    "kubeasz#1139",
    "an apiserver that is given by its name is refused as no IPv4 address",
    "it is refused with the reason, and the command that tells the address to write",
)
@pytest.mark.parametrize("name", ["cp-1.example.org", "cp-1", "cp_1.internal"])
def test_apiserver_by_name_is_refused_with_what_to_write(
    nornir_of: NornirOf, problems_of: ProblemsOf, name: str
) -> None:
    problem = problems_of(nornir_of(group={"apiservers": [{"address": name}]}))[0]
    assert problem.key.startswith("apiservers.")
    assert "must start while DNS is down" in problem.message
    assert f"`getent ahosts {name}`" in problem.message


def test_host_by_name_needs_its_address_beside(nornir_of: NornirOf, problems_of: ProblemsOf) -> None:
    nornir = nornir_of()
    nornir.inventory.hosts["lb-2"].hostname = "lb-2.example.org"
    [problem] = problems_of(nornir)
    assert (problem.key, "getent ahosts lb-2.example.org" in problem.message) == ("address", True)
    nornir.inventory.hosts["lb-2"].data["address"] = "192.0.2.12"
    assert load_intent(nornir)
