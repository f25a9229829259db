# What haproxy and keepalived need with SELinux: one boolean, and a label on kube-ha's scripts. SELinux is never
# disabled.
#
# By Fedora's and EL's policy haproxy_t may use ports of HTTP only (not 6443 and 10080), unless haproxy_connect_any is
# on. keepalived_t runs scripts as keepalived_unconfined_script_t if they have its label. In /etc/keepalived they do not
# have it by default.
#
# Set before it: SCRIPTS (what keepalived runs), SET_HERE (the file that records what we have set).
SCRIPT_TYPE=keepalived_unconfined_script_exec_t
BOOLEAN=haproxy_connect_any

selinux_is_on() { command -v getenforce >/dev/null && [ "$(getenforce)" != Disabled ]; }

set_boolean() {
    selinux_is_on && [ "$(getsebool "$BOOLEAN")" = "$BOOLEAN --> off" ] || return 0
    setsebool -P "$BOOLEAN" on || return
    mkdir -p "${SET_HERE%/*}" && echo "$BOOLEAN" >"$SET_HERE"
}

# FILE: label it as the policy says, and a script of ours as a script, also for a later relabelling. If the policy does
# not know the label, the swap goes on. What is then denied is in SELinux's log, and in the check `host.denials`.
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
