"""From templates to text. Those of an inventory are rendered in a sandbox: they see values, and nothing else."""

import traceback
from collections.abc import Mapping
from functools import cache
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Cycler, Joiner, Namespace
from pydantic import BaseModel, SecretStr

from nornir_kube_ha.versions import Features

OURS = "kube-ha"
"""Templates of an inventory find ours behind this: `{% include "kube-ha/haproxy.cfg.j2" %}`."""
NAMES = (
    "check-apiservers.j2",
    "check-haproxy.j2",
    "check-vrrp.j2",
    "clients.py",
    "haproxy.cfg.j2",
    "haproxy.service.conf.j2",
    "keepalived.conf.j2",
    "keepalived.service.conf.j2",
    "tmpfiles.conf.j2",
    "watch.nft.j2",
)
_ADDRESSES = (IPv4Address, IPv4Interface, IPv6Address, IPv6Interface)
_PLAIN = (str, int, float, tuple, list, dict, *_ADDRESSES, SecretStr, Features)
_MADE_BY_TEMPLATES = (dict, Cycler, Joiner, Namespace)
_OPTIONS: Mapping[str, Any] = {
    "undefined": jinja2.StrictUndefined,
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,  # a haproxy.cfg without its last newline is fatal
}


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's own, for values of ours.

    A pydantic model has methods that read files and unpickle (`parse_raw`), a Nornir host such that log in; Jinja's
    sandbox calls them safe, for their names have no underscore. Here a model has fields and properties, a host nothing.
    """

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ANN401 - Jinja's
        """Whether a template may see an attribute."""
        if isinstance(obj, BaseModel):
            kind = type(obj)
            return attr in kind.model_fields or isinstance(kind.__dict__.get(attr), property)
        plain = isinstance(obj, _PLAIN) or type(obj).__module__.startswith("jinja2.")
        return plain and super().is_safe_attribute(obj, attr, value)

    def is_safe_callable(self, obj: Any) -> bool:  # noqa: ANN401 - Jinja's
        """Whether a template may call something."""
        return (not isinstance(obj, type) or obj in _MADE_BY_TEMPLATES) and super().is_safe_callable(obj)


@cache
def our_environment() -> jinja2.Environment:
    """Where our own templates are rendered."""
    return _furnished(jinja2.Environment(loader=_ours(), **_OPTIONS))  # noqa: S701 - configuration files, not HTML


def environment(templates: Mapping[str, str]) -> jinja2.Environment:
    """Where the templates of a node are rendered: those of the inventory go before ours.

    Arguments:
        templates: the inventory's, by the name of the one of ours that each replaces
    """
    if not templates:
        return our_environment()
    loader = jinja2.ChoiceLoader([jinja2.DictLoader(templates), jinja2.PrefixLoader({OURS: _ours()}), _ours()])
    return _furnished(Sandbox(loader=loader, **_OPTIONS))


def _ours() -> jinja2.BaseLoader:
    return jinja2.PackageLoader("nornir_kube_ha", "templates")


def _furnished(made: jinja2.Environment) -> jinja2.Environment:
    made.filters["seconds"] = lambda value: f"{value:g}"
    return made


def syntax_error(text: str) -> str:
    """Why a text is no template, with its line; "" if it is one.

    Arguments:
        text: a template
    """
    try:
        environment({"": text}).parse(text)
    except jinja2.TemplateSyntaxError as error:
        return f"line {error.lineno}: {error.message}"
    return ""


def line_of(error: BaseException) -> int | None:
    """The line of a template that an error came up in; none if it came up elsewhere.

    Arguments:
        error: raised while a template was rendered
    """
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == "<template>"]  # Jinja's word for one without a file
    return lines[-1] if lines else getattr(error, "lineno", None)
