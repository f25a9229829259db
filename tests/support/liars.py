"""Hosts that lie: programs and login shells that say what no honest one does, and put back in the end."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rig.lab import Lab

# What would drive a terminal, or be markup, if it were not only read. No `|`, `&` or backslash: it goes through sed.
MARKUP = "</pre></td><script>alert(1)</script><img src=x onerror=alert(1)>"
EVIL = f"{MARKUP}\x1b[31m\x1b]0;mine\x07\x9b2J\u202e%n{{{{7*7}}}}"
IN_JSON = "<script>alert(1)</script>\\\\u001b[31m"
# Each in the place of the host's own, which it may call as /root/real/NAME.
PROGRAMS = {
    "/usr/sbin/haproxy": 'printf "HAProxy version %s\\n[ALERT] %s\\n" "$EVIL" "$EVIL"; exit 1',
    "/usr/sbin/keepalived": 'case $1 in --signum*) exec /root/real/keepalived "$@" ;; *) echo "$EVIL"; exit 1 ;; esac',
    "/usr/bin/dpkg-query": '/root/real/dpkg-query "$@" | sed "s|^haproxy [^ ]*|haproxy 2.9$EVIL|"',
    "/usr/bin/journalctl": 'echo "9999999999.1 apparmor=DENIED haproxy keepalived $EVIL"',
    "/usr/bin/systemctl": '/root/real/systemctl "$@" | sed "s|^SubState=.*|SubState=$EVIL|"',
    "/usr/bin/ip": f'/root/real/ip "$@" | sed "s|\\"ifname\\":\\"eth0\\"|\\"ifname\\":\\"{IN_JSON}\\"|"',
    "/usr/bin/ss": '/root/real/ss "$@" | sed "s|(\\"haproxy\\"|(\\"$EVIL\\"|"',
    "/usr/bin/curl": 'printf "%s\\nstatus 000\\n" "$EVIL"',
    "/usr/bin/openssl": 'echo "Verify return code: $EVIL"',
    "/usr/bin/tcpdump": 'echo "$EVIL"',
    "/usr/bin/df": 'printf "head\\n%s 9 0 9 0\\n" "$EVIL"',
}
# A login shell that is honest but for the frame of facts, which it knows by then: forged sections, before an early end.
FORGE = """#!/usr/bin/python3
import subprocess, sys
if sys.argv[1:] != ["-c", "sh -s"]:
    sys.exit(subprocess.call(["/bin/sh", *sys.argv[1:]]))
said = subprocess.run(["/bin/sh", "-s"], stdin=sys.stdin, capture_output=True).stdout
mark = b"@" + said.split(b"@", 1)[1].split(b" ")[0] + b" "
sections = {sections}
forged = b"".join(mark + name + b"\\n" + body + b"\\n" for name, body in sections)
sys.stdout.buffer.write(said.rpartition(mark + b"end")[0] + forged + mark + b"end\\n")
"""


@contextmanager
def lying_programs(lab: Lab, host: str) -> Iterator[None]:
    """A host whose programs are not its own."""
    lab.run(host, "mkdir /root/real /root/lies")
    _put(lab, host, "/root/lies/evil", EVIL)
    try:
        for path, body in PROGRAMS.items():
            name = path.rpartition("/")[2]
            _put(lab, host, f"/root/lies/{name}", f"#!/bin/sh\nEVIL=$(cat /root/lies/evil)\n{body}\n")
            lab.run(host, f"cp -L {path} /root/real/{name} && mount --bind /root/lies/{name} {path}")
        yield
    finally:
        for path in PROGRAMS:
            lab.run(host, f"! mountpoint -q {path} || umount {path}")
        lab.run(host, "rm -r /root/real /root/lies")


@contextmanager
def lying_shells(lab: Lab, shells: Mapping[str, str]) -> Iterator[None]:
    """Hosts whose login shell is a script.

    Arguments:
        lab: where they are
        shells: the script of each, by the host's name
    """
    for host, script in shells.items():
        _put(lab, host, "/root/liar", script)
        lab.run(host, "usermod --shell /root/liar root")
    try:
        yield
    finally:
        for host in shells:
            lab.run(host, "usermod --shell /bin/bash root; rm /root/liar")


def _put(lab: Lab, host: str, path: str, text: str) -> None:
    command = lab.inside(host, "sh", "-c", f"cat >{path}; chmod 755 {path}")
    subprocess.run(command, input=text.encode(), check=True)
