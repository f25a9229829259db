# Inject a fault on this host that ends by itself. Set before it: UNIT (of the timer that ends it), FOLDER,
# SECONDS_TO_LAST, INTERFACE, VIPS, PORT, and the fault's own scripts: NEEDS, INJECT, THERE, HEAL, WELL.
#
# The timer is armed first, on the host: the fault ends even if the controller or the connection is gone. FOLDER/story
# records what happens, in lines of "WORD TIME [WORDS]": `begun`, then `made` or `not-made`; `healing`, then `healed` or
# `not-healed`. Times are in seconds since 1970.
export LC_ALL=C TZ=UTC PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 077

# shellcheck disable=SC2016  # expanded in the scripts that it becomes part of
COMMON='
main() { systemctl show --property MainPID --value "$1"; }
hangs() { grep -q "^State:.T" "/proc/$1/status"; }
processes() { { main "$1"; pgrep -x "$1"; } | grep -vx 0 | sort -u; }
all_hang() { for each in $(processes "$1"); do hangs "$each" || return 1; done; }
# One by one, as a crash or the kernel would. By the whole control group, as `systemctl kill` does from systemd 254 on, the
# kernel would also kill what systemd starts there next, which notifies keepalived.
kill_all() { kill -KILL $(processes "$1"); }
listener() { ss -Hltnp "sport = :$1" | sed -n "s/.*pid=\([0-9]*\).*/\1/p" | head -n 1; }
# With the link, the kernel drops all routes but its own and those from router advertisements (proto ra), and for IPv6
# the addresses too. keepalived restores the VIPs.
save_routes() {
    for family in -4 -6; do
        [ $family = -4 ] || [ -e /proc/net/if_inet6 ] || continue
        ip $family route show dev "$1" >"$FOLDER/shown" || return
        sed "/proto kernel/d; /proto ra/d; s/^/$family /" "$FOLDER/shown" >>"$FOLDER/routes" || return
    done
}
restore_routes() {
    while read -r family route; do eval "ip $family route replace $route dev $1"; done <"$FOLDER/routes"
}
save_addresses() {
    : >"$FOLDER/addresses" || return
    [ -e /proc/net/if_inet6 ] || return 0
    ip -6 -oneline address show dev "$1" scope global permanent >"$FOLDER/shown" || return
    while read -r _ _ _ address _; do
        case " $VIPS " in *" ${address%/*} "*) ;; *) echo "$address" || return ;; esac
    done <"$FOLDER/shown" >"$FOLDER/addresses"
}
restore_addresses() { while read -r address; do ip -6 address replace "$address" dev "$1" nodad; done <"$FOLDER/addresses"; }
tell() { word=$1; shift; echo "$word $(date +%s.%N) $*" >>"$FOLDER/story"; }
# A condition within five seconds, or not.
within() { for _ in $(seq 250); do if (eval "$1") >/dev/null 2>&1; then return 0; fi; sleep 0.02; done; return 1; }
conclude() { if within "$2"; then tell "$1"; else tell "not-$1" "$(tail -n 3 "$FOLDER/log" | paste -s -d " " -)"; fi; }
'

if systemctl --quiet is-active 'kube-ha-fault-*.timer'; then
    echo "another fault is still active: $(systemctl list-units --plain --no-legend 'kube-ha-fault-*.timer')" >&2
    exit 1
fi
systemctl reset-failed 'kube-ha-fault-*' 2>/dev/null
rm -rf "$FOLDER"
mkdir -p "$FOLDER" || exit
eval "$COMMON"
words=$( (eval "$NEEDS") 2>&1) || {
    rm -rf "$FOLDER"
    echo "cannot be injected on this host: $words" >&2
    exit 1
}

# The script that ends the fault is complete before the fault begins.
variables="FOLDER='$FOLDER' INTERFACE='$INTERFACE' VIPS='$VIPS' PORT='$PORT'"
{
    printf '%s\n' 'set -u' "$variables" "$COMMON" 'tell healing' "{ $HEAL
} >>$FOLDER/log 2>&1" "conclude healed \"\$1\"" >"$FOLDER/heal" &&
        printf '%s\n' 'set -u' "$variables" "$COMMON" 'tell begun' "$INJECT" "conclude made \"\$1\"" >"$FOLDER/inject"
} || {
    rm -rf "$FOLDER"
    exit 1
}

systemd-run --quiet --unit "$UNIT" --on-active "$SECONDS_TO_LAST" --timer-property AccuracySec=10ms \
    --property Type=oneshot sh "$FOLDER/heal" "$WELL" || {
    rm -rf "$FOLDER"
    exit 1
}
# In a session of its own: the fault may cut the connection that started it.
setsid sh "$FOLDER/inject" "$THERE" </dev/null >>"$FOLDER/log" 2>&1 &
