# This host's part in a planned move of the VIP. After connections.sh. Calls of these functions are appended.
#
# Set before it, besides what connections.sh needs:
#   WANTED           a number that is added to this node's priority
#   WANTED_FILE      the file that keepalived reads it from
#   RELEASED_FILE    the file that has keepalived release the VIP
#   UNIT             of the timer that ends this node's part
#   SECONDS_TO_LAST  until that timer; "" for a preference that stays
#   REST             seconds after DRAIN until the others have elected the holder

holds() { [ -n "$(ip -oneline address show to "$VIP")" ]; }

# CONDITION: wait for it, for two seconds at most.
within() {
    tries=100
    while ! "$@"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.02
    done
}

lacks() { ! holds; }

disarm() { systemctl stop "$UNIT.timer" 2>/dev/null || true; }

# Before anything is written: the timer gives this node its own priority back, even if the controller is gone.
arm() {
    disarm
    [ -n "$SECONDS_TO_LAST" ] || return 0
    systemd-run --quiet --collect --unit "$UNIT" --on-active "$SECONDS_TO_LAST" --timer-property AccuracySec=1s \
        sh -c "echo 0 >$WANTED_FILE; echo 0 >$RELEASED_FILE" >&2 || {
        echo "systemd rejects the timer that would end it" >&2
        exit 1
    }
}

prefer_changes() { [ "$(cat "$WANTED_FILE" 2>/dev/null || echo 0)" != "$WANTED" ]; }

prefer() {
    if [ "$WANTED" = 0 ]; then
        echo 0 >"$WANTED_FILE" && disarm
    else
        arm
        echo "$WANTED" >"$WANTED_FILE"
    fi
}

release_changes() { holds; }

# As if haproxy had ended: an advert of priority 0 starts an election, and the preferred node takes the VIP. However this
# script ends, the node can take the VIP again then. The timer is for a script that is killed. It may also be another
# preference's, so it is not stopped here.
release() {
    trap 'let_go; echo 0 >"$RELEASED_FILE"' EXIT
    trap 'exit 1' HUP INT TERM
    holds || exit 0
    arm
    [ -z "$DRAIN" ] || keep || { undo && DRAIN='' REST=0.5; }
    echo 1 >"$RELEASED_FILE" || exit
    within lacks || {
        echo "keepalived does not release it" >&2
        exit 1
    }
    sleep "${DRAIN:-0}"
    let_go
    sleep "$REST" # until the others have elected the holder, this node must not take part
}

take() {
    within holds && return
    echo "keepalived does not take it" >&2
    exit 1
}
