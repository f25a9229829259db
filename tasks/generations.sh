# Generations: the files that were live before each change, so that the way back needs nothing but this host.
#
# Set before it: MANAGED (all paths of ours). Of a file that is a link, what it leads to is kept and compared.
GENERATIONS=/var/lib/kube-ha/generations # a folder each, NUMBER: `about`, and files/ with their paths, modes and owners
BEFORE=/var/lib/kube-ha/before           # files that were there before any of ours
GOOD=/var/lib/kube-ha/good               # fingerprint of the files that were live when all checks last passed

fingerprint() {
    # shellcheck disable=SC2086  # a list of words
    (cd "$1" && for file in $MANAGED; do
        [ ! -f ".$file" ] || { stat -L -c '%n %a %U %G' ".$file" && sha256sum ".$file"; }
    done) | sha256sum
}

folders() { if [ -d "$GENERATIONS" ]; then ls "$GENERATIONS"; fi; }

# Of ours: what somebody else puts beside them, as a copy of one, is none.
numbers() { folders | grep -x '[0-9]\{6,9\}'; }

# Keep what is live as the newest generation, if it is not that already, and let the oldest go. Where that fails, the
# script ends before anything is changed. After draft.sh; set before it: KEEP, ABOUT, REPLACED (files that somebody else
# has put in the place of ours). Nobody but root reads it; it is whole once it has its number.
keep_generation() {
    (umask 077 && mkdir -p "$GENERATIONS") || cannot_keep "cannot make the folder"
    new=$GENERATIONS/.new last=$(numbers | tail -n 1) live=$(fingerprint /)
    state=unproven
    [ "$(cat "$GOOD" 2>/dev/null)" != "$live" ] || state=good
    [ -z "${REPLACED:-}" ] || state=before
    line="$(date +%s) $state $ABOUT"
    rm -rf "$new"
    if [ -n "$last" ] && [ "$(fingerprint "$GENERATIONS/$last/files")" = "$live" ]; then
        echo "$line" >"$GENERATIONS/$last/about" || cannot_keep "cannot write $GENERATIONS/$last/about"
        return 0
    fi
    mkdir -p "$new/files" || cannot_keep "cannot make $new"
    for file in $MANAGED; do
        [ ! -f "$file" ] || (cd / && cp -a -L --parents ".$file" "$new/files") || cannot_keep "cannot copy $file"
    done
    [ "$(fingerprint "$new/files")" = "$live" ] || cannot_keep "its copies are not the same as the files"
    keep_before || cannot_keep "cannot write $BEFORE"
    { echo "$line" >"$new/about" && sync -f "$new"; } || cannot_keep "cannot write $new/about"
    number=$(printf %06d $((${last#"${last%%[!0]*}"} + 1)))
    { mv -T "$new" "$GENERATIONS/$number" && sync "$GENERATIONS"; } || cannot_keep "cannot rename $new"
    numbers | head -n "-$KEEP" | while read -r number; do rm -rf "${GENERATIONS:?}/$number"; done
}

cannot_keep() { left_alone "cannot keep the files as they are in $GENERATIONS: $*"; }

# What stood there before the first change never goes: `remove` puts it back, links as links. A file with our header is
# not that, and what came after the first change is that only if somebody else has replaced our file by it.
keep_before() {
    for file in $MANAGED; do
        [ -f "$file" ] || continue
        [ -z "$last" ] || case " ${REPLACED:-} " in *" $file "*) ;; *) continue ;; esac
        ! grep -qs 'Written by nornir-kube-ha' "$file" || continue
        (umask 077 && mkdir -p "$BEFORE") && (cd / && cp -a --remove-destination --parents ".$file" "$BEFORE") || return
    done
}

# What is live now has passed every check.
mark_good() {
    { (umask 077 && mkdir -p "${GOOD%/*}") && fingerprint / >"$GOOD.new" && mv -f "$GOOD.new" "$GOOD"; } || {
        echo "cannot write $GOOD: that what is live passed every check is not noted" >&2
        return 1
    }
}

# What is kept: "@NONCE generation NUMBER TIME STATE RUN_ID USER live|other" each.
list_generations() {
    live=$(fingerprint /)
    folders | while IFS= read -r number; do
        same=other
        [ "$(fingerprint "$GENERATIONS/$number/files" 2>/dev/null)" != "$live" ] || same=live
        printf '\n@%s generation %s %s %s\n' "$NONCE" "$number" "$(head -c 500 "$GENERATIONS/$number/about" 2>/dev/null | head -n 1)" "$same"
    done
    printf '\n@%s end\n' "$NONCE"
}

# NUMBER: its files, as facts.sh shows live ones.
show_generation() {
    cd "$GENERATIONS/$1/files" || exit
    for file in $MANAGED; do
        [ -f ".$file" ] || continue
        printf '\n@%s file %s %s\n' "$NONCE" "$file" "$(stat -c '%04a %U %G %Y' ".$file")"
        base64 ".$file"
    done
    printf '\n@%s end\n' "$NONCE"
}
