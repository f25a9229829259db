#!/bin/sh
# Runs once, at the end of mmdebstrap, with the new root of Debian 12 as $1: fetches etcd from its release and kubectl, a
# static program, from Debian 13, and leaves them in $1/srv/kubernetes.
set -eu
root=$1
mkdir -p "$root/srv/kubernetes" "$root/srv/packages"
sed 's/bookworm/trixie/; /-updates\|-security/d' "$root/etc/apt/sources.list" >"$root/etc/apt/sources.list.d/trixie.list"

echo "downloading etcd and kubectl"
chroot "$root" apt-get update --quiet
chroot "$root" sh -c 'cd /srv/packages && apt-get download --quiet etcd-server/bookworm etcd-client/bookworm kubectl/trixie'
for package in "$root"/srv/packages/*.deb; do dpkg-deb --extract "$package" "$root/srv/packages"; done
for program in etcd etcdctl kubectl; do cp "$root/srv/packages/usr/bin/$program" "$root/srv/kubernetes/$program"; done
