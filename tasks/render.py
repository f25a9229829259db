"""Render the configuration files of a host, for the versions of its daemons."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jinja2
from nornir.core.task import Result, Task
from nornir_jinja2.plugins.tasks import template_file

from nornir_kube_ha.errors import (
    RefusedTemplateError,
)
from nornir_kube_ha.facts import Facts, Package
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.names import CONFIGURATIONS
from nornir_kube_ha.planning.found import as_found, refuse_unfound
from nornir_kube_ha.planning.node_files import config_files
from nornir_kube_ha.planning.package_managers import family_of
from nornir_kube_ha.tasks.facts import facts_of
from nornir_kube_ha.templating import environment, line_of, our_environment
from nornir_kube_ha.versions import features, upstream_version


def render_config(task: Task, intent: Intent, facts: Mapping[str, Facts] | None = None) -> Result:
    """Render a node's files for the versions of its daemons. Changes nothing on the host.

    Arguments:
        intent: desired state, from the inventory
        facts: by host name, from an earlier `get_facts`, for the daemons' versions; None gathers them now

    Returns:
        Result object with the following attributes set:
          * result (``tuple`` of :obj:`nornir_kube_ha.intent.config_file.ConfigFile`): the files, sorted by path

    Raises:
        RefusedTemplateError: a template of the inventory cannot be rendered
        PreflightError: `interface: auto`, and not exactly one interface has the node's address
    """
    seen = {task.host.name: facts_of(task, intent, None)} if facts is None else facts
    intent = as_found(intent, seen)
    node, cluster = intent.node(task.host.name), intent.cluster_of(task.host.name)
    refuse_unfound(node, seen[node.name])
    packages = seen[node.name].packages
    understood = features(*(_version(packages.get(name), node.packages.pin_of(name)) for name in CONFIGURATIONS))
    render = partial(_render, task, environment({each.name: each.text for each in node.templates}))
    family = family_of(seen[node.name].package_manager)
    return Result(host=task.host, result=config_files(cluster, node, understood, render, family))


def _version(package: Package | None, pin: str) -> tuple[int, ...]:
    """Return the version that a daemon has, or will have once it is installed."""
    if pin and not (package and package.installed):
        return upstream_version(pin)
    return package.upstream if package else ()


def _render(task: Task, rendered_in: jinja2.Environment, template: str, values: dict[str, Any]) -> str:
    if rendered_in is our_environment():
        # Called, not run as a subtask: its result holds the password, and printers show the results of subtasks.
        text: str = template_file(task, template, jinja_env=rendered_in, **values).result
        return text
    try:
        return rendered_in.get_template(template).render(**values)  # not the host: its data holds the secrets
    except Exception as error:  # noqa: BLE001 - a template is a program, which can raise anything
        line = line_of(error)
        where = f"{template}, line {line}" if line else template
        raise RefusedTemplateError(task.host.name, f"template {where}: {error or type(error).__name__}") from None
