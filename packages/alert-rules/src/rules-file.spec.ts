import { expect, it } from '@jest/globals';
import { isRejection } from '@fieldgate/contracts';
import { parseRules } from './rules-file.js';
it('x', () => {
  for (const t of ['', 'version: 2', 'version: 1\nrules: 5', 'version: 1\nrules:\n  - name: a\n    metrik: x', 'a: [', 'version: 1\nrules:\n  - name: a\n    metric: 1x\n    threshold: { above: 80, clearBelow: 90, for: 2 }\n    select: { type: 5 }\n    text: "{foo}"\n  - name: a\n    metric: t\n    threshold: { above: 1, below: 2 }\n    notify: [ops]\n  - name: b\n    absence: { }\n  - name: c\n    absence: { after: 0s }\n    flapping: { changes: 1, within: 0s}\n  - hallo\n', 'version: 1\nversion: 1', 'version: 1\nlateness: 99d\nnotifications: [{name: x, webhook: {url: "ftp://x"}, rules: [nope]}]']) {
    const r = parseRules(t); console.log(isRejection(r) ? r.detail.replaceAll('; ', ';\n') : r);
  }
  expect(1).toBe(1);
});
