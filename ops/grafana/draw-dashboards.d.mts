/** Pictures of the dashboards as simple drawings: where each panel is, what it is called, what kind it is. By file name, as docs/images/ must have them. */
export function drawings(): { readonly name: string; readonly svg: string }[];
