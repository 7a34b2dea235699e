const SECONDS_LENGTH = '2026-11-20T21:30:00.'.length;
const ZERO = 0x30;
const UTC = 0x5a;
const LENGTH = SECONDS_LENGTH + '123Z'.length;

/** `Date.toISOString` and `Date.parse` for times close together: the second is converted once. */
export class Rfc3339 {
  private second = Number.NaN;
  private text = '-';

  of(ms: number): string {
    const second = Math.floor(ms / 1000);
    if (second !== this.second) {
      this.second = second;
      this.text = new Date(second * 1000).toISOString().slice(0, SECONDS_LENGTH);
    }
    const rest = ms - second * 1000;
    return `${this.text}${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}Z`;
  }

  /** NaN for what is no time. */
  parse(time: string): number {
    if (time.length === LENGTH && time.startsWith(this.text) && time.charCodeAt(LENGTH - 1) === UTC) {
      const hundreds = time.charCodeAt(SECONDS_LENGTH) - ZERO;
      const tens = time.charCodeAt(SECONDS_LENGTH + 1) - ZERO;
      const ones = time.charCodeAt(SECONDS_LENGTH + 2) - ZERO;
      if (isDigit(hundreds) && isDigit(tens) && isDigit(ones))
        return this.second * 1000 + hundreds * 100 + tens * 10 + ones;
    }
    const ms = Date.parse(time);
    if (!Number.isNaN(ms)) this.of(ms); // for the next one of this second
    return ms;
  }
}

function isDigit(value: number): boolean {
  return value >= 0 && value <= 9;
}

/** The same as bytes, written where they belong. */
export class Rfc3339Bytes {
  private second = Number.NaN;
  private readonly text = new Uint8Array(SECONDS_LENGTH);

  /** Returns the place behind the 24 bytes. For times of the years 0 to 9999. */
  write(ms: number, target: Uint8Array, at: number): number {
    const second = Math.floor(ms / 1000);
    const { text } = this;
    if (second !== this.second) {
      this.second = second;
      Buffer.from(text.buffer).write(new Date(second * 1000).toISOString(), 0, SECONDS_LENGTH, 'latin1');
    }
    for (let index = 0; index < SECONDS_LENGTH; index += 1) target[at + index] = text[index] as number; // inside
    const rest = ms - second * 1000;
    const hundreds = (rest / 100) | 0;
    const tens = ((rest / 10) | 0) - hundreds * 10;
    target[at + 20] = ZERO + hundreds;
    target[at + 21] = ZERO + tens;
    target[at + 22] = ZERO + rest - hundreds * 100 - tens * 10;
    target[at + 23] = UTC;
    return at + 24;
  }
}
