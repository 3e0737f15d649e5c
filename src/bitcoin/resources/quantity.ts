// Kubernetes' quantities, such as 100m or 512Mi, in the one form that the API server returns: as k8s.io/apimachinery's resource.Quantity,
// without exponents. An object that is applied in another form would differ from what comes back.

const powers = ['', 'K', 'M', 'G', 'T', 'P', 'E'];
const decimalSuffixes = ['m', '', 'k', 'M', 'G', 'T', 'P', 'E'];
/** In thousandths: the least that a decimal quantity here can be. */
const unitOf = (suffix: string): bigint => {
  if (suffix.endsWith('i')) return 1000n * 1024n ** BigInt(powers.indexOf(suffix.slice(0, -1)));
  return 1000n ** BigInt(decimalSuffixes.indexOf(suffix));
};

/** A quantity in thousandths; undefined if it is none, or not a whole number of them. */
function thousandths(quantity: string): { readonly value: bigint; readonly isBinary: boolean } | undefined {
  const [, whole = '', fraction = '', suffix = ''] = /^(\d{1,20})(?:\.(\d{1,9}))?(m|k|[KMGTPE]i|[MGTPE])?$/.exec(quantity) ?? [];
  if (whole === '') return undefined;
  const scaled = BigInt(whole + fraction) * unitOf(suffix);
  const divisor = 10n ** BigInt(fraction.length);
  return scaled % divisor === 0n ? { value: scaled / divisor, isBinary: suffix.endsWith('i') } : undefined;
}

/** The largest unit of which it is a whole number. */
function written(value: bigint, suffixes: readonly string[]): string {
  const suffix = suffixes.findLast(one => value % unitOf(one) === 0n) ?? 'm';
  return `${value / unitOf(suffix)}${suffix}`;
}

/** The canonical form of a quantity; undefined if it is none: it has an exponent, a sign, or is finer than a thousandth. */
export function canonicalQuantity(quantity: string): string | undefined {
  const read = thousandths(quantity);
  if (read === undefined) return undefined;
  const { value, isBinary } = read;
  if (value === 0n) return '0';
  // Less than 1 Ki is written in decimal, as apimachinery does.
  if (!isBinary || value < 1_024_000n) return written(value, decimalSuffixes);
  if (value % 1000n !== 0n) return undefined;
  return written(value, ['', ...powers.slice(1).map(power => `${power}i`)]);
}

/** Negative if the first is less than the second, positive if it is more. Both must be quantities. */
export function compareQuantities(one: string, other: string): number {
  const difference = (thousandths(one)?.value ?? 0n) - (thousandths(other)?.value ?? 0n);
  return difference < 0n ? -1 : Number(difference > 0n);
}
