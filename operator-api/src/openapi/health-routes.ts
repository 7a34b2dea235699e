import { z } from 'zod';
import type { RouteDescription } from '../http/route-description.js';

const readiness = z.object({
  status: z.enum(['ok', 'not ready']),
  /** By part: `ok`, or what it waits for. */
  checks: z.record(z.string(), z.string()),
});

/** Every process has them, with the operator API or without; so they are described here and not where they stand. */
export const HEALTH_ROUTES: Readonly<Record<string, RouteDescription>> = {
  '/livez': {
    summary: 'Whether the process runs',
    answers: { 200: { description: 'It does', schema: z.object({ status: z.literal('ok') }) } },
  },
  '/readyz': {
    summary: 'Whether every part can do its job',
    answers: {
      200: { description: 'It can', schema: readiness },
      503: { description: 'It can not; `checks` says which part, and why', schema: readiness },
    },
  },
  '/metrics': {
    summary: 'Metrics for Prometheus',
    answers: { 200: { description: 'Text exposition format', contentType: 'text/plain' } },
  },
};
