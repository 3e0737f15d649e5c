// formatMessage: the message of eventf. The placeholders of Node's util.format, without Node, so that it runs anywhere.

const placeholder = /%[sdifjoOc%]/g;

/** Replaces `%s %d %i %f %j %o %O` by the arguments in order, `%%` by `%`; appends what is left over, separated by spaces. Without arguments `format` is the message. */
export function formatMessage(format: string, args: readonly unknown[]): string {
  if (args.length === 0) return format;
  let next = 0;
  const message = format.replace(placeholder, found => {
    if (found === '%%') return '%';
    if (next >= args.length) return found;
    const value = args[next];
    next += 1;
    return formatOne(found, value);
  });
  return [message, ...args.slice(next).map(value => text(value))].join(' ');
}

function formatOne(found: string, value: unknown): string {
  switch (found) {
    case '%d':
      return typeof value === 'bigint' || typeof value === 'symbol' ? text(value) : String(Number(value));
    case '%i':
      return typeof value === 'bigint' ? text(value) : String(Number.parseInt(text(value), 10));
    case '%f':
      return String(Number.parseFloat(text(value)));
    case '%c':
      return '';
    case '%s':
      return text(value);
    default:
      return json(value);
  }
}

function text(value: unknown): string {
  if (value instanceof Error) return value.message;
  return typeof value === 'object' && value !== null ? json(value) : String(value);
}

function json(value: unknown): string {
  try {
    return value === undefined ? 'undefined' : JSON.stringify(value);
  } catch {
    return '[Circular]';
  }
}
