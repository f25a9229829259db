# What a look waits for: answers of others, and what is said on the wire. Goes before facts.sh.
#
# Set before it: NONCE, INTERFACE, ADDRESS, VIP, VIRTUAL_ROUTER_ID, LISTEN (seconds), CA_FILE, ENDPOINT (NAME:PORT of the
# URL), SERVED_AT (VIP:PORT), VERIFY (openssl's option and name), APISERVERS and PEERS (ADDRESS:PORT each, of apiservers
# and of the other nodes' haproxy), STATS_URL (at the VIP), OWN_STATS_URL, STATS_USER, STATS_LOGIN (as curl's config
# quotes it; "" for the one that the host keeps).
export LC_ALL=C TZ=UTC PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec 2>/dev/null

newline='
'

section() { printf '\n@%s %s\n' "$NONCE" "$*"; }

has() { command -v "$1" >/dev/null; }

# SECTION COMMAND...: in the background, printed in one piece when it ends; short enough for a pipe not to split it.
aside() {
    name=$1
    shift
    {
        words=$("$@")
        printf '\n@%s %s\n%.3000s\n' "$NONCE" "$name" "$words"
    } &
}

# VRRP of our VRID, and whoever says to have the VIP, asked or not; each once, whomever it was said to.
# Multicast is joined for as long as that takes, since the interface is not made promiscuous: that would alarm others.
hear() {
    vrrp="ip proto 112 and ip[((ip[0] & 0xf) << 2) + 1] = $VIRTUAL_ROUTER_ID"
    claims="arp src host $VIP and (arp[6:2] = 2 or arp[24:4] = arp[14:4])"
    timeout 60 socat -u UDP4-RECV:0,ip-add-membership=224.0.0.18:"$INTERFACE" OPEN:/dev/null &
    member=$!
    # shellcheck disable=SC2016  # expanded by the inner shell
    timeout 60 sh -c 'echo "pid $$"
        exec tcpdump --immediate-mode --no-promiscuous-mode -n -t -e -l -i "$1" "$2" 2>&1' \
        sh "$INTERFACE" "($vrrp) or ($claims)" | while read -r line; do
        case $line in
        "pid "*) pid=${line#pid } ;;
        "listening on "*)
            {
                ask_for_vip
                sleep "$LISTEN"
                kill "$pid" $! # who holds the VIP waits for an answer in vain
            } >/dev/null &
            ;;
        *) printf '%s\n' "$line" ;;
        esac
    done | sed 's/^\([0-9a-f:]*\) > [0-9a-f:]*,/\1 > -,/' | sort -u
    kill $member
}

# Asks the whole network who has the VIP, always by the node's own address: by the VIP it would be a claim.
ask_for_vip() { arping -q -f -c 2 -w 2 -s "$ADDRESS" -I "$INTERFACE" "$VIP" & }

# What a client sees: its words or the body, then "status NUMBER". Time for one lost packet, and no other CA but ours.
ask() {
    curl --disable --silent --show-error --noproxy '*' --capath /nonexistent --connect-timeout 2.5 --max-time 3.5 \
        --write-out '\nstatus %{http_code}\n' "$@" 2>&1
}

probe() { ask --output /dev/null "$@"; }

# Whoever answers may never stop to.
ask_briefly() { ask "$@" | tail -c 3000; }

# COMMAND PATH ADDRESS:PORT: the API at that address, under the name that clients use.
api() {
    if [ -n "$CA_FILE" ]; then
        "$1" --cacert "$CA_FILE" --connect-to "$ENDPOINT:$3" "https://$ENDPOINT$2"
    else
        "$1" --insecure --connect-to "$ENDPOINT:$3" "https://$ENDPOINT$2"
    fi
}

# Asked of the node's own haproxy only: whoever else answers at the VIP is not to be told. The password goes through a
# pipe: an argument would show in the process list.
stats_login() {
    kept=$(sed -n "s/^[[:space:]]*stats[[:space:]]*auth[[:space:]]*['\"]\{0,1\}\($STATS_USER:[^'\" ]*\).*/\1/p" /etc/haproxy/haproxy.cfg)
    login=${STATS_LOGIN:-\"${kept%%"$newline"*}\"}
    probe --config - "$OWN_STATS_URL" <<EOF
user = $login
EOF
}

certificate() {
    # shellcheck disable=SC2086  # an option and its value
    shown=$(timeout 3 openssl s_client -connect "$1" $VERIFY ${CA_FILE:+-no-CApath -CAfile "$CA_FILE"} </dev/null)
    case $shown in
    *"Verify return code: "*)
        verdict=${shown#*Verify return code: }
        printf 'verify=%s\n' "${verdict%%"$newline"*}"
        ;;
    esac
    printf '%s\n' "$shown" | openssl x509 -noout -enddate -ext subjectAltName
}

pinged() { if ping -n -q -c 3 -i 0.2 -W 1 "$VIP" >/dev/null; then echo answered; else echo silent; fi; }

probes() {
    if has ping; then aside ping pinged; fi
    if has curl; then
        aside readyz api probe /readyz "$SERVED_AT"
        aside version api ask_briefly /version "$SERVED_AT"
        aside stats_open probe "$STATS_URL"
        aside stats_login stats_login
        for peer in $PEERS; do aside "peer $peer" api probe /readyz "$peer"; done
    fi
    if has openssl; then
        for apiserver in $APISERVERS; do aside "certificate $apiserver" certificate "$apiserver"; done
    fi
    if has tcpdump && has arping && has socat; then aside heard hear; fi
    wait
}
