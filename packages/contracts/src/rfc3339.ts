const SECONDS_LENGTH = '2026-11-20T21:30:00.'.length;
const MILLISECONDS = /^\d{3}Z$/;

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
    const rest = time.slice(SECONDS_LENGTH);
    if (time.startsWith(this.text) && MILLISECONDS.test(rest))
      return this.second * 1000 + Number(rest.slice(0, 3));
    const ms = Date.parse(time);
    if (!Number.isNaN(ms)) this.of(ms); // for the next one of this second
    return ms;
  }
}
