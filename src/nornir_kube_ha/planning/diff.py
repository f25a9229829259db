"""How a file differs from what it should be, line by line, without secrets."""

import difflib
import re

from nornir_kube_ha.facts.files import FileFact, attributes
from nornir_kube_ha.intent import Node
from nornir_kube_ha.intent.config_file import ConfigFile

MOST_COMPARED = 100_000  # bytes
MOST_LINES = 5000  # what a diff takes grows with their square where many are alike
MASK = "********"
# A file on a host may be anybody's, and hold a secret that no inventory knows: what follows these words is one.
_SECRET = re.compile(r"\b(stats\s+auth|insecure-password|auth_pass)(\s+)\S.*")
_SECRET_IN_A_FILE = re.compile(r"\b(password)(\s+)\S.*")  # in a sentence it need not be


def masked(text: str, node: Node) -> str:
    """A text without the secrets of a node, or what looks like one in a daemon's words.

    Arguments:
        text: what may hold them
        node: whose secrets they are
    """
    secrets = (node.haproxy.stats.password, node.login.password, node.login.sudo_password)
    for value in filter(None, (secret.get_secret_value() for secret in secrets if secret)):
        text = text.replace(value, MASK)
    return _SECRET.sub(rf"\1\2{MASK}", text)


def diff(old: FileFact | None, new: ConfigFile, node: Node) -> str:
    """A unified diff of content, mode and owner, without secrets.

    Arguments:
        old: the file as it is, none if there is none
        new: the file as it should be
        node: whose secrets are masked
    """
    before = _lines(_comparable(old.content)) if old else []
    after = _lines(new.data.decode(errors="replace"))
    unified = difflib.unified_diff(before, after, old.path if old else "/dev/null", new.path, lineterm="")
    lines = [_without_secrets(line, node) for line in unified]
    if lines and [_without_secrets(line, node) for line in before] == [_without_secrets(line, node) for line in after]:
        lines.append("(only a secret changes)")
    if not old:
        lines.append(f"+ {new.path}: {attributes(new)}")
    elif old.attributes != attributes(new):
        lines += [f"- {new.path}: {old.attributes}", f"+ {new.path}: {attributes(new)}"]
    return "\n".join(lines)


def _comparable(content: bytes) -> str:
    """A file's text. Of ours none is that long: somebody has put it there who wants to keep us busy."""
    if len(content) > MOST_COMPARED:
        return f"({len(content)} bytes, too many to be compared)"
    if (lines := content.count(b"\n")) > MOST_LINES:
        return f"({lines} lines, too many to be compared)"
    return content.decode(errors="replace")


def _lines(text: str) -> list[str]:
    """Lines as a diff shows them: what ends a line otherwise than by a newline is seen too."""
    *lines, rest = text.replace("\r", "\\r").split("\n")
    return [*lines, rest, "\\ no newline at the end"] if rest else lines


def _without_secrets(line: str, node: Node) -> str:
    return masked(_SECRET_IN_A_FILE.sub(rf"\1\2{MASK}", line), node)
