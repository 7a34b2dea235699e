import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Route } from '../openapi/described-routes.js';

/**
 * Why an answer is not as `/openapi.json` says, or nothing. A member that is not described counts as well: schemas leave out what they do not
 * know, and then the answer is not the same any more.
 */
export function wrongAnswer(
  routes: readonly Route[],
  answer: { readonly method: string; readonly url: string; readonly status: number; readonly body: unknown },
): string | undefined {
  const { method, url, status, body } = answer;
  const path = url.replace(/\?.*/s, '');
  const route = routes.find((each) => each.method === method.toLowerCase() && fits(each.path, path));
  if (!route?.description || status >= 400) return undefined;
  const described = route.description.answers[status];
  const name = `${method} ${route.path}`;
  if (!described) return `${name} does not describe the status ${status}`;
  if (!described.schema) return undefined;
  const parsed = described.schema.safeParse(body);
  if (!parsed.success) return `${name} answers otherwise than described: ${z.prettifyError(parsed.error)}`;
  return isDeepStrictEqual(parsed.data, body)
    ? undefined
    : `${name} answers with members that are not described`;
}

/** Fixed segments win: `/dead-letters/redrive` is no id. */
function fits(template: string, path: string): boolean {
  const wanted = template.split('/');
  const segments = path.split('/');
  return (
    wanted.length === segments.length &&
    wanted.every(
      (want, index) => want === segments[index] || (want.startsWith('{') && segments[index] !== 'redrive'),
    )
  );
}
