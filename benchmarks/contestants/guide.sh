#!/bin/sh
# The guide's own loops: step by step, host by host. yum is apt-get here, netstat is ss, and all our files are copied.
#   guide.sh SSH_CONFIG HOSTS FILES PACKAGES INTERFACE
# HOSTS has "NAME ADDRESS VIP" a line; FILES a folder a host.
set -eu
config=$1 hosts=$2 files=$3 packages=$4 interface=$5

each_host() { # COMMAND...: sees $name, $node_ip and $vip
    while read -r name node_ip vip <&3; do
        echo ">>> $node_ip"
        "$@"
    done 3<"$hosts"
}
on_host() { ssh -F "$config" "root@$node_ip" "$@"; }
copy() { # FOLDER: of this host's files, to the same place there
    scp -q -p -F "$config" "$files/$name$1"/* "root@$node_ip:$1"
}

install() { on_host "apt-get install -y --no-install-recommends $packages"; }
copy_haproxy() { copy /etc/haproxy; }
copy_keepalived() { copy /etc/keepalived; }
copy_units() {
    on_host "mkdir -p /etc/systemd/system/haproxy.service.d /etc/systemd/system/keepalived.service.d"
    copy /etc/systemd/system/haproxy.service.d
    copy /etc/systemd/system/keepalived.service.d
    copy /etc/tmpfiles.d
    on_host "chgrp haproxy /etc/haproxy/haproxy.cfg; systemctl daemon-reload; systemd-tmpfiles --create kube-ha.conf"
}
restart() { on_host "systemctl enable $1; systemctl restart $1"; }
status() { on_host "systemctl status $1 | grep Active"; }
listening() { on_host "ss -lnpt | grep haproxy"; }
address() {
    on_host "/usr/sbin/ip addr show $interface"
    on_host "ping -c 1 $vip || true"
}

each_host install
each_host copy_haproxy
each_host copy_units
each_host restart haproxy
each_host status haproxy
each_host listening
each_host copy_keepalived
each_host restart keepalived
each_host status keepalived
each_host address
