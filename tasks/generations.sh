# Generations: the files that were live before each change. A rollback needs nothing but this host.
#
# Set before it: MANAGED (all paths of ours). If a file is a link, its target is kept and compared.
GENERATIONS=/var/lib/kube-ha/generations # a folder each, NUMBER: `about`, and files/ with their paths, modes and owners
BEFORE=/var/lib/kube-ha/before           # files from before the first of ours
GOOD=/var/lib/kube-ha/good               # fingerprint of the files that were live when all checks last passed

fingerprint() {
    # shellcheck disable=SC2086  # a list of words
    (cd "$1" && for file in $MANAGED; do
        [ ! -f ".$file" ] || { stat -L -c '%n %a %U %G' ".$file" && sha256sum ".$file"; }
    done) | sha256sum
}

folders() { if [ -d "$GENERATIONS" ]; then ls "$GENERATIONS"; fi; }

# Generations of ours only: others may put copies beside them.
numbers() { folders | grep -x '[0-9]\{6,9\}'; }

# Keep the live files as the newest generation, unless it has them already, and delete the oldest. A failure ends the
# script before anything is changed. After draft.sh. Set before it: KEEP, ABOUT, REPLACED (foreign files in the place of
# ours). Only root can read a generation. It is complete once it has its number.
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

# Files from before the first change are never deleted: `remove` puts them back, links as links. A file with our header
# is not one. After the first change, only a foreign file that has replaced ours is one.
keep_before() {
    for file in $MANAGED; do
        [ -f "$file" ] || continue
        [ -z "$last" ] || case " ${REPLACED:-} " in *" $file "*) ;; *) continue ;; esac
        ! grep -qs 'Written by nornir-kube-ha' "$file" || continue
        (umask 077 && mkdir -p "$BEFORE") && (cd / && cp -a --remove-destination --parents ".$file" "$BEFORE") || return
    done
}

# Record that the live files have passed every check.
mark_good() {
    { (umask 077 && mkdir -p "${GOOD%/*}") && fingerprint / >"$GOOD.new" && mv -f "$GOOD.new" "$GOOD"; } || {
        echo "cannot write $GOOD: that what is live passed every check is not noted" >&2
        return 1
    }
}

# Print what is kept: "@NONCE generation NUMBER TIME STATE RUN_ID USER live|other" each.
list_generations() {
    live=$(fingerprint /)
    folders | while IFS= read -r number; do
        same=other
        [ "$(fingerprint "$GENERATIONS/$number/files" 2>/dev/null)" != "$live" ] || same=live
        printf '\n@%s generation %s %s %s\n' "$NONCE" "$number" "$(head -c 500 "$GENERATIONS/$number/about" 2>/dev/null | head -n 1)" "$same"
    done
    printf '\n@%s end\n' "$NONCE"
}

# NUMBER: print its files, as facts.sh prints live ones.
show_generation() {
    cd "$GENERATIONS/$1/files" || exit
    for file in $MANAGED; do
        [ -f ".$file" ] || continue
        printf '\n@%s file %s %s\n' "$NONCE" "$file" "$(stat -c '%04a %U %G %Y' ".$file")"
        base64 ".$file"
    done
    printf '\n@%s end\n' "$NONCE"
}
