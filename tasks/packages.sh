# What is asked of a package manager, in words that know none: after the families' functions and loads.sh. Set before it: NONCE, LOCK
# (seconds to wait for whoever holds the package manager's lock), WANTED, UPGRADES, DOWNGRADES (lines `PACKAGE [VERSION]`).
# Calls of one of these are appended.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

newline='
'
choose_family
[ -n "$FAMILY" ] || {
    echo "no package manager that is known here: $KNOWN" >&2
    exit 1
}

manager() {
    verb=$1
    shift
    "${FAMILY}_$verb" "$@"
}

# Lines as the package manager takes them.
words_of() {
    printf '%s\n' "$1" | while read -r name version; do
        if [ -n "$version" ]; then manager word "$name" "$version"; else printf '%s\n' "$name"; fi
    done
}

# WORDS: end, with what they tell of before them.
give_up() {
    case $(manager trouble "$1") in
    locked) what="another program has held its lock for $LOCK s" ;;
    sources) what="a package source cannot be read" ;;
    missing) what="no package source has what was asked for" ;;
    *) what="it failed" ;;
    esac
    printf '%s: %s:\n%s\n' "$MANAGER" "$what" "$(printf '%s\n' "$1" | tail -c 1500)" >&2
    exit 1
}

# VERB LINES
have() {
    [ -n "$2" ] || return 0
    # shellcheck disable=SC2046  # a list of words
    said=$(manager "$1" $(words_of "$2") 2>&1)
}

# What the sources had may be old, or never have been read: they are read again only then, since that costs most of the
# time. A lock that another program holds is no reason to.
install_wanted() {
    have install "$WANTED" && return
    [ "$(manager trouble "$said")" != locked ] || give_up "$said"
    read=$(manager refresh 2>&1)
    have install "$WANTED" || give_up "$read$said"
}

refresh() { said=$(manager refresh 2>&1) || give_up "$said"; }

# "@NONCE PACKAGE INSTALLED WANTED newer|older" of each that is not of the version wanted, or else not of the newest, then
# "@NONCE end". One that is held is told as "@NONCE held PACKAGE INSTALLED WANTED HOW", how to release it. A version that
# no source has ends it, and so does a change that the package manager would refuse.
list_changes() {
    due=''
    while read -r name version <&3; do
        installed=$(manager installed "$name")
        installed=${installed#* }
        [ -n "$name" ] && [ -n "$installed" ] || continue
        held=no
        ! hidden=$(manager held "$name" 2>/dev/null) || held=yes
        if [ -z "$version" ]; then
            ask candidates "$name"
            version=${hidden:-${answer#* }}
            [ -n "$version" ] || continue
            ! older "$version" "$installed" || continue
        fi
        [ "$version" != "$installed" ] || continue
        [ $held = no ] || {
            printf '\n@%s held %s %s %s %s\n' "$NONCE" "$name" "$installed" "$version" "$(manager unhold "$name")"
            continue
        }
        ask versions "$name"
        printf '%s\n' "$answer" | grep -qxF -e "$version" || {
            sources=$(printf '%s\n' "${answer:-none}" | sed ':a; N; $!ba; s/\n/, /g')
            printf '%s: no package source has %s %s; they have: %s\n' "$MANAGER" "$name" "$version" "$sources" >&2
            exit 1
        }
        printf '\n@%s %s %s %s %s\n' "$NONCE" "$name" "$installed" "$version" \
            "$(if older "$version" "$installed"; then echo older; else echo newer; fi)"
        due="$due$name $version$newline"
    done 3<<END
$WANTED
END
    have rehearse "$due" || give_up "$said"
    printf '\n@%s end\n' "$NONCE"
}

older() { manager older "$1" "$2"; }

# VERB PACKAGE: what is known of it, in ANSWER. Nobody who looks waits for a lock: here that is done.
ask() {
    patience=$(($(date +%s) + LOCK))
    until answer=$(manager "$@" 2>/dev/null); do
        said=$(manager "$@" 2>&1) && continue
        [ "$(manager trouble "$said")" = locked ] && [ "$(date +%s)" -lt "$patience" ] || give_up "$said"
        sleep 1
    done
}

# LINES: of these versions the host now is. A package manager may leave one out, and call that well done.
is_there() {
    while read -r name version <&3; do
        [ -n "$name" ] || continue
        installed=$(manager installed "$name")
        [ "${installed#* }" = "$version" ] || give_up "$name is ${installed#* }, not $version; $said"
    done 3<<END
$1
END
}

# The packages' own scripts restart the daemons; one that still runs a program or a library that is not there any more is
# renewed here. haproxy's reload starts its program anew, keepalived's does not.
change() {
    have upgrade "$UPGRADES" || give_up "$said"
    is_there "$UPGRADES"
    have downgrade "$DOWNGRADES" || give_up "$said"
    is_there "$DOWNGRADES"
    for renewal in "reload haproxy" "restart keepalived"; do
        main=$(systemctl show --property MainPID --value "${renewal#* }")
        [ "$main" -eq 0 ] || [ -z "$(replaced_files "$main")" ] || systemctl "${renewal% *}" "${renewal#* }" || exit
    done
}
