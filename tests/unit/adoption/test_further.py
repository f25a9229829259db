"""Listeners beside the apiservers': what the inventory says of each, and why it cannot express another."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.support.adoption import Adopted, hosts_of

from nornir_kube_ha.adoption import Running, SourceFile
from nornir_kube_ha.intent import Listener
from nornir_kube_ha.intent.names import HAPROXY_CFG

Adopt = Callable[[list[Running]], Adopted]


def beside(section: str) -> list[Running]:
    """Hosts of kind `unicast` whose haproxy.cfg has one more section, or several."""
    found = hosts_of("unicast")
    return [
        replace(
            host,
            haproxy=tuple(
                SourceFile(each.path, each.content + b"\n" + section.encode()) if each.path == HAPROXY_CFG else each
                for each in host.haproxy
            ),
        )
        for host in found
    ]


WEB = "listen web\n    bind *:443\n    server w-1 192.0.2.21:30443 check\n"
HTTP = "frontend web\n bind *:80\n mode http\n default_backend web\nbackend web\n mode http\n"
SOURCES = " tcp-request connection reject unless { src 192.0.2.0/24 }\n"
CHECKED = " server w-1 192.0.2.21:8080 check port 8081 send-proxy-v2 weight 9\n"


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (
            WEB,
            {
                "port": 443,
                "balance": "roundrobin",
                "servers": [{"name": "w-1", "address": "192.0.2.21", "port": 30443}],
            },
        ),
        (
            f"{HTTP} option httpchk GET /ready\n balance leastconn\n http-request set-header X-A b\n{CHECKED}",
            {
                "port": 80,
                "mode": "http",
                "check": "http",
                "check_path": "/ready",
                "check_port": 8081,
                "send_proxy": "v2",
                "servers": [{"name": "w-1", "address": "192.0.2.21", "port": 8080, "weight": 9}],
                "lines": ["http-request set-header X-A b"],
            },
        ),
        (
            f"{WEB.rstrip()} check-ssl verify none\n option httpchk /\n{SOURCES}",
            {
                "port": 443,
                "balance": "roundrobin",
                "check": "https",
                "check_path": "/",
                "sources": ["192.0.2.0/24"],
                "servers": [{"name": "w-1", "address": "192.0.2.21", "port": 30443}],
            },
        ),
        (
            WEB.replace(" check", " send-proxy"),
            {
                "port": 443,
                "balance": "roundrobin",
                "check": "none",
                "send_proxy": "v1",
                "servers": [{"name": "w-1", "address": "192.0.2.21", "port": 30443}],
            },
        ),
    ],
    ids=["tcp", "http", "tls check", "unchecked"],
)
def test_listener_is_adopted(adopted: Adopt, section: str, expected: dict[str, object]) -> None:
    made = adopted(beside(section))
    assert made.intent().nodes[0].haproxy.listeners == {"web": Listener.model_validate(expected)}
    assert "ends: frontend web" not in made.everything_said
    assert "ends: listen web" not in made.everything_said
    assert "web: /etc/haproxy/haproxy.cfg line " in made.adoption.files["groups.yaml"].text


@pytest.mark.parametrize(
    ("section", "why"),
    [
        (WEB.replace("*:443", "*:443 ssl crt /etc/web.pem"), "its `bind` has `ssl`"),
        (WEB.replace("*:443", "*:443,*:444"), "it has several ports"),
        (WEB.replace("192.0.2.21:30443", "worker:30443"), "server w-1 has the name worker instead of an address"),
        (f"{WEB}    server w-2 192.0.2.22:30443 check backup\n", "server w-2 has `backup`"),
        (f"{WEB}    server w-2 192.0.2.22:30443\n", "its servers are not checked or served alike"),
        (f"{WEB}    balance hash src\n", "`balance hash`"),
        (
            f"{WEB}    option httpchk GET /\n    http-check expect status 418\n",
            "its health check expects a certain answer",
        ),
        (WEB.replace("listen web", "listen kube-apiserver2"), "kube-apiserver2 is a name that kube-ha's own sections"),
        (
            f"{HTTP} server w-1 192.0.2.21:80\nbackend other\n server o 192.0.2.22:80\n".replace(
                " default", " use_backend other if { path /x }\n default"
            ),
            "it chooses between backends",
        ),
        (f"{HTTP} http-request auth unless {{ http_auth(people) }}\n server w-1 192.0.2.21:80\n", "it has a userlist"),
    ],
)
def test_listener_that_the_inventory_cannot_say_is_noted_with_the_reason(
    adopted: Adopt, section: str, why: str
) -> None:
    made = adopted(beside(section))
    assert not made.intent().nodes[0].haproxy.listeners
    assert f"the inventory cannot express it ({why}" in made.everything_said


def test_changes_of_a_listener_are_noted(adopted: Adopt) -> None:
    section = f"{HTTP} option httpchk HEAD /ready\n server w-1 192.0.2.21:8080 check inter 9s\n"
    said = adopted(beside(section.replace("*:80", "192.0.2.10:80"))).everything_said
    for words in (
        "it binds all addresses instead of 192.0.2.10",
        "intervals of the checks of web",
        "no `option forwardfor` in web",
        "the check of web by HEAD",
    ):
        assert words in said


def test_second_listener_on_a_port_is_noted_and_the_first_adopted(adopted: Adopt) -> None:
    made = adopted(beside(WEB + WEB.replace("web", "other")))
    assert [*made.intent().nodes[0].haproxy.listeners] == ["web"]
    assert "web and other have the same port 443" in made.everything_said


def test_other_timeouts_of_a_listener_s_own_defaults_stay(adopted: Adopt) -> None:
    made = adopted(beside(f"defaults\n timeout client 9s\n timeout server 9s\n{WEB}"))
    assert made.intent().nodes[0].haproxy.listeners["web"].lines == ("timeout client 9s", "timeout server 9s")


def test_inherited_check_that_expects_an_answer_is_not_adopted(adopted: Adopt) -> None:
    made = adopted(beside(f"defaults\n option httpchk GET /\n http-check expect status 418\n{WEB}"))
    assert "its health check expects a certain answer" in made.everything_said
