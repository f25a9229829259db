# What a look waits for: answers of others, and what is said on the wire. Goes before facts.sh.
#
# Set before it: NONCE, INTERFACE, ADDRESS, VIP, ALSO (additional VIPs), PORT, HEARD (tcpdump's filter), GROUP (socat's
# address of VRRP's multicast group), ASK_BY_ARP (VIPs), ASK_BY_NDP (GROUP,MESSAGE each), WHOLE ("" where nobody but the
# VIPs and the host itself is asked), LISTENED ("" where other routers are listened for), LISTEN_AT_LEAST, LISTEN_AT_MOST
# and REMEMBERED (hundredths of a second), WATCH (the file that has the kernel remember other routers; "" for IPv6), VRIDS,
# CA_FILE, ENDPOINT (NAME:PORT of the URL), SERVED_AT (VIP:PORT), VERIFY (openssl's option and name), APISERVERS and PEERS
# (ADDRESS:PORT each, of apiservers and of the other nodes' haproxy), STATS_URL (at the VIP), OWN_STATS_URL, STATS_USER,
# STATS_LOGIN (as curl's config quotes it; "" for the one that the host keeps).
export LC_ALL=C TZ=UTC PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec 2>/dev/null

NEWLINE='
'
PROCESSES=/proc

section() { printf '\n@%s %s\n' "$NONCE" "$*"; }

has() { command -v "$1" >/dev/null; }

# PROPERTY SHOWN: in VALUE, its value in what systemctl has shown of a unit.
value() {
    VALUE=${2#*"$NEWLINE$1="}
    VALUE=${VALUE%%"$NEWLINE"*}
}

# In INSTALLED: "PACKAGE VERSION" of each that is installed.
find_packages() {
    INSTALLED=
    # shellcheck disable=SC2086  # a list of words
    [ -z "$FAMILY" ] || INSTALLED=$("${FAMILY}_installed" $NAMES)
}

# In HAPROXY_SHOWN, KEEPALIVED_SHOWN and NFTABLES_SHOWN. Of all at once: a call costs systemd itself more than what it
# shows. Between them stands an empty line.
show_units() {
    shown=Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,NRestarts,ControlGroup,$LOADED_PROPERTIES
    shown=$(systemctl show --property "$shown,ActiveEnterTimestamp,StateChangeTimestamp,MainPID" haproxy keepalived nftables)
    HAPROXY_SHOWN=$NEWLINE${shown%%"$NEWLINE$NEWLINE"*} shown=${shown#*"$NEWLINE$NEWLINE"}
    # shellcheck disable=SC2034  # facts.sh reads them
    KEEPALIVED_SHOWN=$NEWLINE${shown%%"$NEWLINE$NEWLINE"*} NFTABLES_SHOWN=$NEWLINE${shown#*"$NEWLINE$NEWLINE"}
}

# Of whichever protocol the kernel has: "tcp LISTEN ..." and "raw UNCONN ...", whose port is the protocol's number.
show_sockets() { SOCKETS=$(ss --no-header --listening --tcp --raw --numeric --processes); }

# In ADDRESSES: the host's. In WATCHED: what the kernel remembers of routers that speak a VRID of the cluster; nothing where
# it was not asked for all of them, and "unreadable" where it cannot be asked.
show_network() {
    WATCHED='' ADDRESSES=$(ip -json address show)
    [ -n "$WATCH" ] && [ -f "$WATCH" ] && has nft || return 0
    if [ -e /run/kube-ha-unwatched ]; then
        WATCHED=unreadable
    elif ! WATCHED=$(timeout 5 nft list table inet kube_ha_watch); then
        timeout 5 nft list tables >/dev/null || WATCHED=unreadable
    elif ! watches_all; then
        WATCHED=
    fi
}

# Each VRID, on this interface, which takes frames to VRRP's group: it forgets that where it is made again.
watches_all() {
    case $WATCHED in *"iifname \"$INTERFACE\" "*) ;; *) return 1 ;; esac
    for vrid in $VRIDS; do case $WATCHED in *"set vrid_$vrid {"*) ;; *) return 1 ;; esac; done
    while read -r _ name _ static address; do
        [ "$name $static $address" != "$INTERFACE 1 01005e000012" ] || return 0
    done </proc/net/dev_mcast
    return 1
}

