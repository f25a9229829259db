#!/bin/sh
# Runs once, at the end of mmdebstrap, with the new root as $1 and the pool's packages after it:
# downloads the pool, makes a repository of it, and leaves the root with the pool as its only source.
set -eu
root=$1
shift

echo "downloading the package pool"
chroot "$root" apt-get install --yes --quiet --download-only "$@"
mkdir -p "$root/srv/pool"
mv "$root"/var/cache/apt/archives/*.deb "$root/srv/pool/"
(cd "$root/srv/pool" && apt-ftparchive packages . >Packages && apt-ftparchive release . >Release)

echo "setting the root up"
rm -rf "$root"/etc/apt/sources.list.d/* "$root"/var/lib/apt/lists/*
echo "deb [trusted=yes] file:/srv/pool ./" >"$root/etc/apt/sources.list"
chroot "$root" apt-get update --quiet

rm -f "$root"/etc/ssh/ssh_host_*  # each host gets its own
: >"$root/etc/resolv.conf"        # there is nobody to ask
echo "LANG=C.UTF-8" >"$root/etc/default/locale" # as the installer leaves it; sshd's PAM asks for it at each login
mkdir -p "$root/etc/ssh/sshd_config.d" "$root/srv/kube-apiserver"
cat >"$root/etc/ssh/sshd_config.d/lab.conf" <<'END'
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
END
# Nothing of these does anything for a lab host, and each costs boot time or wakes up later.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    fstrim.timer systemd-tmpfiles-clean.timer console-getty.service getty.target systemd-logind.service \
    dev-hugepages.mount systemd-firstboot.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
ln -sf /usr/lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
# Likewise, at each boot and each daemon-reload.
mkdir -p "$root/etc/systemd/system-generators"
for generator in cryptsetup debug fstab getty gpt-auto hibernate-resume integritysetup run system-update veritysetup; do
    ln -sf /dev/null "$root/etc/systemd/system-generators/systemd-$generator-generator"
done
