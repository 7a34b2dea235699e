import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// node ops/grafana/draw-dashboards.mjs
// Draws docs/images/dashboard-*.svg from the places and titles of the panels in the dashboard files. A spec checks that they are up to date.

const DASHBOARDS = new URL('dashboards/', import.meta.url);
const IMAGES = new URL('../../docs/images/', import.meta.url);

/** Pixels of one of the 24 columns, and of one row of Grafana's grid. */
const COLUMN = 40;
const ROW = 16;
const MARGIN = 8;
const HEAD = 44;
const INK = '#1f2937';
const PALE = '#6b7280';

/** What stands for the kind of a panel, drawn into a box of `w` by `h`. */
const KINDS = {
  timeseries: (w, h) => line(w, h),
  'state-timeline': (w, h) => bars([0.45, 0.2, 0.35], w, h),
  bargauge: (w, h) => [0.9, 0.55, 0.3].map((share, n) => rect(0, (n * h) / 3, w * share, h / 3 - 4)).join(''),
  table: (w, h) =>
    Array.from({ length: Math.max(1, Math.floor(h / 14)) }, (_, n) =>
      rect(0, n * 14, w, n === 0 ? 8 : 2),
    ).join(''),
  stat: (w, h) => rect(w / 2 - 22, h / 2 - 9, 44, 18),
};

/** The files to be, by name: `dashboard-fleet-overview.svg` and its text. */
export function drawings() {
  return readdirSync(DASHBOARDS)
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({
      name: `dashboard-${file.replace(/json$/, 'svg')}`,
      svg: draw(JSON.parse(readFileSync(new URL(file, DASHBOARDS), 'utf8'))),
    }));
}

/** @param {{ title: string, templating: { list: { label: string }[] }, panels: { title: string, type: string, gridPos: { x: number, y: number, w: number, h: number } }[] }} dashboard */
export function draw({ title, templating, panels }) {
  const bottom = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h));
  const width = 24 * COLUMN + 2 * MARGIN;
  const height = bottom * ROW + HEAD + MARGIN;
  const choices = templating.list.map(({ label }) => `${label} ▾`).join('   ');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" role="img" aria-label="${escaped(title)}">`,
    `<rect width="${width}" height="${height}" rx="6" fill="#f3f4f6"/>`,
    text(MARGIN + 4, 28, 17, INK, title, 'font-weight="bold"'),
    text(width - MARGIN - 4, 28, 13, PALE, choices, 'text-anchor="end"'),
    ...panels.map(panelOf),
    '</svg>',
    '',
  ].join('\n');
}

function panelOf({ title, type, gridPos }) {
  const [x, y] = [gridPos.x * COLUMN + MARGIN + 2, gridPos.y * ROW + HEAD + 2];
  const [w, h] = [gridPos.w * COLUMN - 4, gridPos.h * ROW - 4];
  const kind = KINDS[type];
  if (kind === undefined) throw new Error(`no drawing for a panel of the kind ${type}`);
  return [
    `<g transform="translate(${x} ${y})">`,
    `<rect width="${w}" height="${h}" rx="3" fill="#ffffff" stroke="#d1d5db"/>`,
    text(8, 16, 12, INK, title),
    `<g transform="translate(10 26)" fill="#c7d2fe" stroke="none">${kind(w - 20, h - 34)}</g>`,
    '</g>',
  ].join('');
}

function line(w, h) {
  const points = [0.7, 0.5, 0.62, 0.3, 0.45, 0.2, 0.35].map(
    (share, n) => `${round((n * w) / 6)},${round(share * h)}`,
  );
  return `<polyline points="${points.join(' ')}" fill="none" stroke="#818cf8" stroke-width="2"/>`;
}

function bars(shares, w, h) {
  let x = 0;
  return shares
    .map((share) => {
      const bar = rect(x, h / 4, share * w - 3, h / 2);
      x += share * w;
      return bar;
    })
    .join('');
}

function rect(x, y, w, h) {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(w)}" height="${round(h)}" rx="2"/>`;
}

function text(x, y, size, colour, words, more = '') {
  return `<text x="${x}" y="${y}" font-size="${size}" fill="${colour}" ${more}>${escaped(words)}</text>`;
}

function round(number) {
  return Math.round(number * 10) / 10;
}

function escaped(words) {
  return words.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const { name, svg } of drawings()) writeFileSync(new URL(name, IMAGES), svg);
