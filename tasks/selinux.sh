# What haproxy and keepalived need where SELinux is on: one boolean, and a label of our scripts. It is never switched off.
#
# By Fedora's and EL's policy haproxy_t reaches ports of HTTP only (6443 and 10080 are none), unless haproxy_connect_any
# says otherwise; and keepalived_t runs scripts as keepalived_unconfined_script_t if they are labelled so, which in
# /etc/keepalived they are not by themselves.
#
# Set before it: SCRIPTS (what keepalived runs), SET_HERE (the file that says what we have set).
SCRIPT_TYPE=keepalived_unconfined_script_exec_t
BOOLEAN=haproxy_connect_any

selinux_is_on() { command -v getenforce >/dev/null && [ "$(getenforce)" != Disabled ]; }

set_boolean() {
    selinux_is_on && [ "$(getsebool "$BOOLEAN")" = "$BOOLEAN --> off" ] || return 0
    setsebool -P "$BOOLEAN" on || return
    mkdir -p "${SET_HERE%/*}" && echo "$BOOLEAN" >"$SET_HERE"
}

# FILE: as policy says; one of our scripts as a script, also when the file system is labelled anew. A policy that does
# not know this label ends no swap half-way: what it then denies is in its log, and in the check `host.denials`.
label() {
    selinux_is_on || return 0
    restorecon "$1" || true
    for script in $SCRIPTS; do
        [ "$1" = "$script" ] || continue
        ! command -v semanage >/dev/null || semanage fcontext --add --type "$SCRIPT_TYPE" "$script" 2>/dev/null ||
            semanage fcontext --modify --type "$SCRIPT_TYPE" "$script" || true
        chcon --type "$SCRIPT_TYPE" "$script" || echo "SELinux's policy does not know $SCRIPT_TYPE" >&2
    done
}

forget_selinux() {
    selinux_is_on || return 0
    for script in $SCRIPTS; do
        ! command -v semanage >/dev/null || semanage fcontext --delete "$script" 2>/dev/null || true
    done
    [ ! -f "$SET_HERE" ] || setsebool -P "$BOOLEAN" off
}