# KIND: those of that kind, without this word.
sockets_of() (
    IFS=$NEWLINE
    set -f
    for line in $SOCKETS; do
        case $line in "$1 "*) printf '%s\n' "${line#"$1" }" ;; esac
    done
)

# SECTION COMMAND...: in the background, printed in one piece when it ends; short enough for a pipe not to split it.
aside() {
    name=$1
    shift
    {
        words=$("$@")
        printf '\n@%s %s\n%.3000s\n' "$NONCE" "$name" "$words"
    } &
}

# VRRP of our VRID, and who claims the VIP, asked or not. 600 bytes of a packet hold 20 addresses of IPv6. By default
# (256 KiB) the kernel's buffer has room for 8 packets only, and a busy host loses some.
# Multicast is joined for as long as that takes, since the interface is not made promiscuous: that would alarm others.
# It ends when an advert of each VRID and each VIP's holder were heard, within the times of listening_times. Where adverts
# are far apart, it does not wait for the next one to end.
hear() {
    listening_times
    silent='' ended='' unspoken=$VRIDS
    [ -z "$WHOLE" ] || for vip in $VIP $ALSO; do
        case $ADDRESSES in *"\"local\":\"$vip\""*) ;; *) silent="$silent $vip" ;; esac
    done
    socat -u "$GROUP" OPEN:/dev/null &
    member=$!
    # shellcheck disable=SC2016  # expanded by the inner shell
    {
        # Where adverts are further apart than the least that a look listens. tcpdump takes a moment to start.
        [ "$LISTEN_AT_LEAST" -le 90 ] || { sleep "$(seconds $((least + 20)))" && echo enough; } &
        sh -c 'echo "pid $$"
            exec tcpdump --immediate-mode --no-promiscuous-mode -s 600 -n -t -e -l -i "$1" "$2" 2>&1' \
            sh "$INTERFACE" "$HEARD"
    } | while read -r line; do
        case $line in
        enough) ;;
        *VRRPv*)
            left=
            for vrid in $unspoken; do case $line in *" vrid $vrid,"*) ;; *) left="$left $vrid" ;; esac done
            unspoken=$left
            ;;
        "pid "*) pid=${line#pid } && continue ;;
        "listening on "*)
            read -r begun _ </proc/uptime
            ask_and_wait "$pid" >/dev/null &
            continue
            ;;
        *" is-at "* | *"neighbor advertisement"*)
            left=
            for vip in $silent; do
                case $line in *" $vip is-at "* | *"tgt is $vip,"*) ;; *) left="$left $vip" ;; esac
            done
            silent=$left
            ;;
        esac
        case $line in enough) ;; *) printf '%s\n' "$line" ;; esac
        case $line in enough) least=0 ;; *VRRPv*) ;; *) continue ;; esac
        [ -n "$ended$silent$unspoken" ] || [ "$(since "$begun")" -lt "$least" ] || {
            ended=yes
            kill "$pid" $!
        }
    done
    kill $member
}

# PID: of who listens. Who holds the VIP waits for an answer in vain; so does, in the end, whoever hears nobody.
# shellcheck disable=SC2086  # a list of numbers
ask_and_wait() {
    children=
    trap 'kill $children; exit' TERM
    [ -z "$WHOLE" ] || ask_for_vip
    sleep "$(seconds "$LISTEN_AT_MOST")" &
    children="$children $!"
    wait $!
    kill "$1" $children
}

# HUNDREDTHS of a second, as sleep has them.
seconds() { echo "$(($1 / 100)).$(printf %02d $(($1 % 100)))"; }

