#!/bin/sh
# Installs packages in a root that does not run, from its pool: ROOT POOL PACKAGE... In a mount namespace of its own.
set -eu
root=$1 pool=$2
shift 2
mount --bind "$pool" "$root/srv/pool"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # nothing is started where nothing runs
chmod +x "$root/usr/sbin/policy-rc.d"
chroot "$root" apt-get install --yes --quiet --no-install-recommends "$@"
rm "$root/usr/sbin/policy-rc.d" "$root"/var/log/apt/* "$root/var/log/dpkg.log"
