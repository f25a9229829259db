# Keep the live files as the newest generation, unless it has them already, and delete the oldest. A failure ends the
# script before anything is changed.
#
# After draft.sh and generations.sh. Set before it: KEEP (how many), ABOUT, REPLACED (foreign files that
# kube-ha's replace).

# Only root can read a generation. It is complete once it has its number.
keep_generation() {
    (umask 077 && mkdir -p "$GENERATIONS") || cannot_keep "cannot make the folder"
    new=$GENERATIONS/.new last=$(numbers | tail -n 1) live=$(fingerprint /)
    state=unproven
    [ "$(cat "$GOOD" 2>/dev/null)" != "$live" ] || state=good
    [ -z "$REPLACED" ] || state=before
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
        [ -z "$last" ] || case " $REPLACED " in *" $file "*) ;; *) continue ;; esac
        ! grep -qs 'Written by nornir-kube-ha' "$file" || continue
        (umask 077 && mkdir -p "$BEFORE") && (cd / && cp -a --remove-destination --parents ".$file" "$BEFORE") || return
    done
}
