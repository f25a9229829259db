# Drain an apiserver in haproxy, or make it ready again, by haproxy's admin socket. A call of `drain` or `ready` is
# appended.
#
# Set before it:
#   SERVER                 name of the apiserver
#   HAPROXY_SOCKET         the admin socket
#   LISTENER, LAST_RESORT  haproxy's names of the backends that it is in
#   DRAINED                a folder below /run with a file for each drain, since a reload ends drains
#   SECONDS_TO_LAST        how long a drain lasts
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
UNIT=kube-ha-ready-$SERVER

clients() { ss --no-header --unix state established src "$HAPROXY_SOCKET*" 2>/dev/null | wc -l; }

# On success, haproxy's answer is blank. Not every configuration has a last resort.
set_state() {
    for backend in "$LISTENER" "$LAST_RESORT"; do
        words=$(echo "set server $backend/$SERVER state $1" | timeout 5 socat -t 2 - "UNIX-CONNECT:$HAPROXY_SOCKET" 2>&1) ||
            fail "haproxy does not answer on $HAPROXY_SOCKET, which has $(clients) clients: $words"
        case $backend:$(echo "$words" | tr -d '[:space:]') in
        *: | "$LAST_RESORT:Nosuchbackend.") ;;
        *) fail "haproxy rejects the command: $words" ;;
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

# BACKEND: succeed if haproxy drains the server there. Bit 8 of its administrative state is a drain by the admin socket.
drained_in() {
    echo "show servers state $1" | timeout 5 socat -t 2 - "UNIX-CONNECT:$HAPROXY_SOCKET" 2>/dev/null |
        awk -v name="$SERVER" '$4 == name { drained = int($7 / 8) % 2 } END { exit !drained }'
}

drain_changes() { [ ! -e "$DRAINED/$SERVER" ] || ! drained_in "$LISTENER"; }

ready_changes() { [ -e "$DRAINED/$SERVER" ] || drained_in "$LISTENER" || drained_in "$LAST_RESORT"; }

# The timer that ends the drain is armed first, on this host: it works even if the controller is gone.
drain() {
    disarm
    ready="rm -f $DRAINED/$SERVER; for backend in $LISTENER $LAST_RESORT; do
        echo set server \$backend/$SERVER state ready | socat -t 2 - UNIX-CONNECT:$HAPROXY_SOCKET; done"
    systemd-run --quiet --collect --unit "$UNIT" --on-active "$SECONDS_TO_LAST" --timer-property AccuracySec=1s \
        sh -c "$ready" || fail "systemd rejects the timer that would end the drain"
    # After a reload all apiservers are ready. A drain must be recorded, or a reload would end it.
    { mkdir -p "$DRAINED" && true >"$DRAINED/$SERVER"; } || fail "cannot record the drain in $DRAINED; nothing was drained"
    set_state drain
}

ready() {
    disarm
    rm -f "$DRAINED/$SERVER"
    set_state ready
}
