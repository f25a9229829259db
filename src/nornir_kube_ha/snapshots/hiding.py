"""Hide secrets in texts of any origin behind placeholders, and put stand-ins in the placeholders' places.

The daemons' keywords for passwords are known, so their values are always found. In scripts and free text, secrets are
recognised by the word before them. A secret without such a word stays, so the text must be kept private.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

PLACEHOLDER = "kube-ha-hidden-"  # without any word that is followed by a secret
STATS, VRRP = "stats", "vrrp"
"""Names of the inventory's own secrets: `haproxy.stats.password` and `keepalived.auth_pass`."""
LEAST = 8  # characters of a known secret that is looked for anywhere; a shorter one may be an ordinary word
_HIDDEN = re.compile(rf"{PLACEHOLDER}({STATS}|{VRRP}|[0-9]{{1,6}})(?![0-9])")
# A word in haproxy's, keepalived's or a shell's quoting. A quote without its partner stands for itself.
_WORD = r"""(?:\\.|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[^\s\\"']|["'\\])+"""
_GAP = r"""(?:\\?[ \t])"""
_NAMED = r"passwords?|passwd|passphrase|pwd|secret|token|api[_-]?key|auth[_-]?pass"
_STATS = r"\bstats[ \t]+auth[ \t]+"
_LINE = re.compile(r"(?m)^(?![ \t]*[#!])[^\n]+")  # no comment: its prose may be about passwords
_AFTER_NAME = re.compile(rf"(?i)((?<![\w-])[\w-]*(?:{_NAMED}){_GAP}+)({_WORD})")
_PATTERNS = (
    # haproxy's `stats auth USER:PASSWORD`, in its quotes, or else to the end of the line.
    re.compile(rf"""({_STATS}'[^\s:'"]*:)([^'\n]+)(?=')"""),
    re.compile(rf"""({_STATS}"[^\s:'"]*:)((?:\\.|[^"\\\n])+)(?=")"""),
    re.compile(rf"""({_STATS}["']?[^\s:"']*:)(?!{PLACEHOLDER})([^\n]*[^\s])"""),
    re.compile(rf"""(?i)((?<![\w-])[\w-]*(?:{_NAMED})[\w-]{{0,40}}["']?{_GAP}*[=:]{_GAP}*)({_WORD})"""),
    re.compile(rf"(?i)(\b(?:basic|bearer){_GAP}+)([A-Za-z0-9+/=._~-]{{8,}})"),
    re.compile(rf"(\bAUTH{_GAP}+)({_WORD})"),  # redis, in `tcp-check send`
    re.compile(rf"""((?:^|\s)(?:-u|--user)[ \t=]*["']?[^\s:"']+:)({_WORD})"""),  # curl
    re.compile(r"""(\bmysql\w*\b[^\n]{0,300}?\s-p)(\S+)"""),
    re.compile(r"""(\w://[^\s/@:"']{0,100}:)([^\s/@"']+)(?=@)"""),
)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)


@dataclass(slots=True)
class Hiding:
    """Gives each secret a placeholder: one value has one in all texts.

    Arguments:
        numbers: of the secrets found so far that are not the inventory's
    """

    numbers: dict[str, int] = field(default_factory=dict, repr=False)

    def hide(self, text: str, known: Mapping[str, str]) -> str:
        """Return a text with placeholders instead of secrets.

        Arguments:
            text: of any origin
            known: name of each secret of the inventory, by value; "" for one that needs no name
        """
        for value in sorted(known, key=len, reverse=True):
            if len(value) >= LEAST:
                text = text.replace(value, self._placeholder(value, known))
        text = _PRIVATE_KEY.sub(lambda found: self._placeholder(found[0], known), text)

        def replaced(found: re.Match[str]) -> str:
            return found[1] + self._hidden(found[2], known)

        for pattern in _PATTERNS:
            text = pattern.sub(replaced, text)
        return _LINE.sub(lambda line: _AFTER_NAME.sub(replaced, line[0]), text)

    def _hidden(self, word: str, known: Mapping[str, str]) -> str:
        """Return the placeholder of a word, in its quotes."""
        closing = word[-1] if word[-1] in "\"'" else ""
        opening = closing if closing and word[0] == closing and len(word) > 1 else ""
        value = word[len(opening) : len(word) - len(closing)]
        if not value or _HIDDEN.fullmatch(value):
            return word
        return f"{opening}{self._placeholder(value, known)}{closing}"

    def _placeholder(self, value: str, known: Mapping[str, str]) -> str:
        name = known.get(value) or str(self.numbers.setdefault(value, len(self.numbers) + 1))
        return f"{PLACEHOLDER}{name}"


def revealed(text: str, stand_in: Callable[[str], str]) -> str:
    """Return a text with stand-ins instead of placeholders.

    Arguments:
        text: from `Hiding.hide`
        stand_in: returns the value for a placeholder's name: `STATS`, `VRRP` or a number
    """
    return _HIDDEN.sub(lambda found: stand_in(found[1]), text)
