// Host names of URLs and of requests.

/** The host name of a URL without the brackets around an IPv6 address, as connections need it. */
export const unbracketed = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, '$1');

/** Whether a host name or an address is this machine: localhost, 127.0.0.0/8 or ::1. */
export const isLoopback = (host: string): boolean => host === 'localhost' || /^(::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/.test(host);
