/** For modules that are shared with specs and do without jest elsewhere. Whoever calls a test function here is told so by Node. */
export const jest = { setTimeout: () => undefined };
export const { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } = {};