# In LEAST: hundredths of a second for which to listen. Where a whole look must hear every other router, it listens for what
# the kernel has not watched of LISTEN_AT_MOST.
listening_times() {
    least=$LISTEN_AT_LEAST
    [ -n "$WHOLE" ] && [ -z "$LISTENED" ] || return 0
    case $WATCHED in
    *'set young {'*) unheard=$((LISTEN_AT_MOST - REMEMBERED + $(hundredths_young "${WATCHED#*set young \{}"))) ;;
    *) unheard=$LISTEN_AT_MOST ;;
    esac
    [ "$unheard" -lt "$LISTEN_AT_MOST" ] || unheard=$LISTEN_AT_MOST
    [ "$unheard" -lt "$least" ] || least=$unheard
}

# SET: the time left of its element, as nft writes it, 3s700ms, in hundredths of a second, rounded up; 0 where it has none.
hundredths_young() {
    left=${1%%\}*}
    case $left in
    *'expires '*) left=${left##*expires } ;;
    *) echo 0 && return ;;
    esac
    case $left in
    *s*ms*) echo $((${left%%s*} * 100 + 100)) ;;
    *ms*) echo 100 ;;
    *) echo $((${left%%s*} * 100)) ;;
    esac
}

# UPTIME: hundredths of a second since then.
since() {
    read -r now _ </proc/uptime
    echo $((${now%.*}${now#*.} - ${1%.*}${1#*.}))
}

# Each message once, whatever its destination. tcpdump's own words first, and no more of the others than `aside` prints
# whole: a flood is reported and hides nothing.
heard() {
    hear | awk '
        /^[0-9]+ packets? / { told = told $0 "\n"; next }
        { sub(/ > [0-9a-f:]+,/, " > -,") }
        match($0, / > [0-9a-f:.]+: (ICMP6, neighbor adv|VRRPv)/) {
            whom = substr($0, RSTART, RLENGTH)
            sub(/ > [0-9a-f:.]+:/, " > -:", whom)
            $0 = substr($0, 1, RSTART - 1) whom substr($0, RSTART + RLENGTH)
        }
        known[$0]++ { next }
        { seen++; size += length($0) + 1 }
        size <= 2800 { kept = kept $0 "\n"; next }
        { left++ }
        END {
            if (left) told = told "heard " seen " different messages, and " seen - left " are shown\n"
            printf "%s%s", told, kept
        }'
}

# Asks the whole network who has each VIP, never by a VIP: that would be a claim.
ask_for_vip() {
    for vip in $ASK_BY_ARP; do
        arping_from "$vip" &
        children="$children $!"
    done
    for each in $ASK_BY_NDP; do
        solicit "${each%%,*}" "${each#*,}" &
        children="$children $!"
    done
}

# VIP. A node of IPv6 has no IPv4 address for sure: arping finds one, and where there is none but the VIP, nobody asks.
arping_from() {
    # shellcheck disable=SC2153  # the node's own
    case $ADDRESS in
    *:*) [ -n "$(ip -oneline address show to "$1")" ] || exec arping -q -f -c 2 -w 2 -I "$INTERFACE" "$1" ;;
    *) exec arping -q -f -c 2 -w 2 -s "$ADDRESS" -I "$INTERFACE" "$1" ;;
    esac
}

# GROUP MESSAGE: a neighbour solicitation, twice, as arping's question is sent. Of our own making: the kernel asks only
# for what it does not know. It must have come over no router (hops 255), and says where the answer goes: our own
# hardware address stands at its end. The kernel adds the checksum.
solicit() {
    for byte in $(tr : ' ' <"/sys/class/net/$INTERFACE/address"); do
        own="$own\\0$(printf %03o "0x$byte")"
    done
    for again in 0 0.5; do
        sleep $again
        printf "%b" "$2$own" | socat -u - "IP6-SENDTO:[$1%$INTERFACE]:58,setsockopt-int=41:18:255"
    done
}

# What a client sees: its words or the body, then "status NUMBER". Time for one lost packet, and no other CA but ours.
ask() {
    curl --disable --silent --show-error --noproxy '*' --capath /nonexistent --connect-timeout 2.5 --max-time 3.5 \
        --write-out '\nstatus %{http_code}\n' "$@" 2>&1
}

# ADDRESS: with haproxy's port.
with_port() { case $1 in *:*) echo "[$1]:$PORT" ;; *) echo "$1:$PORT" ;; esac; }

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

