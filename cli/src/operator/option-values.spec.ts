import { expect, it } from '@jest/globals';
import {
  countUpTo,
  durationOf,
  each,
  httpUrlOf,
  labelFilterOf,
  labelNameOf,
  labelOf,
  paramsOf,
  timeOf,
  timeoutOf,
  waitOf,
} from './option-values.js';

it.each<[string, (text: string) => unknown, string, unknown]>([
  ['a label', labelOf, 'site=berlin', ['site', 'berlin']],
  ['a label with all sorts of things in it', labelOf, 'a=b=c:d\n', ['a', 'b=c:d\n']],
  ['an empty label', labelOf, 'site=', ['site', '']],
  ['a label to look for', labelFilterOf, 'site=berlin', 'site:berlin'],
  ['one as the API writes it', labelFilterOf, 'site:berlin=1', 'site:berlin=1'],
  ['the name of one', labelFilterOf, 'site', 'site'],
  ['an empty one', labelFilterOf, 'site=', 'site:'],
  ['a name', labelNameOf, 'site', 'site'],
  ['a wait', waitOf, '60', 60],
  ['no wait', waitOf, '0', 0],
  ['a timeout', timeoutOf, '0.5', 0.5],
  ['a count', countUpTo(1000), '1000', 1000],
  ['a large count', countUpTo(Infinity), '999999999', 999_999_999],
  ['a time', timeOf, '2026-11-20T21:30:00+01:00', '2026-11-20T21:30:00+01:00'],
  ['epoch ms', timeOf, '1795210200123', '1795210200123'],
  ['a duration', durationOf, '366d', '366d'],
  ['params', paramsOf, '{"a":[1]}', { a: [1] }],
  ['a URL', httpUrlOf, 'https://example.com/x', 'https://example.com/x'],
])('takes %s', (_what, parse, text, value) => {
  expect(parse(text)).toEqual(value);
});

it.each<[string, (text: string) => unknown, readonly string[], RegExp]>([
  ['label', labelOf, ['site', 'site:berlin', '=berlin', '1=b', ''], /name=value/],
  ['label to look for', labelFilterOf, ['', '=berlin', ':berlin', 'a b'], /name=value, or name/],
  ['name of a label', labelNameOf, ['site=berlin', ''], /name of a label/],
  ['wait', waitOf, ['abc', '-5', '61', '6000', '1.5', ''], /from 0 to 60/],
  ['timeout', timeoutOf, ['abc', '-5', '0', '604800', ''], /from 0.1, less than 7 days/],
  ['count', countUpTo(1000), ['abc', '0', '-1', '1001', '1.5', ''], /from 1 to 1000/],
  [
    'time',
    timeOf,
    ['yesterday', '2026-02-30T00:00:00Z', '2026-11-20', '2026-11-20T21:30:00', ''],
    /epoch ms/,
  ],
  ['duration', durationOf, ['1', '0s', '1w', '367d', '99999999d', ''], /10s or 1h/],
  ['params', paramsOf, ['{bad', ''], /must be JSON/],
  ['URL', httpUrlOf, ['nonsense', 'ftp://example.com', ''], /must be a URL/],
])('refuses what is no %s', (_what, parse, texts, says) => {
  for (const text of texts) expect(() => parse(text)).toThrow(says);
});

it('keeps what is given several times', () => {
  const take = each(labelFilterOf);
  expect(take('b=1', take('a'))).toEqual(['a', 'b:1']);
});
