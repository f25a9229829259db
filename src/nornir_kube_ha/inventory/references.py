"""What an inventory refers to instead of containing it: secrets, CA, templates."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from nornir_kube_ha.errors import Problem
from nornir_kube_ha.files import read_text
from nornir_kube_ha.intent import Template
from nornir_kube_ha.intent.haproxy import UNREADABLE
from nornir_kube_ha.inventory.secret import read_secret

SECRETS = (
    ("haproxy", "stats", "password"),
    ("login", "password"),
    ("login", "sudo_password"),
    ("keepalived", "auth_pass"),
)
"""Keys whose value may refer to a secret instead of containing it."""


TEMPLATE = ".j2"


def secret_at(data: Mapping[str, Any], path: tuple[str, ...], base: Path) -> SecretStr | None:
    """Return a secret that a host's data contain or refer to; None if the key is absent.

    Arguments:
        data: the host's merged data
        path: the key's path from the top of the data
        base: folder for relative paths

    Raises:
        ValueError: the secret does not exist, or its source is malformed
        OSError: the file cannot be read
    """
    value: object = data
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return None if value is None else read_secret(value, base)


def read_references(
    host: str, raw: dict[str, Any], base: Path | None, secrets: Collection[tuple[str, ...]]
) -> list[Problem]:
    """Replace references in the data by what they refer to: secrets, CA, templates. Without a base, nothing is read.

    Of the secrets, only those in `secrets` are read.
    """
    problems = [
        problem for path in SECRETS for problem in _read_secret(host, raw, path, base if path in secrets else None)
    ]
    if base and isinstance(raw.get("apiserver_ca"), str):
        try:
            raw["apiserver_ca"] = read_certificates(base / raw["apiserver_ca"])
        except (OSError, ValueError) as error:
            problems.append(Problem(host, "apiserver_ca", str(error)))
    kubeconfig = raw.get("kubeconfig")  # read later, by the runbooks that need it
    if base and isinstance(kubeconfig, str) and kubeconfig.strip():
        try:
            raw["kubeconfig"] = str(base / Path(kubeconfig).expanduser())
        except RuntimeError as error:
            problems.append(Problem(host, "kubeconfig", str(error)))
    if isinstance(raw.get("templates"), str):
        folder, raw["templates"] = raw["templates"], []
        try:
            raw["templates"] = _read_templates(base / folder) if base else []
        except (OSError, ValueError) as error:
            problems.append(Problem(host, "templates", str(error)))
    return problems


def _read_secret(host: str, raw: dict[str, Any], path: tuple[str, ...], base: Path | None) -> Iterator[Problem]:
    """Replace a reference to a secret by the secret. Plain text stays, since the model accepts it."""
    *sections, key = path
    section = raw
    for name in sections:
        inner = section.get(name)
        if not isinstance(inner, Mapping):
            return
        section[name] = section = dict(inner)
    if not isinstance(section.get(key), Mapping):
        return
    source, section[key] = section[key], UNREADABLE if key != "auth_pass" else UNREADABLE[-8:]
    if base:
        try:
            section[key] = read_secret(source, base)
        except (OSError, ValueError) as error:
            yield Problem(host, ".".join(path), str(error))


def read_certificates(path: Path) -> str:
    """Return the text of a file of CA certificates.

    Raises:
        ValueError: it holds no certificate, or a private key
        OSError: it cannot be read
    """
    text = read_text(path)
    if "-----BEGIN CERTIFICATE-----" not in text or "PRIVATE KEY" in text:
        raise ValueError(f"{path} must contain certificates in PEM, and no private key")
    return text.strip() + "\n"


def _read_templates(folder: Path) -> list[Template]:
    found = [_read_template(path) for path in sorted(folder.iterdir()) if path.suffix == TEMPLATE]
    if not found:
        raise ValueError(f"{folder} contains no template: expected a file called *{TEMPLATE}")
    return found


def _read_template(path: Path) -> Template:
    try:
        return Template(name=path.name, text=read_text(path))
    except ValidationError as error:
        words = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ValueError(f"{path} {words}") from None
