#!/bin/sh
# Installs packages in a root that does not run, from its pool: ROOT POOL. In a mount namespace of its own. What asks the
# root's package manager is read from standard input.
set -eu
root=$1 pool=$2
mount --bind "$pool" "$root/srv/pool"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # nothing is started where nothing runs
chmod +x "$root/usr/sbin/policy-rc.d"
chroot "$root" sh -s
rm -rf "$root/usr/sbin/policy-rc.d" "$root"/var/log/apt/* "$root"/var/log/dnf* "$root/var/log/dpkg.log"
