/** A table as prettier writes it: columns of one width, numbers to the right. */
export function markdownTable(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const isNumeric = header.map((_, column) => rows.every((row) => typeof row[column] === 'number'));
  const lines = [header, ...rows].map((row) => row.map((cell) => String(cell).replaceAll('|', '\\|')));
  const widths = header.map((_, column) => Math.max(3, ...lines.map((line) => line[column]?.length ?? 0)));
  const written = lines.map((line) => inColumns(line.map((cell, column) => padded(cell, column))));
  const rule = inColumns(
    widths.map((width, column) => (isNumeric[column] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))),
  );
  return [written[0], rule, ...written.slice(1)].join('\n');

  function padded(cell: string, column: number): string {
    const width = widths[column] ?? 0;
    return isNumeric[column] ? cell.padStart(width) : cell.padEnd(width);
  }
}

function inColumns(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
