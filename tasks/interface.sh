# Replace INTERFACE `auto` by the interface that has ADDRESS. If none has it or several do, `auto` stays, and what needs
# the interface fails. Set before it: INTERFACE, ADDRESS.
if [ "$INTERFACE" = auto ]; then
    INTERFACE=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin ip -oneline address show to "$ADDRESS" 2>/dev/null |
        awk '!known[$2]++ { name = $2; count++ } END { print count == 1 ? name : "auto" }')
fi
