# Remove everything of kube-ha from this host, and restore what was there before its first change. The rest stays: a
# foreign file and its unit, and everything on a host that kube-ha never changed.
#
# After section.sh, draft.sh, firewall.sh, selinux.sh, generations.sh, origins.sh and watch.sh. Set before it:
#   MANAGED  paths of all managed files
#   KEPT     the folder of generations and of what was before them
#   FAMILY   ""
#   DRY      "" to remove; otherwise only print what stays
#   VIPS     the cluster's
# Prints sections:
#   nothing       if there is nothing of kube-ha
#   foreign PATH  for each file that stays
#   unit UNIT     for each unit that runs again
#   waits UNIT    for a unit that must not run yet
set -e

# shellcheck disable=SC2086  # a list of words
[ -e "$KEPT" ] || grep -qs 'Written by nornir-kube-ha' $MANAGED || {
    [ -n "$DRY" ] || close_all
    section nothing
    section end
    exit 0
}

# PATH: print `foreign` if kube-ha did not write it.
owner_of() {
    [ -f "$1" ] || return 0
    if grep -qsF 'Written by nornir-kube-ha' "$1"; then return 0; fi
    case $(origin_of "$1") in
    written* | plain* | good | kept) ;;
    *) echo foreign ;;
    esac
}

foreign=
for unit in haproxy keepalived; do
    for file in $MANAGED; do
        case $file in
        */$unit.c*)
            owner=$(owner_of "$file")
            if [ "$owner" = foreign ]; then
                foreign="$foreign $unit $file"
                section foreign "$file"
            fi
            ;;
        esac
    done
done

[ -z "$DRY" ] || {
    section end
    exit 0
}

# keepalived first: it releases the VIP, and tells the others by an advert of priority 0.
for unit in keepalived haproxy; do
    case " $foreign " in *" $unit "*) continue ;; esac
    [ "$(systemctl show --property LoadState --value "$unit")" != loaded ] || systemctl disable --quiet --now "$unit" >&2
done

# shellcheck disable=SC2086  # a list of words
discard $MANAGED
for file in $MANAGED; do
    case " $foreign " in *" $file "*) continue ;; esac
    rm -f "$file"
    case ${file%/*} in
    *.service.d) [ ! -d "${file%/*}" ] || [ -L "${file%/*}" ] || rmdir --ignore-fail-on-non-empty "${file%/*}" ;;
    esac
    # File by file: a copy of the whole folder would change the modes of folders that are not ours, / among them. A link
    # may lead nowhere from where it is kept.
    if [ -f "$KEPT/before$file" ] || [ -L "$KEPT/before$file" ]; then
        [ -d "${file%/*}" ] || install -d -m 0755 "${file%/*}"
        draft=$(draft_of "$file")
        cp -a "$KEPT/before$file" "$draft"
        mv -fT "$draft" "$file"
    fi
done
systemctl daemon-reload
for timer in $(systemctl list-units --all --plain --no-legend 'kube-ha-*.timer' | cut -d ' ' -f 1); do
    # The timer's unit undoes what a move of the VIP has set: run it now.
    case $timer in *-forward.timer | *-keep.timer) systemctl start --wait "${timer%.timer}.service" || true ;; esac
    systemctl stop "$timer" || true
done
systemctl stop kube-ha-first-apiserver.service 2>/dev/null || true
forget_selinux
unwatch

# UNIT WORD: print its state (2) or whether it started at boot (3), as it was before our first change.
was() { [ ! -f "$KEPT/units" ] || awk -v unit="$1" -v word="$2" '$1 == unit { print $word; exit }' "$KEPT/units"; }

# Nodes that are not removed yet hold these VIPs.
shared=
for vip in $VIPS; do
    if grep -qswF "$vip" /etc/keepalived/keepalived.conf; then shared=yes; fi
done

failed=
for unit in haproxy keepalived; do
    case " $foreign " in *" $unit "*) continue ;; esac
    state=$(was "$unit" 2) at_boot=$(was "$unit" 3)
    if [ $unit = keepalived ] && [ "$state" = active ] && [ -n "$shared" ]; then
        section waits $unit
        continue
    fi
    [ "$at_boot" != enabled ] || systemctl enable --quiet "$unit" >&2 || failed="$failed enable $unit;"
    case $state in
    active | reloading) ;;
    *) continue ;;
    esac
    # systemctl reports success even if a condition of the unit was not met.
    if systemctl start "$unit" >&2 && systemctl --quiet is-active "$unit"; then
        section unit "$unit"
    else
        failed="$failed start $unit;"
    fi
done
rm -rf "$KEPT" /run/kube-ha /run/kube-ha-pending /run/kube-ha-checked /run/kube-ha-drained \
    /run/kube-ha-first-apiserver /run/kube-ha-forwards-* /run/kube-ha-keeps-* /run/kube-ha-arp /run/kube-ha-remembers
# Last, since the firewall may reject a change: everything else is done by then.
close_all
[ -z "$failed" ] || { echo "removed, but systemctl failed:$failed see the unit's journal" >&2 && exit 1; }
section end
