# Ask systemd for what is listed in CHANGES, "VERB UNIT" a line, in order. A unit that fails ends it, with its journal.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

echo "$CHANGES" | while read -r verb unit; do
    if ! systemctl "$verb" "$unit" </dev/null >&2; then
        echo "systemctl $verb $unit failed; its journal ends:" >&2
        journalctl --unit "$unit" --lines 15 --no-pager --output cat >&2
        exit 1
    fi
    [ "$verb" = enable ] || rm -f "/run/kube-ha-pending/$unit"
done
