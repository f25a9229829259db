# Requests to whichever package manager the host has. After the families' functions, section.sh and loads.sh. Set before
# it: LOCK (seconds to wait for the package manager's lock), KNOWN (package managers), WANTED, UPGRADES, DOWNGRADES
# (lines `PACKAGE [VERSION]`). Calls of these functions are appended.
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

# LINES: print them as the package manager takes them.
words_of() {
    printf '%s\n' "$1" | while read -r name version; do
        if [ -n "$version" ]; then manager word "$name" "$version"; else printf '%s\n' "$name"; fi
    done
}

# WORDS: end with them, after what they mean.
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

# Package sources are read again only after a failure, since that takes most of the time. They may be old, or never have
# been read. A lock that another program holds is no reason to read them.
install_wanted() {
    have install "$WANTED" && return
    [ "$(manager trouble "$said")" != locked ] || give_up "$said"
    read=$(manager refresh 2>&1)
    have install "$WANTED" || give_up "$read$said"
}

refresh() { said=$(manager refresh 2>&1) || give_up "$said"; }

# Print a section "PACKAGE INSTALLED WANTED newer|older" for each that is not at the wanted version, or unpinned not at
# the newest. For a held one, print "held PACKAGE INSTALLED WANTED HOW", with the command that releases it. A version
# that no source has ends the script. So does a change that the package manager would refuse.
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
            section held "$name" "$installed" "$version" "$(manager unhold "$name")"
            continue
        }
        ask versions "$name"
        printf '%s\n' "$answer" | grep -qxF -e "$version" || {
            sources=$(printf '%s\n' "${answer:-none}" | sed ':a; N; $!ba; s/\n/, /g')
            printf '%s: no package source has %s %s; they have: %s\n' "$MANAGER" "$name" "$version" "$sources" >&2
            exit 1
        }
        section "$name" "$installed" "$version" "$(if older "$version" "$installed"; then echo older; else echo newer; fi)"
        due="$due$name $version$newline"
    done 3<<END
$WANTED
END
    have rehearse "$due" || give_up "$said"
    section end
}

older() { manager older "$1" "$2"; }

# VERB PACKAGE: set `answer` to what is known of it. A package manager does not wait for a lock in order to look, so
# retry here.
ask() {
    patience=$(($(date +%s) + LOCK))
    until answer=$(manager "$@" 2>/dev/null); do
        said=$(manager "$@" 2>&1) && continue
        [ "$(manager trouble "$said")" = locked ] && [ "$(date +%s)" -lt "$patience" ] || give_up "$said"
        sleep 1
    done
}

# LINES: end unless the host has these versions. A package manager may leave one out, and report success.
is_there() {
    while read -r name version <&3; do
        [ -n "$name" ] || continue
        installed=$(manager installed "$name")
        [ "${installed#* }" = "$version" ] || give_up "$name is ${installed#* }, not $version; $said"
    done 3<<END
$1
END
}

# LINES: succeed if the host has one of these packages in another version.
differs() {
    printf '%s\n' "$1" | {
        while read -r name version; do
            [ -n "$name" ] || continue
            installed=$(manager installed "$name")
            [ "${installed#* }" = "$version" ] || exit 0
        done
        exit 1
    }
}

# UNIT: succeed if it still runs a program or library that was replaced.
is_stale() {
    main=$(systemctl show --property MainPID --value "$1")
    [ "$main" -ne 0 ] && [ -n "$(replaced_files "$main")" ]
}

# Print a section "changed" if `change` would change anything.
would_change() {
    if differs "$UPGRADES" || differs "$DOWNGRADES" || is_stale haproxy || is_stale keepalived; then section changed; fi
    section end
}

# Print a section "changed" if anything is. The packages' own scripts restart the daemons. A daemon that still runs a
# program or library that was replaced is renewed here. haproxy's reload starts its program anew, keepalived's does not.
change() {
    changed=
    if differs "$UPGRADES" || differs "$DOWNGRADES"; then changed=yes; fi
    have upgrade "$UPGRADES" || give_up "$said"
    is_there "$UPGRADES"
    have downgrade "$DOWNGRADES" || give_up "$said"
    is_there "$DOWNGRADES"
    for renewal in "reload haproxy" "restart keepalived"; do
        ! is_stale "${renewal#* }" || {
            changed=yes
            systemctl "${renewal% *}" "${renewal#* }" || exit
        }
    done
    [ -z "$changed" ] || section changed
    section end
}
