#!/bin/sh
# Starts a node whose data is in a volume that outlives its pod: refuses a volume with the blocks of another chain, and runs start.sh.
#
# BC_VOLUME_CHAIN  the chain of the network, and the challenge of a signet of its own. The first node that has the volume writes it there.
set -eu

marker=/bitcoin/.bitcoin-controller-chain

refuse() {
	printf '%s\n' "bitcoind is not started: $1" >&2
	exit 1
}

found=
if [ -s "$marker" ]; then
	found=$(cat "$marker") || refuse 'the volume cannot be read'
fi
if [ -z "$found" ]; then
	(printf '%s\n' "$BC_VOLUME_CHAIN" >"$marker") 2>/dev/null || refuse 'the volume cannot be written to by this user'
elif [ "$found" != "$BC_VOLUME_CHAIN" ]; then
	refuse "error: the volume is of another chain: it has $found, and the network is of $BC_VOLUME_CHAIN"
fi

unset BC_VOLUME_CHAIN
exec /bin/sh "${0%/*}/start.sh" "$@"
