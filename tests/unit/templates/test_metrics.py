"""haproxy's own exporter for Prometheus: who gets it, and on which hosts there is one."""

from collections.abc import Callable
from typing import Any

import pytest
from nornir.core import Nornir
from rig.samples import PASSWORD

from nornir_kube_ha.daemons import HAProxyCfg, parse_haproxy_cfg
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG

NornirOf = Callable[..., Nornir]
Render = Callable[..., dict[str, dict[str, ConfigFile]]]
AUTH = ("realm", "welcome login Haproxy", "if", "{", "path", "/metrics", "}", "!{", "http_auth(kube-ha-metrics)", "}")
SERVICE = ("prometheus-exporter", "if", "{", "path", "/metrics", "}")


@pytest.fixture
def cfg(nornir_of: NornirOf, render: Render) -> Callable[..., HAProxyCfg]:
    """The haproxy.cfg of lb-1 for a version of haproxy, with settings of section `haproxy`."""

    def made(version: str = "2.6.12", **settings: object) -> HAProxyCfg:
        files = render(nornir_of(group={"haproxy": settings}), haproxy=version)["lb-1"]
        return parse_haproxy_cfg(files[HAPROXY_CFG].data)

    return made


@pytest.mark.parametrize("version", ["2.2.9", "2.4.0", "2.6.12", "3.0.11"])
def test_password_is_asked_for_before_metrics_are_given(cfg: Callable[..., HAProxyCfg], version: str) -> None:
    (page,) = (section for section in cfg(version).sections if section.name == "admin_stats")
    rules = [line.words[1] for line in page.lines if line.words[0] == "http-request"]
    assert rules == ["auth", "use-service"]
    assert list(page.arguments("http-request", "auth")) == [AUTH]
    assert list(page.arguments("http-request", "use-service")) == [SERVICE]


def test_login_is_that_of_the_stats_page(cfg: Callable[..., HAProxyCfg]) -> None:
    found = cfg(stats={"user": "noc"})
    (users,) = (section for section in found.sections if section.kind == "userlist")
    assert users.name == "kube-ha-metrics"
    assert list(users.arguments("user")) == [("noc", "insecure-password", PASSWORD)]
    assert [(user, password.get_secret_value()) for user, password in found.logins] == [("noc", PASSWORD)]


@pytest.mark.parametrize("version", ["2.4.0", "2.6.12", "3.0.11"])
def test_binary_without_the_exporter_does_not_see_the_rules(cfg: Callable[..., HAProxyCfg], version: str) -> None:
    (page,) = (section for section in cfg(version).sections if section.name == "admin_stats")
    words = [line.words[0] for line in page.lines]
    first = words.index(".if")
    assert words[first : first + 4] == [".if", "http-request", "http-request", ".endif"]
    assert [*page.arguments(".if")] == [("feature(PROMEX)",)]


@pytest.mark.parametrize(("version", "settings"), [("1.8.27", {}), ("2.0.33", {}), ("2.6.12", {"metrics": False})])
def test_nothing_of_it_is_there(cfg: Callable[..., HAProxyCfg], version: str, settings: dict[str, Any]) -> None:
    found = cfg(version, **settings)
    assert not [section for section in found.sections if section.kind == "userlist"]
    assert not [*found.arguments("http-request"), *found.arguments(".if")]


def test_another_path_of_the_page_is_free_to_be_metrics_without_them(cfg: Callable[..., HAProxyCfg]) -> None:
    found = cfg(metrics=False, stats={"uri": "/metrics"})
    assert [*found.arguments("stats", "uri")] == [("/metrics",)]
