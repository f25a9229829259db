"""What is adopted means the same, for each kind of set-up that people have; and where it does not, a note says so."""

from collections.abc import Callable

import pytest
from tests.support.adoption import Adopted, hosts_of, meaning, with_includes

from nornir_kube_ha.adoption import Running
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF

Adopt = Callable[[list[Running]], Adopted]
Facts = set[tuple[str, str]]
BY_NAME: Facts = {("server", f"master{number}.k8s.example.org:6443") for number in range(1, 6)}
OUTSIDE: Facts = {
    *(("vrid", "22"), ("vip of 22", "203.0.113.10"), ("version of 22", "2"), ("unicast of 22", "False")),
    *(("advert_int of 22", "1"), ("authentication of 22", " ")),
}
LOST: dict[str, dict[str, Facts]] = {
    "guide": {},
    "kubeadm": {},
    "role": {},
    "external": {"balancer1": BY_NAME, "balancer2": BY_NAME},
    "ipv6": {},
    "multicast": {"lb-2": {("priority of 99", "100")}},
    "ah": {
        "lb-1": {("authentication of 99", "AH s3cret")},
        "lb-2": {("authentication of 99", "AH s3cret"), ("priority of 99", "100")},
    },
    "sync-group": {
        "lb-1": OUTSIDE | {("priority of 22", "150")},
        "lb-2": OUTSIDE | {("priority of 22", "100")},
    },
    "unicast": {"lb-2": {("priority of 51", "100")}, "lb-3": {("priority of 51", "100")}},
    "includes": {},
    "beside": {},
}
"""What is said by the hosts' own files and not by ours, for each kind and host."""
WITH_PAGE = {"guide", "role", "includes"}
"""Kinds that have a stats page."""


def words_for(fact: tuple[str, str]) -> tuple[str, ...]:
    """Words, one of which a note has that is about something that files say."""
    key, value = fact
    keyword, _, vrid = key.partition(" of ")
    named = {
        "port": f"port {value}",
        "server": value.rpartition(":")[0],
        "vrid": f"VRID {value}",
        "vip": value,
        "authentication": "`authentication`",
    }
    return named.get(keyword, f"{keyword} {value}"), f"VRID {vrid}" if vrid else "nowhere"


@pytest.mark.parametrize("kind", LOST)
def test_adopted_inventory_means_the_same_or_a_note_says_what_does_not(kind: str, adopted: Adopt) -> None:
    hosts = hosts_of(kind)
    made = adopted(hosts)
    ours = made.rendered()
    for host in hosts:
        before = meaning((each.content for each in host.haproxy), with_includes(host.keepalived))
        after = meaning([ours[host.name][HAPROXY_CFG]], ours[host.name][KEEPALIVED_CONF])
        assert before - after == LOST[kind].get(host.name, set())
        new_keys = {key for key, _ in after - before}
        assert new_keys <= {key for key, _ in before - after} | (set() if kind in WITH_PAGE else {"port"})
        for fact in [*(before - after), *(fact for fact in after - before if fact[0] == "port")]:
            assert any(words in made.said(host.name) for words in words_for(fact)), (host.name, fact)
    assert len(made.intent().nodes) == len(hosts)


@pytest.mark.parametrize("kind", LOST)
def test_every_value_says_where_it_was_found(kind: str, adopted: Adopt) -> None:
    made = adopted(hosts_of(kind))
    lines = {
        (host.name, file.path): file.content.decode().splitlines()
        for host in hosts_of(kind)
        for file in (*host.haproxy, *host.keepalived)
    }
    found = 0
    for file in ("hosts.yaml", "groups.yaml"):
        for line in made.adoption.files[file].text.splitlines()[1:]:
            value, _, comment = line.partition("  # ")
            host, _, where = comment.partition(": ")
            path, at, number = where.rpartition(", ")[2].partition(" line ")
            key, _, shown = value.strip().partition(": ")
            if at and (host, path) in lines:
                found += 1
                written = lines[host, path][int(number) - 1]
                if key in {
                    "priority",
                    "interface",
                    "virtual_router_id",
                    "balance",
                    "port",
                    "chroot",
                    "router_id",
                    "connect",
                }:
                    assert shown.strip('"') in written or "priority" in key, line
    assert found > 15