# SECTION URL OPTION...: one of those that `ask_all` asks; options as curl's config has them, a line each.
wanted() {
    name=$1 url=$2
    shift 2
    printf '%s\n' next "url = \"$url\"" 'output = "/dev/null"' 'noproxy = "*"' 'capath = "/nonexistent"' \
        "connect-timeout = 2.5" "max-time = 3.5" \
        "write-out = \"\\n@$NONCE $name\\ncurl: (%{exitcode}) %{errormsg}\\nstatus %{http_code}\\n\"" "$@"
}

# SECTION PATH ADDRESS:PORT: likewise, of the API at that address, under the name that clients use.
wanted_of_api() {
    trust=insecure
    [ -z "$CA_FILE" ] || trust="cacert = \"$CA_FILE\""
    wanted "$1" "https://$ENDPOINT$2" "$trust" "connect-to = \"$ENDPOINT:$3\""
}

all_wanted() {
    wanted_of_api readyz /readyz "$SERVED_AT"
    for vip in $ALSO; do wanted_of_api "also_readyz $vip" /readyz "$(with_port "$vip")"; done
    wanted stats_open "$STATS_URL"
    [ -n "$stranger" ] || wanted stats_login "$OWN_STATS_URL" "$(own_login)"
    [ -n "$WHOLE" ] || return 0
    for peer in $PEERS; do wanted_of_api "peer $peer" /readyz "$peer"; done
}

# By one process, at once: each costs as much as all that it asks. What is printed in one piece is short enough.
ask_all() {
    ! stranger_listens || printf '\n@%s stats_login\n%s\nstatus 000\n' "$NONCE" "$stranger"
    rest=$(all_wanted | curl --disable --silent --parallel --parallel-immediate --config -)
    case $rest in *"$NEWLINE@$NONCE "*) ;; *) rest="$NEWLINE@$NONCE readyz$NEWLINE$rest" ;; esac # it does not run
    while :; do
        case $rest in *"$NEWLINE@$NONCE "*) ;; *) break ;; esac
        rest=${rest#*"$NEWLINE@$NONCE "}
        printf '\n@%s %.3000s\n' "$NONCE" "${rest%%"$NEWLINE@$NONCE "*}"
    done
}

# Since 7.75 curl says of each why it failed.
can_ask_all() {
    version=$NEWLINE$INSTALLED
    version=${version#*"${NEWLINE}curl "}
    version=${version%%"$NEWLINE"*}
    case ${version#*:} in 7.7[5-9].* | 7.[89][0-9].* | [89].* | [1-9][0-9].*) ;; *) return 1 ;; esac
}

# PID: whether it is a process of haproxy's unit. Its name and its program would prove nothing: any user may run both.
# A process of a user's is in no group of the system's, whatever a unit of their own is called.
is_haproxys() {
    [ -n "$unit_group" ] || return
    while IFS= read -r line; do
        case $line in
        "0::$unit_group") return 0 ;;
        *:name=systemd:*)
            case ${line%%:*} in *[!0-9]*) continue ;; esac
            [ "${line#*:}" != "name=systemd:$unit_group" ] || return 0
            ;;
        esac
    done <"$PROCESSES/$1/cgroup"
    return 1
}

# ADDRESS:PORT: its sockets' owners as PID, "-" for one that cannot be told. A connection to an address reaches the
# socket that is bound to it, or else one of all addresses.
owners_of() {
    wanted=${1%:*}
    sockets_of tcp | while read -r _ _ _ local _ users; do
        [ "${local##*:}" = "${1##*:}" ] || continue
        host=${local%:*}
        case $host in
        \[*%*\]) host=${host%%%*}] ;;
        *) host=${host%%%*} ;; # a socket of one interface, as of all
        esac
        case $wanted:$host in
        "$wanted:$wanted" | *:\* | [0-9]*:0.0.0.0 | [0-9]*:"[::ffff:$wanted]" | \[*:\[::\]) ;;
        *) continue ;;
        esac
        case $users in *pid=*) ;; *) echo - ;; esac
        while :; do
            case $users in *pid=*) ;; *) break ;; esac
            users=${users#*pid=}
            echo "${users%%,*}"
        done
    done
}

