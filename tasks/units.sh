# The state of the daemons' units before kube-ha's first change, for `remove` to restore. After generations.sh.
UNITS=/var/lib/kube-ha/units

# Record "UNIT active|... enabled|..." for each, once, before anything is changed. If our files are live already, it is
# too late. If foreign files have replaced ours (REPLACED), the present state is what `remove` puts back.
remember_units() {
    (umask 077 && mkdir -p "${UNITS%/*}")
    for unit in haproxy keepalived; do
        case " $REPLACED " in
        *" /etc/$unit/$unit."*) ;;
        *) if [ -e "$UNITS" ] || [ -n "$(numbers)" ] || has_ours; then continue; fi ;;
        esac
        echo "$unit $(systemctl is-active "$unit" 2>/dev/null) $(systemctl is-enabled "$unit" 2>/dev/null)"
    done >"$UNITS.new"
    if [ -s "$UNITS.new" ]; then
        # The newest line of a unit comes first, and that one counts.
        [ ! -e "$UNITS" ] || cat "$UNITS" >>"$UNITS.new"
        mv -f "$UNITS.new" "$UNITS"
    else
        rm -f "$UNITS.new"
    fi
}

# shellcheck disable=SC2086  # a list of words
has_ours() { grep -qs 'Written by nornir-kube-ha' $MANAGED; }

remember_units
