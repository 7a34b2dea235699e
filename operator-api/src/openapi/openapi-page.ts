type Json = Readonly<Record<string, unknown>>;

const STYLE = `
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b2430;background:#fff}
h2{border-bottom:1px solid #ccd;margin-top:3rem}
h3 code{font-size:1rem}
nav ul{columns:2;list-style:none;padding:0}
table{border-collapse:collapse;width:100%;margin:.5rem 0}
th,td{border:1px solid #dde;padding:.3rem .5rem;text-align:left;vertical-align:top}
pre{background:#f4f6fa;padding:.6rem;overflow:auto;max-height:24rem}
details summary{cursor:pointer}
.method{display:inline-block;min-width:4.5rem;font-weight:700;text-transform:uppercase}
`;

/** The document for people: no script, nothing from elsewhere, and everything in it escaped. */
export function openApiPage(document: Json): string {
  const info = objectOf(document['info']);
  const operations = operationsOf(document);
  const tags = [...new Set(operations.map(({ tag }) => tag))];
  const title = escaped(info['title']);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${STYLE}</style></head>
<body><h1>${title} <small>${escaped(info['version'])}</small></h1>
<p>${escaped(info['description'])} As JSON: <a href="/openapi.json">/openapi.json</a>.</p>
<nav aria-label="Calls"><ul>${operations.map(entry).join('')}</ul></nav>
<main>${tags
    .map(
      (tag) =>
        `<h2>${escaped(tag)}</h2>${operations
          .filter((each) => each.tag === tag)
          .map(section)
          .join('')}`,
    )
    .join('')}</main>
</body></html>
`;
}

interface Operation {
  readonly id: string;
  readonly tag: string;
  readonly method: string;
  readonly path: string;
  readonly operation: Json;
}

function operationsOf(document: Json): Operation[] {
  return Object.entries(objectOf(document['paths'])).flatMap(([path, methods]) =>
    Object.entries(objectOf(methods)).map(([method, value]) => {
      const operation = objectOf(value);
      const [tag] = listOf(operation['tags']);
      return { id: textOf(operation['operationId']), tag: textOf(tag), method, path, operation };
    }),
  );
}

function entry({ id, method, path }: Operation): string {
  return `<li><a href="#${escaped(id)}"><span class="method">${escaped(method)}</span> ${escaped(path)}</a></li>`;
}

function section({ id, method, path, operation }: Operation): string {
  const parameters = listOf(operation['parameters']).map(objectOf);
  const body = objectOf(operation['requestBody']);
  return `<section id="${escaped(id)}"><h3><span class="method">${escaped(method)}</span> <code>${escaped(path)}</code></h3>
<p>${escaped(operation['summary'])}${operation['description'] === undefined ? '' : `<br>${escaped(operation['description'])}`}</p>
${parameters.length === 0 ? '' : `<table><tr><th>parameter</th><th>in</th><th>takes</th></tr>${parameters.map(parameterRow).join('')}</table>`}
${Object.keys(body).length === 0 ? '' : schemaDetails('body', body['content'])}
${Object.entries(objectOf(operation['responses'])).map(answer).join('')}</section>`;
}

function parameterRow({ name, in: place, schema, required, description }: Json): string {
  const says = description === undefined ? '' : `${escaped(description)}<br>`;
  return `<tr><td><code>${escaped(name)}</code>${required === true ? ' *' : ''}</td><td>${escaped(place)}</td><td>${says}<code>${escaped(JSON.stringify(schema))}</code></td></tr>`;
}

function answer([status, value]: [string, unknown]): string {
  const { description, content, $ref } = objectOf(value);
  if ($ref !== undefined) return '';
  return `<p><strong>${escaped(status)}</strong> ${escaped(description)}</p>${content === undefined ? '' : schemaDetails('answer', content)}`;
}

function schemaDetails(label: string, content: unknown): string {
  return Object.entries(objectOf(content))
    .map(
      ([type, { schema }]: [string, Json]) =>
        `<details><summary>${escaped(label)}: ${escaped(type)}</summary><pre>${escaped(JSON.stringify(schema, null, 2))}</pre></details>`,
    )
    .join('');
}

function escaped(value: unknown): string {
  const text = typeof value === 'string' ? value : value === undefined ? '' : (JSON.stringify(value) ?? '');
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function objectOf(value: unknown): Record<string, Json> & Json {
  return (typeof value === 'object' && value !== null ? value : {}) as Record<string, Json> & Json; // members are looked at one by one
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
