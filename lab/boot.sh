#!/bin/sh
# Boot one host: enter its cgroup, leave the caller's session and mount namespace, mount the host's disk and run
# systemd-nspawn. The mounts are private to this host, and end with it.
#   boot.sh CGROUP NAMESPACE HOSTNAME DISK ROOT POOL LOG REBOOT...
# REBOOT... is the command that boots the host again, with a new network, when it reboots.
set -eu
if [ "${KUBE_HA_LAB_STAGE:-1}" = 1 ]; then
    echo $$ >"$1/cgroup.procs"
    exec 3</proc/self/ns/mnt # the machine's own, for the reboot
    KUBE_HA_LAB_STAGE=2 exec setsid --fork unshare --mount --propagation private sh "$0" "$@" </dev/null >>"$7" 2>&1
fi
unset KUBE_HA_LAB_STAGE
namespace=$2 hostname=$3 disk=$4 root=$5 pool=$6
shift 7

# Cgroups of version 2 only, so that hosts look the same on machines that also have version 1.
grep -q '^[^ ]* /sys/fs/cgroup cgroup2 ' /proc/self/mounts || mount -t cgroup2 cgroup2 /sys/fs/cgroup
# systemd-nspawn keeps locks and a folder per machine name here: they would outlive a kill, and labs would share them.
mkdir -p /run/systemd/nspawn
mount -t tmpfs -o mode=755 tmpfs /run/systemd/nspawn
# `volatile` skips syncs. After a crash, its mark makes overlayfs refuse the mount; here only the host was switched off.
rm -rf "$disk/work/work/incompat"
mount -t overlay -o "lowerdir=$root,upperdir=$disk/upper,workdir=$disk/work,volatile" overlay "$disk/root"

programs= # of a real control plane
[ ! -d "$disk/programs" ] || programs="--bind-ro=$disk/programs:/srv/kubernetes"

export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network # the host has its own network namespace, so /proc/sys/net is its own
status=0
systemd-nspawn --quiet --boot --register=no --keep-unit --console=pipe \
    --directory="$disk/root" --machine="$hostname" --hostname="$hostname" \
    --network-namespace-path="/run/netns/$namespace" --capability=CAP_NET_ADMIN,CAP_NET_RAW,CAP_IPC_LOCK \
    --rlimit=RLIMIT_NOFILE=1024:524288 --resolv-conf=off --timezone=off --link-journal=no \
    --bind-ro="$pool:/srv/pool" --bind="$disk/kube-apiserver:/srv/kube-apiserver" ${programs:+"$programs"} \
    3<&- || status=$?
[ "$status" = 133 ] || exit "$status" # systemd-nspawn exits with 133 when the host wants to reboot
exec nsenter --mount=/proc/self/fd/3 -- "$@"
