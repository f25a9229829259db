"""Logins that greet, colour, narrow and mistranslate: facts and changes are right all the same."""

import subprocess
from collections.abc import Iterator

import pytest
from rig.lab import HOSTS, Lab, on_all

SURROUNDINGS = {
    "lb-1": r"""
printf 'Welcome!\nroot@lb-1:~# \n$ \n@0123456789abcdef clock\n'; echo oops >&2
PS1='h> \n> '; alias ls='ls --color=always' cat='cat -A'; cd /tmp
export LANG=de_DE.UTF-8 LC_ALL=zh_CN.UTF-8 LANGUAGE=de CDPATH=/ TZ=Asia/Shanghai GREP_COLORS=mt=31
""",
    "lb-2": "umask 077; export PATH=/usr/bin:/bin LC_ALL=de_DE.UTF-8",
    "lb-3": r"printf '\033[2J\033]0;mine\007no end of line'; set -o noclobber; set -o nounset; umask 000",
}
KEPT = "/root/.bashrc /etc/motd"
FILES = f"{KEPT} /root/.zshenv /root/.zshrc"  # .bashrc and .zshenv are read for a command that comes by SSH
LOCALES = {"de_DE": ("Samstag", "Januar"), "zh_CN": ("<U65E5>", "1<U6708>")}  # a day and a month there
# Debian's own locales are in a package that lab hosts do not have. These are C.UTF-8 but for numbers and dates.
MAKE_LOCALE = """
cd /usr/lib/locale && cat >charmap <<'END'
<code_set_name> UTF-8
<escape_char> /
<mb_cur_min> 1
<mb_cur_max> 6
CHARMAP
<U0000>..<U007F> /x00 ASCII
<U65C0>..<U65FF> /xe6/x97/x80 days
<U6700>..<U673F> /xe6/x9c/x80 months
END CHARMAP
END
cat >source <<'END'
escape_char /
LC_NUMERIC
decimal_point ","
thousands_sep "."
grouping 3;3
END LC_NUMERIC
LC_TIME
day {days}
abday {days}
mon {months}
abmon {months}
am_pm "";""
d_t_fmt "%a %d %b"
d_fmt "%d.%m.%Y"
t_fmt "%T"
END LC_TIME
END
localedef --force --quiet --no-archive -f ./charmap -i ./source "$PWD/draft" # grumbles of what is missing
cp -r C.utf8 {name}.utf8 && mv draft/LC_TIME draft/LC_NUMERIC {name}.utf8/ && rm -r draft charmap source
"""
MODES = """
stat -c "%a %U:%G %n" /etc/haproxy/* /etc/keepalived/* /etc/systemd/system/*/kube-ha.conf /run/kube-ha
ls -A /etc/tmpfiles.d
"""


@pytest.fixture
def noisy(deployed: Lab) -> Iterator[Lab]:
    """Hosts each of which receives a login in its own way."""
    for host, words in SURROUNDINGS.items():
        deployed.run(host, f"for file in {KEPT}; do cp -a $file $file.kept; done; tee {FILES} <<'END'\n{words}\nEND")
    for name, (day, month) in LOCALES.items():
        days, months = (";".join([f'"{word}"'] * count) for word, count in ((day, 7), (month, 12)))
        on_all(deployed, MAKE_LOCALE.format(name=name, days=days, months=months))
    yield deployed
    on_all(
        deployed,
        f"""usermod --shell /bin/bash root; ln -sf dash /bin/sh
        rm -r {FILES} {" ".join(f"/usr/lib/locale/{name}.utf8" for name in LOCALES)}
        for file in {KEPT}; do mv $file.kept $file; done
        ! command -v zsh || dpkg --purge zsh zsh-common""",
    )


def seen_by_login(lab: Lab, host: str, command: str) -> str:
    done = subprocess.run(lab.ssh_command(host, command), capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize(
    ("shell", "sh"), [("/bin/bash", "dash"), ("/bin/bash", "bash"), ("/bin/sh", "dash"), ("/usr/bin/zsh", "dash")]
)
def test_facts_and_changes_are_right(noisy: Lab, shell: str, sh: str) -> None:
    if shell == "/usr/bin/zsh":
        on_all(noisy, "dpkg --install /srv/pool/zsh*.deb")
    before = on_all(noisy, MODES)
    on_all(noisy, f"usermod --shell {shell} root; ln -sf {sh} /bin/sh")
    if shell != "/bin/sh":  # which reads no file
        number, month = "locale -k decimal_point", "date --date 2000-01-01 +%b"
        assert [seen_by_login(noisy, host, number).splitlines()[-1] for host in HOSTS[:2]] == ['decimal_point=","'] * 2
        assert [seen_by_login(noisy, host, month).split()[-1] for host in HOSTS[:2]] == ["1月", "Januar"]
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
