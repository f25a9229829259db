# What a daemon loads: the command that its unit starts, and the files that this command reads. Scripts that follow use
# this.
# shellcheck disable=SC2034
LOADED_PROPERTIES=Environment,EnvironmentFiles,ExecStart # of `systemctl show`; scripts that follow ask for them
# shellcheck disable=SC2034
HAPROXY_DEFAULT='haproxy
-f
/etc/haproxy/haproxy.cfg' # validated where there is no unit yet
# shellcheck disable=SC2034
KEEPALIVED_DEFAULT=keepalived

BETWEEN=$(printf '\001') # separates the units of one answer

# SHOWN: print the words of the command that systemd would start, one a line, from what `systemctl show` printed of a
# unit. Variables are replaced as in systemd.service(5): $WORD is split at blanks, ${WORD} is not. If BETWEEN lines
# separate several units, each one's words are printed, separated likewise.
start_words() {
    printf '%s\n' "$1" | awk '
        # Splits text at blanks outside of quotes, or only removes the quotes; returns the number of words.
        function split_words(text, word, whole,    c, count, i, open, quote) {
            for (i = 1; i <= length(text); i++) {
                c = substr(text, i, 1)
                if (quote == "" && !whole && (c == " " || c == "\t")) { open = 0; continue }
                if (!open) { word[++count] = ""; open = 1 }
                if (c == quote) quote = ""
                else if (quote == "" && (c == "\"" || c == "\047")) quote = c
                else if (c == "\\" && quote != "\047") word[count] = word[count] substr(text, ++i, 1)
                else word[count] = word[count] c
            }
            return count + 0
        }
        function assign(text,    at) {
            at = index(text, "=")
            if (at > 1) environment[substr(text, 1, at - 1)] = substr(text, at + 1)
        }
        function assign_from(file,    at, line, rest, size, word) {
            while ((getline line <file) > 0 && (size += length(line)) < 65536) {
                while (line ~ /\\$/ && (getline rest <file) > 0) line = substr(line, 1, length(line) - 1) rest
                sub(/^[ \t]+/, "", line)
                sub(/[ \t\r]+$/, "", line)
                at = index(line, "=")
                if (line ~ /^[#;]/ || at < 2) continue
                assign(substr(line, 1, at) (split_words(substr(line, at + 1), word, 1) ? word[1] : ""))
            }
            close(file)
        }
        function replaced(word,    name, out) {
            while (match(word, /\$\{[A-Za-z_][A-Za-z0-9_]*\}/)) {
                name = substr(word, RSTART + 2, RLENGTH - 3)
                out = out substr(word, 1, RSTART - 1) environment[name]
                word = substr(word, RSTART + RLENGTH)
            }
            return out word
        }
        /^Environment=/ {
            count = split_words(substr($0, 13), word)
            for (i = 1; i <= count; i++) assign(word[i])
        }
        /^EnvironmentFiles=/ { files[++last] = $0 }
        /^ExecStart=/ && command == "" {
            program = command = $0
            sub(/.*\{ path=/, "", program); sub(/ ; argv.*/, "", program)
            sub(/.* argv\[\]=/, "", command); sub(/ ; ignore_errors=.*/, "", command)
        }
        function start(    i, j, count, parts, argument, word) {
            for (i = 1; i <= last; i++) {
                sub(/^EnvironmentFiles=/, "", files[i]); sub(/ \(ignore_errors=[a-z]+\)$/, "", files[i])
                assign_from(files[i])
            }
            count = split(command, argument, " ")
            if (count) print program
            for (i = 2; i <= count; i++) {
                if (argument[i] ~ /^\$[A-Za-z_][A-Za-z0-9_]*$/) {
                    parts = split_words(environment[substr(argument[i], 2)], word)
                    for (j = 1; j <= parts; j++) print word[j]
                } else print replaced(argument[i])
            }
            command = program = ""
            last = 0
            split("", environment)
        }
        $0 == "\001" { start(); print }
        END { start() }'
}

# PID: print the words that a process was started with, one a line, without those that haproxy adds on a reload.
running_words() {
    [ "${1:-0}" -gt 0 ] || return 0
    words=$(tr '\0' '\n' <"/proc/$1/cmdline")
    (
        IFS="
"
        set -f
        after=
        for word in $words; do
            case $after:$word in
            *:-sf | *:-st) after=pids ;;
            *:-x) after=socket ;;
            socket:* | pids:[0-9]*) [ $after = pids ] || after= ;;
            *) after='' && printf '%s\n' "$word" ;;
            esac
        done
    )
}

