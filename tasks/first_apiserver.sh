# Have this host wait for the first apiserver that answers, and know until then that none ever has.
#
# Set before it: WAITS (a file that is there and locked while it waits), WHY (a word, kept in it), HAPROXY_SOCKET,
# LISTENER, SERVED (a file that is there for good once an apiserver has answered).
# A restart of haproxy or a deploy does not end it; a reboot does: then an operator has to say so again.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
UNIT=kube-ha-first-apiserver

# FILE WHY SOCKET LISTENER SERVED. By the last check's result: before its first one, haproxy calls an apiserver up.
# Without braces around names: systemd would take them for its own.
# shellcheck disable=SC2016  # expanded by the shell that waits
LOOP='
exec 9>"$1" && flock --nonblock 9 || exit 0
echo "$2" >&9
until echo "show stat $4 4 -1" | socat -t 2 - "UNIX-CONNECT:$3" 2>/dev/null | cut -d , -f 37 | grep -qE "L[47]OK"; do
    sleep 1
done
(umask 077 && mkdir -p "$(dirname "$5")" && : >"$5")
rm -f "$1"
'

[ ! -e "$WAITS" ] || flock --nonblock "$WAITS" true || {
    echo "$WHY" >"$WAITS"
    exit 0
}
systemctl reset-failed "$UNIT.service" 2>/dev/null
systemd-run --quiet --collect --unit "$UNIT" sh -c "$LOOP" wait "$WAITS" "$WHY" "$HAPROXY_SOCKET" "$LISTENER" \
    "$SERVED" >&2 || exit
tries=50
until [ -s "$WAITS" ]; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || exit 0 # an apiserver has answered already
    sleep 0.02
done
