# Have systemd do what CHANGES lists, "VERB [UNIT]" a line, in order. A failure ends the script, with the unit's
# journal.
#
# After draft.sh, selinux.sh and watch.sh. Set before it: CHANGES, HAPROXY_SOCKET, KEEPALIVED_CONF, INTERFACE,
# RUN_FOLDER (the tmpfiles.d file that makes it), and LISTENER, LAST_RESORT and DRAINED as for drain.sh.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

fail() {
    echo "$1; the journal of $2 ends:" >&2
    journalctl --unit "$2" --facility daemon --lines 15 --no-pager --output cat >&2
    exit 1
}

# If haproxy does not answer on our socket, its youngest process is the worker: the master forks it after reading its
# files.
worker() {
    pid=$(echo 'show info' | timeout 1 socat -t 2 - "UNIX-CONNECT:$HAPROXY_SOCKET" 2>/dev/null | sed -n 's/^Pid: //p')
    echo "${pid:-$(pgrep --newest --exact --parent "$(systemctl show --property MainPID --value haproxy)" haproxy)}"
}

# A new worker does not know of the old one's drains.
drain_again() {
    for server in "$DRAINED"/*; do
        [ -f "$server" ] || continue
        for backend in "$LISTENER" "$LAST_RESORT"; do
            echo "set server $backend/${server##*/} state drain" | socat -t 2 - "UNIX-CONNECT:$HAPROXY_SOCKET"
        done
    done >&2
}

# systemctl only passes the request on: haproxy starts a new worker from its new files, and keeps the old one if that
# fails.
reload_haproxy() {
    before=$(worker)
    systemctl reload haproxy </dev/null >&2 || fail "systemctl reload haproxy failed" haproxy
    deadline=$(($(date +%s) + 10))
    while [ "$(date +%s)" -lt $deadline ]; do
        now=$(worker)
        [ -z "$now" ] || [ "$now" = "$before" ] || { drain_again; return 0; }
        sleep 0.1
    done
    fail "haproxy did not load its new files" haproxy
}

# NAMES: have keepalived run scripts once before it waits for their results. It does not wait for a script with a
# weight, so they have one in its file meanwhile.
introduce() {
    draft=$(draft_of "$KEEPALIVED_CONF")
    began=$(date +%s)
    cp --preserve=all "$KEEPALIVED_CONF" "$draft" || return
    for script in $1; do
        sed -E -i "/^[ \t]*vrrp_script[ \t]+${script}[ \t]*\{/,/\}/ s/^([ \t]*weight)[ \t]+0[ \t]*$/\1 -1/" "$KEEPALIVED_CONF"
    done
    systemctl reload keepalived </dev/null >&2
    told=$?
    for script in $1; do
        until [ $told != 0 ] || has_run "$script" "$began" || [ "$(date +%s)" -gt $((began + 5)) ]; do sleep 0.1; done
    done
    mv -f -T "$draft" "$KEEPALIVED_CONF" && sync "${KEEPALIVED_CONF%/*}" && return $told
}

has_run() {
    journalctl --unit keepalived --since "@$2" --no-pager --output cat | grep -F "VRRP_Script($1) " | grep -qv considered
}

set_boolean >&2 || exit
echo "$CHANGES" | while read -r verb unit; do
    case $verb in
    daemon-reload) systemctl daemon-reload || exit ;;
    watch) watch "$INTERFACE" || exit ;;
    introduce) introduce "$unit" || fail "keepalived does not load $unit" keepalived ;;
    create-run-folder) systemd-tmpfiles --create "$RUN_FOLDER" || exit ;;
    *)
        case "$verb $unit" in
        "reload haproxy") reload_haproxy ;;
        *) systemctl "$verb" "$unit" </dev/null >&2 || fail "systemctl $verb $unit failed" "$unit" ;;
        esac
        [ "$verb" = enable ] || systemctl --quiet is-active "$unit" || fail "$unit ended after $verb" "$unit"
        [ "$verb" = enable ] || rm -f "/run/kube-ha-pending/$unit"
        ;;
    esac
done