def test_line_ends_and_tabs_of_other_systems_make_no_difference(adopted: Adopt) -> None:
    plain, changed = (
        adopted(hosts_of("unicast", change)).adoption
        for change in (bytes, lambda content: content.replace(b"    ", b"\t").replace(b"\n", b"\r\n"))
    )
    assert {path: file.text for path, file in changed.files.items()} == {
        path: file.text for path, file in plain.files.items()
    }
    assert changed.notes == plain.notes


def test_words_of_other_languages_are_read_and_do_no_harm(adopted: Adopt) -> None:
    made = adopted(hosts_of("guide"))
    assert made.intent().nodes[0].haproxy.balance == "source"
    assert made.intent().nodes[0].keepalived.dont_track_primary


def test_passwords_stand_in_files_of_their_own_and_nowhere_else(adopted: Adopt) -> None:
    for kind, name, password in (
        ("role", "secrets/kube-stats-password", "a-long-and-good-one"),
        ("multicast", "secrets/kube-auth-pass", "s3cret-a"),  # keepalived ignores the rest
    ):
        made = adopted(hosts_of(kind))
        file = made.adoption.files[name]
        assert (file.text, file.is_secret) == (f"{password}\n", True)
        others = [each.text for path, each in made.adoption.files.items() if path != name]
        assert not [text for text in [*others, made.everything_said, repr(made)] if password[:6] in text]
    node = made.intent().nodes[0]
    assert node.keepalived.auth_pass
    assert node.keepalived.auth_pass.get_secret_value() == "s3cret-a"


def test_a_well_known_stats_password_is_to_be_replaced_and_not_repeated(adopted: Adopt) -> None:
    made = adopted(hosts_of("guide"))
    assert "to do: the stats password is a well-known default (/etc/haproxy/haproxy.cfg line 26)" in made.said("lb-1")
    assert "123456" not in made.everything_said + "".join(file.text for file in made.adoption.files.values())
    assert made.intent().nodes[0].haproxy.stats.generate_password


def test_notes_name_what_ends_with_its_effect(adopted: Adopt) -> None:
    said = adopted(hosts_of("beside")).said("lb-1")
    assert not any(f"ends: {kind}" in said for kind in ("frontend", "listen", "backend"))
    assert "ends: virtual_server 192.0.2.10 53" in said
    guide = adopted(hosts_of("guide")).said("lb-1")
    assert "vrrp_script check-haproxy (`killall -0 haproxy` every 5 s, weight -30)" in guide
    notes = adopted(hosts_of("multicast")).said("lb-1")
    for word in ("notify_master", "track_interface", "`backup` of server master-2"):
        assert f"ends: `{word.strip('`')}" in notes or f"ends: {word}" in notes


def test_the_holder_of_the_vip_is_the_master_where_priorities_are_alike(adopted: Adopt) -> None:
    intent = adopted(hosts_of("unicast")).intent()
    assert intent.clusters[0].master.name == "lb-2"
    assert [(node.name, node.keepalived.priority) for node in intent.nodes] == [
        ("lb-2", 101),
        ("lb-1", 100),
        ("lb-3", 99),
    ]


def test_routers_of_one_interface_become_virtual_routers(adopted: Adopt) -> None:
    made = adopted(hosts_of("sync-group"))
    cluster = made.intent().clusters[0]
    assert [(each.virtual_router_id, each.master, each.addresses) for each in cluster.routers] == [
        (20, "lb-1", "192.0.2.10, 192.0.2.30"),
        (21, "lb-2", "192.0.2.20"),
    ]
    assert "vrrp_sync_group with vrrp_instance WEB" in made.said("lb-2")
