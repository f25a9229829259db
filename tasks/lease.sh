# A host's lease: one run at a time changes the host. The lease expires by the uptime, which only moves forward, and
# starts again at boot, as /run does.
#
# Each new holder gets a unique number: the boot's id and a count. A run with a number does not
# get the lease again once another has had it: what it knows of the host is out of date. The last holder is kept over a
# boot, on hosts that have files of ours. Where it is unknown, no former holder gets the lease again.
#
# Set before it:
#   RUN_ID, OWNER  this run's
#   LEASE_SECONDS  how long the lease lasts without a step
#   NUMBER         the one that this run was given, "" before it has one
#   GONE           a run whose process is known to have ended, "" for none
LEASE=/run/kube-ha-lease # a run's id, the uptime at which its lease ends, its owner, its number
KEPT_LEASE=/var/lib/kube-ha/lease # the last holder's, as released

# Read the present or last lease: set `last` (its run), `number_of`, `ends` and `holder` (four words).
read_lease() {
    now=$(cut -d . -f 1 /proc/uptime) last='' ends=0 holder='' number_of=''
    from=$LEASE
    [ -s "$LEASE" ] || from=$KEPT_LEASE
    [ ! -s "$from" ] || read -r last ends holder <"$from"
    words=${holder#* * * * } # a lease of an earlier version has no number
    [ "$words" = "$holder" ] || number_of=$words holder=${holder% "$words"}
}

# Succeed if no other run holds the lease, or has held it since it was ours. Otherwise print the holder, for
# Holder.parse, with status 75.
is_free() {
    read_lease
    if [ -n "$NUMBER" ]; then
        is_ours || { other && return 75; }
        return
    fi
    case $last in
    "$RUN_ID" | "$GONE") return ;;
    esac
    [ "$now" -ge "$ends" ] || { other && return 75; }
}

is_ours() { [ "$last" = "$RUN_ID" ] && { [ -z "$NUMBER" ] || [ "$NUMBER" = "$number_of" ]; }; }

other() {
    [ "$now" -lt "$ends" ] || ends=$now
    [ -z "$last" ] || echo "$last $((ends - now)) $holder"
}

# Take the lease, or prolong it; fail as `is_free` does. Call it in a subshell, whose end releases the lock.
hold() {
    exec 9>>"$LEASE.lock"
    flock 9 || return
    is_free || return
    [ "$last" = "$RUN_ID" ] && [ -n "$number_of" ] || number_of=$(next_number)
    printf '%s %s %s %s\n' "$RUN_ID" $((now + LEASE_SECONDS)) "$OWNER" "$number_of" >"$LEASE.new" &&
        mv -f "$LEASE.new" "$LEASE" && keep_lease
}

# If it cannot be written, for example on a full disk, go on: the operator must still be able to move the VIP away.
keep_lease() {
    line="$RUN_ID 0 $OWNER $number_of"
    [ -d "${KEPT_LEASE%/*}/generations" ] && ! grep -qsxF "$line" "$KEPT_LEASE" || return 0
    { (umask 077 && echo "$line" >"$KEPT_LEASE.new") && sync "$KEPT_LEASE.new" && mv -f "$KEPT_LEASE.new" "$KEPT_LEASE"; } \
        2>/dev/null || rm -f "$KEPT_LEASE" "$KEPT_LEASE.new" 2>/dev/null || true
}

next_number() {
    count=${number_of##*-}
    case $count in '' | *[!0-9]*) count=0 ;; esac
    echo "$(cut -c -8 /proc/sys/kernel/random/boot_id)-$((count + 1))"
}

# The last holder stays known, since a plan made before it is out of date. `prove` runs only while the lease is ours. If
# it fails, the lease is released anyway.
release() {
    exec 9>>"$LEASE.lock"
    flock 9 || return
    read_lease
    if is_ours; then
        proven=0
        prove || proven=$?
        printf '%s 0 %s %s\n' "$RUN_ID" "$OWNER" "$number_of" >"$LEASE.new" && mv -f "$LEASE.new" "$LEASE" && return $proven
    elif [ -n "$NUMBER" ]; then
        lost "$(other)"
    fi
}

prove() { :; }

# WORDS: about the holder.
lost() {
    echo "the lease of this host is another run's by now: $1; this step changed nothing" >&2
    exit 75
}

# Before a step that changes something: without the lease, end here. The lock lets only one step run at a time, until
# this script ends. A step that has lost its connection may still run when it is asked for again.
still_ours() {
    exec 8>>"$LEASE.step"
    flock -w "$LEASE_SECONDS" 8 || {
        echo "an earlier step is still running; this step changed nothing" >&2
        exit 1
    }
    words=$(hold) || lost "$words"
}
