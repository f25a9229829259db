# Tell systemd what is listed in CHANGES, "VERB [UNIT]" a line, in order. What fails ends it, with the unit's journal.
#
# After draft.sh, selinux.sh and watch.sh; set before it: CHANGES, HAPROXY_SOCKET, KEEPALIVED_CONF, INTERFACE, RUN_FOLDER (the
# tmpfiles.d file that makes it), and LISTENER, LAST_RESORT and DRAINED as drain.sh has them.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

fail() {
    echo "$1; the journal of $2 ends:" >&2
    journalctl --unit "$2" --facility daemon --lines 15 --no-pager --output cat >&2
    exit 1
}

# Where haproxy does not answer on our socket, its youngest process is the worker: the master forks it once it has read
# its files.
worker() {
    pid=$(echo 'show info' | timeout 1 socat -t 2 - "UNIX-CONNECT:$HAPROXY_SOCKET" 2>/dev/null | sed -n 's/^Pid: //p')
    echo "${pid:-$(pgrep --newest --exact --parent "$(systemctl show --property MainPID --value haproxy)" haproxy)}"
}

# A new worker knows nothing of what the old one was told.
drain_again() {
    for server in "$DRAINED"/*; do
        [ -f "$server" ] || continue
        for backend in "$LISTENER" "$LAST_RESORT"; do
            echo "set server $backend/${server##*/} state drain" | socat -t 2 - "UNIX-CONNECT:$HAPROXY_SOCKET"
        done
    done >&2
}

# systemctl only passes the wish on: haproxy starts a new worker from its new files, and keeps the old one if that fails.
reload_haproxy() {
    before=$(worker)
    systemctl reload haproxy </dev/null >&2 || fail "systemctl reload haproxy failed" haproxy
    deadline=$(($(date +%s) + 10))
    while [ "$(date +%s)" -lt $deadline ]; do
        now=$(worker)
        [ -z "$now" ] || [ "$now" = "$before" ] || { drain_again; return 0; }
        sleep 0.1
    done
    fail "haproxy did not take its new files" haproxy
}

# NAMES: have keepalived run scripts once before it waits for them. It waits for none that has a weight: for as long as
# that takes, its file says they have one.
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
    introduce) introduce "$unit" || fail "keepalived does not take $unit" keepalived ;;
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
