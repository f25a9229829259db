#!/bin/sh
# Boots one host: enters its cgroup, leaves the caller's session and mount namespace, mounts the host's disk and runs
# systemd-nspawn. Mounts are made where only this host sees them: they end with it, however it ends.
#   boot.sh CGROUP NAMESPACE HOSTNAME DISK ROOT POOL LOG REBOOT...
# REBOOT... is the command that boots the host again, with a new network, when it asks for that.
set -eu
if [ "${KUBE_HA_LAB_STAGE:-1}" = 1 ]; then
    echo $$ >"$1/cgroup.procs"
    exec 3</proc/self/ns/mnt # the machine's own, for the reboot
    KUBE_HA_LAB_STAGE=2 exec setsid --fork unshare --mount --propagation private sh "$0" "$@" </dev/null >>"$7" 2>&1
fi
unset KUBE_HA_LAB_STAGE
namespace=$2 hostname=$3 disk=$4 root=$5 pool=$6
shift 7

# Pure version 2, so that machines with version 1 beside it boot hosts that look the same.
grep -q '^[^ ]* /sys/fs/cgroup cgroup2 ' /proc/self/mounts || mount -t cgroup2 cgroup2 /sys/fs/cgroup
# systemd-nspawn keeps locks and a folder per machine name here: a kill would leave them, and labs would share them.
mkdir -p /run/systemd/nspawn
mount -t tmpfs -o mode=755 tmpfs /run/systemd/nspawn
# `volatile` spares the syncs. Its mark says "the machine may have crashed": here, only the host was switched off.
rm -rf "$disk/work/work/incompat"
mount -t overlay -o "lowerdir=$root,upperdir=$disk/upper,workdir=$disk/work,volatile" overlay "$disk/root"

programs= # of a real control plane
[ ! -d "$disk/programs" ] || programs="--bind-ro=$disk/programs:/srv/kubernetes"

export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network # /proc/sys/net is the host's own: its namespace is
status=0
systemd-nspawn --quiet --boot --register=no --keep-unit --console=pipe \
    --directory="$disk/root" --machine="$hostname" --hostname="$hostname" \
    --network-namespace-path="/run/netns/$namespace" --capability=CAP_NET_ADMIN,CAP_NET_RAW,CAP_IPC_LOCK \
    --rlimit=RLIMIT_NOFILE=1024:524288 --resolv-conf=off --timezone=off --link-journal=no \
    --bind-ro="$pool:/srv/pool" --bind="$disk/kube-apiserver:/srv/kube-apiserver" ${programs:+"$programs"} \
    3<&- || status=$?
[ "$status" = 133 ] || exit "$status" # 133 is systemd-nspawn's word for "it wants to be booted again"
exec nsenter --mount=/proc/self/fd/3 -- "$@"
