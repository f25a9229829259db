"""Section `global` of haproxy.cfg in the inventory's words."""

from nornir_kube_ha.adoption.draft import Draft, refusal
from nornir_kube_ha.adoption.haproxy_cfg.proxies import Located, Proxy

PLAIN = {"chroot": "chroot", "user": "user", "group": "group", "hard-stop-after": "hard_stop_after"}
OURS = frozenset({"localpeer"})  # written for `keepalived.tickle`
LINES = "haproxy.global_lines"


def say_global(draft: Draft, proxies: tuple[Proxy, ...]) -> None:
    """Put section `global` into a draft: all of its lines that have no key of their own stay as they are.

    Arguments:
        draft: of the host
        proxies: of the host
    """
    lines = [line for each in proxies if each.kind == "global" for line in each.own]
    logs = [line for line in lines if line.words[0] == "log"]
    draft.say("haproxy.log", tuple(" ".join(line.words[1:]) for line in logs), logs[0].place if logs else None)
    is_daemon = [line for line in lines if line.words[0] == "daemon"]
    draft.say("haproxy.daemon", bool(is_daemon), is_daemon[0].place if is_daemon else None)
    kept: list[Located] = []
    for line in lines:
        word, value = line.word(0), line.word(1)
        if word in PLAIN:
            draft.say(f"haproxy.{PLAIN[word]}", value, line.place)
        elif word == "nbproc" and value.isdecimal():
            _say_processes(draft, int(value), line)
        elif word == "stats":
            kept += [] if _say_socket(draft, line) else [line]
        elif word not in {"log", "daemon", *OURS}:
            kept.append(line)
    _keep(draft, kept)
    missing = [f"`{word}`" for word in ("chroot", "user", "group") if f"haproxy.{word}" not in draft.settings]
    if missing:
        draft.change(f"no {', '.join(missing)} in section global", "haproxy's worker gets the inventory's defaults")


def _say_processes(draft: Draft, count: int, line: Located) -> None:
    if count == 1:
        draft.say("haproxy.nbproc", 1, line.place)
    else:
        draft.change(
            f"`nbproc {count}`", "haproxy runs as one process with threads: only one knows all clients", line.place
        )


def _say_socket(draft: Draft, line: Located) -> bool:
    """Put a `stats` line into a draft; return whether it has a key of its own."""
    if line.word(1) == "timeout":
        return draft.say("haproxy.stats_timeout", line.word(2), line.place)
    if line.word(1) == "maxconn":
        return True
    path = line.word(2).removeprefix("unix@")
    if line.word(1) != "socket" or "haproxy.socket" in draft.settings or refusal("haproxy.socket", path):
        return False
    draft.say("haproxy.socket", path, line.place)
    options = dict(zip(line.words[3:], line.words[4:], strict=False))
    for name in ("mode", "level"):
        if name in options:
            draft.say(f"haproxy.socket_{name}", options[name], line.place)
    if options.get("level") != "admin":
        words = "verify and drain need level admin on it"
        draft.say("haproxy.socket_level", "admin", line.place)
        draft.change(
            f"level {options.get('level', 'operator')} of the admin socket", f"it becomes admin: {words}", line.place
        )
    return True


def _keep(draft: Draft, lines: list[Located]) -> None:
    usable = []
    for line in lines:
        if refusal(LINES, (line.raw,)):
            draft.end(
                f"`{line.word(0)}` of section global", "it has unprintable characters, and is left out", line.place
            )
        else:
            usable.append(line)
    if usable:
        draft.say(LINES, tuple(dict.fromkeys(line.raw for line in usable)), usable[0].place)
