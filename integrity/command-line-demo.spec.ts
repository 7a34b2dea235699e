import { expect, it } from '@jest/globals';
import { atEndOfEachTest } from './support/at-end.js';
import { followAlone } from './support/command-line.js';
import { temporaryFolder } from './support/temporary-folder.js';

const atEnd = atEndOfEachTest();

it('fieldgate demo makes a key of its own, also where an empty one is set', async () => {
  const folder = await temporaryFolder();
  atEnd(() => folder.remove());
  const demo = followAlone(['demo', '--devices', '2'], {
    FIELDGATE_DATA_DIR: folder.path,
    FIELDGATE_HTTP_PORT: '0',
    FIELDGATE_MQTT_PORT: '0',
    FIELDGATE_ADMIN_KEY: '',
  });
  atEnd(() => demo.interrupt());
  await demo.errors.until((all) => all.some((each) => each.includes('2/2 connected')));
  const keys = demo.lines.all.filter((each) => each.includes('export '));
  expect(keys).toEqual([expect.stringMatching(/^  export KEY=[\w-]{32}$/)]);
  expect(demo.lines.all.join('\n')).not.toContain('The admin key of this installation');
  expect(await demo.interrupt()).toBe(0);
}, 30_000);