# ADDRESS:PORT: why the password is not for whoever listens there; nothing if it is haproxy's unit alone.
stranger_at() {
    value ControlGroup "$HAPROXY_SHOWN"
    unit_group=$VALUE
    owners=$(owners_of "$1")
    [ -n "$owners" ] || echo "nothing listens on $1"
    for owner in $owners; do
        if ! is_haproxys "$owner"; then
            echo "$1 belongs to process $owner of user $(stat -c %U "/proc/$owner" || echo unknown), not to haproxy.service"
            return
        fi
    done
}

# Asked of the node's own haproxy only: whoever else answers at the VIP, or here, is not to be told. The password goes
# through a pipe: an argument would show in the process list.
stats_login() {
    if stranger_listens; then
        printf '%s\nstatus 000\n' "$stranger"
    else
        own_login | probe --config - "$OWN_STATS_URL"
    fi
}

# In STRANGER: why the password is not sent.
stranger_listens() {
    at=${OWN_STATS_URL#http://}
    stranger=$(stranger_at "${at%%/*}")
    [ -n "$stranger" ] && stranger="$stranger; the password was not sent"
}

# As curl's config has it.
own_login() {
    login=$STATS_LOGIN
    if [ -z "$login" ]; then
        kept=$(sed -n "s/^[[:space:]]*stats[[:space:]]*auth[[:space:]]*['\"]\{0,1\}\($STATS_USER:[^'\" ]*\).*/\1/p" /etc/haproxy/haproxy.cfg)
        login=\"${kept%%"$NEWLINE"*}\"
    fi
    printf 'user = %s\n' "$login"
}

# Before the first deploy the CA's file is not there, and OpenSSL would show nothing; names are to be seen all the same.
certificate() {
    there=$CA_FILE
    [ -f "$CA_FILE" ] || there=
    # shellcheck disable=SC2086  # an option and its value
    shown=$(timeout 3 openssl s_client -connect "$1" $VERIFY ${there:+-no-CApath -CAfile "$there"} </dev/null)
    case $CA_FILE,$there,$shown in
    ?*,,*"Verify return code: "*) echo "verify=20 (the CA's file $CA_FILE is not there)" ;;
    *"Verify return code: "*)
        verdict=${shown#*Verify return code: }
        printf 'verify=%s\n' "${verdict%%"$NEWLINE"*}"
        ;;
    esac
    own=${shown#*-----BEGIN CERTIFICATE-----}
    own="-----BEGIN CERTIFICATE-----${own%%-----END CERTIFICATE-----*}-----END CERTIFICATE-----"
    # A longer one would not be printed whole.
    [ ${#own} -le 2800 ] || own=$(printf '%s\n' "$own" | openssl x509 -noout -enddate -ext subjectAltName)
    printf '%s\n' "$own"
}

# The first answer is enough; one packet may be lost.
pinged() {
    if ping -n -q -c 1 -W 1 "$1" >/dev/null || ping -n -q -c 1 -W 1 "$1" >/dev/null; then echo answered; else echo silent; fi
}

probes() {
    if has ping; then
        aside ping pinged "$VIP"
        for vip in $ALSO; do aside "also_ping $vip" pinged "$vip"; done
    fi
    if has curl; then
        [ -z "$WHOLE" ] || aside version api ask_briefly /version "$SERVED_AT"
        if can_ask_all; then
            ask_all &
        else
            aside stats_login stats_login
            aside readyz api probe /readyz "$SERVED_AT"
            for vip in $ALSO; do aside "also_readyz $vip" api probe /readyz "$(with_port "$vip")"; done
            aside stats_open probe "$STATS_URL"
            [ -z "$WHOLE" ] || for peer in $PEERS; do aside "peer $peer" api probe /readyz "$peer"; done
        fi
    fi
    if [ -n "$WHOLE" ] && has openssl; then
        for apiserver in $APISERVERS; do aside "certificate $apiserver" certificate "$apiserver"; done
    fi
    if has tcpdump && has arping && has socat; then aside heard heard; fi
    wait
}
