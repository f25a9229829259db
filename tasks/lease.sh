# A host's lease: one run at a time changes it. It ends by itself, by a clock that only goes forward and begins anew at
# boot, as /run does.
#
# Set before it: RUN_ID, OWNER, LEASE_SECONDS; GONE is the run whose process is known to have ended, "" for none.
LEASE=/run/kube-ha-lease # a run's id, the uptime at which its lease ends, whose run it is

# Whether nobody else has the lease. Whoever has it is told in words for Holder.parse, with status 75.
is_free() {
    now=$(cut -d . -f 1 /proc/uptime) last='' ends=0 holder=''
    [ ! -s "$LEASE" ] || read -r last ends holder <"$LEASE"
    case $last in
    "$RUN_ID" | "$GONE") return ;;
    esac
    [ "$now" -ge "$ends" ] || { echo "$last $((ends - now)) $holder" && return 75; }
}

# Make the lease ours, or longer if it is; else as `is_free`. To be called in a subshell: with that, the lock goes.
hold() {
    exec 9>>"$LEASE.lock"
    flock 9 || return
    is_free || return
    printf '%s %s %s\n' "$RUN_ID" $((now + LEASE_SECONDS)) "$OWNER" >"$LEASE.new" && mv -f "$LEASE.new" "$LEASE"
}

# Whose run was the last one stays known: a plan that was made before it is out of date.
release() {
    exec 9>>"$LEASE.lock"
    flock 9 || return
    last=''
    [ ! -s "$LEASE" ] || read -r last _ <"$LEASE"
    [ "$last" != "$RUN_ID" ] || printf '%s 0 %s\n' "$RUN_ID" "$OWNER" >"$LEASE"
}

# Before a step that changes something: without the lease, nothing is. And one step at a time, until this script ends: one
# whose connection was lost may still be at it, while it is asked for again.
still_ours() {
    exec 8>>"$LEASE.step"
    flock -w "$LEASE_SECONDS" 8 || {
        echo "an earlier step does not end; this step changed nothing" >&2
        exit 1
    }
    words=$(hold) || {
        echo "the lease of this host is another run's by now: $words; this step changed nothing" >&2
        exit 75
    }
}
