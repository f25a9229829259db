# Take everything of ours off this host again, and put back what stood there before our first change.
#
# After draft.sh, firewall.sh and selinux.sh; set before it: NONCE, MANAGED (all paths of ours), KEPT (where generations
# and what was before them are), VIPS (the cluster's). Prints "@NONCE unit UNIT" of each unit that runs again, "@NONCE
# waits UNIT" of one that must not run yet, then "@NONCE end".
set -e

# keepalived first: it takes the VIP off, and says goodbye to the others.
for unit in keepalived haproxy; do
    [ "$(systemctl show --property LoadState --value "$unit")" != loaded ] || systemctl disable --quiet --now "$unit" >&2
done

# shellcheck disable=SC2086  # a list of words
discard $MANAGED
for file in $MANAGED; do
    rm -f "$file"
    case ${file%/*} in
    *.service.d) [ ! -d "${file%/*}" ] || rmdir --ignore-fail-on-non-empty "${file%/*}" ;;
    esac
    # File by file: a copy of the whole folder would give its modes to folders that are not ours, / among them.
    if [ -f "$KEPT/before$file" ]; then
        [ -d "${file%/*}" ] || install -d -m 0755 "${file%/*}"
        cp -a "$KEPT/before$file" "$(draft_of "$file")"
        mv -fT "$(draft_of "$file")" "$file"
    fi
done
systemctl daemon-reload
for timer in $(systemctl list-units --all --plain --no-legend 'kube-ha-*.timer' | cut -d ' ' -f 1); do
    systemctl stop "$timer"
done
systemctl stop kube-ha-first-apiserver.service 2>/dev/null || true
forget_selinux

# UNIT WORD: its state (2) or whether it started at boot (3), as it was before our first change.
was() { [ ! -f "$KEPT/units" ] || awk -v unit="$1" -v word="$2" '$1 == unit { print $word; exit }' "$KEPT/units"; }

# Nodes that are not taken off yet hold these VIPs.
shared=
for vip in $VIPS; do
    if grep -qswF "$vip" /etc/keepalived/keepalived.conf; then shared=yes; fi
done

failed=
for unit in haproxy keepalived; do
    state=$(was "$unit" 2) at_boot=$(was "$unit" 3)
    if [ $unit = keepalived ] && [ "$state" = active ] && [ -n "$shared" ]; then
        printf '@%s waits %s\n' "$NONCE" $unit
        continue
    fi
    [ "$at_boot" != enabled ] || systemctl enable --quiet "$unit" >&2 || failed="$failed enable $unit;"
    case $state in
    active | reloading) ;;
    *) continue ;;
    esac
    # systemctl says well where a unit's condition was not met.
    if systemctl start "$unit" >&2 && systemctl --quiet is-active "$unit"; then
        printf '@%s unit %s\n' "$NONCE" "$unit"
    else
        failed="$failed start $unit;"
    fi
done
rm -rf "$KEPT" /run/kube-ha /run/kube-ha-pending /run/kube-ha-checked /run/kube-ha-drained \
    /run/kube-ha-first-apiserver
# Last, since a firewall may refuse: all else has been done by then.
close_all
[ -z "$failed" ] || { echo "removed, but systemctl failed:$failed see the journal of the unit" >&2 && exit 1; }
printf '@%s end\n' "$NONCE"
