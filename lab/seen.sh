# Make a lab's host as a snapshot saw it: files and units. After it, calls of its functions.
#
# Set before it:
#   MANAGED  paths of all managed files
set -eu

# Remove what the packages ship: what was not seen is not there.
# shellcheck disable=SC2086  # a list of words
begin() { rm -f $MANAGED; }

# PATH MODE OWNER GROUP: write a file, whose content comes in base64.
put() {
    mkdir -p "${1%/*}"
    base64 --decode >"$1"
    chown "$3:$4" "$1" || echo "lab: no user or group $3:$4, so root owns $1" >&2
    chmod "$2" "$1"
}

# CLUSTER PATH: record that a run wrote a file which lacks our header, as written.sh does.
note() {
    (umask 077 && mkdir -p /var/lib/kube-ha)
    echo "$(sha256sum <"$2" | cut -d ' ' -f 1) plain $1 $2" >>/var/lib/kube-ha/written
}

# UNIT ACTIVE ENABLED MASKED, each "yes" or "": bring a unit to its state.
unit() {
    systemctl unmask --quiet "$1"
    if [ -n "$3" ]; then systemctl enable --quiet "$1"; else systemctl disable --quiet "$1"; fi
    systemctl stop "$1"
    if [ -n "$2" ] && ! systemctl start "$1"; then
        echo "$1 does not start:" >&2
        journalctl --unit "$1" --lines 8 --no-pager --output cat >&2
        return 1
    fi
    if [ -n "$4" ]; then systemctl mask --quiet "$1"; fi # one that runs may be masked, too
}

reread() {
    systemctl daemon-reload
    systemd-tmpfiles --create || true
}