# DAEMON WORDS: print the configuration files that a command names, or else the daemon's default.
named_files() (
    IFS="
"
    set -f
    file='' last='' after=
    for word in $2; do
        case $1:$last:$word in
        haproxy:-f:*) printf '%s\n' "$word" ;;
        haproxy:*) [ -z "$after" ] || printf '%s\n' "$word" ;;
        keepalived:-f:* | keepalived:--use-file:*) file=$word ;;
        keepalived:*:--use-file=*) file=${word#*=} ;;
        keepalived:*:-f?*) file=${word#-f} ;;
        esac
        last=$word
        [ "$word" != -- ] || after=$word
    done
    [ "$1" != keepalived ] || printf '%s\n' "${file:-/etc/keepalived/keepalived.conf}"
)

# DAEMON WORDS CONFIGURATION: print "MODIFIED PATH" for every file that a command reads, those in folders and includes
# among them. CONFIGURATION has this name, however the command names it.
loaded_files() {
    left=200
    named_files "$1" "$2" | while IFS= read -r file; do
        if [ -d "$file" ]; then printf '%s\n' "${file%/}"/*.cfg; else printf '%s\n' "$file"; fi
        [ "$1" != keepalived ] || included_files "$file"
    done | while [ $((left = left - 1)) -ge 0 ] && IFS= read -r file; do
        # Compare name and folder, not the file itself: the managed path may be a link to another file.
        if [ "${file##*/}" = "${3##*/}" ] && [ "${file%/*}" -ef "${3%/*}" ]; then file=$3; fi
        modified=$(stat -L -c %Y -- "$file") || modified=-
        printf '%s %s\n' "$modified" "$file"
    done
}

# FILE: print what a keepalived.conf includes; patterns are relative to its folder.
included_files() {
    head -c 1000000 "$1" | grep -q '^[[:space:]]*include' || return 0
    head -c 1000000 "$1" | sed -n 's/^[[:space:]]*include[a-z]\{0,1\}[[:space:]]\{1,\}\([^[:space:]]*\).*/\1/p' | head -n 50 |
        while IFS= read -r pattern; do
            case $pattern in /*) ;; *) pattern=${1%/*}/$pattern ;; esac
            # shellcheck disable=SC2086  # a pattern
            ls -d -- $pattern
        done
}

# PID...: print programs and libraries that processes run but that are no longer on disk: an upgrade has replaced them.
replaced_files() {
    maps=
    for pid in "$@"; do [ ! -r "/proc/$pid/maps" ] || maps="$maps /proc/$pid/maps"; done
    # shellcheck disable=SC2086  # a list of words
    [ -z "$maps" ] || awk '
        $2 ~ /x/ && $NF == "(deleted)" && $6 ~ /^\// && $6 !~ /^\/(dev|memfd:|SYSV|run)/ && !seen[$6]++ && found++ < 20 {
            print $6
        }' $maps
}

# Have a daemon validate what a command would load, with that command's own words: FLAG DEFAULT WORDS. It is a text,
# since another shell needs it, too.
# shellcheck disable=SC2016  # expanded there
JUDGED='judged() {
    flag=$1
    [ -n "$3" ] || set -- "$1" "$2" "$2"
    (
        IFS="
"
        set -f
        set -- $3
        timeout 10 "$@" "$flag"
    ) 2>&1
}'
eval "$JUDGED"
