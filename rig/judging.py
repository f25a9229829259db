"""Have a host's daemons validate the files of many inventories as a deploy does: staged, never live."""

import re
import subprocess
from collections.abc import Iterable, Mapping

from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Node
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.planning.plan import plan
from nornir_kube_ha.tasks.config import UNSTAGE, _stage_script
from rig.lab import Lab

AT_ONCE = 100  # sets of files in one script
OTHER_WORDS = re.compile(  # lines that report a complaint elsewhere, or none
    r"|haproxy|keepalived|\[NOTICE\] .*|\[ALERT\] .*(Error\(s\) found in|Fatal errors found in) .*"
    r"|Non-existent interface specified in configuration|cannot create /etc/haproxy/\.haproxy\.cfg\.kube-ha-new"
)


def refusals(lab: Lab, host: str, sets: Mapping[int, str]) -> dict[int, str]:
    """Return why a host refuses sets of files, by number, in the words of its daemons or of the staging script.

    Arguments:
        lab: the host's lab
        host: the host's name
        sets: scripts from `staging`, by number
    """
    numbers, found = [*sets], dict[int, str]()
    for start in range(0, len(numbers), AT_ONCE):
        some = numbers[start : start + AT_ONCE]
        printed = _said(lab, host, "".join(sets[number] for number in some))
        found |= {number: words for number in some if (words := _refusal(printed, _nonce(number)))}
    return found


def staging(number: int, node: Node, files: Iterable[ConfigFile], facts: Facts) -> str:
    """Return the script that has a set of files validated, and removes them again.

    Arguments:
        number: number of the set
        node: whose files they are
        files: all of them
        facts: facts of a host that has none of the files
    """
    change = plan(node, tuple(files), facts)
    unstage = UNSTAGE.render(write=" ".join(each.file.path for each in change.write))
    own = _nonce(number)
    return f"""
echo '@{own} begin 0'
(
{_stage_script(change, own)}) 2>&1
printf '\\n@{own} end %s\\n' $?
(
{unstage})
"""


def unexplained(words: str, node: Node) -> list[str]:
    """Return the complaints that the inventory should have been refused for, without those that only a host can raise.

    Arguments:
        words: text of a refusal
        node: whose files are refused
    """
    user, group, interface = map(re.escape, (node.haproxy.user, node.haproxy.group, node.interface))
    told_by_the_host = re.compile(
        rf".* cannot find user id for '{user}' .*|.* cannot find group id for '{group}' .*"
        rf"|install: invalid group .{group}.|.* WARNING - interface {interface} for vrrp_instance \S+ doesn't exist"
    )
    lines = [line.removeprefix("haproxy: ").removeprefix("keepalived: ") for line in words.splitlines()]
    return [line for line in lines if not (OTHER_WORDS.fullmatch(line) or told_by_the_host.fullmatch(line))]


def _nonce(number: int) -> str:
    return f"{number:016x}"


def _said(lab: Lab, host: str, script: str) -> str:
    command = lab.inside(host, "sh", "-s")
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=True, timeout=240)
    return done.stdout


def _refusal(printed: str, nonce: str) -> str:
    """Return the daemons' complaints, "" if the set is accepted."""
    whole = re.search(rf"^@{nonce} begin 0\n(.*?)^@{nonce} end (\d+)$", printed, re.MULTILINE | re.DOTALL)
    assert whole, f"set {nonce} was not staged to its end"
    if whole[2] != "0":
        return whole[1].strip() or f"staging ended with exit status {whole[2]}"
    verdicts = re.findall(rf"^@{nonce} (\w+) (\d+)\n(.*?)(?=^@{nonce} |\Z)", whole[1], re.MULTILINE | re.DOTALL)
    assert [daemon for daemon, _status, _words in verdicts] == ["haproxy", "keepalived"]
    return "\n".join(f"{daemon}: {words.strip()}" for daemon, status, words in verdicts if status != "0")
