"""Read the listeners in a haproxy.cfg. No I/O; time is linear in the length of the text."""

import re
from dataclasses import dataclass

from nornir_kube_ha.planning.foreign.text import text_of

# From cfg_parse.c. A line that begins with any other word belongs to the section above it.
SECTIONS = frozenset(
    {
        *("global", "defaults", "frontend", "listen", "backend", "peers", "resolvers", "userlist", "mailers", "cache"),
        *("program", "http-errors", "ring", "log-forward", "log-profile", "fcgi-app", "crt-store", "traces", "acme"),
    }
)
SETTINGS = frozenset({"global", "defaults", "traces"})  # have no traffic of their own
BINDS = frozenset({"bind", "dgram-bind"})
WITH_ADDRESS = frozenset({"frontend", "listen"})  # `listen NAME ADDRESS:PORT`, accepted before haproxy 1.9
# Each character can begin one alternative only, and none looks back, so matching is linear.
_WORD = re.compile(r"""(?:"[^"\n]*"|'[^'\n]*'|\\.|[^\s"'\\#])+|#|["'\\]""")
_QUOTE = re.compile(r"""["'\\]""")


@dataclass(frozen=True, slots=True)
class HAProxySection:
    """A section of a haproxy.cfg.

    Arguments:
        kind: `frontend`, `listen`, `backend`, ...
        name: name of the section, "" if it has none
        binds: listen addresses as written in the file
    """

    kind: str
    name: str
    binds: tuple[str, ...] = ()

    @property
    def serves(self) -> bool:
        """Whether the section does more than set defaults."""
        return self.kind not in SETTINGS

    def __str__(self) -> str:
        """Return the section in words: `frontend web (*:80)`."""
        words = f"{self.kind} {self.name}".strip()
        return f"{words} ({', '.join(self.binds)})" if self.binds else words


def haproxy_sections(content: bytes) -> tuple[HAProxySection, ...]:
    """Return every section of a haproxy.cfg, in file order.

    Arguments:
        content: the file; only the first 256 KiB are read
    """
    found: list[tuple[str, str, list[str]]] = []
    for line in text_of(content).split("\n"):
        words = _words(line)
        if not words:
            continue
        if words[0] in SECTIONS:
            address = words[2:3] if words[0] in WITH_ADDRESS and ":" in "".join(words[2:3]) else []
            found.append((words[0], "".join(words[1:2]), address))
        elif words[0] in BINDS and found:
            found[-1][2].extend(words[1:2])
    return tuple(HAProxySection(kind, name, tuple(binds)) for kind, name, binds in found)


def _words(line: str) -> list[str]:
    """Return the first three words of a line, without quotes and comments."""
    words: list[str] = []
    for match in _WORD.finditer(line):
        if match[0] == "#" or len(words) == 3:
            break
        words.append(_QUOTE.sub("", match[0]))
    return words
