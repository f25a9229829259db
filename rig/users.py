"""A user of the hosts who is not root, and the user's sudo rights."""

from rig.lab import Lab, on_all

ADD = """
useradd --create-home --shell /bin/bash ops
install -d -m 700 -o ops -g ops ~ops/.ssh
install -m 600 -o ops -g ops /root/.ssh/authorized_keys ~ops/.ssh/authorized_keys
"""
PASSWORD = 'it\'s $(reboot) "quoted"'
RULES = "/etc/sudoers.d/ops"
REMOVE = f"userdel --remove ops 2>/dev/null; rm -f {RULES}"
DEMAND_PASSWORD = "ops ALL=(ALL) ALL"
LET_IN = "ops ALL=(ALL) NOPASSWD: ALL"


def allow(lab: Lab, *rules: str, password: str = "") -> None:
    """Set the user's sudo rules, and the password."""
    text = "".join(f"{rule}\n" for rule in rules)
    on_all(lab, f"install -m 440 /dev/stdin {RULES} <<'END' && visudo -cqf {RULES}\n{text}END")
    if password:
        on_all(lab, f"chpasswd <<'END'\nops:{password}\nEND")
