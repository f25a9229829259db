# Take everything of ours off this host again, and put back what stood there before our first change.
#
# After draft.sh, firewall.sh and selinux.sh; set before it: MANAGED (all paths of ours), KEPT (where generations and what was before them are).
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
done
[ ! -d "$KEPT/before" ] || cp -a "$KEPT/before/." /
systemctl daemon-reload
for timer in $(systemctl list-units --all --plain --no-legend 'kube-ha-*.timer' | cut -d ' ' -f 1); do
    systemctl stop "$timer"
done
forget_selinux
rm -rf "$KEPT" /run/kube-ha /run/kube-ha-pending /run/kube-ha-drained
# Last, since a firewall may refuse: all else has been done by then.
close_all
