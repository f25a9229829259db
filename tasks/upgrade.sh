# The daemons' packages, as new as the host's package sources have them. Set before it: NONCE, REFRESH (not empty to read
# the sources again), PACKAGES, LOCK (seconds to wait for whoever holds the package manager's lock). Calls of one of these are appended.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive

packages() { apt-get --quiet -o "DPkg::Lock::Timeout=$LOCK" "$@" </dev/null; }

# "@NONCE PACKAGE INSTALLED CANDIDATE" of each that has a newer one, then "@NONCE end".
list_newer() {
    command -v apt-get >/dev/null || {
        echo "no apt-get here; other package managers are not known yet" >&2
        exit 1
    }
    [ -z "$REFRESH" ] || packages update >&2 || exit
    found=$(packages --just-print --only-upgrade install haproxy keepalived) || exit
    printf '\n%s\n' "$found" | sed -nE "s/^Inst (haproxy|keepalived) \[([^]]*)\] \(([^ ]*) .*/@$NONCE \1 \2 \3/p"
    printf '\n@%s end\n' "$NONCE"
}

# The packages' own scripts restart the daemons; a daemon that still runs a program that is not there any more is
# restarted here. Files of ours stay as they are.
have_newer() {
    # shellcheck disable=SC2086  # a list of words
    [ -z "$PACKAGES" ] ||
        packages --yes --only-upgrade --no-install-recommends -o Dpkg::Options::=--force-confold install $PACKAGES || exit
    for unit in haproxy keepalived; do
        case $(readlink "/proc/$(systemctl show --property MainPID --value $unit)/exe") in
        *" (deleted)") systemctl restart $unit || exit ;;
        esac
    done
}
