"""Read the generations on a host: the files that were live before each change."""

import secrets
from collections.abc import Callable
from typing import TypeVar

from nornir.core.task import Result, Task

from nornir_kube_ha.intent.names import MANAGED_PATHS
from nornir_kube_ha.planning.generations import parse_files, parse_generations
from nornir_kube_ha.ssh.remote import reading, run_script
from nornir_kube_ha.ssh.script import Script

LOOK = Script(("section.sh", "generations.sh"), "nonce managed")
TIMEOUT = 30  # seconds
_Parsed = TypeVar("_Parsed")


def get_generations(task: Task) -> Result:
    """Return the generations that a host has kept. Changes nothing.

    Returns:
        Result object with the following attributes set:
          * result (``tuple`` of :obj:`nornir_kube_ha.planning.generations.Generation`): oldest first

    Raises:
        UnexpectedReplyError: the host's answer cannot be parsed
    """
    return Result(host=task.host, result=_ask(task, "list_generations", parse_generations))


def get_generation_files(task: Task, number: int) -> Result:
    """Return the files of one generation. Changes nothing.

    Arguments:
        number: of the generation

    Returns:
        Result object with the following attributes set:
          * result (``tuple`` of :obj:`nornir_kube_ha.intent.config_file.ConfigFile`): its files

    Raises:
        RemoteCommandError: the host has no such generation
        UnexpectedReplyError: the host's answer cannot be parsed
    """
    return Result(host=task.host, result=_ask(task, f"show_generation {number:06}", parse_files))


def _ask(task: Task, call: str, parse: Callable[[str, str], _Parsed]) -> _Parsed:
    nonce = secrets.token_hex(8)
    script = LOOK.render(f"{call}\n", nonce=nonce, managed=" ".join(MANAGED_PATHS))
    stdout = run_script(task, script, timeout=TIMEOUT).stdout
    with reading(task):
        return parse(stdout, nonce)
