"""Logins that greet, colour, narrow and mistranslate: facts and changes are right all the same."""

from collections.abc import Iterator

import pytest
from tests.lab.rig import HOSTS, Lab, on_all

RC = "/root/.bashrc"
SURROUNDINGS = {
    "lb-1": r"""
printf 'Welcome!\nroot@lb-1:~# \n$ \n@0123456789abcdef clock\n'; echo oops >&2
PS1='h> \n> '; alias ls='ls --color=always' cat='cat -A'; cd /tmp
export LANG=de_DE.UTF-8 LC_ALL=zh_CN.UTF-8 LANGUAGE=de CDPATH=/ TZ=Asia/Shanghai GREP_COLORS=mt=31
""",
    "lb-2": "umask 077; export PATH=/usr/bin:/bin",
    "lb-3": r"printf '\033[2J\033]0;mine\007no end of line'; set -o noclobber; set -o nounset; umask 000",
}
MODES = """
stat -c "%a %U:%G %n" /etc/haproxy/* /etc/keepalived/* /etc/systemd/system/*/kube-ha.conf /run/kube-ha
ls -A /etc/tmpfiles.d
"""


@pytest.fixture
def noisy(deployed: Lab) -> Iterator[Lab]:
    """Hosts each of which receives a login in its own way."""
    for host, words in SURROUNDINGS.items():
        deployed.run(host, f"cp -a {RC} {RC}.kept; cat >{RC} <<'END'\n{words}\nEND")
    yield deployed
    on_all(deployed, f"mv {RC}.kept {RC}; usermod --shell /bin/bash root")


@pytest.mark.parametrize("shell", ["/bin/bash", "/bin/sh"])
def test_facts_and_changes_are_right(noisy: Lab, shell: str) -> None:
    before = on_all(noisy, MODES)
    on_all(noisy, f"usermod --shell {shell} root")
    assert noisy.runbook("verify").status == 0
    assert not noisy.deploy("--output", "json").report["changed"]
    noisy.set("haproxy.balance", "source")
    noisy.set("keepalived.garp_master_refresh", 30)
    completed = noisy.deploy("--output", "json")
    assert completed.status == 0, completed.stdout + completed.stderr
    assert [host["changed"] for host in completed.report["hosts"].values()] == [True] * len(HOSTS)
    assert on_all(noisy, MODES) == before
    assert noisy.runbook("rollback").status == 0
    assert on_all(noisy, MODES) == before
