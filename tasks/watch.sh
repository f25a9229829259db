# Have the kernel remember other routers that use a VRID of the cluster, or end that. Set before it: WATCH (the file
# that nft reads) and VRRP_MAC.

# INTERFACE: watch it as the file says; if there is no file, do not watch. If this fails, the host works, but looks take
# longer.
watch() {
    rm -f /run/kube-ha-unwatched
    if [ ! -f "$WATCH" ]; then
        unwatch
    elif ! { timeout 5 nft -f "$WATCH" && ip maddress add "$VRRP_MAC" dev "$1"; } >&2; then
        echo "the kernel does not record other routers on this host" >&2
        : >/run/kube-ha-unwatched
    fi
}

# nft or the table may be missing, and the interface may have a new name. An address that a program has joined stays.
unwatch() {
    nft delete table inet kube_ha_watch 2>/dev/null || true
    hexadecimal=$(echo "$VRRP_MAC" | tr -d :)
    while read -r _ interface _ static address; do
        [ "$static $address" != "1 $hexadecimal" ] || ip maddress delete "$VRRP_MAC" dev "$interface" >&2 || true
    done </proc/net/dev_mcast
    rm -f /run/kube-ha-unwatched
}
