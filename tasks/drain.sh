# An apiserver's part in haproxy, by haproxy's admin socket. After it: a call of `drain` or `ready`.
#
# Set before it: SERVER (its name), HAPROXY_SOCKET, LISTENER and LAST_RESORT (haproxy's names of what it is part of), DRAINED
# (a folder below /run: who is drained there, for a reload to know), SECONDS_TO_LAST.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
UNIT=kube-ha-ready-$SERVER

clients() { ss --no-header --unix state established src "$HAPROXY_SOCKET*" 2>/dev/null | wc -l; }

# haproxy answers with nothing where it does as it is told. Not every configuration has a last resort.
set_state() {
    for backend in "$LISTENER" "$LAST_RESORT"; do
        words=$(echo "set server $backend/$SERVER state $1" | timeout 5 socat -t 2 - "UNIX-CONNECT:$HAPROXY_SOCKET" 2>&1) ||
            fail "haproxy does not answer on $HAPROXY_SOCKET, which has $(clients) clients: $words"
        case $backend:$(echo "$words" | tr -d '[:space:]') in
        *: | "$LAST_RESORT:Nosuchbackend.") ;;
        *) fail "haproxy says: $words" ;;
        esac
    done
}

fail() {
    echo "$*" >&2
    exit 1
}

disarm() {
    systemctl stop "$UNIT.timer" 2>/dev/null
    systemctl reset-failed "$UNIT.service" 2>/dev/null
}

# Its end is armed first, on this host: whatever becomes of the controller, it comes.
drain() {
    disarm
    ready="rm -f $DRAINED/$SERVER; for backend in $LISTENER $LAST_RESORT; do
        echo set server \$backend/$SERVER state ready | socat -t 2 - UNIX-CONNECT:$HAPROXY_SOCKET; done"
    systemd-run --quiet --collect --unit "$UNIT" --on-active "$SECONDS_TO_LAST" --timer-property AccuracySec=1s \
        sh -c "$ready" || fail "systemd does not take the timer that would end it"
    # A reload begins with all apiservers ready, and would end a drain that is not noted.
    { mkdir -p "$DRAINED" && true >"$DRAINED/$SERVER"; } || fail "cannot note the drain in $DRAINED; nothing was drained"
    set_state drain
}

ready() {
    disarm
    rm -f "$DRAINED/$SERVER"
    set_state ready
}
