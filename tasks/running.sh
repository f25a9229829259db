# What runs on a host that kube-ha may never have seen, for `adopt`. Reads only. After section.sh and loads.sh.
#
# Set before it:
#   MOST_BYTES  of a file: of a larger one, one more is printed
#   MOST_FILES  of each daemon
#   MOST_TOTAL  bytes of all files of a daemon
#   RESOLVED    names to resolve; "" to look at the host instead
LC_ALL=C # haproxy reads the files of a folder in this order
export LC_ALL
ONE_PER_LINE='
'

# FILE: print it and what it includes, directly or not, each once.
with_includes() {
    todo=$1 seen=$ONE_PER_LINE left=$MOST_FILES
    while [ -n "$todo" ] && [ $((left = left - 1)) -ge 0 ]; do
        file=${todo%%"$ONE_PER_LINE"*}
        case $todo in *"$ONE_PER_LINE"*) todo=${todo#*"$ONE_PER_LINE"} ;; *) todo= ;; esac
        case $seen in *"$ONE_PER_LINE$file$ONE_PER_LINE"*) continue ;; esac
        seen=$seen$file$ONE_PER_LINE
        printf '%s\n' "$file"
        more=$(included_files "$file" 2>/dev/null)
        [ -z "$more" ] || todo=${todo:+$todo$ONE_PER_LINE}$more
    done
}

# DAEMON WORDS: print all files that a command reads, in this order.
all_files() {
    named_files "$1" "$2" | while IFS= read -r file; do
        case $1 in
        keepalived) with_includes "$file" ;;
        *) if [ -d "$file" ]; then printf '%s\n' "${file%/}"/*.cfg; else printf '%s\n' "$file"; fi ;;
        esac
    done
}

# DAEMON: print its command, version and files. The command that runs counts, or else the one that its unit would start.
daemon() {
    shown=$(systemctl show --property "MainPID,$LOADED_PROPERTIES" "$1" 2>/dev/null)
    pid=$(printf '%s\n' "$shown" | sed -n 's/^MainPID=//p' | head -n 1)
    words=$(running_words "$pid" 2>/dev/null)
    [ -n "$words" ] || words=$(start_words "$shown" 2>/dev/null)
    section version "$1"
    timeout 5 "$1" -v 2>&1 | head -n 1 | head -c 200
    section command "$1"
    printf '%s\n' "$words" | head -c 4000
    left_files=$MOST_FILES left_bytes=$MOST_TOTAL
    all_files "$1" "$words" | while IFS= read -r file; do
        case $file in /*) ;; *) continue ;; esac
        [ -f "$file" ] || continue
        left_bytes=$((left_bytes - $(head -c $((MOST_BYTES + 1)) "$file" | wc -c)))
        if [ $((left_files = left_files - 1)) -lt 0 ] || [ "$left_bytes" -lt 0 ]; then
            section excess "$1" "$file"
            break
        fi
        section file "$1" "$file"
        head -c $((MOST_BYTES + 1)) "$file" | base64
    done
}

# The apiservers' CA: kubeadm's, or else the one that haproxy checks certificates by.
ca() {
    named=$(sed -n 's/.*[[:space:]]ca-file[[:space:]]\{1,\}\([^[:space:]]*\).*/\1/p' /etc/haproxy/haproxy.cfg 2>/dev/null | head -n 1)
    for file in /etc/kubernetes/pki/ca.crt "$named"; do
        [ -f "$file" ] || continue
        section ca "$file"
        head -c 65536 "$file" | sed -n '/-BEGIN CERTIFICATE-/,/-END CERTIFICATE-/p'
        return
    done
}

look() {
    section user
    id -u
    section hostname
    uname -n
    section addresses
    ip -json address show
    daemon haproxy
    daemon keepalived
    ca
    section server
    sed -n 's/^ *server: *//p' /etc/kubernetes/kubelet.conf 2>/dev/null | head -n 1 | head -c 300
}

resolve() {
    for name in $RESOLVED; do
        section name "$name"
        timeout 5 getent ahosts "$name" | awk '!seen[$1]++ && found++ < 8 { print $1 }'
    done
}

if [ -n "$RESOLVED" ]; then resolve; else look; fi
section end
