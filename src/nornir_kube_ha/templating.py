"""Jinja environments. Templates of an inventory are rendered in a sandbox that gives them values only."""

import traceback
from collections.abc import Mapping
from functools import cache
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Cycler, Joiner, Namespace
from pydantic import BaseModel, SecretStr

from nornir_kube_ha.duration import keepalived_seconds
from nornir_kube_ha.versions import Features

OURS = "kube-ha"
"""Prefix with which an inventory's template includes kube-ha's: `{% include "kube-ha/haproxy.cfg.j2" %}`."""
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
    "keep_trailing_newline": True,  # haproxy refuses a haproxy.cfg whose last line has no newline
}


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's immutable sandbox, limited further for the objects that kube-ha passes to templates.

    Jinja's sandbox allows every attribute without a leading underscore. That includes pydantic's `parse_raw`, which
    unpickles, and methods of a Nornir host that log in. Here a model has fields and properties only, a host nothing.
    """

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ANN401 - Jinja's
        """Return whether a template may read an attribute."""
        if isinstance(obj, BaseModel):
            kind = type(obj)
            return attr in kind.model_fields or isinstance(kind.__dict__.get(attr), property)
        plain = isinstance(obj, _PLAIN) or type(obj).__module__.startswith("jinja2.")
        return plain and super().is_safe_attribute(obj, attr, value)

    def is_safe_callable(self, obj: Any) -> bool:  # noqa: ANN401 - Jinja's
        """Return whether a template may call an object."""
        return (not isinstance(obj, type) or obj in _MADE_BY_TEMPLATES) and super().is_safe_callable(obj)


@cache
def our_environment() -> jinja2.Environment:
    """Return the environment for kube-ha's own templates, which are trusted."""
    return _furnished(jinja2.Environment(loader=_ours(), **_OPTIONS))  # noqa: S701 - configuration files, not HTML


def environment(templates: Mapping[str, str]) -> jinja2.Environment:
    """Return the environment for a node: a sandbox if the inventory has templates, which then take precedence.

    Arguments:
        templates: sources from the inventory, by the name of the kube-ha template that each replaces
    """
    if not templates:
        return our_environment()
    loader = jinja2.ChoiceLoader([jinja2.DictLoader(templates), jinja2.PrefixLoader({OURS: _ours()}), _ours()])
    return _furnished(Sandbox(loader=loader, **_OPTIONS))


def _ours() -> jinja2.BaseLoader:
    return jinja2.PackageLoader("nornir_kube_ha", "templates")


def _furnished(made: jinja2.Environment) -> jinja2.Environment:
    made.filters["seconds"] = keepalived_seconds
    return made


def syntax_error(text: str) -> str:
    """Return the syntax error of a template with its line; "" if it is valid."""
    try:
        environment({"": text}).parse(text)
    except jinja2.TemplateSyntaxError as error:
        return f"line {error.lineno}: {error.message}"
    return ""


def line_of(error: BaseException) -> int | None:
    """Return the template line that raised an error during rendering; None if no template raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == "<template>"]  # Jinja's name if there is no file
    return lines[-1] if lines else getattr(error, "lineno", None)
