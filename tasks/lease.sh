# A host's lease: one run at a time changes it. It ends by itself, by a clock that only goes forward and begins anew at
# boot, as /run does.
#
# Each new holder gets a number that no holder before it had: the boot's id and a count. A run that has a number does not
# get the lease again once somebody else had it: what it knows of the host is out of date. Who had it last is kept over a
# boot, on hosts that have files of ours; where it is not known, nobody who had it gets it again.
#
# Set before it: RUN_ID, OWNER, LEASE_SECONDS; NUMBER is the one that this run was given, "" before it has one; GONE is
# the run whose process is known to have ended, "" for none.
LEASE=/run/kube-ha-lease # a run's id, the uptime at which its lease ends, whose run it is, its number
KEPT_LEASE=/var/lib/kube-ha/lease # the last one's, as it was released

# Whose the lease is or last was: LAST, its NUMBER_OF, when it ENDS, its HOLDER in four words.
read_lease() {
    now=$(cut -d . -f 1 /proc/uptime) last='' ends=0 holder='' number_of=''
    from=$LEASE
    [ -s "$LEASE" ] || from=$KEPT_LEASE
    [ ! -s "$from" ] || read -r last ends holder <"$from"
    words=${holder#* * * * } # a lease of an earlier version has no number
    [ "$words" = "$holder" ] || number_of=$words holder=${holder% "$words"}
}

# Whether nobody else has the lease, or had it since it was ours. Whoever has it is told in words for Holder.parse, with
# status 75.
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

# Make the lease ours, or longer if it is; else as `is_free`. To be called in a subshell: with that, the lock goes.
hold() {
    exec 9>>"$LEASE.lock"
    flock 9 || return
    is_free || return
    [ "$last" = "$RUN_ID" ] && [ -n "$number_of" ] || number_of=$(next_number)
    printf '%s %s %s %s\n' "$RUN_ID" $((now + LEASE_SECONDS)) "$OWNER" "$number_of" >"$LEASE.new" &&
        mv -f "$LEASE.new" "$LEASE" && keep_lease
}

# Where it cannot be written, as on a full disk, nothing is kept: that must keep nobody from moving the VIP away.
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

# Whose run was the last one stays known: a plan that was made before it is out of date. What `prove` does is done only
# while the lease is ours; where it fails, the lease goes all the same.
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

# WORDS: of who has it.
lost() {
    echo "the lease of this host is another run's by now: $1; this step changed nothing" >&2
    exit 75
}

# Before a step that changes something: without the lease, nothing is. And one step at a time, until this script ends: one
# whose connection was lost may still be at it, while it is asked for again.
still_ours() {
    exec 8>>"$LEASE.step"
    flock -w "$LEASE_SECONDS" 8 || {
        echo "an earlier step does not end; this step changed nothing" >&2
        exit 1
    }
    words=$(hold) || lost "$words"
}
