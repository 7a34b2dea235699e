/** The blocks of one language in a Markdown file. */
export function fencedBlocks(markdown: string, language: string): readonly string[] {
  return Array.from(markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms))
    .filter(([, named]) => named === language)
    .map(([, , block = '']) => block);
}
