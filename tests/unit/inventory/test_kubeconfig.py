"""A kubeconfig: where its credential comes from, and what is said of one that cannot be used."""

import base64
import builtins
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.kubernetes import kubeconfig

from nornir_kube_ha.engine.credentials import credentials_of
from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.inventory.kubeconfig import read_kubeconfig
from nornir_kube_ha.lab.control_plane import pki

ENCRYPTED = base64.b64encode(b"-----BEGIN ENCRYPTED PRIVATE KEY-----").decode()
PLUGIN = """\
#!/bin/sh
printf '%s' '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "made"}}'
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kubeconfig"


def test_token_and_ca_are_taken_from_the_file(path: Path) -> None:
    path.write_text(kubeconfig("demo", {"token": "told"}, ca="a CA"))
    found = read_kubeconfig(path)
    assert (found.token, found.ca, found.certificate, found.key) == ("told", "a CA", "", "")


def test_client_certificate_is_taken_from_the_file_and_none_is_left_behind(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    data = {f"client-{name}-data": base64.b64encode(name.encode()).decode() for name in ("certificate", "key")}
    path.write_text(kubeconfig("demo", data))
    for _ in "12":  # the library remembers where it wrote them
        found = read_kubeconfig(path)
        assert (found.token, found.certificate, found.key) == ("", "certificate", "key")
    assert not list(scratch.iterdir())


def test_files_that_it_names_are_read_beside_it(path: Path, tmp_path: Path) -> None:
    pki.ensure_ca(tmp_path)
    pki.ensure_client_certificate(tmp_path, "admin", "kubernetes-admin")
    path.write_text(kubeconfig("demo", {"client-certificate": "admin.crt", "client-key": "admin.key"}))
    found = read_kubeconfig(path)
    assert found.certificate == (tmp_path / "admin.crt").read_text()
    assert found.key == (tmp_path / "admin.key").read_text()


def test_exec_plugin_is_run(path: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    plugin.write_text(PLUGIN)
    plugin.chmod(0o755)
    path.write_text(
        kubeconfig(
            "demo",
            {
                "exec": {
                    "apiVersion": "client.authentication.k8s.io/v1",
                    "command": str(plugin),
                    "interactiveMode": "Never",
                }
            },
        )
    )
    assert read_kubeconfig(path).token == "made"


def test_context_is_the_current_one_or_the_one_that_is_named(path: Path) -> None:
    config = json.loads(kubeconfig("one", {"token": "first"}))
    other = json.loads(kubeconfig("two", {"token": "second"}))
    for key in ("clusters", "users", "contexts"):
        config[key] += other[key]
    path.write_text(json.dumps(config))
    assert read_kubeconfig(path).token == "first"
    assert read_kubeconfig(path, "two").token == "second"
    with pytest.raises(UsageError, match="three"):
        read_kubeconfig(path, "three")


def test_server_is_not_verified_if_configured(path: Path) -> None:
    config = json.loads(kubeconfig("demo", {"token": "told"}))
    config["clusters"][0]["cluster"] = {"server": "https://192.0.2.10:8443", "insecure-skip-tls-verify": True}
    path.write_text(json.dumps(config))
    assert read_kubeconfig(path).ca is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "kubeconfig"),
        ("a: [", "kubeconfig"),
        ("- a list", "kubeconfig"),
        ("kind: Config", "kubeconfig"),
        (kubeconfig("demo", {}), "expected a token, a client certificate with its key, or an exec plugin"),
        (kubeconfig("demo", {"username": "admin", "password": "hunter2"}), "username and password are not supported"),
        (kubeconfig("demo", {"token": "two words"}), "its token must be a single word"),
        (kubeconfig("demo", {f"client-{n}-data": ENCRYPTED for n in ("certificate", "key")}), "key is encrypted"),
        (kubeconfig("demo", {"client-certificate": "nowhere", "client-key": "nowhere"}), "does not exist"),
        (kubeconfig("demo", {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/no"}}), "/no"),
    ],
)
def test_unusable_kubeconfig_is_refused_with_a_reason(path: Path, text: str, words: str) -> None:
    path.write_text(text)
    with pytest.raises(UsageError, match=f"(?i){words}") as caught:
        read_kubeconfig(path)
    assert str(path) in str(caught.value)


def test_kubeconfig_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_kubeconfig(path)


def test_package_that_is_missing_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any) -> Any:  # noqa: ANN401
        if name.startswith("kubernetes"):
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"pip install 'nornir-kube-ha\[kubernetes\]'"):
        read_kubeconfig(path)


def test_token_file_may_end_with_a_newline(path: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("told\n")
    path.write_text(kubeconfig("demo", {"tokenFile": str(tmp_path / "token")}))
    assert read_kubeconfig(path).token == "told"


def test_kubeconfig_without_a_ca_leaves_it_to_the_inventory(path: Path, intent: Intent) -> None:
    path.write_text(kubeconfig("demo", {"token": "told"}, ca=""))
    assert read_kubeconfig(path).ca == ""
    [cluster] = intent.clusters
    assert credentials_of([cluster], path)[cluster.name].ca == cluster.nodes[0].apiserver_ca
    nodes = tuple(node.model_copy(update={"apiserver_ca": None}) for node in cluster.nodes)
    with pytest.raises(UsageError, match="expected certificate-authority-data, or apiserver_ca"):
        credentials_of([replace(cluster, nodes=nodes)], path)
