import { ERRORS, FieldgateError, type ErrorCode } from '@fieldgate/contracts';

/** One thing that is wrong with a request: where, and what it must be. */
export interface RequestIssue {
  readonly path: string;
  readonly message: string;
}

/** An answer that refuses: RFC 9457 problem details with our code. Thrown by controllers, written by `ProblemJsonFilter`. */
export class Problem extends FieldgateError {
  readonly status: number;
  readonly errors: readonly RequestIssue[] | undefined;
  /** Further members of the answer (RFC 9457, section 3.2). */
  readonly extension: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    detail?: string,
    more: {
      status?: number;
      errors?: readonly RequestIssue[];
      extension?: Readonly<Record<string, unknown>>;
    } = {},
  ) {
    super(code, detail);
    this.name = 'Problem';
    this.status = more.status ?? ERRORS[code].status;
    this.errors = more.errors;
    this.extension = more.extension ?? {};
  }
}

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

const MAX_ISSUES = 50;

/** 422 with the issues of a schema; a request can be wrong in a thousand places, and the first ones are enough. */
export function invalidRequest(issues: readonly Issue[]): Problem {
  const errors = issues.slice(0, MAX_ISSUES).map((issue) => ({
    path: (issue.path ?? [])
      .map((part) => String(typeof part === 'object' ? part.key : part).slice(0, 64))
      .join('.'),
    message: issue.message.slice(0, 500),
  }));
  const left = issues.length - errors.length;
  const first = errors[0];
  const where =
    first === undefined ? '' : first.path === '' ? first.message : `${first.path}: ${first.message}`;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return new Problem('invalid-request', `${where}${more}`, {
    errors,
    extension: left > 0 ? { errorsLeftOut: left } : {},
  });
}
