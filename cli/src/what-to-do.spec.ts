import { ERRORS, type ErrorCode } from '@fieldgate/contracts';
import { expect, it } from '@jest/globals';
import { whatToDo } from './what-to-do.js';

/** Keys of a request, which the command line does not send. */
const NEVER_HERE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['idempotency-conflict']);

it('tells whoever types commands to type commands', () => {
  const codes = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => !NEVER_HERE.has(code));
  const ofTheApi = codes
    .map(whatToDo)
    .filter((text) =>
      /\b(GET|POST|PUT|PATCH|DELETE|Authorization|Bearer)\b|\/v1\/|http-api|issues in/.test(text),
    );
  expect(ofTheApi).toEqual([]);
});
