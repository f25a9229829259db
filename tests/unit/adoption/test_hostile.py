"""Files that are huge, binary, unbalanced or full of markup: a clear error, or an inventory that nothing leaves."""

import time
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_interface

import pytest
from ruamel.yaml import YAML
from tests.support.adoption import Adopted, hosts_of

from nornir_kube_ha.adoption import Running, SourceFile
from nornir_kube_ha.errors import AdoptionError
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF

Adopt = Callable[[list[Running]], Adopted]
EVIL = "$(touch /tmp/pwned)`id`;&|\\'\x1b[31m: {a: [b]}, !!python/object:os.system &x *x - # ../../../etc/passwd"


def with_files(haproxy: bytes | None = None, keepalived: bytes | None = None) -> list[Running]:
    """Hosts of kind `unicast`, the first one with other files."""
    first, *others = hosts_of("unicast")
    changed = replace(
        first,
        haproxy=(SourceFile(HAPROXY_CFG, haproxy),) if haproxy is not None else first.haproxy,
        keepalived=(SourceFile(KEEPALIVED_CONF, keepalived),) if keepalived is not None else first.keepalived,
    )
    return [changed, *others]


def content(daemon: str) -> bytes:
    host = hosts_of("unicast")[0]
    return (host.haproxy if daemon == "haproxy" else host.keepalived)[0].content


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"haproxy": b"#" * 300_000}, f"lb-1: {HAPROXY_CFG} has more than 262144 bytes"),
        ({"keepalived": b"a\nb\x00c"}, f"lb-1: {KEEPALIVED_CONF} line 2 holds control characters"),
        ({"keepalived": b"vrrp_instance x {\n interface y\n"}, "keepalived.conf: the block of line 1 is not closed"),
        ({"keepalived": b"a\n}\n"}, "keepalived.conf: line 2 closes a block that is not open"),
        ({"keepalived": b"a {\n" * 9 + b"}\n" * 9}, "line 9 is nested deeper than 8 blocks"),
        ({"keepalived": b""}, "expected a vrrp_instance with a virtual_ipaddress"),
        (
            {"keepalived": b"vrrp_instance a {\n virtual_router_id 51\n virtual_ipaddress { 192.0.2.10 }\n}"},
            "no valid virtual_router_id or no interface",
        ),
        ({"keepalived": b"vrrp_instance a { virtual_ipaddress { 192.0.2.10 } }"}, "with VRID 51, as on lb-2; got none"),
        ({"haproxy": b""}, "expected a haproxy listener that leads to apiservers"),
        (
            {"haproxy": b"listen web\n bind *:80\n server a 192.0.2.9:80\n"},
            "got listeners with servers: listen web (*:80)",
        ),
        ({"haproxy": b"listen kube\n bind *:8443\n server a none.example.org:6443\n"}, "no server of listen kube"),
    ],
)
def test_what_cannot_be_adopted_is_an_error_with_file_and_line(
    files: dict[str, bytes], words: str, adopted: Adopt
) -> None:
    with pytest.raises(AdoptionError) as error:
        adopted(with_files(**files))
    assert words in str(error.value)


def test_one_host_alone_is_refused_with_its_peers(adopted: Adopt) -> None:
    with pytest.raises(
        AdoptionError, match=r"lb-1: no other host has its VIP 192\.0\.2\.10.*192\.0\.2\.12, 192\.0\.2\.13"
    ):
        adopted(hosts_of("unicast")[:1])


def test_a_peer_that_is_left_out_is_named(adopted: Adopt) -> None:
    assert "unicast peer 192.0.2.13 is not among the hosts" in adopted(hosts_of("unicast")[:2]).said("lb-1")


