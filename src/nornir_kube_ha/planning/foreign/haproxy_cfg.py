"""Read what a haproxy.cfg listens on. Pure, and linear in the length of the text."""

import re
from dataclasses import dataclass

from nornir_kube_ha.planning.foreign.text import text_of

# haproxy's own list (cfg_parse.c). Any other word at the beginning of a line belongs to the section above it.
SECTIONS = frozenset(
    {
        *("global", "defaults", "frontend", "listen", "backend", "peers", "resolvers", "userlist", "mailers", "cache"),
        *("program", "http-errors", "ring", "log-forward", "log-profile", "fcgi-app", "crt-store", "traces", "acme"),
    }
)
SETTINGS = frozenset({"global", "defaults", "traces"})  # serve nobody by themselves
BINDS = frozenset({"bind", "dgram-bind"})
WITH_ADDRESS = frozenset({"frontend", "listen"})  # `listen NAME ADDRESS:PORT`, as haproxy took it before 1.9
# Every character begins one alternative only, and none of them looks back.
_WORD = re.compile(r"""(?:"[^"\n]*"|'[^'\n]*'|\\.|[^\s"'\\#])+|#|["'\\]""")
_QUOTE = re.compile(r"""["'\\]""")


@dataclass(frozen=True, slots=True)
class HAProxySection:
    """A section of a haproxy.cfg.

    Arguments:
        kind: `frontend`, `listen`, `backend`, ...
        name: its name, "" if it has none
        binds: addresses that it listens on, as the file writes them
    """

    kind: str
    name: str
    binds: tuple[str, ...] = ()

    @property
    def serves(self) -> bool:
        """Whether it does more than set defaults."""
        return self.kind not in SETTINGS

    def __str__(self) -> str:
        """`frontend web (*:80)`."""
        words = f"{self.kind} {self.name}".strip()
        return f"{words} ({', '.join(self.binds)})" if self.binds else words


def haproxy_sections(content: bytes) -> tuple[HAProxySection, ...]:
    """Return every section of a haproxy.cfg, in the file's order.

    Arguments:
        content: the file's bytes; what is beyond the first 256 KiB is not read
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
    """The first three words of a line, without quotes and comments."""
    words: list[str] = []
    for match in _WORD.finditer(line):
        if match[0] == "#" or len(words) == 3:
            break
        words.append(_QUOTE.sub("", match[0]))
    return words
