#!/bin/sh
# Writes bitcoind's configuration, with the JSON-RPC credentials in it, and becomes bitcoind. Arguments are passed on to it.
# For any image with a bitcoind: it needs a POSIX shell with cat and wc, and may write to /bitcoin and /run/bitcoin only.
#
# BC_RPC_USER and BC_RPC_PASSWORD  the credentials: both, or neither for the defaults
# BC_RPC_SECRET                    name of the Secret that they should come from; without them it refuses to use the defaults
# BC_POD_NAME                      optional: peers see it in the version of the node
#
# The password is only in the environment and in that file: on no command line, and in no message.
set -eu

# The part without credentials; it ends within the section of the chain.
shared=/etc/bitcoin-controller/bitcoin.conf
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

# The value of a variable without the one line break that an editor or base64 may have left at its end. The x keeps the others.
without_last_line_break() {
	value=$(printf '%sx' "$1")
	value=${value%x}
	value=${value%"$line_break"}
	value=${value%"$carriage_return"}
}

# bitcoind would not start with such a value, or would read another one: it removes blanks at the ends. The controller has the same rules
# (src/bitcoin/rpc/credential-rules.ts).
check() {
	case $2 in
	'') refuse "$1 is empty" ;;
	*"$line_break"*) refuse "$1 has a line break in it" ;;
	*'#'*) refuse "$1 has a # in it, which bitcoind's configuration does not allow" ;;
	*:*) refuse "$1 has a : in it, which separates the user from the password in HTTP" ;;
	[" $tab$carriage_return"]* | *[" $tab$carriage_return"]) refuse "$1 begins or ends with a blank" ;;
	esac
}

line_break='
'
carriage_return=$(printf '\r')
tab=$(printf '\t')
# HTTP clients send both in one header, and bitcoind takes 8 KiB of headers.
longest=4096

if [ -n "${BC_RPC_USER+set}" ] && [ -n "${BC_RPC_PASSWORD+set}" ]; then
	without_last_line_break "$BC_RPC_USER"
	user=$value
	without_last_line_break "$BC_RPC_PASSWORD"
	password=$value
	check BC_RPC_USER "$user"
	check BC_RPC_PASSWORD "$password"
	length=$(printf '%s' "$user$password" | wc -c)
	[ "$length" -le "$longest" ] || refuse "BC_RPC_USER and BC_RPC_PASSWORD together are longer than $longest bytes"
else
	missing=
	[ -n "${BC_RPC_USER+set}" ] || missing=BC_RPC_USER
	[ -n "${BC_RPC_PASSWORD+set}" ] || missing=${missing:+$missing and }BC_RPC_PASSWORD
	if [ -n "${BC_RPC_SECRET:-}" ]; then
		refuse "the Secret $BC_RPC_SECRET does not exist or lacks $missing"
	fi
	case $missing in
	*' and '*) ;;
	*) refuse "$missing is not set, but the other one of BC_RPC_USER and BC_RPC_PASSWORD is; set both, or neither for the defaults" ;;
	esac
	user=user
	password=password
	printf '%s\n' 'BC_RPC_USER and BC_RPC_PASSWORD are not set: JSON-RPC uses the default credentials, which are publicly known' >&2
fi

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

bitcoind=$(command -v bitcoind) || refuse "the image has no bitcoind in $PATH"

umask 077
{
	printf '%s\n' "rpcuser=$user" "rpcpassword=$password"
	[ -z "${BC_POD_NAME:-}" ] || printf '%s\n' "uacomment=$BC_POD_NAME"
	cat "$shared"
	bind_to_ipv6
} >"$configuration"

unset BC_RPC_USER BC_RPC_PASSWORD BC_RPC_SECRET user password value
# Of each thread's memory arena little is used: one is enough, and a node needs 10 MB less.
export HOME="$home" MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-1}"
exec "$bitcoind" -conf="$configuration" "$@"