def evil_files() -> tuple[bytes, bytes]:
    haproxy = content("haproxy").decode().replace("cp-1", f"'{EVIL.replace(chr(39), '')}'")
    haproxy = haproxy.replace(
        "log /dev/log local0", f'log "{EVIL}"\n    tune.{EVIL}\n    user "{EVIL}"\n    chroot /a/../{EVIL}'
    )
    haproxy += f'listen stats\n bind *:9\n stats enable\n stats uri "/{EVIL}"\n stats realm "{EVIL}"\n'
    haproxy += f'stats auth "{EVIL}:{EVIL}"\n'
    haproxy += f"frontend {EVIL}\n bind *:81\n"
    keepalived = content("keepalived").decode().replace("router_id node1", f'router_id "{EVIL}"')
    keepalived = keepalived.replace("preempt_delay 20", f'garp "{EVIL}"\nnotify_master "{EVIL}"\n')
    keepalived += (
        f'# Written by nornir-kube-ha for cluster ../../{EVIL}. Changes made here\nvirtual_server "{EVIL}" 1 {{\n}}\n'
    )
    return haproxy.replace("\x1b", "").encode(), keepalived.replace("\x1b", "").encode()


def test_markup_in_files_stays_text(adopted: Adopt) -> None:
    hosts = with_files(*evil_files())
    made = adopted(
        [replace(hosts[0], ca="-----BEGIN CERTIFICATE-----\n$(id)\n-----END CERTIFICATE-----", server=EVIL), *hosts[1:]]
    )
    assert not [name for name in made.adoption.files if name.startswith("/") or ".." in name or " " in name]
    assert made.adoption.clusters.keys() == {"kube"}
    for name in ("hosts.yaml", "groups.yaml", "defaults.yaml"):
        tree = YAML(typ="safe", pure=True).load(made.adoption.files[name].text)
        assert isinstance(tree, dict)
    assert all(line.isprintable() for line in made.everything_said.splitlines())
    assert len(made.intent().nodes) == 3


def test_values_with_markup_come_back_as_they_were(adopted: Adopt) -> None:
    line = """setenv X "a: {b} # 'c' $(d) \\\\ !e &f *g %h @i `j" """.strip()
    haproxy = content("haproxy").replace(b"log /dev/log local0 # all", line.encode())
    made = adopted([replace(host, haproxy=(SourceFile(HAPROXY_CFG, haproxy),)) for host in hosts_of("unicast")])
    assert made.intent().nodes[0].haproxy.global_lines == (line,)


@pytest.mark.parametrize(
    ("haproxy", "keepalived"),
    [
        (b"listen kube\n bind *:8443\n" + b" server a 192.0.2.9:6443 q z\n" * 9_000, None),
        (
            b"".join(b"listen kube%d\n bind *:8443\n server a 192.0.2.9:6443\n" % number for number in range(4_000)),
            None,
        ),
        (b"global\n" + b" a \xff\x80\n" * 20_000 + content("haproxy"), None),
        (b"listen kube\n bind " + b"*:8443," * 30_000 + b"\n server a 192.0.2.9:6443\n", None),
        (None, b"include *\n" * 20_000 + content("keepalived")),
        (
            None,
            b"global_defs {\n"
            + b"\n".join(b"a%d 'b'" % number for number in range(12_000))
            + b"\n}\n"
            + content("keepalived"),
        ),
        (None, content("keepalived") + b"virtual_server x {\n}\n" * 9_000),
        (None, content("keepalived") + b"vrrp_sync_group x {\n group {\n y\n }\n}\n" * 6_000),
    ],
)
def test_time_is_linear_in_the_text(haproxy: bytes | None, keepalived: bytes | None, adopted: Adopt) -> None:
    begun = time.process_time()
    made = adopted(with_files(haproxy, keepalived))
    assert time.process_time() - begun < 5
    assert len(made.notes["lb-1"]) < 250


def test_many_virtual_routers_are_refused(adopted: Adopt) -> None:
    each = b"vrrp_instance a { \n virtual_ipaddress { \n 192.0.2.9\n } \n }\n"
    with pytest.raises(AdoptionError, match="2000 vrrp_instances with VIPs"):
        adopted(with_files(None, each * 2000))


def test_a_host_that_lies_about_its_addresses_is_believed_no_more_than_its_files(adopted: Adopt) -> None:
    host, *others = hosts_of("unicast")
    liar = replace(host, addresses=(("eth0", ip_interface("192.0.2.10/24")), ("eth0", ip_interface("0.0.0.0/0"))))
    assert adopted([liar, *others]).intent().clusters[0].vip == ip_interface("192.0.2.10/24")
