# Have this host wait for the first apiserver that answers, and record until then that none ever has.
#
# Set before it:
#   WAITS           a file that exists and is locked while the host waits
#   WHY             a word, kept in that file
#   HAPROXY_SOCKET  the admin socket
#   LISTENER        haproxy's name of the backend
#   SERVED          a file that stays once an apiserver has answered
# A restart of haproxy or a deploy does not end the wait. A reboot does: then an operator has to ask for it again.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
UNIT=kube-ha-first-apiserver

# FILE WHY SOCKET LISTENER SERVED. It reads the result of the last check: haproxy calls an apiserver up before its
# first. No braces around names, since systemd would expand them.
# shellcheck disable=SC2016  # expanded by the shell that waits
LOOP='
set -u
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
