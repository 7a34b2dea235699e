/**
 * Which files of a context an image may get: the rules of .dockerignore (the last line that matches a path, or a folder above it, decides;
 * `!` lets in again; `**` any folders, `*` within a name).
 */
export function dockerIgnore(text: string): (path: string) => boolean {
  const rules = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ lets: line.startsWith('!'), matches: pattern(line.replace(/^!/, '')) }));
  return (path) => {
    let ignored = false;
    for (const { lets, matches } of rules) if (matches.test(path)) ignored = !lets;
    return ignored;
  };
}

function pattern(glob: string): RegExp {
  const source = glob
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('**/', '\0')
    .replaceAll('*', '[^/]*')
    .replaceAll('\0', '(?:.*/)?');
  return new RegExp(`^${source}(?:/.*)?$`);
}
