# What the daemons' units were before our first change, so that `remove` puts them back. After generations.sh.
UNITS=/var/lib/kube-ha/units

# Once, before anything is changed: "UNIT active|... enabled|..." each. Where our files are live already it is too late;
# where somebody else has replaced ours (REPLACED), what they run now is what comes back.
remember_units() {
    (umask 077 && mkdir -p "${UNITS%/*}")
    for unit in haproxy keepalived; do
        case " ${REPLACED:-} " in
        *" /etc/$unit/$unit."*) ;;
        *) if [ -e "$UNITS" ] || [ -n "$(numbers)" ] || has_ours; then continue; fi ;;
        esac
        echo "$unit $(systemctl is-active "$unit" 2>/dev/null) $(systemctl is-enabled "$unit" 2>/dev/null)"
    done >"$UNITS.new"
    if [ -s "$UNITS.new" ]; then
        # The newest line of a unit comes first, and counts.
        [ ! -e "$UNITS" ] || cat "$UNITS" >>"$UNITS.new"
        mv -f "$UNITS.new" "$UNITS"
    else
        rm -f "$UNITS.new"
    fi
}

# shellcheck disable=SC2086  # a list of words
has_ours() { grep -qs 'Written by nornir-kube-ha' $MANAGED; }

remember_units
