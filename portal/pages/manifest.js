// Reads what the pages need out of a IIIF Presentation manifest, version 3 or 2.
// Not a validator: what is absent or strange is left out.

export const list = (value) => (Array.isArray(value) ? value : value == null ? [] : [value]);
export const idOf = (resource) => resource?.id ?? resource?.['@id'];

/** Text of a label: a language map (version 3), or a string, a value object or a list of them (version 2). */
export function text(label, languages = navigator.languages) {
  if (label == null) return '';
  if (typeof label === 'string') return label;
  if (Array.isArray(label)) return label.map((part) => text(part, languages)).filter(Boolean).join(', ');
  if ('@value' in label) return String(label['@value']);
  const wanted = languages.flatMap((language) => [language, language.split('-')[0]]);
  const key = [...wanted, 'none', ...Object.keys(label)].find((name) => Object.hasOwn(label, name));
  return key === undefined ? '' : list(label[key]).join(', ');
}

export const title = (manifest) => text(manifest.label) || 'Untitled';

export const canvases = (manifest) =>
  list(manifest?.items ?? manifest?.sequences?.[0]?.canvases)
    .filter((canvas) => (canvas?.type ?? canvas?.['@type'] ?? '').endsWith('Canvas'));

/** The manifests and collections in a collection, as they are referred to: `{ id, label }`; `null`: it is none. */
export function members(collection) {
  if (!/^(?:sc:)?Collection$/.test(collection?.type ?? collection?.['@type'] ?? '')) return null;
  const { items, members: mixed, collections, manifests } = collection;
  const all = list(items ?? mixed ?? [...list(collections), ...list(manifests)]);
  return all.filter((it) => idOf(it)).map((it) => ({ id: idOf(it), label: text(it.label) || idOf(it) }));
}

/** The first thing painted on a canvas; of a choice, its first (or default) option. */
function painted(canvas) {
  const annotation = canvas.items?.[0]?.items?.[0] ?? canvas.images?.[0];
  const body = list(annotation?.body ?? annotation?.resource)[0];
  return body?.type === 'Choice' ? list(body.items)[0] : body?.default ?? body;
}

function isImageService(service) {
  const type = service?.type ?? service?.['@type'] ?? '';
  const context = service?.['@context'] ?? '';
  return type.startsWith('ImageService') || String(context).includes('iiif.io/api/image');
}

/**
 * What OpenSeadragon opens for a canvas: the address of an `info.json`, or of a plain image.
 * `null` when nothing is painted.
 */
export function tileSource(canvas) {
  const body = painted(canvas);
  const service = list(body?.service).find(isImageService);
  if (service) return `${idOf(service).replace(/\/$/, '')}/info.json`;
  const address = idOf(body);
  return address ? { type: 'image', url: address } : null;
}
