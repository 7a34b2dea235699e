/** RFC 8428, section 4.5.1, of base name and name together. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9:./_-]*$/;
/** A base name or unit holds for all records after it: with the length of a packet each of them would be long work. */
const MAX_LENGTH = 256;
/** A device URN (RFC 9039) or a UUID, and what separates it from what follows. */
const DEVICE = /^(urn:(?:dev:[a-z0-9]+:[A-Za-z0-9.-]+|uuid:[0-9A-Fa-f-]{36}))(?:[:/_]|$)/;

export interface SenmlName {
  /** The device that the name begins with. Whose readings they are is what the device logged in as says. */
  readonly device: string | undefined;
  /** What is left of the name; empty: the name was the device. */
  readonly rest: string;
}

/** Undefined when it is no name of SenML, or too long. */
export function senmlName(name: string): SenmlName | undefined {
  if (name.length > MAX_LENGTH || !NAME.test(name)) return undefined;
  const [prefix = '', device] = DEVICE.exec(name) ?? [];
  return { device, rest: name.slice(prefix.length) };
}

/**
 * The metric of a name: `/` is a dot, like the levels of nested readings. A name that is only the device leaves nothing but the unit to tell
 * its measurements apart, as in RFC 8428, section 5.1.3. Whether it is a metric name is judged with the readings.
 */
export function senmlMetric(rest: string, unit: string | undefined): string {
  const metric =
    rest === ''
      ? (unit ?? 'value').slice(0, MAX_LENGTH).replace(/[^A-Za-z0-9_.:-]/g, '_')
      : rest.replaceAll('/', '.');
  return /^[0-9]/.test(metric) ? `_${metric}` : metric;
}
