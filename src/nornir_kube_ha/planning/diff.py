"""Line diff of a file on a host against the intended file, with secrets masked."""

import difflib
import re

from nornir_kube_ha.facts.files import FileFact, attributes
from nornir_kube_ha.intent import Node
from nornir_kube_ha.intent.config_file import ConfigFile

MOST_COMPARED = 100_000  # bytes
MOST_LINES = 5000  # difflib is quadratic where many lines are alike
MASK = "********"
# Foreign files can hold secrets that are not in the inventory, so whatever follows these keywords is masked.
_SECRET = re.compile(r"\b(stats\s+auth|insecure-password|auth_pass)(\s+)\S.*")
_SECRET_IN_A_FILE = re.compile(r"\b(password)(\s+)\S.*")  # not masked in prose


def masked(text: str, node: Node) -> str:
    """Return a text with the secrets of a node, and whatever follows a password keyword, masked.

    Arguments:
        text: a diff or a daemon's output
        node: the node whose secrets are masked
    """
    secrets = (node.haproxy.stats.password, node.login.password, node.login.sudo_password)
    for value in filter(None, (secret.get_secret_value() for secret in secrets if secret)):
        text = text.replace(value, MASK)
    return _SECRET.sub(rf"\1\2{MASK}", text)


def diff(old: FileFact | None, new: ConfigFile, node: Node) -> str:
    """Return a unified diff of content, mode and owner, with secrets masked.

    Arguments:
        old: the live file; None if there is none
        new: the intended file
        node: the node whose secrets are masked
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
    """Return the text of a file, or a placeholder if it is too long.

    No managed file comes near the limits; a huge foreign file must not stall the run.
    """
    if len(content) > MOST_COMPARED:
        return f"({len(content)} bytes, too many to compare)"
    if (lines := content.count(b"\n")) > MOST_LINES:
        return f"({lines} lines, too many to compare)"
    return content.decode(errors="replace")


def _lines(text: str) -> list[str]:
    """Split a text into lines, with carriage returns and a missing final newline made visible."""
    *lines, rest = text.replace("\r", "\\r").split("\n")
    return [*lines, rest, "\\ no newline at the end"] if rest else lines


def _without_secrets(line: str, node: Node) -> str:
    return masked(_SECRET_IN_A_FILE.sub(rf"\1\2{MASK}", line), node)
