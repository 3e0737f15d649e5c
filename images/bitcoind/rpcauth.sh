#!/bin/sh
# Starts a node that has hashes of the JSON-RPC credentials only: writes bitcoind's configuration with the lines of rpcauth.conf, which is
# mounted from a Secret, and becomes bitcoind. It is mounted in the place of start.sh, and needs as little of an image.
#
# BC_POD_NAME  optional: peers see it in the version of the node
#
# A client in the pod, such as bitcoin-cli, finds the cookie that bitcoind writes into its data directory.
set -eu

# The part without credentials; it ends within the section of the chain.
shared=/etc/bitcoin-controller/bitcoin.conf
hashes=/etc/bitcoin-rpcauth/rpcauth.conf
configuration=/run/bitcoin/bitcoin.conf
home=/bitcoin
ipv6_addresses=/proc/net/if_inet6
ipv4_addresses=/proc/net/fib_trie

# Images have bitcoind in different places, and not all of them have these on the PATH.
PATH=${PATH:+$PATH:}/usr/local/bin:/usr/bin:/bin:/opt/bitcoin/bin
for folder in /opt/bitcoin-*/bin; do
	PATH=$PATH:$folder
done

refuse() {
	printf '%s\n' "bitcoind is not started: $1" >&2
	exit 1
}

carriage_return=$(printf '\r')

# Copied rather than included: an option that runs a command, or sets a password, must not get into the configuration this way. The
# controller has the same rules (src/bitcoin/rpc/rpc-auth.ts).
copy_hashes() {
	number=0
	while IFS= read -r line || [ -n "$line" ]; do
		number=$((number + 1))
		line=${line%"$carriage_return"}
		case $line in
		'' | '#'*) ;;
		rpcauth=?* | rpcwhitelist=?* | rpcwhitelistdefault=[01]) printf '%s\n' "$line" ;;
		*) refuse "line $number of rpcauth.conf is no rpcauth=, rpcwhitelist= or rpcwhitelistdefault= (0 or 1)" ;;
		esac
	done <"$hashes"
}

# RPC on the IPv6 addresses of the pod, beside the 0.0.0.0 of the shared part. Of a family that has only local addresses on the machine
# bitcoind binds to none, and never to both 0.0.0.0 and ::. Some versions do not start then.
bind_to_ipv6() {
	[ -r "$ipv6_addresses" ] || return 0
	binds=
	while read -r digits _ _ scope _; do
		[ "$scope" = 00 ] || continue
		address=
		while [ -n "$digits" ]; do
			rest=${digits#????}
			address=${address:+$address:}${digits%"$rest"}
			digits=$rest
		done
		binds="${binds}rpcbind=[$address]
"
	done <"$ipv6_addresses"
	[ -n "$binds" ] || return 0
	# :: takes IPv4 as well, such as 127.0.0.1.
	has_ipv4 || binds='norpcbind=1
rpcbind=::
'
	printf '%s' "$binds" 'rpcallowip=::/0
'
}

# Whether the machine has an IPv4 address that is neither of the loopback nor link-local.
has_ipv4() {
	while read -r first second third; do
		case "$first $second $third" in
		'|-- '*) address=$second ;;
		'/32 host LOCAL') case $address in 127.* | 169.254.*) ;; *) return 0 ;; esac ;;
		esac
	done 2>/dev/null <"$ipv4_addresses"
	return 1
}

[ -r "$hashes" ] || refuse "$hashes is missing or cannot be read"
bitcoind=$(command -v bitcoind) || refuse "the image has no bitcoind in $PATH"

umask 077
{
	copy_hashes
	[ -z "${BC_POD_NAME:-}" ] || printf '%s\n' "uacomment=$BC_POD_NAME"
	cat "$shared"
	bind_to_ipv6
} >"$configuration"

# Of each thread's memory arena little is used: one is enough, and a node needs 10 MB less.
export HOME="$home" MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-1}"
exec "$bitcoind" -conf="$configuration" "$@"
