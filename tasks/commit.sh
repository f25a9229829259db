# Put staged files in the place of the live ones, each by one rename: a reader sees the old bytes or the new ones.
#
# Set before it: WRITE, REMOVE (paths), STALE (units that must read their files again), DAEMON_RELOAD and RUN_FOLDER
# (the tmpfiles.d file to apply now, or nothing).
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
set -e

staged_name() { echo "${1%/*}/.${1##*/}.kube-ha-new"; }

for file in $WRITE; do
    [ -f "$(staged_name "$file")" ] || { echo "$(staged_name "$file") is gone; nothing was changed" >&2 && exit 1; }
done

# Should this run end here, the next one finds the files as they should be and still knows which units to tell.
mkdir -p /run/kube-ha-pending
for unit in $STALE; do : >"/run/kube-ha-pending/$unit"; done

for file in $WRITE; do mv -f "$(staged_name "$file")" "$file"; done
for file in $REMOVE; do rm -f "$file"; done
for file in $WRITE $REMOVE; do sync "${file%/*}"; done

[ -z "$DAEMON_RELOAD" ] || systemctl daemon-reload
[ -z "$RUN_FOLDER" ] || systemd-tmpfiles --create "$RUN_FOLDER"
