export interface ErrorText {
  /** Of HTTP, where the code can leave over HTTP. */
  readonly status: number;
  readonly retriable: boolean;
  readonly says: string;
  readonly todo: string;
}
